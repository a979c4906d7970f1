"""What the course found beyond the paper: the stored full runs, network by network."""

from . import results
from .ledger import SEEDS
from .metrics import Rate
from .tables import Link


def table():
    """What goes beyond the paper, network by network, as records for :func:`tables.show`.

    Returns
    -------
    dict of str to list of dict

    Raises
    ------
    FileNotFoundError
        A paper-scale run is not stored; the message says what makes it.
    """
    stored = (
        "03_gradient_vs_sign", "05_targets", "05_price", "06_motion", "07_resolution", "08_transfer", "08_defences",
        "08_autoattack", "08_proof",
    )  # fmt: skip
    rules, targets, price, motion, signs, transfer, defences, judged, proof = map(results.load, stored)

    def counted(k, n):
        return lambda rows: Rate(sum(row[k] for row in rows), sum(row[n] for row in rows))

    rate = counted("k", "n")

    def line(what, notebook, rows, value=rate, **which):
        """What each network's rows give, of those that are meant."""
        rows = [row for row in rows if all(row[field] == wanted for field, wanted in which.items())]
        found = {f"network {seed}": value([row for row in rows if row["network"] == seed]) for seed in SEEDS}
        return {"what": what, **found, "where": Link(f"{int(notebook[:2])} in depth", f"in_depth/{notebook}")}

    def over(what, claim):
        """The RMS of the sign rule's noise over that of the gradient rule's."""

        def ratio(rows):
            return "{ratio:.2f} [{low:.2f}, {high:.2f}]".format(**rows[0])

        return line(what, "03_two_rules", rules["claims"], ratio, claim=claim)

    def forecast(eps):
        def rho(rows):
            return "{rho:.2f} [{low:.2f}, {high:.2f}]".format(**rows[0])

        which = {"predictor": "linearised search", "ε": eps}
        return line(f"ε = {eps:.2f}", "05_which_pairs", targets["predictors"], rho, **which)

    def moved(what, noise, at, way="printed", eps=0.3):
        value = counted(f"{at}_k", f"{at}_n")
        return line(what, "06_every_motion", motion["summary"], value, noise=noise, way=way, ε=eps)

    def photographs(what, part, value=rate, **which):
        rows = [row | {"network": int(row.get("networks", row.get("network")))} for row in signs[part]
                if row.get("networks") != "all"]  # fmt: skip
        return line(what, "07_does_resolution_protect", rows, value, **which)

    def slope(family):
        def b(rows):
            return "{b:.2f} [{low:.2f}, {high:.2f}]".format(**rows[0]).replace("-", "−")

        return photographs(family, "slope", b, family=family, noise="one image", measure="ε")

    def lost(noise):
        return line(noise, "06_every_motion", motion["goal"], lambda rows: f"{rows[0]['loss']:.1f}", noise=noise)

    def away(what, noise):
        """Made on one network of Table I, read by the two others; random noise is made on none."""
        rows = []
        for row in transfer["matrix"]:
            made, read = row["made on"], row["read by"]
            if read.startswith("cnn") and made != read and made.startswith(("cnn", "–")):
                rows.append(row | {"network": int((made if made != "–" else read)[-1])})
        return line(what, "08_does_it_work_elsewhere", rows, noise=noise, ε=38 / 255)

    def defended(part, **which):
        names = {"strided": "not defended", "against-common": "trained on common noise",
                 "adversarial": "trained on attacked images", "proved": "trained with bounds"}  # fmt: skip
        return [line(name, "08_does_it_only_look_safe", defences[part], defence=defence, **which)
                for defence, name in names.items()]  # fmt: skip

    pairs, all_classes = targets["pairs"], price["all_classes"]
    sixteen = {"family": "cnn", "rule": "gradient", "levels": 16}
    five, small, large = {"class": 5, "target": 3}, {"ε": 0.24}, {"ε": 0.3}
    return {
        "RMS of the sign rule's noise over that of the gradient rule's, single images": [
            over("the same α", "weaker noise (RMS)"),
            over("as many steps, both at the border", "same, border and as many steps"),
        ],
        "Read as the target: a noise with a target, for one class": [
            line("a 5 as a 3, ε = 0.24", "05_which_pairs", pairs, **five, **small),
            line("a 5 as a 3, ε = 0.30", "05_which_pairs", pairs, **five, **large),
            line("all 90 pairs, ε = 0.24", "05_which_pairs", pairs, **small),
            line("all 90 pairs, ε = 0.30", "05_which_pairs", pairs, **large),
            line("random ±0.24 in their place", "05_which_pairs", targets["controls"], noise="random ±ε"),
        ],
        "Rank correlation over the 90 pairs, success and a forecast (chosen on networks 0 and 1, judged by 2)": [
            forecast(0.24), forecast(0.3),
        ],
        "Misread: all ten classes, ε = 0.24": [
            line("ten noises, one for each class", "05_price_of_one_noise", all_classes, noise="one for each class"),
            line("one noise for all", "05_price_of_one_noise", all_classes, noise="one, untargeted"),
            line("one noise for all, towards the 8", "05_price_of_one_noise", all_classes, noise="one, towards 8"),
            line("random ±0.24", "05_price_of_one_noise", all_classes, noise="random ±ε"),
        ],
        "Read when moved without noise": [moved("at the worst of 875 motions", "none", "worst", "-", 0.0)],
        "Misread of those still read: noises for one class, printed and moved, ε = 0.30": [
            moved("plain, at rest", "plain", "unmoved"),
            moved("plain, at its worst motion", "plain", "worst"),
            moved("plain, on the lens, at its worst motion", "plain", "worst", "lens"),
            moved("learned for motion, at its worst motion", "learned for motion", "worst"),
            moved("learned longer, at rest", "learned longer", "unmoved"),
            moved("learned longer, at its worst motion", "learned longer", "worst"),
            moved("random ±0.30, at its highest motion", "random ±ε", "highest"),
        ],
        "Points lost at the worst motion, counted on other images, mean of ten classes (goal: at most 10)": [
            lost("plain"), lost("learned for motion"), lost("learned longer"),
        ],
        "Read correctly: test photographs of traffic signs (goal at 32 and 64 pixels on a side: 97 %)": [
            photographs(f"{size} pixels", "networks", counted("test_k", "test_n"), family="cnn", size=size)
            for size in (16, 32, 64)
        ],
        "Misread: test photographs of Stop (photographs are counted, not signs), one noise of 16 levels, 8 bits": [
            *(photographs(f"{size} pixels", "stop", size=size, **sixteen) for size in (16, 32, 64)),
            photographs("random ±16 levels, 32 pixels", "stop", counted("random_k", "n"), size=32, **sixteen),
            photographs("32 pixels, mean of the five validation signs", "stop",
                        lambda rows: f"{100 * rows[0]['mean of signs']:.0f} %", size=32, **sixteen),
        ],
        "b, where the ε that fools half of the photographs falls as side^−b; intervals by physical sign": [
            slope("cnn"), slope("deep"), slope("null"),
        ],
        "Misread by the two other networks of Table I, ε = 0.15": [
            away("one noise for each image", "one image"), away("one noise for each class", "common"),
            away("random ±0.15", "random ±ε"),
        ],
        "Read correctly with one noise for each class, learned against the network itself, ε = 0.24 (goal: 95 %)":
            defended("attacked", noise="common", **small),
        "Read correctly after AutoAttack, ε = 0.30 (goal: 88 %)": [
            line("trained on attacked images", "08_does_it_only_look_safe", judged["autoattack"],
                 defence="adversarial", **large),
        ],
        "Proved: read correctly whatever the noise of ε = 0.24 (goal: 92 %)": [
            line("trained with bounds", "08_what_no_noise_can_change", proof["proved"], **small),
        ],
    }  # fmt: skip

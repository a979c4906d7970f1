"""Every number of the paper, ours beside it for each network, and a verdict by one rule."""

import inspect
from dataclasses import dataclass

import numpy as np

from . import cnn, data, results
from .metrics import Rate
from .tables import Badge, Link

SEEDS = (0, 1, 2)
READ_OFF = {"success": 0.003, "rms": 0.001}  # how well a value can be read off the published plots
CLOSE = {"rate": 0.05, "rms": 0.01}
# colours that colour-blind eyes tell apart (Okabe and Ito, 2008), and signs for who sees none
BADGES = {
    "reproduced": Badge("✓", "reproduced", "#00405f", "#d5e8f5"),
    "as printed": Badge("=", "as printed", "#00405f", "#d5e8f5"),
    "close": Badge("≈", "close", "#573f00", "#fcebbd"),
    "differs": Badge("≠", "differs", "#7a2b00", "#fbdccb"),
}
# a sentence for each claim that differs
WHY = {
    "Table I, units of the dense layer": "The paper prints 1204, its script has 1024; perhaps two digits were swapped.",
}


@dataclass(frozen=True)
class Row:
    """One claim of the paper.

    Attributes
    ----------
    claim : str
        What the number is of.
    paper : float or str
        Its value there.
    ours : tuple, one entry a network
        Rates, or numbers (RMS); a setting has one entry, a str.
    protocol : str
        How ours was measured.
    where : (str, str)
        The notebook, as a path below ``notebooks/``, and its section.
    slack : float
        How uncertain the paper's value is: printed digits, or read off a plot.
    """

    claim: str
    paper: float | str
    ours: tuple
    protocol: str
    where: tuple
    slack: float = 0.0

    @property
    def kind(self):
        return {Rate: "rate", str: "setting"}.get(type(self.ours[0]), "rms")

    @property
    def mean(self):
        """Of the networks."""
        return float(np.mean([r.value if isinstance(r, Rate) else r for r in self.ours]))

    @property
    def span(self):
        """A rate: from the lowest end of the networks' 95 % intervals to the highest; an RMS: of the networks."""
        ends = [r.interval if isinstance(r, Rate) else (r, r) for r in self.ours]
        return min(low for low, _ in ends), max(high for _, high in ends)

    @property
    def verdict(self):
        """``reproduced``, ``close`` or ``differs``; a setting is ``as printed`` or ``differs``.

        Reproduced: the paper's value, give or take its ``slack``, lies in the ``span``.  Close: it does not,
        but the networks' mean is within 0.05 of it (a rate) or 0.01 (an RMS).
        """
        if self.kind == "setting":
            return "as printed" if str(self.paper) == self.ours[0] else "differs"
        low, high = self.span
        if low - self.slack <= self.paper <= high + self.slack:
            return "reproduced"
        return "close" if abs(self.mean - self.paper) <= CLOSE[self.kind] else "differs"


def rows():
    """Every claim, in the paper's order, from ``data/paper_numbers.json`` and the stored paper-scale runs.

    Returns
    -------
    list of Row

    Raises
    ------
    FileNotFoundError
        A paper-scale run is not stored; the message says what makes it.
    """
    paper = results.paper_numbers()
    return [*_network(paper), *_one_image(paper["per_image_attack"]), *_common(paper)]


def _network(paper):
    table, training = paper["table_1"], paper["training"]
    stored = [results.load(f"training-mnist-cnn-{seed}") for seed in SEEDS]
    convolution, _, second, pool, _, dense, dropout, last = cnn.build().layers
    batch_size = inspect.signature(cnn.train).parameters["batch_size"].default
    held, tested = data.VALIDATION["mnist"], data.MNIST["y_test"][0][0]
    split = {"train": data.MNIST["y_train"][0][0] - held, "validation": held, "test": tested}

    def told(convolutions):
        return ", ".join(f"{filters} ({size}×{size})" for filters, size in convolutions)

    for name, theirs, ours, section in [
        ("Table I, convolutions", told((c["filters"], c["kernel"]) for c in table["conv"]),
         told((c.filters, c.kernel_size[0]) for c in (convolution, second)), "What is in Table I?"),
        ("Table I, pooling", table["pool"], pool.pool_size[0], "What is in Table I?"),
        ("Table I, units of the dense layer", table["dense_as_printed"], dense.units, "What is in Table I?"),
        ("Table I, dropout", table["dropout"], dropout.rate, "What is in Table I?"),
        ("Table I, classes", table["classes"], last.units, "What is in Table I?"),
        ("section II, iterations", training["iterations"], stored[0]["iteration"][-1], "Does it learn?"),
        ("section II, images a step", training["batch_size"], batch_size, "Does it learn?"),
        ("section II, images to train, validate, test", tuple(training["split"].values()),
         tuple(split[part] for part in training["split"]), "What does the network get to read?"),
    ]:  # fmt: skip
        yield Row(name, str(theirs), (str(ours),), "how the shipped networks were made", ("01_the_cnn", section))
    accuracy = tuple(Rate(s["test_correct"], s["test_images"]) for s in stored)
    where = "01_the_cnn", "How good are the three?"
    yield Row("section II, accuracy", training["test_accuracy"], accuracy, "all test images", where, 0.00005)


def _one_image(paper):
    runs = [r for r in results.load("02_fool_one_image")["attacks"] if r["clip"] == "noise"]
    where = "in_depth/02_all_images", "What separates us from 98.6 %?"
    protocol = "counted as the script does: misread from the start is a success, what the last step gives is not tested"
    rates = tuple(Rate(r["script"], r["images"]) for r in runs)
    yield Row("section III, success at ε = 0.15", paper["success"], rates, protocol, where, 0.0005)
    rms = tuple(r["rms_script"] for r in runs)
    yield Row("section III, mean RMS", paper["mean_rms"], rms, protocol, where, 0.0005)


def _common(paper):
    stored = results.load("04_common_noise")
    where = "04_common_noise", "What if every image pushed a little?"
    (setting,) = stored["setting"]
    for name, ours in [("epochs", setting["epochs"]), ("alpha", f"{255 * setting['α']:.0f}/255")]:
        theirs = str(paper["common_noise"][name])
        yield Row(f"Alg. 1, {name}", theirs, (str(ours),), "how the noises were learned", where)
    eps, classes = "figure_2_and_3", "figure_4_and_5"
    for figure, key, theirs, axis, section, protocol in [
        ("Figure 2, ε = {:.2f}", "success", eps, "epsilon", "How large must the noise be? (Figures 2 and 3)",
         "unseen 5s misread"),
        ("Figure 3, ε = {:.2f}", "rms", eps, "epsilon", "How large must the noise be? (Figures 2 and 3)",
         "RMS of the noise for the 5s"),
        ("Figure 4, the {}s", "rms", classes, "class", "Are all classes equally hard? (Figures 4 and 5)",
         "RMS of the noise for each class at ε = 0.24"),
        ("Figure 5, the {}s", "success", classes, "class", "Are all classes equally hard? (Figures 4 and 5)",
         "unseen images misread at ε = 0.24"),
    ]:  # fmt: skip
        field = {"epsilon": "ε"}.get(axis, axis)
        for at, value in zip(paper[theirs][axis], paper[theirs][key], strict=True):
            ours = [r for r in stored[theirs.replace("_and", "")] if r[field] == at]
            found = tuple(r["rms_noise"] if key == "rms" else Rate(r["k"], r["n"]) for r in ours)
            yield Row(figure.format(at), value, found, protocol, ("04_common_noise", section), READ_OFF[key])


def headline(rows):
    """How many numbers have which verdict, in a sentence."""
    verdicts = [row.verdict for row in rows]
    counts = [f"{verdicts.count(verdict)} {verdict}" for verdict in BADGES]
    return f"Of {len(rows)} numbers: {', '.join(counts)}."


def table(rows):
    """The rows as records for :func:`tables.show`, those of each part and protocol under a line that says it.

    Returns
    -------
    dict of str to list of dict
    """

    def line(row):
        paper = f"{row.paper:.3f}" if row.kind == "rms" else row.paper
        if row.kind == "rate":
            paper = f"{100 * row.paper:.1f} %"
        means = {"rate": "{:.1%}", "rms": "{:.4f}"}
        ours = row.ours[0] if row.kind == "setting" else means[row.kind].format(row.mean).replace("%", " %")
        return {"the paper": paper, "ours": ours, "verdict": BADGES[row.verdict]}

    return _parts(rows, line)


def networks(rows):
    """What each network gave, and where it was measured, as records for :func:`tables.show`.

    Returns
    -------
    dict of str to list of dict
    """

    def line(row):
        ours = [f"{value:.4f}" for value in row.ours] if row.kind == "rms" else row.ours
        ours = ours * len(SEEDS) if row.kind == "setting" else ours  # a setting is the same for all
        notebook, section = row.where
        lesson = f"{int(notebook.removeprefix('in_depth/')[:2])}{' in depth' if '/' in notebook else ''}"
        named = dict(zip([f"network {seed}" for seed in SEEDS], ours, strict=True))
        return {**named, "where": Link(f"{lesson}: {section}", notebook)}

    return _parts(rows, line)


def _parts(rows, line):
    parts = {}
    for row in rows:
        part, _, claim = row.claim.partition(", ")
        parts.setdefault(f"{part}: {row.protocol}", []).append({"claim": claim, **line(row)})
    return parts

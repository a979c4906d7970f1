"""Every number of the paper, ours beside it for each network, and two verdicts, each by one rule."""

import inspect
from dataclasses import dataclass

import numpy as np

from . import cnn, data, results
from .metrics import Rate, one_more
from .tables import Badge, Link

SEEDS = (0, 1, 2)  # of the shipped networks
STORED = "09_ten_networks"  # what these and others of the same kind gave
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
    "Figure 5, the 3s": "The interval takes a share to be normally distributed, which near 100 % it is not: made from "
    "log-odds it holds the paper's value.  With the script's arithmetic the one made from the shares does, too.",
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
        Rates, or numbers (RMS), the shipped networks' first; a setting has one entry, a str.
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
    def values(self):
        """The networks' rates or RMS as numbers."""
        return tuple(r.value if isinstance(r, Rate) else r for r in self.ours)

    @property
    def mean(self):
        """Of the networks."""
        return float(np.mean(self.values))

    @property
    def expected(self):
        """Where one more network of this kind would lie, in 95 of 100 cases.

        The paper counted on the images that we count on, so what separates two counts is the networks alone.
        """
        return one_more(self.values)

    @property
    def span(self):
        """Of the shipped networks: an RMS from least to largest, a rate with the 95 % intervals of each."""
        ends = [r.interval if isinstance(r, Rate) else (r, r) for r in self.ours[: len(SEEDS)]]
        return min(low for low, _ in ends), max(high for _, high in ends)

    @property
    def verdict(self):
        """``reproduced``, ``close`` or ``differs``; a setting is ``as printed`` or ``differs``.

        Reproduced: the paper's value, give or take its ``slack``, lies where one more network is ``expected``.
        Close: it does not, but the networks' mean is within 0.05 of it (a rate) or 0.01 (an RMS).
        """
        return self._judged("expected", slice(None))

    @property
    def verdict_by_span(self):
        """The same by an older rule: reproduced is what lies in the ``span``, and the mean is of the shipped ones."""
        return self._judged("span", slice(len(SEEDS)))

    def _judged(self, interval, networks):
        if self.kind == "setting":
            return "as printed" if str(self.paper) == self.ours[0] else "differs"
        low, high = getattr(self, interval)
        if low - self.slack <= self.paper <= high + self.slack:
            return "reproduced"
        return "close" if abs(np.mean(self.values[networks]) - self.paper) <= CLOSE[self.kind] else "differs"


def rows(networks=None):
    """Every claim, in the paper's order, from ``data/paper_numbers.json`` and the stored paper-scale runs.

    Parameters
    ----------
    networks : dict of str to list of dict, optional
        What networks gave, in place of the stored ``09_ten_networks``: its parts, with the shipped networks first.

    Returns
    -------
    list of Row

    Raises
    ------
    FileNotFoundError
        A paper-scale run is not stored; the message says what makes it.
    """
    paper, given = results.paper_numbers(), networks or results.load(STORED)
    return [*_network(paper, given), *_one_image(paper["per_image_attack"], given), *_common(paper, given)]


def _rates(some):
    return tuple(Rate(row["k"], row["n"]) for row in some)


def _network(paper, given):
    table, training = paper["table_1"], paper["training"]
    iterations = results.load("training-mnist-cnn-0")["iteration"][-1]
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
        ("section II, iterations", training["iterations"], iterations, "Does it learn?"),
        ("section II, images a step", training["batch_size"], batch_size, "Does it learn?"),
        ("section II, images to train, validate, test", tuple(training["split"].values()),
         tuple(split[part] for part in training["split"]), "What does the network get to read?"),
    ]:  # fmt: skip
        yield Row(name, str(theirs), (str(ours),), "how the shipped networks were made", ("01_the_cnn", section))
    rates, where = _rates(given["accuracy"]), ("01_the_cnn", "How good are the three?")
    yield Row("section II, accuracy", training["test_accuracy"], rates, "all test images", where, 0.00005)


def _one_image(paper, given):
    where = "in_depth/02_all_images", "What separates us from 98.6 %?"
    protocol = "counted as the script does: misread from the start is a success, what the last step gives is not tested"
    yield Row("section III, success at ε = 0.15", paper["success"], _rates(given["one_image"]), protocol, where, 0.0005)
    rms = tuple(r["rms"] for r in given["one_image"])
    yield Row("section III, mean RMS", paper["mean_rms"], rms, protocol, where, 0.0005)


def _common(paper, given):
    where = "04_common_noise", "What if every image pushed a little?"
    (setting,) = results.load("04_common_noise")["setting"]
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
            ours = [r for r in given[theirs.replace("_and", "")] if r[field] == at]
            found = tuple(r["rms"] for r in ours) if key == "rms" else _rates(ours)
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
        if row.kind == "setting":
            paper, ours, one = row.paper, row.ours[0], None
        else:
            paper, ours, low, high = (_told(row, value) for value in (row.paper, row.mean, *row.expected))
            one = f"{low.removesuffix(' %')} … {high}"
        told = {"the paper": paper, "ours": ours, "verdict": BADGES[row.verdict]}  # what a phone has room for
        return {**told, "one more": one, "by the span": BADGES[row.verdict_by_span]}

    return _parts(rows, line)


def networks(rows):
    """What each network gave, and where it was measured, as records for :func:`tables.show`.

    Returns
    -------
    dict of str to list of dict
    """

    def line(row):
        ours = row.ours * networks if row.kind == "setting" else [_told(row, value) for value in row.values]
        counted = {"of": row.ours[0].n if row.kind == "rate" else None}
        notebook, section = row.where
        lesson = f"{int(notebook.removeprefix('in_depth/')[:2])}{' in depth' if '/' in notebook else ''}"
        named = {f"network {seed}": value for seed, value in enumerate(ours)}
        return {**named, **counted, "where": Link(f"{lesson}: {section}", notebook)}

    networks = max(len(row.ours) for row in rows)

    return _parts(rows, line)


def _told(row, value):
    return f"{100 * min(max(value, 0), 1):.1f} %" if row.kind == "rate" else f"{value:.4f}"


def _parts(rows, line):
    parts = {}
    for row in rows:
        part, _, claim = row.claim.partition(", ")
        parts.setdefault(f"{part}: {row.protocol}", []).append({"claim": claim, **line(row)})
    return parts

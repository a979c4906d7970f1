"""The ledger: its rules against verdicts worked out by hand, its rows against the paper and the notebooks."""

import dataclasses
import re

import nbformat
import pytest

from advlib import data, ledger, results, tables
from advlib.ledger import Row
from advlib.metrics import Rate

PAPER = results.paper_numbers()
NOTEBOOKS = data.ROOT / "notebooks"


def row(paper, *ours, slack=0.0):
    return Row("a claim", paper, ours, "a protocol", ("02_fool_one_image", "a section"), slack)


# mean 0.201, s = 0.001, t with two degrees of freedom 4.3027: ± 4.3027 · 0.001 · √(4/3) = ± 0.00497
@pytest.mark.parametrize(
    ("paper", "slack", "verdict"),
    [
        (0.1961, 0, "reproduced"), (0.1960, 0, "close"), (0.1960, 0.0001, "reproduced"), (0.2059, 0, "reproduced"),
        (0.2060, 0, "close"), (0.2109, 0, "close"), (0.2111, 0, "differs"),
    ],
)  # fmt: skip
def test_verdict_by_where_one_more_network_would_lie(paper, slack, verdict):
    assert row(paper, 0.2, 0.201, 0.202, slack=slack).verdict == verdict


def test_the_images_chance_is_not_counted_twice():
    """Two networks that read 9,900 and 9,901 of the same images: a third one would lie close by."""
    low, high = row(0.99, *[Rate(9900, 10_000), Rate(9901, 10_000)] * 5).expected
    assert 0.9898 < low < 0.99 < 0.9901 < high < 0.9903


# Wilson's interval of 50 of 100 is 0.4038 … 0.5962, of 60 of 100 0.5020 … 0.6906
@pytest.mark.parametrize(
    ("paper", "slack", "verdict"),
    [
        (0.403, 0, "differs"), (0.404, 0, "reproduced"), (0.403, 0.003, "reproduced"), (0.69, 0, "reproduced"),
        (0.692, 0, "differs"), (0.692, 0.003, "reproduced"), (0.35, 0, "differs"),
    ],
)  # fmt: skip
def test_verdict_by_the_span_on_a_rate(paper, slack, verdict):
    others = [Rate(1, 100)] * 7  # that rule knows three networks
    assert row(paper, Rate(50, 100), Rate(60, 100), Rate(60, 100), *others, slack=slack).verdict_by_span == verdict


def test_a_rate_outside_the_span_is_close_within_five_hundredths_of_the_mean():
    many = [Rate(9000, 10_000)] * 3  # 0.8940 … 0.9057
    assert [row(paper, *many).verdict_by_span for paper in (0.9055, 0.92, 0.9499, 0.9501)] == [
        "reproduced", "close", "close", "differs"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("paper", "verdict"),
    [(0.2, "reproduced"), (0.2025, "reproduced"), (0.1995, "reproduced"), (0.205, "close"), (0.19, "differs")],
)
def test_verdict_by_the_span_on_an_rms(paper, verdict):
    assert row(paper, 0.2, 0.201, 0.202, slack=0.001).verdict_by_span == verdict


def test_verdict_on_a_setting():
    for rule in ("verdict", "verdict_by_span"):
        assert getattr(row("25", "25"), rule) == "as printed"
        assert getattr(row("1204", "1024"), rule) == "differs"


@pytest.fixture(scope="module")
def rows():
    return ledger.rows()


def test_every_number_of_the_paper_has_its_row(rows):
    told = {r.claim: r.paper for r in rows}
    assert len(told) == len(rows)
    for figure, key, part, axis, name in [
        ("2", "success", "figure_2_and_3", "epsilon", "ε = {:.2f}"),
        ("3", "rms", "figure_2_and_3", "epsilon", "ε = {:.2f}"),
        ("4", "rms", "figure_4_and_5", "class", "the {}s"),
        ("5", "success", "figure_4_and_5", "class", "the {}s"),
    ]:
        for at, value in zip(PAPER[part][axis], PAPER[part][key], strict=True):
            assert told[f"Figure {figure}, {name.format(at)}"] == value
    assert told["section II, accuracy"] == PAPER["training"]["test_accuracy"]
    assert told["section III, success at ε = 0.15"] == PAPER["per_image_attack"]["success"]
    assert told["section III, mean RMS"] == PAPER["per_image_attack"]["mean_rms"]
    assert told["Table I, units of the dense layer"] == str(PAPER["table_1"]["dense_as_printed"])


def test_every_measured_row_has_ten_networks(rows):
    assert {len(r.ours) for r in rows if r.kind != "setting"} == {10}


def test_the_shipped_networks_gave_there_what_their_notebooks_stored(rows):
    """The three networks stand in two files, which two runs wrote."""
    ours = {r.claim: r.ours for r in rows}
    accuracy = [results.load(f"training-mnist-cnn-{seed}")["test_correct"] for seed in ledger.SEEDS]
    single = [r for r in results.load("02_fool_one_image")["attacks"] if r["clip"] == "noise"]
    for claim, then in [("section II, accuracy", accuracy),
                        ("section III, success at ε = 0.15", [r["script"] for r in single])]:  # fmt: skip
        for rate, k in zip(ours[claim], then):
            assert abs(rate.k - k) <= 0.001 * rate.n
    for part, claim in [("figure_2_3", "Figure 2, ε = {ε:.2f}"), ("figure_4_5", "Figure 5, the {class}s")]:
        for r in results.load("04_common_noise")[part]:
            assert abs(ours[claim.format(**r)][r["network"]].k - r["k"]) <= 0.01 * r["n"]


def test_every_row_names_a_section_that_its_notebook_has(rows):
    for notebook, section in {r.where for r in rows}:
        cells = nbformat.read(NOTEBOOKS / f"{notebook}.ipynb", 4).cells
        headings = {line[3:] for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()
                    if line.startswith("## ")}  # fmt: skip
        assert section in headings


def test_what_differs_is_explained_and_nothing_else(rows):
    assert {r.claim for r in rows if r.verdict == "differs"} == set(ledger.WHY)


def test_the_headline_counts_every_row_once(rows):
    some = [row("25", "25"), row("1204", "1024"), row(0.2, 0.2, 0.2, 0.2), row(0.205, 0.2, 0.2, 0.2)]
    assert ledger.headline(some * 2) == "Of 8 numbers: 2 reproduced, 2 as printed, 2 close, 2 differs."
    assert sum(map(int, re.findall(r"(\d+) [a-z]", ledger.headline(rows).partition(":")[2]))) == len(rows)


@pytest.mark.parametrize("make", [ledger.table, ledger.networks])
def test_a_table_has_a_line_a_row_and_says_how_each_was_measured(rows, make):
    parts = make(rows)
    assert sum(map(len, parts.values())) == len(rows)
    for r in rows:
        part, claim = r.claim.split(", ", 1)
        (line,) = [line for line in parts[f"{part}: {r.protocol}"] if line["claim"] == claim]
        if make is ledger.table:
            assert line["verdict"].word == r.verdict
        else:
            assert line["where"].notebook == r.where[0]
            assert line["where"].text == f"{lesson(r.where[0])}: {r.where[1]}"


def lesson(notebook):
    return {"01": "1", "04": "4", "in": "2 in depth"}[notebook[:2]]


def line(parts, claim):
    """The row of a claim, as it is shown."""
    part, claim = claim.split(", ", 1)
    below = tables.html(tables.frame(parts)).partition(f">{part}: ")[2]
    return next(line for line in below.split("\n") if f">{claim}<" in line).replace("\N{NO-BREAK SPACE}", " ")


def test_the_paper_our_mean_and_the_verdict_side_by_side(rows):
    parts = ledger.table(rows)
    assert list(tables.frame(parts).columns) == ["claim", "the paper", "ours", "verdict", "one more", "by the span"]
    page = tables.html(tables.frame(parts))
    assert page.count('<th scope="row"') == len(rows)
    assert 'scope="rowgroup" colspan="6"' in page
    ours = {r.claim: r.mean for r in rows if r.kind != "setting"}
    rate = line(parts, "section III, success at ε = 0.15")
    assert ">98.6 %<" in rate
    assert f">{ours['section III, success at ε = 0.15']:.1%}<".replace("%", " %") in rate
    assert f">{ours['Figure 3, ε = 0.15']:.4f}<" in line(parts, "Figure 3, ε = 0.15")
    units = line(parts, "Table I, units of the dense layer")
    assert ">1204<" in units
    assert ">1024<" in units
    assert units.endswith("</span> differs</span></td></tr>")


def test_network_by_network(rows):
    parts = ledger.networks(rows)
    assert list(tables.frame(parts).columns) == ["claim", *(f"network {seed}" for seed in range(10)), "of", "where"]
    assert tables.html(tables.frame(parts)).count("<a href=") == len(rows)  # a link is no text
    ours = {r.claim: r.ours for r in rows}
    rates, sizes = (line(parts, claim) for claim in ("section III, success at ε = 0.15", "Figure 3, ε = 0.15"))
    assert all(f">{rate.value:.1%}<".replace("%", " %") in rates for rate in ours["section III, success at ε = 0.15"])
    assert ">10000<" in rates
    assert all(f">{value:.4f}<" in sizes for value in ours["Figure 3, ε = 0.15"])
    assert line(parts, "Table I, units of the dense layer").count(">1024<") == 10


def contrast(one, other):
    """The contrast of two colours by WCAG 2: 1 to 21."""

    def luminance(colour):
        shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def test_a_verdict_can_be_read_on_its_colour_and_told_apart_without_it():
    some = [("1", "1"), ("1", "2"), (0.2, 0.2, 0.2), (0.205, 0.2, 0.2)]
    assert {row(*numbers).verdict for numbers in some} == {*ledger.BADGES}
    for verdict, badge in ledger.BADGES.items():
        assert badge.word == verdict
        assert contrast(badge.ink, badge.paper) >= 7
        assert contrast(badge.ink, "#ffffff") >= 7  # printed, without its colour
    assert len({badge.sign for badge in ledger.BADGES.values()}) == 4


def test_a_missing_run_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(ledger.results, "RESULTS", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"09_ten_networks.json is not there: .*course.py paper"):
        ledger.rows()


def test_a_row_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        row(0.5, Rate(1, 2)).paper = 1


def test_the_report_in_five_paragraphs_has_the_count_of_today(rows):
    report = " ".join((NOTEBOOKS / "reproducibility.md").read_text(encoding="utf-8").split())
    assert ledger.headline(rows) in report
    measured = [r for r in rows if r.kind != "setting"]
    outside = sum(r.verdict != "reproduced" for r in measured)
    outside = ["none", "one", "two", "three"][outside]
    assert f"Of the {len(measured)} that were measured, {outside} are not reproduced" in report

"""The ledger: its rule against verdicts worked out by hand, its rows against the paper and the notebooks."""

import dataclasses

import nbformat
import pytest

from advlib import data, ledger, results, tables
from advlib.ledger import Row
from advlib.metrics import Rate

PAPER = results.paper_numbers()
NOTEBOOKS = data.ROOT / "notebooks"


def row(paper, *ours, slack=0.0):
    return Row("a claim", paper, ours, "a protocol", ("02_fool_one_image", "a section"), slack)


# Wilson's interval of 50 of 100 is 0.4038 … 0.5962, of 60 of 100 0.5020 … 0.6906
@pytest.mark.parametrize(
    ("paper", "slack", "verdict"),
    [
        (0.403, 0, "differs"), (0.404, 0, "reproduced"), (0.403, 0.003, "reproduced"), (0.69, 0, "reproduced"),
        (0.692, 0, "differs"), (0.692, 0.003, "reproduced"), (0.35, 0, "differs"),
    ],
)  # fmt: skip
def test_verdict_on_a_rate(paper, slack, verdict):
    assert row(paper, Rate(50, 100), Rate(60, 100), Rate(60, 100), slack=slack).verdict == verdict


def test_a_rate_outside_the_span_is_close_within_five_hundredths_of_the_mean():
    many = [Rate(9000, 10_000)] * 3  # 0.8940 … 0.9057
    assert [row(paper, *many).verdict for paper in (0.9055, 0.92, 0.9499, 0.9501)] == [
        "reproduced", "close", "close", "differs"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("paper", "verdict"),
    [(0.2, "reproduced"), (0.2025, "reproduced"), (0.1995, "reproduced"), (0.205, "close"), (0.19, "differs")],
)
def test_verdict_on_an_rms(paper, verdict):
    assert row(paper, 0.2, 0.201, 0.202, slack=0.001).verdict == verdict


def test_verdict_on_a_setting():
    assert row("25", "25").verdict == "as printed"
    assert row("1204", "1024").verdict == "differs"


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


def test_every_measured_row_has_three_networks(rows):
    assert {len(r.ours) for r in rows if r.kind != "setting"} == {3}


def test_every_row_names_a_section_that_its_notebook_has(rows):
    for notebook, section in {r.where for r in rows}:
        cells = nbformat.read(NOTEBOOKS / f"{notebook}.ipynb", 4).cells
        headings = {line[3:] for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()
                    if line.startswith("## ")}  # fmt: skip
        assert section in headings


def test_what_differs_is_explained_and_nothing_else(rows):
    assert {r.claim for r in rows if r.verdict == "differs"} == set(ledger.WHY)


def test_the_table_has_a_line_a_row_and_says_how_each_was_measured(rows):
    parts = ledger.table(rows)
    assert sum(map(len, parts.values())) == len(rows)
    for r in rows:
        part, claim = r.claim.split(", ", 1)
        (line,) = [line for line in parts[f"{part}: {r.protocol}"] if line["claim"] == claim]
        assert line["verdict"] == r.verdict
        assert line["where"].notebook == r.where[0]
        assert r.where[1] in line["where"].text


def test_the_table_as_it_is_shown(rows):
    def line(claim):
        part, claim = claim.split(", ", 1)
        below = page.partition(f">{part}: ")[2]
        return next(line for line in below.split("\n") if f">{claim}<" in line)

    table = tables.frame(ledger.table(rows))
    page = tables.html(table, "Every claim")
    assert list(table.columns) == ["claim", "verdict", "the paper", "network 0", "network 1", "network 2", "where"]
    assert page.count('<th scope="row"') == len(rows)
    assert page.count("<a href=") == len(rows)  # a link is no text
    assert 'scope="rowgroup" colspan="7"' in page
    ours = {r.claim: r.ours for r in rows}
    rates, sizes = line("section III, success at ε = 0.15"), line("Figure 3, ε = 0.15")
    assert all(f">{rate}<" in rates for rate in ours["section III, success at ε = 0.15"])
    assert ">98.6 %<" in rates
    assert all(f">{value:.4f}<" in sizes for value in ours["Figure 3, ε = 0.15"])
    assert line("Table I, units of the dense layer").count(">1024<") == 3


def test_a_missing_run_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(ledger.results, "RESULTS", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"training-mnist-cnn-0.json is not there: .*course.py paper"):
        ledger.rows()


def test_a_row_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        row(0.5, Rate(1, 2)).paper = 1

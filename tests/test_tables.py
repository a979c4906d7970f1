"""Tables: how a rate and a number are written, what stands where, and what a screen reader is told."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from advlib import tables
from advlib.metrics import Rate

HARD = "\N{NO-BREAK SPACE}"
JOINED = "\N{NON-BREAKING HYPHEN}"
RUNS = [
    {"seed": seed, "rule": rule, "eps": eps, "k": k, "n": 10, "rms": k / 100}
    for seed in (0, 1)
    for rule, eps, k in [("sign", 0.3, 9), ("sign", 0.15, 5), ("gradient", 0.3, 8), ("gradient", 0.15, 4 + seed)]
]


class Reader(HTMLParser):
    """The tags of a page with their attributes and their text; every tag has to be closed in its order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.found = [], []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.found.append([tag, dict(attributes), ""])
        self.open.append(self.found[-1])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, text):
        for part in self.open:
            part[2] += text

    def texts(self, tag, **attributes):
        """What stands in these tags; where a line must not end there is a space, or a minus, like any other."""
        found = [text for t, a, text in self.found if t == tag and attributes.items() <= a.items()]
        return [text.replace(HARD, " ").replace(JOINED, "-") for text in found]


def column(values):
    """How a column of these values is written."""
    table = tables.frame([{"i": i, "v": value} for i, value in enumerate(values)])
    return Reader(tables.html(table)).texts("td")


def test_a_rate_is_written_as_everywhere():
    table = tables.frame([{"i": 0, "k": 9857, "n": 10_000}], success=("k", "n"))
    (rate,) = Reader(tables.html(table)).texts("td")
    assert rate == str(Rate(9857, 10_000)) == "98.6 % [98.3, 98.8] (9857/10000)"


def test_no_line_ends_within_a_number():
    table = tables.frame([{"i": i, "p": p} for i, p in enumerate((6.5e-8, 0.5))])
    small = next(text for tag, _, text in Reader(tables.html(table)).found if tag == "td")
    assert small == f"6.5e{JOINED}08"


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([0.0524, 0.1106], ["0.052", "0.111"]),
        ([486.6, 502.8], ["487", "503"]),
        ([2.5, 10.0, 20.0], ["2.5", "10.0", "20.0"]),
        ([0.15, 0.3], ["0.15", "0.30"]),
        ([1.0, 0.03, 7.9e-98], ["1", "0.03", "7.9e-98"]),
        ([1.23e-5, 4e-5], ["1.2e-05", "4e-05"]),
        ([0.0, 0.0], ["0", "0"]),
        ([-0.5, 0.25], ["-0.50", "0.25"]),
        ([9922, 17], ["9922", "17"]),
        ([9922, None], ["9922", "–"]),  # a column with a gap is one of floats to pandas
        ([1, 20_000, None], ["1", "20000", "–"]),
        ([0.5, float("nan")], ["0.5", "–"]),
        ([np.float32(0.5), np.float32("nan")], ["0.5", "–"]),
        ([True, False, None], ["yes", "no", "–"]),
        (["a", ""], ["a", ""]),
        ([float("inf"), 2.0], ["inf", "2"]),
    ],
)
def test_how_numbers_are_written(values, written):
    assert column(values) == written


def test_what_a_column_can_be_asked_for():
    rows = [{"seed": 0, "k": 3, "late": 1, "n": 4, "ratio": 1.5034, "low": 1.48, "high": 1.52, "eps": 0.15, "p": 0.5}]
    table = tables.frame(
        rows, fooled=("k", "n"), **{"late ones": ("late", "n"), "sign over gradient": ("ratio", "low", "high")},
        eps=lambda eps: f"{eps} ({255 * eps:.0f}/255)", p=3,
    )  # fmt: skip
    page = Reader(tables.html(table))
    assert page.texts("th", scope="col") == ["seed", "fooled", "late ones", "sign over gradient", "eps", "p"]
    assert page.texts("td")[2:] == ["1.50 [1.48, 1.52]", "0.15 (38/255)", "0.500"]
    table = tables.frame(rows, of_image="p", **dict.fromkeys(rows[0].keys() - {"seed", "p"}))
    assert list(table.columns) == ["seed", "of image"]


def test_gaps_in_a_rate_or_an_interval():
    rows = [{"i": 0, "k": 3, "n": 4, "v": 1.5, "low": 1.0, "high": 2.0}, {"i": 1}]
    table = tables.frame(rows, rate=("k", "n"), ratio=("v", "low", "high"))
    assert Reader(tables.html(table)).texts("td")[2:] == ["–", "–"]


@pytest.mark.parametrize("how", [{"rate": ("kk", "n")}, {"kk": 3}, {"kk": None}, {"by": ["kk"]}, {"where": {"kk": 1}}])
def test_a_field_that_is_not_there_is_named(how):
    with pytest.raises(ValueError, match="no record has a field 'kk': there are seed, rule, eps, k, n, rms"):
        tables.frame(RUNS, **how)


def test_more_successes_than_tries_are_refused():
    with pytest.raises(ValueError, match="k = 5 and n = 4"):
        tables.frame([{"k": 5, "n": 4}], rate=("k", "n"))
    with pytest.raises(TypeError, match=r"k must be a whole number; found 2\.5"):
        tables.frame([{"k": 2.5, "n": 4}], rate=("k", "n"))


def test_where_keeps_some_records():
    table = tables.frame(RUNS, where={"rule": "sign", "seed": 1})
    assert list(table["k"]) == [9, 5]
    assert tables.frame(RUNS, where={"seed": 7}).empty


def test_counts_are_added_and_nothing_else():
    table = tables.frame(RUNS, by=["rule", "eps"], fooled=("k", "n"))
    assert list(table.columns) == ["rule", "eps", "fooled"]
    assert list(table["fooled"]) == [Rate(18, 20), Rate(10, 20), Rate(16, 20), Rate(9, 20)]
    with pytest.raises(ValueError, match="rms differs in the 2 records of a row, and only the counts of a rate"):
        tables.frame(RUNS, by=["rule", "eps"], rms=2)
    same = tables.frame(RUNS, by=["rule", "eps"], n=0)
    assert list(same["n"]) == ["10"] * 4


def test_one_field_side_by_side():
    table = tables.frame(RUNS, by=["eps"], across="rule", fooled=("k", "n"), eps=lambda eps: f"ε = {eps}")
    assert list(table.columns) == ["eps", "sign", "gradient"]  # in the order of the records
    assert list(table["eps"]) == ["ε = 0.3", "ε = 0.15"]
    assert list(table["gradient"]) == [Rate(16, 20), Rate(9, 20)]
    table = tables.frame(RUNS, where={"seed": 0}, by=["rule"], across="eps", fooled=("k", "n"), rms="rms")
    assert list(table.columns) == ["rule", "eps 0.3: fooled", "eps 0.3: rms", "eps 0.15: fooled", "eps 0.15: rms"]
    one = [{"rule": "sign", "ε": 0.3, "stopped": True, "k": 1}]
    assert list(tables.frame(one, by=["rule"], across="ε", k="k").columns) == ["rule", "ε = 0.3"]
    assert list(tables.frame(one, by=["rule"], across="stopped", k="k").columns) == ["rule", "yes"]


def test_a_place_without_a_record_is_a_gap():
    table = tables.frame(RUNS[:3], by=["rule"], across="eps", fooled=("k", "n"))
    assert Reader(tables.html(table)).texts("td")[-1] == "–"


def test_a_screen_reader_is_told_what_each_cell_belongs_to():
    page = Reader(tables.html(tables.frame({"this run": RUNS[:2], "the full run": RUNS[:3]}), "Both rules"))
    assert page.texts("caption") == ["Both rules"]
    assert page.texts("th", scope="col") == ["seed", "rule", "eps", "k", "n", "rms"]
    assert page.texts("th", scope="rowgroup", colspan="6") == ["this run", "the full run"]
    assert page.texts("th", scope="row") == ["0"] * 5
    assert len(page.texts("tbody")) == 2
    region = next(a for tag, a, _ in page.found if tag == "div")
    assert region["role"] == "region"
    assert region["aria-label"] == "Both rules"
    assert region["tabindex"] == "0"  # what scrolls can be scrolled by keyboard
    assert "overflow-x:auto" in region["style"]


def test_numbers_stand_to_the_right_and_words_to_the_left():
    rows = [{"i": 0, "k": 3, "n": 4, "v": 1.5, "low": 1.0, "high": 2.0, "p": 1e-30, "word": "2 of 3", "gap": None}]
    page = Reader(tables.html(tables.frame(rows, rate=("k", "n"), ratio=("v", "low", "high"))))
    sides = [a["style"].split(";")[0] for tag, a, _ in page.found if tag == "td"]
    assert sides == [f"text-align:{side}" for side in ("right", "right", "right", "left", "left")]
    heads = [a["style"].split(";")[0] for tag, a, _ in page.found if tag == "th" and a["scope"] == "col"]
    assert heads[1:] == sides


def test_a_gap_stands_where_its_columns_numbers_stand_and_a_number_among_words_with_them():
    rows = [{"i": 0, "k": 3, "word": "same"}, {"i": 1, "k": None, "word": None}, {"i": 2, "k": 4, "word": "7"}]
    page = Reader(tables.html(tables.frame(rows)))
    sides = [a["style"] for tag, a, _ in page.found if tag == "td"]
    assert sides == ["text-align:right", "text-align:left"] * 3


def test_words_have_room_and_numbers_only_what_they_need():
    rows = [{"i": "a", "k": 3, "short": "yes", "long": "a sentence of so many words that it takes some lines"}]
    page = Reader(tables.html(tables.frame(rows)))
    rooms = [re.findall(r"min-width:([\d.]+)em", a["style"]) for tag, a, _ in page.found if a.get("scope") == "col"]
    first, number, (short,), (long,) = rooms
    assert (float(*first), number) == (pytest.approx(1.6), [])
    assert float(short) < 3 < 8 < float(long) < 13  # of the 26 that a phone has


def test_a_line_ends_before_an_interval_and_a_count_but_not_within_them():
    rows = [{"k": 9, "n": 10, "v": 1.5, "low": 1.0, "high": 2.0, "word": "2 of 3", "said": "99.2 %", "ends": "1 … 2"}]
    page = Reader(tables.html(tables.frame(rows, rate=("k", "n"), ratio=("v", "low", "high"), name="word")))
    cells = [text for tag, a, text in page.found if tag == "td" or a.get("scope") == "row"]
    assert [text.replace(HARD, "_") for text in cells] == [
        "90.0_% [59.6,_98.2] (9/10)", "1.5 [1.0,_2.0]", "2 of 3", "99.2_%", "1_…_2"
    ]  # fmt: skip


def test_a_badge_has_a_sign_a_word_and_a_colour_that_can_be_read():
    badge = tables.Badge("≈", "close <", "#573f00", "#fcebbd")
    table = tables.frame([{"claim": "a", "verdict": badge}])
    page = tables.html(table)
    assert '<span aria-hidden="true">≈</span> close &lt;</span>' in page  # the sign is not read aloud
    assert "color:#573f00;background:#fcebbd" in page
    assert tables.text(table).endswith("≈ close <")


def test_a_folded_table_shows_its_caption_first(monkeypatch):
    shown = []
    monkeypatch.setattr(tables, "display", lambda bundle, raw: shown.append(bundle))
    tables.show([{"a": 1}], "Row <by> row", folded=True)
    tables.show([{"a": 1}], "Row <by> row")
    folded, plain = shown
    assert folded["text/html"].startswith("<details><summary>Row &lt;by&gt; row</summary>\n<div")
    assert folded["text/html"].endswith("</table></div></details>")
    assert "<caption" not in folded["text/html"]  # it stands above, and names the table for a screen reader
    assert 'aria-label="Row &lt;by&gt; row"' in folded["text/html"]
    assert "details" not in plain["text/html"]
    assert folded["text/plain"] == plain["text/plain"]


def test_nothing_in_a_field_a_heading_a_label_or_a_caption_is_html():
    bad = '<img src=x onerror="alert(1)">'
    records = {bad: [{bad: bad, "&amp;": tables.Link(bad, '"><b>'), "last": bad}]}
    page = Reader(tables.html(tables.frame(records), bad))
    tags = {"div", "table", "caption", "thead", "tbody", "tr", "th", "span", "td", "a"}
    assert {tag for tag, _, _ in page.found} == tags
    assert page.texts("th", scope="row") == page.texts("caption") == page.texts("th", scope="rowgroup") == [bad]
    assert page.texts("th", scope="col") == [bad, "&amp;", "last"]
    assert next(a for tag, a, _ in page.found if tag == "a") == {"href": '"><b>.ipynb'}


def test_a_link_leads_to_the_notebook_and_on_the_pages_to_its_page(monkeypatch):
    link = tables.Link("02, a section", "02_fool_one_image")
    monkeypatch.delenv("ADVLIB_PAGE", raising=False)
    assert link.html == '<a href="02_fool_one_image.ipynb">02, a section</a>'
    monkeypatch.setenv("ADVLIB_PAGE", "1")
    table = tables.frame([{"claim": "a", "where": link}])
    assert '<a href="02_fool_one_image.html">02, a section</a>' in tables.html(table)
    assert "02, a section" in tables.text(table)
    assert "<a" not in tables.text(table)


def test_the_terminal_reads_the_same(monkeypatch):
    shown = []
    monkeypatch.setattr(tables, "display", lambda bundle, raw: shown.append(bundle))
    tables.show({"this run": RUNS[:1], "full": RUNS[1:2]}, "A caption", fooled=("k", "n"))
    (bundle,) = shown
    caption, head, first, second = bundle["text/plain"].split("\n")
    assert caption == "A caption"
    assert head.split() == ["seed", "rule", "eps", "fooled", "rms"]
    assert first.split() == ["this", "run", "0", "sign", "0.30", "90.0", "%", "[59.6,", "98.2]", "(9/10)", "0.09"]
    assert second.split()[:3] == ["full", "0", "sign"]
    assert "90.0 % [59.6, 98.2] (9/10)" in bundle["text/html"].replace(HARD, " ")


def test_a_frame_of_ones_own_can_be_shown(monkeypatch):
    shown = []
    monkeypatch.setattr(tables, "display", lambda bundle, raw: shown.append(bundle))
    tables.show(pd.DataFrame({"a": [1], "b": [0.25]}))
    assert Reader(shown[0]["text/html"]).texts("td") == ["0.25"]
    assert shown[0]["text/plain"].split() == ["a", "b", "1", "0.25"]


@pytest.mark.parametrize("records", [[], {"this run": []}, {"this run": [], "full": []}])
def test_no_records_make_an_empty_table(records):
    table = tables.frame(records)
    assert not Reader(tables.html(table, "Nothing")).texts("td")
    assert tables.text(table, "Nothing").startswith("Nothing")


def test_markdown_has_a_row_for_each_record_and_a_dash_where_nothing_was_measured():
    table = tables.frame([{"name": "A", "k": 1, "n": 2}, {"name": "B"}], fooled=("k", "n"))
    lines = tables.markdown(table).splitlines()
    assert lines[:2] == ["| name | fooled |", "|---|---|"]
    assert lines[2].startswith("| A | 50.0 % [")
    assert lines[3:] == ["| B | – |"]

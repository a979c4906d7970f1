"""The teachers' guide names sections, tables, figures, sliders and exercises: each is there, and its minutes add up."""

import ast
import re
from functools import cache

import pytest
from test_notebooks import ROOT, card, exercises, read, tree, written

import course
from tools import reading

GUIDE = (ROOT / "notebooks" / "INSTRUCTORS.md").read_text(encoding="utf-8")
LINK = re.compile(r"\[[^\]]*\]\(([\w/]+\.ipynb)\)")
NAME = re.compile(r"(\btable |\bfigure )?(?<!\*)\*(?!\*)([^*]+)\*(, its slider)?")


@cache
def notebook(name):
    return read(ROOT / "notebooks" / name)


@cache
def sections(name):
    """Each heading with its cells; one markdown cell may hold the parts of several sections."""
    found, here = {}, None
    for cell in notebook(name).cells:
        if cell.cell_type == "code":
            parts = [cell]
        else:
            parts = [{**cell, "source": part} for part in re.split(r"(?m)^(?=## )", cell.source)]
        for part in parts:
            if heading := cell.cell_type == "markdown" and re.match(r"## (.+)", part["source"]):
                here = heading[1]
            found.setdefault(here, []).append(part)
    return found


def captions(cells):
    """The captions of these cells' tables and figures."""
    found = []
    for cell in cells:
        for node in ast.walk(tree(cell)) if cell["cell_type"] == "code" else ():
            if isinstance(node, ast.Call) and re.search(r"\.show$", ast.unparse(node.func)):
                given = [k.value for k in node.keywords if k.arg == "caption"] or node.args[1:2]
                found += map(written, given)
    return found


@cache
def exercise_prices():
    """The minutes of every exercise of the course."""
    found = {}
    for path in course.notebooks():
        for cells in exercises(read(path)):
            told = re.search(r"xercise (\d+\.\d+)\*\* \((\d+) minutes", cells[0].source)
            found[told[1]] = path.name, int(told[2])
    return found


def reading_time(name, heading):
    """A section's minutes to read, without its exercises, which have a price of their own."""
    asked = {cell.id for cells in exercises(notebook(name)) for cell in cells[1:] if "checks." in cell.source}
    kept = [
        {**cell, "source": re.split(r"(?m)^\*\*(?:Open e|E)xercise", cell["source"])[0]}
        for cell in sections(name)[heading]
        if cell.get("id") not in asked
    ]
    return reading.cost({"cells": kept}).minutes


def stretches(line):
    """Each linked notebook of a line, and what is said of it."""
    links = [*LINK.finditer(line)]
    for link, after in zip(links, [*links[1:], None]):
        yield link[1], line[link.end() : after.start() if after else None]


def rows():
    return [line for line in GUIDE.splitlines() if re.match(r"\| \d+ \|", line)]


def questions():
    part = GUIDE.split("## Questions that will come")[1].split("\n## ")[0]
    return [re.sub(r"\s+", " ", text) for text in re.split(r"\n(?=\d+\. )", part)[1:]]


def start(line):
    return line[:40]


def missing(line):
    """What a line names and its notebook does not have."""
    for name, said in stretches(line):
        section = None
        for kind, named, slider in NAME.findall(said):
            if not kind and named not in sections(name):
                yield f"{name} has no section {named!r}, but {[*sections(name)]}"
            elif slider and not kind and "Explorer(" not in "".join(cell["source"] for cell in sections(name)[named]):
                yield f"{name}, {named}, has no slider"
            elif kind and section is None:
                yield f"in which section of {name} is the {kind}{named!r}?"
            elif kind and not any(named in caption for caption in captions(sections(name)[section])):
                yield f"{name}, {section}, has no {kind}{named!r}, but {captions(sections(name)[section])}"
            section = section if kind else named if named in sections(name) else None
        for number in re.findall(r"exercise (\d+\.\d+)", said):
            if not name.endswith(exercise_prices().get(number, ["nowhere"])[0]):
                yield f"{name} has no exercise {number}"


@pytest.mark.parametrize("line", [*rows(), *questions()], ids=start)
def test_what_is_named_is_there(line):
    assert not [*missing(line)]


@pytest.mark.parametrize(
    "said",
    [
        "*How much room does it want?*",
        "*Would any noise do?*, its slider",
        "the table *Fooled within 200 steps*",  # in no section
        "*Would any noise do?*, the table *Fooled within 200 steps*",  # in another section
        "*How many of the test set?*, the figure *Fooled within 300 steps*",
        "exercise 3.1",
        "exercise 2.9",
    ],
)
def test_what_is_not_there_is_missed(said):
    assert [*missing(f"[02](02_fool_one_image.ipynb), {said}")]


@pytest.mark.parametrize("line", rows(), ids=start)
def test_the_minutes_of_a_row_add_up(line):
    _, whole, what, *_ = line.split("|")
    assert int(whole) == sum(map(int, re.findall(r"\((\d+)\)(?=[,;. |]|$)", what.strip())))


@pytest.mark.parametrize("line", [line for line in rows() if "projector" not in line], ids=start)
def test_a_section_has_the_minutes_that_it_takes_to_read(line):
    for name, said in stretches(line.split("|")[2]):
        for heading, given in re.findall(r"\*([^*]+)\*(?:, its slider)? \((\d+)\)", said):
            takes = reading_time(name, heading)
            assert int(given) >= takes - 1, f"{name}, {heading}: {takes:.1f} minutes by tools/reading.py, not {given}"


def test_an_exercise_takes_its_price():
    told = re.findall(r"exercise (\d+\.\d+) \((\d+)\)", GUIDE)
    assert told
    assert all(exercise_prices()[number][1] == int(price) for number, price in told)


def test_the_minutes_of_a_plan_add_up():
    tables = re.findall(r"(?:^\|.*\n)+", GUIDE, re.MULTILINE)
    totals = [(re.search(r"^\| \*\*(\d+)\*\* \|", table, re.MULTILINE), table) for table in tables]
    assert [int(total[1]) for total, _ in totals if total] == [90, 210, 90, 120, 90, 75, 75, 75, 75]
    for total, table in totals:
        assert not total or int(total[1]) == sum(map(int, re.findall(r"^\| (\d+) \|", table, re.MULTILINE)))


def test_every_question_leads_to_a_place_and_none_to_a_piece_of_code():
    assert len(questions()) >= 22
    for question in questions():
        place = question.partition("→")[2]
        assert LINK.search(place), question
        assert "`" not in place, question


def test_every_open_exercise_is_a_contest():
    part = GUIDE.split("## Open exercises as contests")[1].split("\n## ")[0]
    named = {line.split(",")[0].strip("| ") for line in part.splitlines() if re.match(r"\| \d", line)}
    opened = {
        re.search(r"\d+\.\d+", cells[0].source)[0]
        for path in course.lessons()
        for cells in exercises(read(path))
        if cells[0].source.startswith("**Open")
    }
    assert named == opened


def test_every_in_depth_notebook_is_named():
    assert all(f"]({path.relative_to(ROOT / 'notebooks').as_posix()})" in GUIDE for path in course.in_depth())


def test_the_teachers_hours_are_those_of_the_cards():
    cards = [card(notebook(path.name)) for path in course.lessons()[:3]]
    told = sum(map(int, re.findall(r"\d+", " ".join(re.search(r"\*\*Minutes\*\*(.*)", card)[1] for card in cards))))
    assert "two and three quarter hours" in GUIDE.replace("\n", " ")
    assert 150 <= told <= 180

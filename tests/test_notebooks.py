"""The contract every notebook keeps, and proof that breaking it is caught.

The conventions, for authors (CONTRIBUTING.md has the same in prose):

- A notebook of ``notebooks/`` is a lesson, one of ``notebooks/in_depth/`` goes in depth and says so in its card.
- First cell: ``# Title?`` and one sentence that says what there will be to see, not the answer.
- Second cell, the card (in 00 it follows the slider that a visitor came for, and until then all code is folded):
  ``**You will be able to**`` and 3-5 list items, ``**Before this**``, ``**Minutes**`` with
  three numbers (read, run, exercises), ``**Reproduces**``.  The minutes to read are those of ``tools/reading.py``,
  within a fifth; a lesson has at most 60 code cells, 160 visible lines of code and 30 minutes of reading.
- First code cell that is not folded, the set-up: at most 6 lines, can be run twice, from any folder.
- Code cells: at most 15 lines of code (no blank line, no comment counted), median at most 6, lines of at most
  75 characters.  A cell that defines a function does not call it; the next one does.
- At least one ``> **Predict`` before a result, where there are exercises.
- Cells tagged ``keep_output`` print one short fact; their output alone is committed.
- Figures: ``plots.show(fig, alt=..., caption=...)``, and no pyplot; sliders: ``widgets.Explorer(..., alt=...)``.
  ``alt`` describes the picture and does not repeat the caption.  A cell that draws is tagged ``figure`` and has
  ``"jupyter": {"source_hidden": true}``; no cell that is not folded needs a name from it, and where it ends with
  a call that gives matplotlib's objects back, ``;`` keeps them off the page.
- No loop variable at the top level shares its name with anything that another cell reads.
- Exercises: a line that begins ``**Exercise 2.1** (5 minutes, one star)`` opens one; until the next exercise or
  ``##`` heading follow a cell tagged ``stub``, a call of ``checks.something(...)``, a hint in ``<details>``,
  and a code cell tagged ``solution`` and ``hide-cell`` with ``"jupyter": {"source_hidden": true}``.  It begins
  ``# Solution``; what it gives to a check is named ``..._solution``, so that ``advlib.checks`` folds the verdict.
  A lesson has 3 or 4 and one more that begins ``**Open exercise 2.5** (...)``.  00, 09 and what goes in depth have
  0-4; a card that says 0 minutes has none.
- Formulas are TeX that docutils can write as MathML: the pages show them so.
- A link to a notebook has its name: ``[2 · Title?](02_name.ipynb)``, ``[2 in depth · Title?](in_depth/02_name.ipynb)``.
- The end: ``## What you learned`` with as many list items as the card, ``## Limits``, ``## Next`` with a link.
"""

import ast
import itertools
import json
import os
import re
import statistics
import subprocess
import symtable
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from matplotlib.axes import Axes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import course
from advlib import results
from tools import reading

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "site"))
from mathml import mathml  # noqa: E402

NOTEBOOKS = course.notebooks()
CANARY = ROOT / "tests" / "canary"
STRIP = [sys.executable, "-m", "nbstripout", "--keep-id", "--extra-keys", "metadata.language_info"]
FREE_OF_EXERCISES = ("00_", "09_")
ITEM = re.compile(r"^\s*(?:[-*+]|\d+\.) ", re.MULTILINE)


# --------------------------------------------------------------------------------------- reading a notebook
def code(nb):
    """The code cells, without the one that only Colab runs."""
    return [cell for cell in nb.cells if cell.cell_type == "code" and "colab" not in tags(cell)]


def markdown(nb):
    return [cell.source for cell in nb.cells if cell.cell_type == "markdown"]


def tags(cell):
    return cell.metadata.get("tags", [])


def lines_of_code(cell):
    return [line for line in cell.source.splitlines() if line.strip() and not line.strip().startswith("#")]


def tree(cell):
    return ast.parse(TransformerManager().transform_cell(cell.source))


def card(nb):
    return next((text for text in markdown(nb) if text.startswith("**You will be able to**")), "")


def set_up(nb):
    return next((cell for cell in code(nb) if "figure" not in tags(cell)), None)


def name(path):
    """How a notebook is called everywhere: its number and its title."""
    title = read(path).cells[0].source.splitlines()[0].removeprefix("# ")
    return f"{int(path.name[:2])}{' in depth' if path.parent.name == 'in_depth' else ''} · {title}"


def misnamed(text, folder, short=False):
    """Links to notebooks whose words are not the notebook's name; ``short``: a number that no other has is enough."""
    for words, place in re.findall(r"\[([^\]]*)\]\(([\w./]+\.ipynb)\)", text):
        path = (folder / place).resolve()
        named = name(path) if path in NOTEBOOKS else "a notebook that is not there"
        number = named.split(" · ")[0]
        enough = short and sum(name(other).startswith(f"{number} · ") for other in NOTEBOOKS) == 1
        if " ".join(words.split()) not in ({named, number} if enough else {named}):
            yield f"[{words}]({place}) leads to {named}"


def written(node):
    """A string expression as far as it stands in the code; what is computed is an ellipsis."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(written(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp):
        return written(node.left) + written(node.right)
    return "…"


def minutes(nb):
    """The card's minutes to read, to run and for the exercises."""
    line = re.search(r"\*\*Minutes\*\*(.*)", card(nb))
    return tuple(map(int, re.findall(r"\d+", line[1]))) if line else ()


def is_lesson(nb):
    return "in_depth" not in nb.metadata.get("file", "")


def free_names(source):
    """The names that a cell reads and does not make itself."""
    found = set()

    def look(table, made):
        if table.get_type() == "module":
            made = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
        for symbol in table.get_symbols():
            if symbol.is_referenced() and symbol.is_global() and symbol.get_name() not in made:
                found.add(symbol.get_name())
        for child in table.get_children():
            look(child, made)

    look(symtable.symtable(TransformerManager().transform_cell(source), "cell", "exec"), set())
    return found


def exercises(nb):
    """Each exercise as the list of its cells."""
    found, inside = [], False
    for cell in nb.cells:
        text = cell.source if cell.cell_type == "markdown" else ""
        begin = re.search(r"^(\*\*|#+ )(Exercise|Open exercise) \d.*", text, re.MULTILINE | re.DOTALL)
        if begin:
            found.append([new_markdown_cell(begin[0])])
            inside = True
        elif text.startswith(("# ", "## ")):
            inside = False
        elif inside:
            found[-1].append(cell)
    return found


def prose(nb):
    """What is written for the reader: Markdown without code and addresses."""
    text = "\n\n".join(markdown(nb))
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)


# ------------------------------------------------------------------------ the clauses: each yields complaints
def opens_with_a_question(nb):
    lines = nb.cells[0].source.splitlines()
    if nb.cells[0].cell_type != "markdown" or not re.fullmatch(r"# .*\?", lines[0]):
        yield f"the first cell begins {lines[0]!r}, not with '# ' and a question"
    answer = " ".join(lines[1:]).strip()
    if len(re.findall(r"[.!?](?=\s|$)", answer)) != 1:
        yield f"below the title stands not one sentence but {answer!r}"


def says_what_it_is(nb):
    if not is_lesson(nb) and "in-depth notebook" not in card(nb):
        yield "the card does not say that this is an in-depth notebook"


def takes_the_minutes_it_tells(nb):
    cost = reading.cost(nb)
    limits = [("code cells", cost.cells, 60), ("visible lines of code", cost.lines, 160),
              ("minutes to read", cost.minutes, 30)]  # fmt: skip
    for what, value, limit in limits if is_lesson(nb) else []:
        if value > limit:
            yield f"{value:.0f} {what}, not {limit} or fewer: what proves goes in depth"
    if minutes(nb) and not cost.minutes / 1.2 <= minutes(nb)[0] <= cost.minutes * 1.2:
        yield f"the card tells {minutes(nb)[0]} minutes to read; it takes {cost.minutes:.1f}"


def folds_what_only_draws(nb):
    drawn = {}
    for cell in code(nb):
        figure = "figure" in tags(cell)
        if figure and not cell.metadata.get("jupyter", {}).get("source_hidden"):
            yield f'a figure\'s code is not folded: "jupyter": {{"source_hidden": true}}:\n{cell.source}'
        if not figure and "plots.show(" in cell.source:
            yield f"a cell that shows a figure is not tagged figure:\n{cell.source}"
        read = free_names(cell.source)
        for name in {} if figure else read & set(drawn):
            yield f"{name}, which a visible cell reads, comes from a folded one:\n{drawn[name]}"
        made = {
            node.id for node in ast.walk(tree(cell)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        made |= {part.name for part in tree(cell).body if isinstance(part, ast.FunctionDef)}
        for name in made:
            drawn[name] = cell.source
        if not figure:
            drawn = {name: source for name, source in drawn.items() if name not in made}


def gives_a_name_one_meaning(nb):
    loops, free = [], []
    for cell in code(nb):
        body = [part for part in tree(cell).body if not isinstance(part, ast.FunctionDef | ast.ClassDef)]
        targets = [node.target for part in body for node in ast.walk(part) if isinstance(node, ast.For)]
        loops.append({node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)})
        free.append(free_names(cell.source))
    for i, names in enumerate(loops):
        for name in names & set().union(*free[:i], *free[i + 1 :]) - {"_"}:
            yield f"{name} is a loop's variable and is read by another cell:\n{code(nb)[i].source}"


def has_a_card(nb):
    if not card(nb):
        yield "no cell begins with **You will be able to**"
    for word in ("Before this", "Minutes", "Reproduces"):
        if f"**{word}**" not in card(nb):
            yield f"the card has no **{word}**"
    objectives = ITEM.findall(card(nb).split("**Before this**")[0])
    if not 3 <= len(objectives) <= 5:
        yield f"the card has {len(objectives)} objectives, not 3 to 5"
    if len(minutes(nb)) != 3:
        yield f"the card's minutes are {minutes(nb)}, not three numbers: to read, to run, for the exercises"


def begins_with_card_or_slider(nb):
    before = list(itertools.takewhile(lambda cell: cell.source != card(nb), nb.cells[1:]))
    if not nb.metadata.get("file", "").startswith("00_"):
        if before:
            yield f"the second cell is not the card, but {before[0].source}"
    elif not any("Explorer(" in cell.source for cell in before):
        yield "00 does not begin with a slider"
    for cell in before:
        if cell.cell_type == "code" and not {"figure", "colab"} & {*tags(cell)}:
            yield f"code stands before the card and is not folded:\n{cell.source}"


def sets_up_in_six_lines(nb):
    if not set_up(nb) or not 1 <= len(lines_of_code(set_up(nb))) <= 6:
        yield "the first code cell that is not folded, the set-up, has not 1 to 6 lines"


def builds_in_small_cells(nb):
    sizes = [len(lines_of_code(cell)) for cell in code(nb)]
    if sizes and statistics.median(sizes) > 6:
        yield f"the median of a code cell is {statistics.median(sizes)} lines, not 6 or fewer"
    for cell in code(nb):
        if len(lines_of_code(cell)) > 15:
            yield f"{len(lines_of_code(cell))} lines of code in one cell, not 15 or fewer:\n{cell.source}"


def keeps_lines_short(nb):
    for cell in code(nb):
        for line in cell.source.splitlines():
            if len(line) > 75:
                yield f"{len(line)} characters in a line, not 75 or fewer: {line}"


def builds_and_runs_apart(nb):
    for cell in code(nb):
        body = tree(cell).body
        defined = {part.name for part in body if isinstance(part, ast.FunctionDef)}
        rest = [node for part in body if not isinstance(part, ast.FunctionDef) for node in ast.walk(part)]
        called = {ast.unparse(node.func) for node in rest if isinstance(node, ast.Call)}
        for name in defined & called:
            yield f"{name} is defined and called in one cell: call it in the next"


def checks_numbers(nb):
    kept = [cell for cell in code(nb) if "keep_output" in tags(cell)]
    if not kept:
        yield "no cell is tagged keep_output: no number is compared"
    for cell in kept:
        if [(o.output_type, o.get("name")) for o in cell.outputs] != [("stream", "stdout")]:
            yield f"this keep_output cell has not recorded one print, and nothing else:\n{cell.source}"
        elif len(cell.outputs[0].text) >= 500:
            yield f"this keep_output cell prints {len(cell.outputs[0].text)} characters, not below 500:\n{cell.source}"


def commits_no_other_output(nb):
    for cell in code(nb):
        if (cell.outputs and "keep_output" not in tags(cell)) or cell.execution_count is not None:
            yield f"output or count to strip:\n{cell.source}"


def lets_predict(nb):
    if is_lesson(nb) and exercises(nb) and not any("> **Predict" in text for text in markdown(nb)):
        yield "the reader is nowhere asked to predict: > **Predict first.** ..."


def shows_figures_with_words(nb):
    sources = "\n".join(cell.source for cell in code(nb))
    tables = {"tables", *re.findall(r"^(\w+) = results\.study\(", sources, re.MULTILINE)}
    for cell in code(nb):
        body = tree(cell)
        for node in ast.walk(body):
            if isinstance(node, ast.Import | ast.ImportFrom) and "pyplot" in ast.unparse(node):
                yield "pyplot is imported: plots.figure() makes a figure, plots.show() shows it"
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "plots.show":
                for name in {"alt", "caption"} - {keyword.arg for keyword in node.keywords}:
                    yield f"plots.show without {name}=:\n{cell.source}"
            elif (
                isinstance(node, ast.Call)
                and re.search(r"\.show$", name := ast.unparse(node.func))
                and (name.removesuffix(".show") not in tables)
            ):
                yield f"{ast.unparse(node.func)}() shows a figure without words: use plots.show"
        last = body.body[-1].value if body.body and isinstance(body.body[-1], ast.Expr) else None
        shown = ast.unparse(last.func) if isinstance(last, ast.Call) else ast.unparse(last) if last else ""
        if re.match(r"plots\.(?!show$|draw_)|(fig|display)$", shown):
            yield f"the cell ends with {shown}, a figure without words: use plots.show"
        base, _, method = shown.rpartition(".")
        if "figure" in tags(cell) and base != "plots" and hasattr(Axes, method) and not cell.source.endswith(";"):
            yield f"the page shows what {shown} gives back, <matplotlib…>: end the cell with ;"


def describes_its_pictures(nb):
    functions = {part.name: part for cell in code(nb) for part in tree(cell).body if isinstance(part, ast.FunctionDef)}
    for cell in code(nb):
        for node in ast.walk(tree(cell)):
            made = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            given = {keyword.arg: keyword.value for keyword in node.keywords} if made else {}
            if made == "plots.show":
                caption = written(given.get("caption"))
            elif made.endswith("Explorer"):
                described = functions.get(ast.unparse(node.args[1]))
                caption = " ".join(written(part.value) for part in ast.walk(described) if isinstance(part, ast.Return))
                if "alt" not in given:
                    yield f"a slider without alt=, what there is to see in all its pictures:\n{cell.source}"
            else:
                continue
            alt, told = (re.findall(r"[^\W\d_]{4,}", text.lower()) for text in (written(given.get("alt")), caption))
            again = {*alt} & {*told}
            if len(again) > len({*alt}) / 2:
                yield f"alt= repeats the caption ({', '.join(sorted(again))}) and does not describe:\n{cell.source}"


def calls_notebooks_by_their_names(nb):
    yield from misnamed("\n\n".join(markdown(nb)), (ROOT / "notebooks" / nb.metadata.get("file", "")).parent)


def has_exercises(nb):
    found = exercises(nb)
    first = (markdown(nb) or [""])[0]
    taught = is_lesson(nb) and not nb.metadata.get("file", "").startswith(FREE_OF_EXERCISES)
    open_ones = sum("Open exercise" in cells[0].source.splitlines()[0] for cells in found)
    if not 3 * taught <= len(found) - open_ones <= 4:
        yield f"{len(found) - open_ones} exercises, not {3 * taught} to 4 ({first.splitlines()[0]})"
    if open_ones != taught:
        yield f"{open_ones} open exercises, not {taught:d}"
    if minutes(nb) and bool(found) != bool(minutes(nb)[-1]):
        yield f"the card gives the exercises {minutes(nb)[-1]} minutes, and there are {len(found)}"
    for cells in found:
        name = cells[0].source.splitlines()[0]
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        work = [cell for cell in cells if cell.cell_type == "code"]
        if not re.search(r"\d+ minutes?\b", cells[0].source):
            yield f"{name}: no price in minutes"
        if not re.search(r"★|\bstars?\b", cells[0].source):
            yield f"{name}: no difficulty in stars"
        if not any("stub" in tags(cell) for cell in work):
            yield f"{name}: no cell tagged stub"
        if not any(re.search(r"\bchecks\.\w+\(", cell.source) for cell in work if "solution" not in tags(cell)):
            yield f"{name}: no call of checks.something(...) outside the solution"
        if not re.search(r"<details>\s*<summary>[^<]*[Hh]int", text):
            yield f"{name}: no <details> with a <summary> that says Hint"
        solutions = [cell for cell in work if "solution" in tags(cell)]
        if not solutions:
            yield f"{name}: no code cell tagged solution"
        for cell in solutions:
            if "hide-cell" not in tags(cell) or not cell.metadata.get("jupyter", {}).get("source_hidden"):
                yield f'{name}: the solution is not folded: tag hide-cell, "jupyter": {{"source_hidden": true}}'
            if not cell.source.startswith("# Solution\n"):
                yield f"{name}: the solution does not begin with a line '# Solution'"
            if re.search(r"\bchecks\.\w+\((?!\w+_solution\b)", cell.source):
                yield f"{name}: what the solution gives to its check is not named ..._solution"


def ends_with_what_was_learned(nb):
    titles = ["## What you learned", "## Limits", "## Next"]
    parts = re.split(r"^(## .*)$", "\n\n".join(markdown(nb)), flags=re.MULTILINE)
    end = dict(zip(parts[1::2], parts[2::2]))
    if parts[1::2][-3:] != titles:
        return (yield f"the last three sections are {parts[1::2][-3:]}, not {titles}")
    learned, objectives = ITEM.findall(end[titles[0]]), ITEM.findall(card(nb).split("**Before this**")[0])
    if len(learned) != len(objectives):
        yield f"{len(learned)} things learned, for {len(objectives)} objectives"
    if not end["## Limits"].strip():
        yield "the limits are not told"
    if not re.search(r"\]\([\w./]+\.ipynb\)", end["## Next"]):
        yield "## Next has no link to a notebook"


def speaks_plainly(nb):
    for word in re.findall(r"\b(?:simply|just|obviously|easy|easily)\b", prose(nb), re.IGNORECASE):
        yield f"{word!r} in the prose: what is plain to the writer is what the reader came to learn"
    for role in re.findall(r"^:::.*|^```\{.*|^\(\S+\)=|\{[a-z:]+\}`", "\n".join(markdown(nb)), re.MULTILINE):
        yield f"{role!r} is MyST: in JupyterLab and on GitHub the reader sees it raw"


def has_formulas_that_pages_can_show(nb):
    text = re.sub(r"`[^`]*`", "", "\n".join(markdown(nb)))
    for block, line in re.findall(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", text, re.DOTALL):
        try:
            mathml(block or line, block=bool(block))
        except ValueError as why:
            yield str(why)


def is_a_valid_notebook(nb):
    if len({cell.get("id") for cell in nb.cells}) < len(nb.cells):
        return (yield "two cells have the same id")  # which validate would mend
    try:
        nbformat.validate(json.loads(json.dumps(nb)))
    except nbformat.ValidationError as why:
        yield str(why)
    if nb.metadata.get("kernelspec") != {"name": "python3", "display_name": "Python 3", "language": "python"}:
        yield f"kernelspec is {nb.metadata.get('kernelspec')}"
    if (nb.nbformat, nb.nbformat_minor) != (4, 5):
        yield f"nbformat {nb.nbformat}.{nb.nbformat_minor}, not 4.5"


CLAUSES = [
    opens_with_a_question,
    has_a_card,
    begins_with_card_or_slider,
    says_what_it_is,
    takes_the_minutes_it_tells,
    folds_what_only_draws,
    gives_a_name_one_meaning,
    sets_up_in_six_lines,
    builds_in_small_cells,
    keeps_lines_short,
    builds_and_runs_apart,
    checks_numbers,
    commits_no_other_output,
    lets_predict,
    shows_figures_with_words,
    describes_its_pictures,
    calls_notebooks_by_their_names,
    has_exercises,
    ends_with_what_was_learned,
    speaks_plainly,
    has_formulas_that_pages_can_show,
    is_a_valid_notebook,
]


def read(path):
    nb = nbformat.v4.reads(path.read_text(encoding="utf-8"))  # as it is: nbformat.read would mend it
    nb.metadata["file"] = path.relative_to(ROOT / "notebooks").as_posix()  # in memory only
    return nb


# --------------------------------------------------------------------------------------- the notebooks keep it
def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_contract(path, clause):
    assert not list(clause(read(path)))


def test_nbstripout_has_nothing_to_do():
    subprocess.run([*STRIP, "--verify", *map(str, NOTEBOOKS)], check=True)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_both_maps_list_it_with_its_minutes(path):
    columns = " | ".join(map(str, minutes(read(path))))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    start_here = "\n".join(markdown(read(ROOT / "notebooks" / "00_start_here.ipynb")))
    place = path.relative_to(ROOT / "notebooks").as_posix()
    for where, text, folder in (("README.md", readme, "notebooks/"), ("00_start_here", start_here, "")):
        row = re.search(rf"^\| \[.*\({folder}{place}\) \|.*", text, re.MULTILINE)
        assert row, f"the map in {where} has no row for {place}"
        assert row[0].endswith(f"| {columns} |"), f"{where}: the row must end with the card's | {columns} |"


@pytest.mark.parametrize("page", ["INSTRUCTORS.md", "glossary.md", "references.md"])
def test_pages_call_notebooks_by_their_names_or_numbers(page):
    folder = ROOT / "notebooks"
    assert not list(misnamed((folder / page).read_text(encoding="utf-8"), folder, short=True))


def test_set_up_cells_run_twice_from_any_folder(tmp_path):
    sources = [set_up(read(path)).source for path in NOTEBOOKS]
    program = (
        "import json, sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "for source in json.loads(sys.argv[1]):\n"
        "    shell = InteractiveShell()\n"
        "    for _ in range(2):\n"
        "        shell.run_cell(source).raise_error()\n"
        "    print('=====')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, json.dumps(sources)],
        cwd=tmp_path, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    *printed, _ = run.stdout.split("=====")
    assert len(printed) == len(NOTEBOOKS)
    for path, text in zip(NOTEBOOKS, printed, strict=True):
        for word in (version("tensorflow"), version("keras"), f"scale: {results.SCALE}"):
            assert text.count(word) >= 2, f"{path.name}: the set-up cell, run twice, must print {word!r} twice"
        assert len(re.findall(r"data: (mnist|digits|signs|coloured-digits)", text)) >= 2, path.name


# ---------------------------------------------------------------------------------------- and breaking it is caught
def good():
    """A small notebook that keeps the contract."""

    def exercise(number, kind="Exercise"):
        folded = {"tags": ["solution", "hide-cell"], "jupyter": {"source_hidden": True}}
        return [
            new_markdown_cell(
                f"**{kind} 1.{number}** (5 minutes, one star). Clip it.\n\n"
                "<details><summary>Hint</summary>Two ends.</details>"
            ),
            new_code_cell("def mine(x):\n    return ...", metadata={"tags": ["stub"]}),
            new_code_cell("checks.clip(mine)"),
            new_code_cell("# Solution\ndef my_solution(x):\n    return x\n\nchecks.clip(my_solution)", metadata=folded),
        ]

    said = new_output("stream", name="stdout", text="largest move 0.15\n")
    third = ROOT / "notebooks" / "03_gradient_vs_sign.ipynb"
    return new_notebook(
        cells=[
            new_markdown_cell("# How far may a pixel move?\n\nNo further than 0.15, as a cell will show."),
            new_markdown_cell(
                "**You will be able to**\n\n- clip\n- step\n- measure\n\n**Before this** nothing\n\n"
                "**Minutes** 2 to read, 2 to run, 10 for the exercises\n\n**Reproduces** Figure 1"
            ),
            new_code_cell("import advlib\nfrom advlib import checks, plots\ndataset = advlib.start()"),
            new_markdown_cell("## How far?\n\n> **Predict first.** Which way? The rule is `just` this."),
            new_code_cell("def step(x):\n    return x + 1"),
            new_code_cell("print(f'largest move {step(-0.85):.2f}')", metadata={"tags": ["keep_output"]},
                          outputs=[said]),
            new_code_cell("fig, ax = plots.figure()\nplots.show(fig, alt='a 7', caption='A seven.')",
                          metadata={"tags": ["figure"], "jupyter": {"source_hidden": True}}),
            *exercise(1),
            *exercise(2),
            *exercise(3),
            *exercise(4, "Open exercise"),
            new_markdown_cell("## What you learned\n\n- clip\n- step\n- measure"),
            new_markdown_cell("## Limits\n\nOne network."),
            new_markdown_cell(f"## Next\n\n[{name(third)}]({third.name})"),
        ],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "file": "02_good.ipynb",
        },
    )  # fmt: skip


def swap(index, old, new):
    def change(nb):
        assert old in nb.cells[index].source
        nb.cells[index].source = nb.cells[index].source.replace(old, new)

    return change


def without(index):
    return lambda nb: nb.cells.pop(index)


def untag(index, tag):
    return lambda nb: nb.cells[index].metadata.tags.remove(tag)


def add(source):
    return lambda nb: nb.cells.insert(5, new_code_cell(source))


def output(*outputs, index=5):
    return lambda nb: nb.cells[index].update(outputs=list(outputs))


def renamed(name, change):
    def both(nb):
        nb.metadata["file"] = name
        change(nb)

    return both


def without_exercises(nb):
    nb.cells[7:23] = []


SLIDER = """def drawn(steps):
    return fig

def told(steps):
    return f'After {steps} many steps.'

widgets.Explorer(drawn, told, alt='a curve', steps=[1, 2])"""


def slider_first(*tagged):
    return lambda nb: nb.cells.insert(1, new_code_cell(SLIDER, metadata={"tags": [*tagged]}))


def in_depth(change):
    return renamed("in_depth/02_good.ipynb", change)


BROKEN = [
    (opens_with_a_question, swap(0, "?", "")),
    (opens_with_a_question, swap(0, "# ", "## ")),
    (opens_with_a_question, swap(0, "No further than 0.15, as a cell will show.", "")),
    (opens_with_a_question, swap(0, "show.", "show. And more.")),
    (has_a_card, without(1)),
    (begins_with_card_or_slider, lambda nb: nb.cells.insert(1, new_markdown_cell("Hello."))),
    (begins_with_card_or_slider, renamed("00_start_here.ipynb", lambda nb: None)),
    (begins_with_card_or_slider, renamed("00_start_here.ipynb", slider_first("keep_output"))),
    (has_a_card, swap(1, "- step\n", "")),
    (has_a_card, swap(1, "- step\n", "- a\n- b\n- c\n- d\n")),
    (has_a_card, swap(1, "**Before this**", "Before")),
    (has_a_card, swap(1, "**Reproduces**", "")),
    (has_a_card, swap(1, "**Minutes**", "Time")),
    (has_a_card, swap(1, "2 to run, ", "")),
    (says_what_it_is, in_depth(lambda nb: None)),
    (takes_the_minutes_it_tells, lambda nb: [add("x = 1")(nb) for _ in range(60)]),
    (takes_the_minutes_it_tells, lambda nb: [add("x = 1\n" * 15)(nb) for _ in range(11)]),
    (takes_the_minutes_it_tells, swap(24, "One network.", "One network. " * 3000)),
    (takes_the_minutes_it_tells, swap(1, "2 to read", "4 to read")),
    (takes_the_minutes_it_tells, swap(1, "2 to read", "1 to read")),
    (folds_what_only_draws, untag(6, "figure")),
    (folds_what_only_draws, lambda nb: nb.cells[6].metadata.pop("jupyter")),
    (folds_what_only_draws, lambda nb: nb.cells.insert(7, new_code_cell("print(ax)"))),
    (gives_a_name_one_meaning, add("for step in [1]:\n    pass")),
    (gives_a_name_one_meaning, add("if True:\n    for a, (checks, b) in []:\n        pass")),
    (sets_up_in_six_lines, swap(2, "import advlib", "import advlib\n" + "x = 1\n" * 4)),
    (builds_in_small_cells, add("x = 1\n" * 16)),
    (builds_in_small_cells, lambda nb: [add("x = 1\n" * 7)(nb) for _ in range(24)]),
    (keeps_lines_short, add("# " + "x" * 74)),
    (builds_and_runs_apart, swap(4, "x + 1", "x + 1\nstep(2)")),
    (checks_numbers, untag(5, "keep_output")),
    (checks_numbers, output()),
    (checks_numbers, output(new_output("stream", name="stdout", text="x" * 500))),
    (checks_numbers, output(new_output("stream", name="stderr", text="oh"))),
    (checks_numbers, output(*[new_output("stream", name=n, text="x") for n in ("stdout", "stderr")])),
    (checks_numbers, output(new_output("execute_result", data={"text/plain": "1"}))),
    (commits_no_other_output, output(new_output("stream", name="stdout", text="x"), index=6)),
    (commits_no_other_output, lambda nb: nb.cells[4].update(execution_count=3)),
    (lets_predict, swap(3, "> **Predict first.**", "")),
    (shows_figures_with_words, swap(6, "alt='a 7', ", "")),
    (shows_figures_with_words, swap(6, ", caption='A seven.'", "")),
    (shows_figures_with_words, swap(6, "plots.show(fig, alt='a 7', caption='A seven.')", "fig")),
    (shows_figures_with_words, swap(6, "plots.show(fig, alt='a 7', caption='A seven.')", "fig.show()")),
    (shows_figures_with_words, add("import matplotlib.pyplot as plt")),
    (shows_figures_with_words, add("from matplotlib import pyplot")),
    (shows_figures_with_words, add("plt.show()")),
    (shows_figures_with_words, add("plots.image_grid(x)")),
    (shows_figures_with_words, add("display(fig)")),
    (shows_figures_with_words, swap(6, "plots.show(fig, alt='a 7', caption='A seven.')", "ax.legend()")),
    (shows_figures_with_words, add("plots.figure()")),
    (describes_its_pictures, swap(6, "alt='a 7'", "alt='Seven.'")),
    (describes_its_pictures, add(SLIDER.replace("alt='a curve', ", ""))),
    (describes_its_pictures, add(SLIDER.replace("a curve", "after many steps"))),
    (calls_notebooks_by_their_names, swap(25, "3 · ", "")),
    (calls_notebooks_by_their_names, swap(25, "3 · ", "03 · ")),
    (calls_notebooks_by_their_names, swap(25, "03_gradient_vs_sign.ipynb", "02_fool_one_image.ipynb")),
    (calls_notebooks_by_their_names, swap(25, "03_gradient_vs_sign.ipynb", "03_is_not_there.ipynb")),
    (has_exercises, lambda nb: nb.cells.__delitem__(slice(7, 11))),
    (has_exercises, lambda nb: nb.cells.__delitem__(slice(19, 23))),
    (has_exercises, swap(15, "Exercise", "Open exercise")),
    (has_exercises, lambda nb: nb.cells.__setitem__(slice(7, 15), 3 * nb.cells[7:15])),
    (has_exercises, without_exercises),
    (has_exercises, renamed("00_start_here.ipynb", without_exercises)),  # its card promises some
    (has_exercises, swap(1, "10 for", "0 for")),
    (has_exercises, swap(7, "5 minutes, ", "")),
    (has_exercises, swap(7, ", one star", "")),
    (has_exercises, swap(7, "<details>", "")),
    (has_exercises, swap(7, "Hint", "Answer")),
    (has_exercises, untag(8, "stub")),
    (has_exercises, swap(9, "checks.clip(mine)", "mine(1)")),
    (has_exercises, untag(10, "solution")),
    (has_exercises, untag(10, "hide-cell")),
    (has_exercises, lambda nb: nb.cells[10].metadata.pop("jupyter")),
    (has_exercises, swap(10, "# Solution\n", "")),
    (has_exercises, swap(10, "checks.clip(my_solution)", "checks.clip(mine)")),
    (ends_with_what_was_learned, without(23)),
    (ends_with_what_was_learned, swap(23, "- step\n", "")),
    (ends_with_what_was_learned, without(24)),
    (ends_with_what_was_learned, swap(24, "One network.", "")),
    (ends_with_what_was_learned, without(25)),
    (ends_with_what_was_learned, swap(25, "(03_gradient_vs_sign.ipynb)", "")),
    (ends_with_what_was_learned, lambda nb: nb.cells.append(new_markdown_cell("## Extra"))),
    (speaks_plainly, swap(3, "Which", "Simply: which")),
    (speaks_plainly, swap(24, "One", "It is just one")),
    (speaks_plainly, swap(24, "One", "{cite}`x` One")),
    (speaks_plainly, swap(24, "One", "\n```{note}\nOne\n```\n")),
    (has_formulas_that_pages_can_show, swap(24, "One", "ε ∝ side$^{-b}$: one")),
    (has_formulas_that_pages_can_show, swap(24, "One", "$$\\nothing$$ One")),
    (is_a_valid_notebook, lambda nb: nb.metadata.pop("kernelspec")),
    (is_a_valid_notebook, lambda nb: nb.cells[4].update(id=nb.cells[5].id)),
    (is_a_valid_notebook, lambda nb: nb.cells[4].pop("outputs")),
    (is_a_valid_notebook, lambda nb: nb.update(nbformat_minor=4)),
]  # fmt: skip


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
def test_a_good_notebook_keeps_every_clause(clause):
    assert not list(clause(good()))


@pytest.mark.parametrize(("clause", "change"), BROKEN, ids=lambda part: getattr(part, "__name__", None))
def test_a_broken_notebook_is_caught(clause, change):
    nb = good()
    change(nb)
    assert list(clause(nb))


def test_00_may_begin_with_its_slider():
    nb = good()
    renamed("00_start_here.ipynb", slider_first("figure"))(nb)
    for clause in (begins_with_card_or_slider, has_a_card, sets_up_in_six_lines, describes_its_pictures):
        assert not list(clause(nb))


def test_every_clause_is_seen_to_catch_something():
    assert {clause for clause, _ in BROKEN} == set(CLAUSES)


def test_a_notebook_may_say_that_it_has_no_exercises():
    nb = good()
    without_exercises(nb)
    swap(1, "10 for", "0 for")(nb)
    assert list(has_exercises(nb))
    for name in ("09_reproduction_ledger.ipynb", "in_depth/02_good.ipynb"):
        nb.metadata["file"] = name
        assert not list(has_exercises(nb))


def test_an_in_depth_notebook_may_be_long():
    nb = good()
    for _ in range(61):
        add("x = 1\n" * 3)(nb)
    swap(1, "2 to read", f"{reading.cost(nb).minutes:.0f} to read")(nb)
    assert len(list(takes_the_minutes_it_tells(nb))) == 2
    nb.metadata["file"] = "in_depth/02_good.ipynb"
    assert not list(takes_the_minutes_it_tells(nb))


def test_loops_that_share_a_name_with_each_other_or_with_a_comprehension_are_fine():
    nb = good()
    for source in (
        "for k in [1]:\n    print(k)",
        "for k in [2]:\n    print(k)",
        "[k for k in [3]]",
        "def f(k):\n    return k",
    ):
        add(source)(nb)
    assert not list(gives_a_name_one_meaning(nb))
    add("print(k)")(nb)
    assert len(list(gives_a_name_one_meaning(nb))) == 2


def test_nbstripout_finds_what_is_to_strip(tmp_path):
    nb = good()
    nb.metadata.pop("file")
    nbformat.write(nb, tmp_path / "good.ipynb")
    assert subprocess.run([*STRIP, "--verify", tmp_path / "good.ipynb"], check=False).returncode == 0
    output(new_output("stream", name="stdout", text="x"), index=6)(nb)
    nbformat.write(nb, tmp_path / "good.ipynb")
    assert subprocess.run([*STRIP, "--verify", tmp_path / "good.ipynb"], check=False).returncode == 1


# ---------------------------------------------------------------------------------------- canaries for the test run
def run_canaries(*names, **environment):
    """A pytest of its own over notebooks of tests/canary, which ordinary runs leave out."""
    environment = {"ADVLIB_DATASET": "mnist", "ADVLIB_SCALE": "workshop"} | environment
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *(CANARY / n for n in names)],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    failed = re.findall(r"^FAILED tests/canary/(\S+ \d+)", run.stdout, re.MULTILINE)
    return run, failed


@pytest.fixture(scope="module")
def canaries():
    return run_canaries("right_number.ipynb", "wrong_number.ipynb", "no_alt_text.ipynb", "dead_kernel.ipynb")


def test_right_cells_pass_and_every_wrong_one_fails(canaries):
    run, failed = canaries
    assert run.returncode == 1, run.stdout
    assert failed == [
        "wrong_number.ipynb::Cell 1",
        "no_alt_text.ipynb::Cell 0",
        "no_alt_text.ipynb::Cell 1",
        "dead_kernel.ipynb::Cell 0",
    ]
    assert "4 failed, 4 passed" in run.stdout
    assert "not compared" not in run.stdout


def test_a_wrong_number_is_shown_with_the_right_one(canaries):
    run, _ = canaries
    assert "91 % of 1000" in run.stdout
    assert "17 % of 1000" in run.stdout


def test_a_picture_without_words_is_told(canaries):
    run, _ = canaries
    assert "A picture without alternative text" in run.stdout


def test_a_dead_kernel_is_noticed(canaries):
    run, _ = canaries
    assert "the kernel died while this cell ran" in run.stdout


@pytest.mark.parametrize(
    ("environment", "why"),
    [({"ADVLIB_DATASET": "digits"}, "offline digits"), ({"ADVLIB_SCALE": "paper"}, "paper scale")],
)
def test_where_numbers_must_differ_they_run_and_the_summary_says_so(environment, why):
    run, failed = run_canaries("right_number.ipynb", "wrong_number.ipynb", **environment)
    assert run.returncode == 0, run.stdout
    assert not failed
    assert f"{why}: 2 recorded numbers ran but were not compared" in run.stdout

"""site/execute.py: what makes a notebook run again, and what a fault leaves behind."""

import errno
import importlib.util
import json
import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[1]


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """The program, in a course of its own."""
    for name in ("ADVLIB_DATASET", "ADVLIB_SCALE", "ADVLIB_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("site/execute.py", "requirements.lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("notebooks/00_a.ipynb", "advlib/checks/one_image.py", "advlib/data.py", "data/weights/a.npz"):
        write(tmp_path / name, "old")
    monkeypatch.syspath_prepend(ROOT / "site")  # where its neighbours are
    spec = importlib.util.spec_from_file_location("execute", tmp_path / "site" / "execute.py")
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
    return execute


@pytest.fixture
def came_from(execute, tmp_path):
    """The key of a notebook."""
    return lambda: execute.came_from(tmp_path / "notebooks" / "00_a.ipynb")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_changed_check_makes_the_notebooks_run_again(came_from, tmp_path):
    key = came_from()
    assert came_from() == key
    write(tmp_path / "advlib" / "checks" / "one_image.py", "new")
    assert came_from() != key
    write(tmp_path / "advlib" / "checks" / "one_image.py", "old")
    assert came_from() == key


def test_the_signs_make_a_notebook_on_them_run_again_and_no_other(came_from, execute, tmp_path, monkeypatch):
    """Else a page would go on showing the digits that stood in for them."""

    def with_and_without():
        keys = []
        for found in (None, tmp_path / "gtsrb12_64px.npz"):
            monkeypatch.setattr(execute.data, "find", lambda name, found=found: found)
            keys.append(came_from())
        return keys

    assert len({*with_and_without()}) == 1
    write(tmp_path / "notebooks" / "00_a.ipynb", r'dataset = start(name=\"signs\")')
    assert len({*with_and_without()}) == 2


def test_a_notebook_that_is_no_text_has_a_key_too(came_from, tmp_path):
    """It is told of as damaged when it is opened, by its name, and not by a traceback here."""
    key = came_from()
    (tmp_path / "notebooks" / "00_a.ipynb").write_bytes(b"\xff\xfe\x00")
    assert came_from() != key


def test_a_corrected_number_of_the_papers_makes_them_run_again(came_from, tmp_path):
    keys = {came_from()}
    for text in ("old", "new"):
        write(tmp_path / "data" / "paper_numbers.json", text)
        keys.add(came_from())
    assert len(keys) == 3


def test_a_file_that_moves_makes_them_run_again(came_from, tmp_path):
    keys = [came_from()]
    (tmp_path / "advlib" / "checks" / "one_image.py").rename(tmp_path / "advlib" / "one_image.py")
    keys.append(came_from())
    write(tmp_path / "advlib" / "checks" / "deeper" / "one.py", "old")
    keys.append(came_from())
    assert len(set(keys)) == 3


def test_what_python_compiles_by_itself_does_not(came_from, tmp_path):
    key = came_from()
    for folder in ("advlib", "advlib/checks"):
        write(tmp_path / folder / "__pycache__" / "one_image.cpython-311.pyc", "compiled")
    assert came_from() == key


def test_networks_of_ones_own_make_them_run_again(came_from, tmp_path, monkeypatch):
    keys = [came_from()]
    write(tmp_path / "own" / "a.npz", "mine")
    for folder in (str(tmp_path / "own"), "../own"):  # the kernel runs in the notebook's folder
        monkeypatch.setenv("ADVLIB_WEIGHTS", folder)
        keys.append(came_from())
    assert keys[0] != keys[1] == keys[2]
    write(tmp_path / "own" / "a.npz", "another")
    assert came_from() != keys[2]


def test_networks_that_are_not_shipped_make_them_run_again_and_their_checkpoints_do_not(came_from, tmp_path):
    keys = [came_from()]
    for name in ("mnist-cnn-3.npz", "mnist-cnn-3-training.npz", "digits-cnn-0.npz"):
        write(tmp_path / "data" / "cache" / name, "new")
        keys.append(came_from())
    assert keys[0] != keys[1] == keys[2] == keys[3]


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "notebooks" / "00_a.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("print(6 * 7)")]), path)
    return path


@pytest.mark.parametrize("damage", ["", '{"cells": [', "\0\0", "[1]", '{"nbformat": 4}'])
def test_a_damaged_page_is_as_good_as_none(damage, execute, notebook, tmp_path):
    """A disk that was full has left it."""
    copy = tmp_path / "pages" / "00_a.ipynb"
    write(copy, damage)
    assert execute.kept(copy) is None
    if damage == '{"cells": [':  # one of them with a kernel
        execute.execute(notebook, copy)
        assert execute.kept(copy) == execute.came_from(notebook)
        assert nbformat.read(copy, 4).cells[0].outputs[0].text == "42\n"


def test_a_full_disk_leaves_the_old_page_or_none(execute, notebook, tmp_path, monkeypatch):
    def half(nb, path):
        Path(path).write_text('{"cells": [')
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(execute.nbformat, "write", half)
    copy = tmp_path / "pages" / "00_a.ipynb"
    write(copy, "the old page")
    with pytest.raises(OSError, match="No space"):
        execute.execute(notebook, copy)
    assert copy.read_text() == "the old page"
    assert list(copy.parent.iterdir()) == [copy]


def test_a_damaged_notebook_is_named(execute, notebook, tmp_path):
    notebook.write_text("<<<<<<< HEAD")
    with pytest.raises(SystemExit, match=r"notebooks/00_a\.ipynb is damaged .*git checkout"):
        execute.execute(notebook, tmp_path / "pages" / "00_a.ipynb")


# -------------------------------------------------------------------------------------------------- a full run
@pytest.fixture
def paper(execute, monkeypatch):
    """The program at paper scale."""
    monkeypatch.setenv("ADVLIB_SCALE", "paper")
    monkeypatch.setenv("ADVLIB_KEPT", "to be put back")
    return execute


def stores(tmp_path, study, **parts):
    write(tmp_path / "data" / "results" / f"{study}.json", json.dumps(parts))


def in_depth(tmp_path, *sources):
    path = tmp_path / "notebooks" / "in_depth" / "02_proof.ipynb"
    path.parent.mkdir(exist_ok=True)
    cells = [new_code_cell(source, id=f"cell-{k}") for k, source in enumerate(sources)]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_a_full_runs_notebook_rests_on_the_results_that_it_reads_and_not_on_what_the_run_writes(paper, tmp_path):
    proof = in_depth(
        tmp_path, 'study = results.study("02_own", mnist, seeds=seeds)',
        'results.study("02_anchor", mnist, read_only=True)\nresults.load("03_read")["rows"]',
    )  # fmt: skip
    keys = [paper.came_from(proof)]

    def after(study, **parts):
        stores(tmp_path, study, **parts)
        keys.append(paper.came_from(proof))
        return keys[-1] == keys[-2]

    assert after("02_own", attacks=[{"k": 1}])
    assert after("05_later", attacks=[{"k": 1}])
    assert not after("02_anchor", attacks=[{"k": 1}])
    assert not after("03_read", rows=[1])
    assert after("03_read", rows=[1], provenance={"date": "another"}, sha256="another")
    assert not after("03_read", rows=[2])
    lesson = tmp_path / "notebooks" / "00_a.ipynb"
    key = paper.came_from(lesson)
    stores(tmp_path, "05_later", attacks=[{"k": 2}])
    assert paper.came_from(lesson) != key


def test_a_full_runs_notebook_rests_on_the_noises_that_it_reads_and_not_on_those_that_it_writes(paper, tmp_path):
    noises = tmp_path / "data" / "results" / "04_noises.npz"
    read = 'path = results.RESULTS / "04_noises.npz"'
    written = 'with replacing(results.RESULTS / "04_noises.npz") as unfinished:'
    for sources, rests in (([read], True), ([read, written], False)):
        proof = in_depth(tmp_path, *sources)
        write(noises, "old")
        key = paper.came_from(proof)
        write(noises, "new")
        assert (paper.came_from(proof) != key) == rests


def test_what_is_kept_lasts_when_the_notebook_changes_and_not_when_the_code_or_the_networks_do(paper, tmp_path):
    def place():
        return paper.unfinished(tmp_path / "notebooks" / "00_a.ipynb", tmp_path / "paper" / "00_a.ipynb")

    places = [place()]
    write(tmp_path / "notebooks" / "00_a.ipynb", "new")
    assert place() == places[0]
    for name in ("advlib/data.py", "data/weights/a.npz", "requirements.lock"):
        write(tmp_path / name, "new")
        places.append(place())
    assert len({*places}) == 4
    assert {p.parent for p in places} == {tmp_path / "paper" / "00_a"}


SETUP = """
import os, signal
from pathlib import Path
from types import SimpleNamespace
from advlib import resume, results
results.RESULTS, resume.LEAST = Path("../../data/results").resolve(), 0
study = results.study("02_proof", SimpleNamespace(published=True))

def computed(name):
    with open("computed", "a") as file:
        print(name, file=file)
    if Path(f"kill-{name}").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return name

@resume.kept
def long(x):
    return [computed("long"), x]
"""
ONE = 'study.keep("one", ({"what": computed("one"), "k": k} for k in [1]))'
TWO = 'found = long(2)\nstudy.keep("two", ({"what": computed(what), "k": k} for what in ["two"] for k in [found[1]]))'
END = 'study.keep("end", [{"sum": sum(row["k"] for part in ("one", "two") for row in study[part])}])\nprint("through")'


def computed(tmp_path):
    path = tmp_path / "notebooks" / "in_depth" / "computed"
    found = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def found(tmp_path):
    values = json.loads((tmp_path / "data" / "results" / "02_proof.json").read_text())
    return {part: rows for part, rows in values.items() if part not in ("provenance", "sha256")}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_full_run_goes_on_where_it_was(paper, tmp_path, monkeypatch):
    """With the same end as one that was never interrupted."""
    monkeypatch.chdir(tmp_path)
    copy = Path("paper") / "in_depth" / "02_proof.ipynb"  # its kernel runs in another folder

    def run(*cells):
        return paper.execute(in_depth(tmp_path, SETUP, *cells), copy)

    assert run(ONE, TWO, END)
    expected, output = found(tmp_path), nbformat.read(copy, 4).cells[-1].outputs
    assert expected == {"one": [{"what": "one", "k": 1}], "two": [{"what": "two", "k": 2}], "end": [{"sum": 3}]}
    assert computed(tmp_path) == ["one", "long", "two"]
    assert not run(ONE, TWO, END), "it is done"
    assert not copy.with_suffix("").exists(), "what was kept goes when the notebook is through"

    copy.unlink()
    (tmp_path / "data" / "results" / "02_proof.json").unlink()
    write(tmp_path / "notebooks" / "in_depth" / "kill-two", "")
    with pytest.raises(SystemExit, match=r"02_proof\.ipynb failed in its code cell \[3\]"):
        run(ONE, TWO, END)
    assert computed(tmp_path) == ["one", "long", "two"]
    (tmp_path / "notebooks" / "in_depth" / "kill-two").unlink()

    assert run(ONE, TWO, END + "  # changed below what is kept")
    assert computed(tmp_path) == ["two"]
    assert found(tmp_path) == expected
    assert nbformat.read(copy, 4).cells[-1].outputs == output
    assert {*nbformat.read(copy, 4).metadata["experiments"]["02_proof"]} == {"one", "two", "end"}

    key = paper.kept(copy)
    assert key is not None
    stores(tmp_path, "02_proof", **expected | {"end": [{"sum": 4}]})
    assert paper.kept(copy) is None, "its results are not those that it left"


def test_the_forecast_tells_what_is_done_and_what_is_left(paper, tmp_path, capsys):
    paths = [in_depth(tmp_path, "1"), *(tmp_path / "notebooks" / f"0{k}_{name}.ipynb" for k, name in enumerate("abcd"))]
    pairs = [(path, tmp_path / "paper" / path.name) for path in paths]
    for path in paths[1:]:
        nbformat.write(new_notebook(), path)

    def told(untrained=0):
        capsys.readouterr()
        paper.forecast(pairs, untrained)
        return capsys.readouterr().out.splitlines()

    assert [bool(re.search(r"not .*timed", line)) for line in told()[:-1]] == [True] * 6

    rows = [{"notebook": path.stem, "seconds": 600 * 2**k, "experiments": {}} for k, path in enumerate(paths[:4])]
    where = {"cpu": "A processor", "cores": 2, "date": "2026-11-26"}
    write(tmp_path / "benchmarks" / "results.json", json.dumps({"paper": {"measured": rows, **where}}))
    done = {"came_from": paper.came_from(paths[1]), "left": paper.left({}), "seconds": 1260}
    pairs[1][1].parent.mkdir()
    nbformat.write(new_notebook(metadata=done), pairs[1][1])
    write(paper.unfinished(*pairs[2]) / "times.json", '{"02_proof": {"one": 300, "two": 300}}')
    lines = told()
    expected = (r" 10 min$", r" 21 min.* done", r" 40 min.* done.*\b2\b.*\b10 min", r" 80 min$", r" not timed")
    for line, words in zip(lines, expected):
        assert re.search(words, line), lines
    left = 10 + (40 - 10) + 80
    assert f"{left / 60:.1f} h" in lines[5], lines
    assert "A processor, 2 cores, 2026-11-26" in lines[5]
    assert re.search(r"not been timed.*\b1\b", lines[5]), lines
    assert re.search(r"trained: 2\.?$", told(2)[5])
    assert f"{(left + 2 * paper.TRAINING / 60) / 60:.1f} h" in told(2)[5]

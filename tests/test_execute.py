"""site/execute.py: what makes a notebook run again, and what a fault leaves behind."""

import errno
import importlib.util
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

"""site/execute.py: what makes a notebook run again."""

import importlib.util
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def came_from(tmp_path, monkeypatch):
    """The key of a notebook in a course of its own."""
    for name in ("ADVLIB_DATASET", "ADVLIB_SCALE", "ADVLIB_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("site/execute.py", "requirements.lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("notebooks/00_a.ipynb", "advlib/checks/one_image.py", "advlib/data.py", "data/weights/a.npz"):
        write(tmp_path / name, "old")
    spec = importlib.util.spec_from_file_location("execute", tmp_path / "site" / "execute.py")
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
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

"""The two scales, and the results that are written with where they came from."""

import importlib.util
import os
import platform
from datetime import date

import numpy as np
import pytest

from advlib import results


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


def at_scale(scale, monkeypatch):
    """The module as a process with this ADVLIB_SCALE imports it."""
    if scale is None:
        monkeypatch.delenv("ADVLIB_SCALE", raising=False)
    else:
        monkeypatch.setenv("ADVLIB_SCALE", scale)
    spec = importlib.util.spec_from_file_location("advlib.results_again", results.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("scale", "expected"), [(None, 1000), ("workshop", 1000), ("paper", 100_000)])
def test_by_scale(scale, expected, monkeypatch):
    assert at_scale(scale, monkeypatch).by_scale(workshop=1000, paper=100_000) == expected


@pytest.mark.parametrize("scale", ["Paper", "fast", ""])
def test_unknown_scale_is_refused(scale, monkeypatch):
    with pytest.raises(ValueError, match=f"must be workshop or paper; found '{scale}'"):
        at_scale(scale, monkeypatch)


def test_what_is_saved_is_loaded(folder):
    values = {"accuracy": [0.1, 1 / 3], "rule": "ε-ball", "n": 10_000}
    results.save("fig-2", values, seed=1)
    loaded = results.load("fig-2")
    assert loaded.pop("provenance")["seed"] == 1
    assert loaded == values
    assert "ε-ball" in (folder / "fig-2.json").read_text(encoding="utf-8")


def test_provenance_says_where_it_came_from():
    import keras
    import tensorflow as tf

    found = results.provenance(seeds=[0, 1])
    assert set(found) == {"commit", "date", "versions", "python", "machine", "seeds"}
    assert abs((date.fromisoformat(found["date"]) - date.today()).days) <= 1  # UTC there, local time here
    assert found["versions"] == {
        "tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__
    }  # fmt: skip
    assert found["python"] == platform.python_version()
    assert found["seeds"] == [0, 1]
    kind = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    assert found["machine"] == kind  # and not its name, which is nobody's business


def test_provenance_names_the_commit(tmp_path, monkeypatch):
    assert results.provenance()["commit"]
    monkeypatch.setattr(results, "ROOT", tmp_path)  # an unpacked archive
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert results._commit() == "unknown"
    monkeypatch.setenv("PATH", str(tmp_path))  # no git on this machine
    assert results._commit() == "unknown"


@pytest.mark.parametrize("interrupted", ["values", "replace"])
def test_a_save_that_fails_leaves_the_old_result(interrupted, folder, monkeypatch):
    results.save("fig-2", {"n": 1})
    before = (folder / "fig-2.json").read_bytes()
    if interrupted == "values":
        with pytest.raises(TypeError):
            results.save("fig-2", {"n": object()})
    else:

        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            results.save("fig-2", {"n": 2})
    assert (folder / "fig-2.json").read_bytes() == before
    assert [p.name for p in folder.iterdir()] == ["fig-2.json"]


def test_a_missing_result_is_named_with_the_remedy(folder):
    with pytest.raises(
        FileNotFoundError, match=r"fig-9\.json is not there: python course\.py paper makes it"
    ):
        results.load("fig-9")


def test_only_mnist_at_paper_scale_is_stored(monkeypatch):
    monkeypatch.setattr(results, "SCALE", "paper")
    assert results.storing("mnist")
    assert not results.storing("digits")  # it would take the place of MNIST's
    monkeypatch.setattr(results, "SCALE", "workshop")
    assert not results.storing("mnist")


def test_a_run_that_is_not_stored_is_empty(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    assert results.stored("nothing") == {}
    results.save("something", {"k": 1})
    assert results.stored("something")["k"] == 1

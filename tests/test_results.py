"""The two scales, and the results that are written with where they came from."""

import importlib.util
import json
import os
import platform
import re
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from advlib import results
from advlib.files import DataError

PUBLISHED, DIGITS = SimpleNamespace(published=True), SimpleNamespace(published=False)


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


def test_what_a_run_stores_does_not_change_its_commit_and_other_code_does(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "ROOT", tmp_path)
    kept, code = tmp_path / "data" / "results" / "02.json", tmp_path / "advlib.py"
    kept.parent.mkdir(parents=True)
    for path in (kept, code):
        path.write_text("old", encoding="utf-8")
    for command in ("init", "add .", "-c user.name=A -c user.email=a@b commit --message=one"):
        results._git(*command.split())
    commit = results._commit()
    assert re.fullmatch("[0-9a-f]{7,}", commit)
    kept.write_text("new", encoding="utf-8")
    assert results._commit() == commit
    code.write_text("new", encoding="utf-8")
    assert results._commit() == f"{commit}-dirty"


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
    with pytest.raises(FileNotFoundError, match=r"fig-9\.json is not there: python course\.py paper makes it"):
        results.load("fig-9")


def test_only_the_published_images_at_paper_scale_are_stored(monkeypatch):
    monkeypatch.setattr(results, "SCALE", "paper")
    assert results.storing(PUBLISHED)
    assert not results.storing(DIGITS)  # they would take the place of MNIST's
    monkeypatch.setattr(results, "SCALE", "workshop")
    assert not results.storing(PUBLISHED)


def test_a_run_that_is_not_stored_is_empty(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    assert results.stored("nothing") == {}
    results.save("something", {"k": 1})
    assert results.stored("something")["k"] == 1


# ------------------------------------------------------------------------------ what is read is what was written
@pytest.mark.parametrize("path", sorted(results.RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_stored_result_is_as_its_run_left_it(path):
    assert results.load(path.stem)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[: len(text) // 2], "is damaged"),
        (lambda text: "", "is damaged"),
        (lambda text: text.replace("9922", "9923"), "its SHA-256 says something else"),
        (lambda text: text.replace('"k"', '"n"', 1), "its SHA-256 says something else"),
        (lambda text: re.sub(r'"seeds": \[\s*0', '"seeds": [\n 1', text), "its SHA-256 says something else"),
        (lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "sha256"}), "SHA-256"),
        (lambda text: "[1, 2]", "is damaged: it holds"),
        (lambda text: "\x00\ufffd", "is damaged"),
    ],
)
def test_a_damaged_or_edited_result_is_refused_by_name_with_the_remedy(damage, said, folder):
    results.save("fig-2", {"rows": [{"k": 43, "n": 9922, "rms": 0.1106}]}, seeds=[0])
    path = folder / "fig-2.json"
    text = path.read_text(encoding="utf-8")
    changed = damage(text)
    assert changed != text
    path.write_text(changed, encoding="utf-8")
    for read in (results.load, results.stored, lambda name: results.study(name, PUBLISHED)):
        with pytest.raises(DataError, match=re.escape(said)) as why:
            read("fig-2")
        assert str(path) in str(why.value)
        assert "git checkout data/results" in str(why.value)
    assert path.read_text(encoding="utf-8") == changed  # left for who wants to look


def test_a_result_may_be_laid_out_differently(folder):
    results.save("fig-2", {"k": [1, 2], "rule": "ε", "rms": 1e-17}, seed=1)
    before, path = results.load("fig-2"), folder / "fig-2.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")), sort_keys=True), encoding="utf-8")
    assert results.load("fig-2") == before


# ------------------------------------------------------------------------------ a notebook's results
FULL = [{"seed": 0, "k": 43, "n": 9922}, {"seed": 1, "k": 53, "n": 9931}]
SMALL = [{"seed": 0, "k": 2, "n": 292}]


@pytest.fixture
def full_run(folder, monkeypatch):
    """A full run with one part, stored."""
    with monkeypatch.context() as patch:
        patch.setattr(results, "SCALE", "paper")
        results.study("02", PUBLISHED, seeds=[0, 1]).keep("controls", FULL)


@pytest.fixture
def shown(monkeypatch):
    """What goes on the page, as a list of bundles."""
    found = []
    monkeypatch.setattr(results.tables, "display", lambda bundle, raw: found.append(bundle))
    return found


def test_a_small_run_is_remembered_and_never_stored(folder):
    study = results.study("02", PUBLISHED, seeds=[0])
    study.keep("controls", SMALL)
    assert study["controls"] == study.mine["controls"] == SMALL
    assert study.note("controls") == "this run"
    assert not folder.exists()


def test_the_digits_never_take_the_place_of_the_published_images(folder, full_run, monkeypatch):
    before = (folder / "02.json").read_bytes()
    for scale in ("workshop", "paper"):
        monkeypatch.setattr(results, "SCALE", scale)
        study = results.study("02", DIGITS)
        study.keep("controls", SMALL)
        assert study["controls"] == SMALL
        assert study.stored == {}
    assert (folder / "02.json").read_bytes() == before


def test_figures_draw_the_full_run_where_there_is_one(full_run):
    study = results.study("02", PUBLISHED)
    assert study["controls"] == FULL  # also before this run has found its own
    study.keep("controls", SMALL)
    study.keep("more", SMALL)
    assert study["controls"] == FULL
    assert study.mine["controls"] == SMALL
    assert study["more"] == SMALL
    assert re.fullmatch(r"full run, stored \d{4}-\d\d-\d\d", study.note("controls"))
    assert study.note("more") == "this run"
    with pytest.raises(KeyError, match="02 has no part 'other': there is controls, more"):
        study["other"]


def test_a_full_run_shows_itself(full_run, monkeypatch, shown):
    monkeypatch.setattr(results, "SCALE", "paper")
    study = results.study("02", PUBLISHED, seeds=[0, 1])
    assert study["controls"] == FULL  # a part that this run has not come to
    study.keep("controls", FULL[:1])
    assert study["controls"] == FULL[:1]
    study.show("controls", fooled=("k", "n"))
    assert 'scope="rowgroup"' not in shown[0]["text/html"]  # the caption names the only run
    assert "this run (n = 9,922)." in shown[0]["text/plain"]


def test_a_part_takes_the_place_of_that_part_alone_and_carries_its_commit(folder, monkeypatch):
    monkeypatch.setattr(results, "SCALE", "paper")
    commits = iter(["aaa", "bbb", "ccc"])
    for part, rows in (("controls", SMALL), ("more", SMALL), ("controls", FULL)):
        monkeypatch.setattr(results, "COMMIT", next(commits))
        results.study("02", PUBLISHED, seeds=[0]).keep(part, rows)  # a kernel of its own
    kept = results.load("02")
    assert list(kept) == ["controls", "more", "provenance"]
    assert (kept["controls"], kept["more"]) == (FULL, SMALL)
    assert {part: told["commit"] for part, told in kept["provenance"].items()} == {"controls": "ccc", "more": "bbb"}
    assert kept["provenance"]["more"]["seeds"] == [0]


def test_parts_from_before_keep_the_provenance_of_their_file(folder, monkeypatch):
    monkeypatch.setattr(results, "COMMIT", "old")
    results.save("02", {"controls": FULL, "steps": [{"images": [1, 2]}]}, seeds=[0, 1])
    monkeypatch.setattr(results, "SCALE", "paper")
    monkeypatch.setattr(results, "COMMIT", "new")
    results.study("02", PUBLISHED, seeds=[0]).keep("more", SMALL)
    told = results.load("02")["provenance"]
    assert {part: told[part]["commit"] for part in told} == {"controls": "old", "steps": "old", "more": "new"}
    assert told["steps"]["seeds"] == [0, 1]


@pytest.mark.parametrize(
    ("rows", "error", "said"),
    [
        ([{"k": 1}, {"k": [1, 2]}], TypeError, "02, controls, row 1: 'k' is a list"),
        ([{"k": {"a": 1}}], TypeError, "row 0: 'k' is a dict"),
        ([{"k": np.arange(3)}], TypeError, "row 0: 'k' is a ndarray"),
        ([{5: 1}], TypeError, "row 0: 5 is"),
        ([{"k": float("inf")}], ValueError, "'k' is infinite"),
        ({"k": 1}, TypeError, "a list of dicts, one a row; found dict"),
        ([1, 2], TypeError, "a list of dicts"),
    ],
)
def test_what_is_not_flat_is_refused_by_its_key(rows, error, said, folder, monkeypatch):
    monkeypatch.setattr(results, "SCALE", "paper")
    study = results.study("02", PUBLISHED)
    with pytest.raises(error, match=re.escape(said)):
        study.keep("controls", rows)
    assert study.mine == {}
    assert not folder.exists()


@pytest.mark.parametrize("part", ["provenance", "sha256"])
def test_a_part_cannot_have_a_name_that_the_file_needs(part):
    with pytest.raises(ValueError, match=f"no part can be called '{part}'"):
        results.study("02", DIGITS).keep(part, SMALL)


def test_numbers_of_numpy_are_kept_as_plain_ones(folder, monkeypatch):
    monkeypatch.setattr(results, "SCALE", "paper")
    study = results.study("02", PUBLISHED)
    study.keep("controls", [{"k": np.int64(3), "ok": np.bool_(True), "rms": np.float32(0.5), "none": float("nan")}])
    assert study["controls"] == results.load("02")["controls"] == [{"k": 3, "ok": True, "rms": 0.5, "none": None}]
    assert "NaN" not in (folder / "02.json").read_text(encoding="utf-8")


def test_rows_that_change_later_do_not_change_what_was_kept():
    study, rows = results.study("02", DIGITS), [{"k": 1}]
    study.keep("controls", rows)
    rows[0]["k"] = 2
    assert study["controls"] == [{"k": 1}]


def test_this_run_stands_beside_the_full_run(full_run, shown):
    study = results.study("02", PUBLISHED)
    study.keep("controls", SMALL)
    study.show("controls", "Random noise", fooled=("k", "n"))
    page = shown[0]["text/html"]
    day = results.load("02")["provenance"]["controls"]["date"]
    assert f"Random noise: this run (n = 292); full run, stored {day} (n = 9,922 … 9,931).</caption>" in page
    parts = "this run</span>", "(2/292)", f"stored {day}</span>", "/9922)"
    assert sorted(parts, key=page.index) == list(parts)
    assert "Random noise: this run" in shown[0]["text/plain"]


def test_a_part_that_only_one_of_the_runs_has_is_shown_alone(full_run, shown):
    study = results.study("02", PUBLISHED)
    study.show("controls", fooled=("k", "n"))
    study.keep("more_of_it", SMALL)
    study.show("more_of_it", rate=("k", "n"))
    study.keep("nothing", [])
    study.show("nothing")
    told = [bundle["text/plain"].split("\n")[0] for bundle in shown]
    assert told[0].startswith("Controls: full run, stored 2")
    assert told[1] == "More of it: this run (n = 292); the full run is not stored: python course.py paper makes it."
    with pytest.raises(KeyError, match="no part 'other'"):
        study.show("other")


@pytest.mark.parametrize("scale", ["workshop", "paper"])
def test_a_lesson_keeps_nothing_on_disk_and_looks_at_the_full_run_first(full_run, folder, shown, scale, monkeypatch):
    monkeypatch.setattr(results, "SCALE", scale)
    before = (folder / "02.json").read_bytes()
    study = results.study("02", PUBLISHED, read_only=True)
    study.keep("controls", SMALL)
    assert study["controls"] == FULL
    assert study.note("controls").startswith("full run")
    study.show("controls", fooled=("k", "n"))
    assert "(2/292)" in shown[0]["text/html"]
    assert (folder / "02.json").read_bytes() == before
    with pytest.raises(KeyError, match="no part 'control'"):
        study.show("control")


@pytest.mark.parametrize(
    ("dataset", "why"), [(DIGITS, "is of the published images, and these are others"), (PUBLISHED, "is not stored")]
)
def test_without_a_full_run_a_lesson_says_so_and_goes_on(folder, shown, capsys, dataset, why):
    study = results.study("02", dataset, read_only=True)
    assert "controls" not in study
    study.show("controls", "Random noise")
    assert capsys.readouterr().out == f"Random noise: not shown, the full run {why}\n"
    study.keep("controls", SMALL)
    assert "controls" in study
    assert study["controls"] == SMALL


def test_a_stored_part_that_is_not_flat_is_not_shown(folder, shown):
    results.save("02", {"steps": [{"images": [1, 2]}]})
    study = results.study("02", PUBLISHED)
    assert study["steps"] == [{"images": [1, 2]}]
    with pytest.raises(TypeError, match="02, steps, row 0: 'images' is a list"):
        study.show("steps")


def test_more_successes_than_images_are_refused(shown):
    study = results.study("02", DIGITS)
    study.keep("controls", [{"k": 5, "n": 4}])
    with pytest.raises(ValueError, match="k = 5 and n = 4"):
        study.show("controls", fooled=("k", "n"))


def test_a_text_in_a_field_is_no_html(shown):
    study = results.study("02", DIGITS)
    study.keep("controls", [{"name": "<script>alert(1)</script>", "<b>": 1}])
    study.show("controls", "<i>")
    assert not re.search("<(script|b|i)>", shown[0]["text/html"])
    assert "&lt;script&gt;" in shown[0]["text/html"]

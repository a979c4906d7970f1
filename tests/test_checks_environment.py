"""The environment check itself: a whole set-up is said to be whole, and each lack is named with its remedy."""

import importlib.metadata
import os
import sys
import warnings

import pytest

from advlib import checks, cnn, data

MNIST = data.Dataset("mnist", tuple("0123456789"), {})
DIGITS = data.Dataset("digits", tuple("0123456789"), {})


@pytest.fixture(autouse=True)
def whole(monkeypatch, tmp_path):
    """A set-up that lacks nothing, whatever this machine has."""
    weights = tmp_path / "weights"
    weights.mkdir()
    for seed in (0, 1, 2):
        (weights / f"mnist-cnn-{seed}.npz").touch()
    memory = tmp_path / "meminfo"
    memory.write_text("MemTotal:       16000000 kB\nMemFree:          100000 kB\nMemAvailable:    8388608 kB\n")
    monkeypatch.setattr(cnn, "WEIGHTS", weights)
    monkeypatch.setattr(checks, "MEMORY", memory)
    monkeypatch.setattr(checks, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(data, "load", lambda: MNIST)
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    monkeypatch.delenv("ADVLIB_DATASET", raising=False)


def lines(capsys):
    """What the check gives back, its lines that fail, and the whole text."""
    fine = checks.environment()
    text = capsys.readouterr().out
    return fine, [line for line in text.splitlines() if line.startswith("[FAIL] ")], text


def only_failure(capsys):
    fine, failed, text = lines(capsys)
    assert not fine
    assert len(failed) == 1, text
    assert "\n1 to mend; " in text
    return failed[0]


def test_a_whole_set_up(capsys):
    fine, failed, text = lines(capsys)
    assert fine, text
    assert not failed
    assert text.endswith("\nEverything is there.\n")
    for line in text.splitlines()[:-1]:
        assert line.startswith("[OK] ")
    for word in (
        f"Python {sys.version.split()[0]}",
        f"tensorflow {importlib.metadata.version('tensorflow')}",
        "MNIST, every image verified",
        "data/weights/mnist-cnn-2.npz",
        "data/ can be written",
        "8.0 GiB of memory free",
    ):
        assert f"[OK] {word}\n" in text


@pytest.mark.parametrize("version", [(3, 10, 4), (3, 14, 0), (2, 7, 18)])
def test_an_unsuitable_python(capsys, monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", version)
    assert only_failure(capsys) == (
        f"[FAIL] Python {'.'.join(map(str, version))}: use 3.11, 3.12 or 3.13 (TensorFlow has no other)"
    )


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 9)])
def test_a_suitable_python(capsys, monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", version)
    assert lines(capsys)[0]


def test_a_missing_package(capsys, monkeypatch):
    def version(name, real=importlib.metadata.version):
        if name == "scipy":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert only_failure(capsys) == "[FAIL] scipy is missing: python course.py lab installs it"


def test_a_package_of_another_version(capsys, monkeypatch):
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.20.0" if name == "tensorflow" else real(name))
    failed = only_failure(capsys)
    assert failed.startswith("[FAIL] tensorflow 2.20.0: the course needs <")
    assert failed.endswith("; python course.py lab installs it")


def test_advlib_without_its_course(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(data, "ROOT", tmp_path)
    failed = only_failure(capsys)
    assert f"{tmp_path / 'pyproject.toml'} is not there" in failed
    assert "pip install -e ." in failed


def test_a_damaged_data_file_is_told_in_the_words_of_its_error(capsys, monkeypatch):
    def load():
        raise data.DataError("mnist.npz is damaged: delete it")

    monkeypatch.setattr(data, "load", load)
    assert only_failure(capsys) == "[FAIL] mnist.npz is damaged: delete it"


def test_a_wish_that_is_no_data_set(capsys, monkeypatch):
    monkeypatch.undo()  # the real load, which reads no file before it has refused the wish
    monkeypatch.setenv("ADVLIB_DATASET", "cifar")
    _, failed, _ = lines(capsys)
    assert "[FAIL] ADVLIB_DATASET must be mnist or digits; found 'cifar'" in failed


def test_the_offline_digits_are_no_failure_and_their_reason_is_told_once(capsys, monkeypatch):
    def load():
        warnings.warn("MNIST is not on this machine", stacklevel=2)
        return DIGITS

    monkeypatch.setattr(data, "load", load)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fine, _, text = lines(capsys)
    assert fine
    assert "[OK] offline digits, for MNIST could not be had (README: how to get MNIST)\n" in text
    monkeypatch.setenv("ADVLIB_DATASET", "digits")
    assert "[OK] offline digits, as ADVLIB_DATASET asks (README: how to get MNIST)\n" in lines(capsys)[2]


def test_missing_weights(capsys):
    (cnn.WEIGHTS / "mnist-cnn-1.npz").unlink()
    assert only_failure(capsys) == "[FAIL] data/weights/mnist-cnn-1.npz is missing: git checkout -- data/weights"


def test_a_data_folder_that_cannot_be_written(capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != data.DATA)
    assert only_failure(capsys) == f"[FAIL] {data.DATA} cannot be written: give yourself the right to"


def test_too_little_memory(capsys):
    checks.MEMORY.write_text("MemFree:  100 kB\nMemAvailable:  524288 kB\n")
    assert only_failure(capsys) == "[FAIL] 0.5 GiB of memory free: close other kernels (1.5 needed)"


@pytest.mark.parametrize(("limit", "free"), [("3221225472", "1.0"), ("max", None)])
def test_a_hubs_limit_counts_and_what_it_caches_does_not(capsys, limit, free):
    checks.CGROUP.mkdir()
    (checks.CGROUP / "memory.max").write_text(limit)
    (checks.CGROUP / "memory.current").write_text(str(5 * 2**29))  # 2.5 GiB
    (checks.CGROUP / "memory.stat").write_text(f"anon 7\ninactive_file {2**29}\n")
    if free:
        assert only_failure(capsys) == f"[FAIL] {free} GiB of memory free: close other kernels (1.5 needed)"
    else:
        assert lines(capsys)[0]


def test_where_the_memory_cannot_be_asked_for_no_line_speaks_of_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "MEMORY", tmp_path / "nowhere")
    fine, _, text = lines(capsys)
    assert fine
    assert "memory" not in text


def test_several_failures_are_counted(capsys):
    for path in cnn.WEIGHTS.iterdir():
        path.unlink()
    _, failed, text = lines(capsys)
    assert len(failed) == 3
    assert text.endswith("3 to mend; README.md, Troubleshooting, helps.\n")


def test_this_machine(capsys, monkeypatch):
    monkeypatch.undo()
    fine, failed, text = lines(capsys)
    assert fine == (not failed)
    assert "[OK] tensorflow" in text
    assert all(line.startswith(("[OK] ", "[FAIL] ")) for line in text.splitlines()[:-1])

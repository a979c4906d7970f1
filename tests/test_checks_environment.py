"""The environment check itself: a whole set-up is said to be whole, and each lack is named with its remedy."""

import hashlib
import importlib.metadata
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from small import npz

from advlib import checks, cnn, data, environment, files

MNIST = data.Dataset("mnist", tuple("0123456789"), {})
DIGITS = data.Dataset("digits", tuple("0123456789"), {})


@pytest.fixture(autouse=True)
def whole(monkeypatch, tmp_path):
    """A set-up that lacks nothing, whatever this machine has."""
    weights = tmp_path / "weights"
    weights.mkdir()
    for name in cnn.SHIPPED:
        (weights / name).write_text(f"the weights of {name}")
    memory = tmp_path / "meminfo"
    memory.write_text("MemTotal:       16000000 kB\nMemFree:          100000 kB\nMemAvailable:    8388608 kB\n")
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in weights.iterdir()}
    monkeypatch.setattr(cnn, "OWN", None)
    monkeypatch.setattr(cnn, "WEIGHTS", weights)
    monkeypatch.setattr(cnn, "SHIPPED", digests)
    monkeypatch.setattr(environment, "MEMORY", memory)
    monkeypatch.setattr(environment, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(data, "load", lambda: MNIST)
    monkeypatch.setattr(environment, "can_write", lambda folder: True)
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
        f"data/weights, {len(cnn.SHIPPED)} of {len(cnn.SHIPPED)} networks verified",
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


@pytest.fixture(params=["the .venv of course.py", "another"])
def remedy(request, monkeypatch, tmp_path):
    """What mends a package: a .venv that course.py has made is not looked into again, so it has to go."""
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_bytes((files.ROOT / "pyproject.toml").read_bytes())
    if request.param == "another":
        monkeypatch.setattr(sys, "prefix", "/elsewhere")
        return "open the notebooks with course.py lab, or call pip install -r requirements.lock for /elsewhere"
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    return "close JupyterLab, delete the folder .venv, and call course.py lab, which makes it anew"


@pytest.mark.parametrize("half", [False, True], ids=["not there", "half of it"])
def test_a_missing_package(capsys, monkeypatch, remedy, half):
    def version(name, real=importlib.metadata.version):
        if name == "scipy" and not half:
            raise importlib.metadata.PackageNotFoundError(name)
        return None if name == "scipy" else real(name)  # as of a folder that has lost its METADATA

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert only_failure(capsys) == f"[FAIL] scipy is missing: {remedy}"


def test_a_package_of_another_version(capsys, monkeypatch, remedy):
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.20.0" if name == "tensorflow" else real(name))
    failed = only_failure(capsys)
    assert failed.startswith("[FAIL] tensorflow 2.20.0: the course needs <")
    assert failed.endswith(f"; {remedy}")


def test_in_the_courses_own_environment_every_locked_version_counts(capsys, monkeypatch, tmp_path):
    """numpy 2.4.5 would do for pyproject.toml, and tornado is not in it."""
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["numpy>=2"]')
    (tmp_path / "requirements.lock").write_text("numpy==2.4.6\ntornado==6\npywinpty==3; sys_platform == 'win42'\n")
    monkeypatch.setattr(importlib.metadata, "version", lambda name: {"numpy": "2.4.5", "tornado": "5"}[name])
    monkeypatch.setattr(sys, "prefix", "/elsewhere")
    assert lines(capsys)[0]
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    _, failed, _ = lines(capsys)
    assert [line.split(":")[0] for line in failed] == ["[FAIL] numpy 2.4.5", "[FAIL] tornado 5"]
    assert all("delete the folder .venv" in line for line in failed)


def test_without_tensorflow_there_is_a_line_and_no_traceback():
    program = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from advlib import checks, data\n"
        "def load(): raise ImportError('No module named sklearn')\n"
        "data.load = load\n"
        "sys.exit(checks.environment())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=files.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "[FAIL] data/weights cannot be looked at until TensorFlow loads (" in done.stdout
    assert "[FAIL] No module named sklearn\n" in done.stdout

def test_advlib_without_its_course(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
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


def emptied(path):
    path.write_bytes(b"")


def changed(path):
    path.write_bytes(path.read_bytes()[:-1] + b"!")


@pytest.mark.parametrize(
    ("name", "damage", "told"),
    [
        ("mnist-cnn-1.npz", Path.unlink, "is not there"),
        ("mnist-cnn-0.npz", emptied, "is not the published file: SHA-256 e3b0c44298fc…, not "),
        ("mnist-dense-0.npz", changed, "is not the published file: SHA-256 "),
    ],
)
def test_weights_that_are_missing_or_damaged(capsys, name, damage, told):
    path = cnn.WEIGHTS / name
    damage(path)
    failed = only_failure(capsys)
    assert failed.startswith(f"[FAIL] {path} {told}")
    assert failed.endswith(": git checkout data/weights brings it back; without git, copy the course again")


def test_networks_of_ones_own_are_not_the_published_ones(capsys, monkeypatch):
    monkeypatch.setattr(cnn, "OWN", str(cnn.WEIGHTS))
    for name in cnn.SHIPPED:
        (cnn.WEIGHTS / name).write_bytes(npz({"kernel": np.zeros(3)}))
    fine, _, text = lines(capsys)
    assert fine
    assert f"[OK] ADVLIB_WEIGHTS: networks of your own, in {cnn.WEIGHTS}\n" in text
    for name in cnn.SHIPPED:
        (cnn.WEIGHTS / name).unlink()
    assert "there is none; put it there with cnn.save" in only_failure(capsys)


@pytest.mark.parametrize("damage", [emptied, changed])
def test_a_damaged_network_of_ones_own_is_named(capsys, monkeypatch, damage):
    monkeypatch.setattr(cnn, "OWN", str(cnn.WEIGHTS))
    for name in cnn.SHIPPED:
        (cnn.WEIGHTS / name).write_bytes(npz({"kernel": np.zeros(3)})[:-1])
        damage(cnn.WEIGHTS / name) if name == "mnist-cnn-1.npz" else (cnn.WEIGHTS / name).unlink()
    path = cnn.WEIGHTS / "mnist-cnn-1.npz"
    assert only_failure(capsys).startswith(f"[FAIL] damaged: {path} cannot be read as arrays (")


def test_a_data_folder_that_cannot_be_written(capsys, monkeypatch):
    monkeypatch.setattr(environment, "can_write", lambda folder: folder != files.DATA)
    fine, _, text = lines(capsys)
    assert fine
    assert f"[OK] {files.DATA} is read-only: what you train yourself is not kept\n" in text


def test_too_little_memory(capsys):
    environment.MEMORY.write_text("MemFree:  100 kB\nMemAvailable:  524288 kB\n")
    assert only_failure(capsys) == "[FAIL] 0.5 GiB of memory free: close other kernels (1.5 needed)"


@pytest.mark.parametrize(("limit", "free"), [("3221225472", "1.0"), ("max", None)])
def test_a_hubs_limit_counts_and_what_it_caches_does_not(capsys, limit, free):
    environment.CGROUP.mkdir()
    (environment.CGROUP / "memory.max").write_text(limit)
    (environment.CGROUP / "memory.current").write_text(str(5 * 2**29))  # 2.5 GiB
    (environment.CGROUP / "memory.stat").write_text(f"anon 7\ninactive_file {2**29}\n")
    if free:
        assert only_failure(capsys) == f"[FAIL] {free} GiB of memory free: close other kernels (1.5 needed)"
    else:
        assert lines(capsys)[0]


def test_where_the_memory_cannot_be_asked_for_no_line_speaks_of_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "MEMORY", tmp_path / "nowhere")
    fine, _, text = lines(capsys)
    assert fine
    assert "memory" not in text


def test_several_failures_are_counted(capsys):
    for path in cnn.WEIGHTS.iterdir():
        path.unlink()
    _, failed, text = lines(capsys)
    assert len(failed) == len(cnn.SHIPPED)
    assert "networks verified" not in text
    assert text.endswith(f"{len(failed)} to mend; README.md, Troubleshooting, helps.\n")


def test_this_machine(capsys, monkeypatch):
    monkeypatch.undo()
    fine, failed, text = lines(capsys)
    assert fine == (not failed)
    assert "[OK] tensorflow" in text
    assert f"[OK] data/weights, {len(cnn.SHIPPED)} of {len(cnn.SHIPPED)} networks verified\n" in text
    assert all(line.startswith(("[OK] ", "[FAIL] ")) for line in text.splitlines()[:-1])

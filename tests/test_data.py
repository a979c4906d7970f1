"""The data are the published ones or none: where they are found, how they are split, how it can fail."""

import contextlib
import hashlib
import http.server
import io
import os
import pickle
import re
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from rights import open_to_all, somebody_else
from small import Evil, listed, npz, without_data

from advlib import data, download, files

ROOT = Path(__file__).resolve().parents[1]
REAL = data.find("mnist.npz")  # before the tests hide it


def table(arrays):
    """What data.MNIST is for MNIST."""
    return {key: (a.shape, hashlib.sha256(np.ascontiguousarray(a)).hexdigest()) for key, a in arrays.items()}


rng = np.random.default_rng(0)
SMALL = {
    "x_train": rng.integers(0, 256, (6, 4, 4), np.uint8),
    "y_train": rng.integers(0, 10, 6, np.uint8),
    "x_test": rng.integers(0, 256, (3, 4, 4), np.uint8),
    "y_test": rng.integers(0, 10, 3, np.uint8),
}
WHOLE = npz(SMALL)


@pytest.fixture
def mnist(monkeypatch):
    if REAL is None:
        pytest.skip(f"mnist.npz is in none of {', '.join(map(str, data.places()))}")
    monkeypatch.delenv("ADVLIB_DATASET", raising=False)
    return REAL


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A checkout on a machine without data or network, where a small "MNIST" counts as published."""
    return hide_data(tmp_path, monkeypatch)


def hide_data(folder, monkeypatch):
    without_data(folder, monkeypatch)
    monkeypatch.setattr(data, "MNIST", table(SMALL))
    monkeypatch.setattr(data, "MNIST_FILE", hashlib.sha256(WHOLE).hexdigest())
    monkeypatch.setattr(data, "MNIST_URL", "http://127.0.0.1:9/mnist.npz")  # nobody listens there
    return folder


def leftovers(folder):
    """Files, folders and hidden ones: whatever was added to data/."""
    return sorted(p.name for p in (folder / "checkout" / "data").rglob("*"))


def no_download(*_, **__):
    pytest.fail("a file was there, and yet a download began")


@pytest.fixture
def public(monkeypatch):
    """Like nowhere, in a folder that somebody else may enter."""
    with open_to_all() as folder:
        yield hide_data(folder, monkeypatch)


# ------------------------------------------------------------------------------------ MNIST
def test_mnist_is_split_in_published_order(mnist):
    found = data.load()
    assert found.name == "mnist"
    assert found.class_names == tuple("0123456789")
    with np.load(mnist, allow_pickle=False) as file:
        published = {key: file[key] for key in data.MNIST}
    parts = {
        "validation": (published["x_train"][:5000], published["y_train"][:5000]),
        "train": (published["x_train"][5000:], published["y_train"][5000:]),
        "test": (published["x_test"], published["y_test"]),
    }
    for name, n in [("train", 55_000), ("validation", 5_000), ("test", 10_000)]:
        images, labels = getattr(found, name)
        assert (images.shape, images.dtype) == ((n, 28, 28, 1), np.float32)
        assert (labels.shape, labels.dtype) == ((n,), np.int64)
        assert (images.min(), images.max()) == (0, 1)
        assert np.array_equal(np.rint(images[..., 0] * 255), parts[name][0])
        assert np.array_equal(labels, parts[name][1])


def test_mnist_is_mnist(mnist):
    """Numbers that everybody who has worked with it knows."""
    found = data.load("mnist")
    assert found.validation[1][:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert found.test[1][:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    labels = np.concatenate([found.validation[1], found.train[1]])
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(found.test[1]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert round(found.raw["x_train"].mean() / 255, 4) == 0.1307


def test_mnist_with_one_pixel_altered_is_refused(mnist, tmp_path, monkeypatch):
    with np.load(mnist, allow_pickle=False) as file:
        arrays = dict(file)
    arrays["x_train"][12345, 14, 14] ^= 1
    path = tmp_path / "mnist.npz"
    path.write_bytes(altered := npz(arrays, np.savez))
    monkeypatch.setenv("ADVLIB_DATA", str(tmp_path))
    with pytest.raises(data.DataError, match=r"mnist\.npz is damaged: x_train has SHA-256 \w{12}…, not 741c98880"):
        data.load()
    assert path.read_bytes() == altered


def test_truncated_mnist_is_refused(mnist, tmp_path, monkeypatch):
    path = tmp_path / "mnist.npz"
    path.write_bytes(half := mnist.read_bytes()[:5_000_000])
    monkeypatch.setenv("ADVLIB_DATA", str(tmp_path))
    with pytest.raises(data.DataError, match=r"mnist\.npz cannot be read as arrays \(File is not a zip file\)"):
        data.load()
    assert path.read_bytes() == half


# -------------------------------------------------------------------------------- the split
@pytest.fixture
def large():
    images = np.random.default_rng(0).integers(0, 256, (10_400, 28, 28), np.uint8)
    labels = np.zeros(10_400, np.uint8)
    raw = {"x_train": images, "y_train": labels, "x_test": images[:2], "y_test": labels[:2]}
    return data.Dataset("digits", tuple("0123456789"), raw)


def test_pixels_are_divided_by_255_to_the_last_bit(large):
    levels = np.arange(256, dtype=np.uint8)
    large.raw["x_train"][400, :10].flat[:256] = levels
    assert np.array_equal(large.train[0][0].flat[:256], levels.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_the_images_cannot_be_changed_by_mistake(part, large):
    """A slice is no copy: x += noise would change the images for all that follows."""
    images, labels = getattr(large, part)
    before, x, y = images[:2].copy(), images[:2], labels[:2]
    with pytest.raises(ValueError, match="read-only"):
        x += 0.3
    with pytest.raises(ValueError, match="read-only"):
        y[0] = 1
    assert np.array_equal(getattr(large, part)[0][:2], before)
    copy = x.copy()
    copy += 0.3
    assert np.array_equal(x + np.float32(0.3), copy)
    assert np.array_equal(images[:2], before)


def test_what_is_verified_stays_as_it_is(tmp_path):
    path = tmp_path / "mnist.npz"
    path.write_bytes(WHOLE)
    for a in data.verified(path, table(SMALL)).values():
        with pytest.raises(ValueError, match="read-only"):
            a[0] = 1


def test_no_second_copy_of_the_images_is_made(large):
    tracemalloc.start()
    images, _ = large.train
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.1 * images.nbytes


def test_a_part_is_converted_once(large):
    assert large.train[0] is large.train[0]


# ------------------------------------------------------------------------------- the places
def test_search_order(nowhere, monkeypatch):
    asked = nowhere / "asked"
    order = [
        asked, nowhere / "checkout" / "data", nowhere / "shared" / "data", nowhere / "keras" / "datasets"
    ]  # fmt: skip
    for folder in order:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mnist.npz").write_bytes(WHOLE)
    monkeypatch.setenv("ADVLIB_DATA", str(asked))
    assert data.places() == order
    for folder in order:
        assert data.find("mnist.npz") == folder / "mnist.npz"
        (folder / "mnist.npz").unlink()
    assert data.find("mnist.npz") is None


@pytest.mark.parametrize("asked", ["absent", "file"])
def test_a_place_that_is_no_folder_is_passed_over_and_told(asked, nowhere, monkeypatch):
    (nowhere / "file").touch()
    monkeypatch.setenv("ADVLIB_DATA", str(nowhere / asked))
    path = nowhere / "checkout" / "data" / "mnist.npz"
    path.write_bytes(WHOLE)
    with pytest.warns(UserWarning, match=f"ADVLIB_DATA=.*{asked} is passed over"):
        assert data.find("mnist.npz") == path


def test_an_empty_wish_is_none(nowhere, monkeypatch):
    before = data.places()
    monkeypatch.setenv("ADVLIB_DATA", "")
    assert data.places() == before
    path = nowhere / "checkout" / "data" / "mnist.npz"
    path.write_bytes(WHOLE)
    assert data.find("mnist.npz") == path


def test_without_keras_home_the_cache_is_in_the_home_folder(nowhere, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setattr(Path, "home", lambda: nowhere)
    assert data.places()[-1] == nowhere / ".keras" / "datasets"


@pytest.mark.parametrize("place", ["checkout/data", "shared/data", "keras/datasets"])
def test_what_was_found_is_used_and_left_alone(place, nowhere, monkeypatch):
    path = nowhere / place / "mnist.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(WHOLE)
    monkeypatch.setattr(download.urllib.request, "urlopen", no_download)
    found = data.load("mnist")
    assert found.name == "mnist"
    assert all(np.array_equal(found.raw[key], SMALL[key]) for key in SMALL)
    assert listed(nowhere) == [f"{place}/mnist.npz"]
    assert path.read_bytes() == WHOLE


# ---------------------------------------------------------------------------- damaged files
def evil_npz(trace):
    return npz(SMALL | {"x_train": np.array([Evil(trace)], object)})


def npy():
    file = io.BytesIO()
    np.save(file, SMALL["x_train"])
    return file.getvalue()


def altered(key, change):
    a = SMALL[key].copy()
    return npz(SMALL | {key: change(a)})


def other_pixel(a):
    a.flat[2] ^= 1
    return a


DAMAGED = {
    "truncated": (WHOLE[: len(WHOLE) // 2], "cannot be read as arrays"),
    "one byte short": (WHOLE[:-1], "cannot be read as arrays"),
    "empty": (b"", "cannot be read as arrays"),
    "a web page": (b"<html>404 not found</html>", r"cannot be read as arrays \(File is not a zip file\)"),
    "one array": (npy(), r"cannot be read as arrays \(File is not a zip file\)"),
    "one pixel": (altered("x_train", other_pixel), "is damaged: x_train has SHA-256 .*…, not .*…"),
    "one label": (altered("y_test", other_pixel), "is damaged: y_test has SHA-256 .*…, not .*…"),
    "other order": (altered("x_test", lambda a: a[::-1]), "is damaged: x_test has SHA-256"),
    "other shape": (
        altered("x_train", lambda a: a.reshape(6, 16)),
        r"is damaged: x_train is uint8 \(6, 16\), not uint8 \(6, 4, 4\)",
    ),
    "same bytes, signed": (altered("x_train", lambda a: a.view(np.int8)), "x_train is int8 .*, not uint8"),
    "floats": (altered("x_train", lambda a: a / 255), "x_train is float64 .*, not uint8"),
    "array missing": (npz({"x_train": SMALL["x_train"]}), "holds x_train, and no y_train"),
    "no arrays": (npz({}), "holds nothing, and no x_train"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_refused_by_name(damage, nowhere, monkeypatch):
    contents, message = DAMAGED[damage]
    path = nowhere / "checkout" / "data" / "mnist.npz"
    path.write_bytes(contents)
    later = nowhere / "keras" / "datasets" / "mnist.npz"  # a whole one further on does not hide it
    later.parent.mkdir(parents=True)
    later.write_bytes(WHOLE)
    monkeypatch.setattr(download.urllib.request, "urlopen", no_download)
    with pytest.raises(data.DataError, match=message) as refused:
        data.load()
    assert str(path) in str(refused.value)
    assert "move it away or delete it" in str(refused.value)
    assert path.read_bytes() == contents


def test_a_pickle_is_never_opened(nowhere, monkeypatch):
    trace = nowhere / "trace"
    path = nowhere / "checkout" / "data" / "mnist.npz"
    for contents in (evil_npz(trace), pickle.dumps(Evil(trace))):
        path.write_bytes(contents)
        with pytest.raises(data.DataError, match="cannot be read as arrays"):
            data.load()
        assert not trace.exists()
        assert path.read_bytes() == contents
    np.load(path, allow_pickle=True)  # the bait works: opened by somebody careless, it acts
    assert trace.exists()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_any_damage_is_a_data_error_or_harmless(save, tmp_path):
    """Cut, or with one bit turned over, all along the file: the published arrays come out, or a DataError."""
    whole, path, refused = npz(SMALL, save), tmp_path / "mnist.npz", 0
    expected = table(SMALL)
    assert data.verified(path if path.write_bytes(whole) else None, expected).keys() == SMALL.keys()
    for i in range(0, len(whole), 5):
        turned = whole[:i] + bytes([whole[i] ^ 1 << i // 5 % 8]) + whole[i + 1 :]
        for contents in (whole[:i], turned):
            path.write_bytes(contents)
            try:
                found = data.verified(path, expected)
            except data.DataError:
                refused += 1
            else:
                assert contents is turned
                assert all(np.array_equal(found[key], SMALL[key]) for key in SMALL)
    assert refused > len(whole) / 5


def test_fortran_order_is_the_same_array(tmp_path):
    path = tmp_path / "mnist.npz"
    path.write_bytes(npz({key: np.asfortranarray(a) for key, a in SMALL.items()}))
    found = data.verified(path, table(SMALL))
    assert np.array_equal(found["x_train"], SMALL["x_train"])


def test_a_folder_named_mnist_npz_is_refused(nowhere, monkeypatch):
    path = nowhere / "checkout" / "data" / "mnist.npz"
    path.mkdir()
    (path / "something").write_text("of somebody's")
    monkeypatch.setattr(download.urllib.request, "urlopen", no_download)
    with pytest.raises(data.DataError, match=r"mnist\.npz is a folder, where a file is expected: move it away"):
        data.load()
    assert (path / "something").read_text() == "of somebody's"


PIPE = """
from advlib import data
try:
    data.load()
except data.DataError as why:
    print(why)
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_named_mnist_npz_is_refused_and_not_waited_for(tmp_path):
    path = tmp_path / "mnist.npz"
    os.mkfifo(path)
    child = subprocess.run(
        [sys.executable, "-c", PIPE], env=os.environ | {"ADVLIB_DATA": str(tmp_path), "ADVLIB_DATASET": "mnist"},
        cwd=ROOT, timeout=60, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    assert child.stdout.startswith(f"{path} is no ordinary file, where a file is expected: move it away")


def bomb(path, name, size):
    """Small on the disk; an array of zeros that is large once it is unpacked."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for key, a in (SMALL | {name: np.zeros(size, np.uint8)}).items():
            with packed.open(f"{key}.npy", "w") as file:
                np.lib.format.write_array(file, a)


def test_a_bomb_named_mnist_npz_is_refused_before_it_is_unpacked(nowhere, monkeypatch):
    path = nowhere / "checkout" / "data" / "mnist.npz"
    bomb(path, "x_train", 2**24)
    monkeypatch.setattr(files, "MOST", 2**20)
    tracemalloc.start()
    with pytest.raises(data.DataError, match=r"mnist\.npz unpacks to .* GiB, .*: move it away or delete it"):
        data.load()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


def test_only_mnists_four_arrays_are_unpacked(nowhere, monkeypatch):
    """A fifth is no fault of theirs, however large it is."""
    path = nowhere / "checkout" / "data" / "mnist.npz"
    bomb(path, "x_extra", 2**24)
    monkeypatch.setattr(files, "MOST", 2**20)
    assert data.load("mnist").raw.keys() == SMALL.keys()
    path.write_bytes(npz(SMALL | {"notes": np.array([Evil(nowhere / "trace")], object)}))
    assert data.load("mnist").raw.keys() == SMALL.keys()
    assert not (nowhere / "trace").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows lets few make links")
def test_a_link_to_nothing_is_refused(nowhere, monkeypatch):
    path = nowhere / "checkout" / "data" / "mnist.npz"
    path.symlink_to(nowhere / "gone")
    monkeypatch.setattr(download.urllib.request, "urlopen", no_download)
    with pytest.raises(data.DataError, match=r"mnist\.npz is a link to nothing: move it away"):
        data.load()
    assert path.is_symlink()


@pytest.mark.parametrize("mode", [0o000, 0o444])  # not even listed; listed, and not to be opened
def test_an_unreadable_folder_is_named(mode, public, monkeypatch):
    folder = public / "checkout" / "data"
    (folder / "mnist.npz").write_bytes(WHOLE)
    monkeypatch.setattr(download.urllib.request, "urlopen", no_download)
    folder.chmod(mode)
    with (
        somebody_else(),
        pytest.raises(data.DataError, match=r"cannot be read.*give yourself the right") as refused,
    ):
        data.load()
    assert str(folder) in str(refused.value)
    folder.chmod(0o755)
    assert (folder / "mnist.npz").read_bytes() == WHOLE


def test_an_unreadable_file_is_named(public, monkeypatch):
    path = public / "checkout" / "data" / "mnist.npz"
    path.write_bytes(WHOLE)
    path.chmod(0o000)
    monkeypatch.setattr(download.urllib.request, "urlopen", no_download)
    with (
        somebody_else(),
        pytest.raises(data.DataError, match=r"mnist\.npz cannot be read: give yourself the right"),
    ):
        data.load()
    path.chmod(0o644)
    assert path.read_bytes() == WHOLE


# -------------------------------------------------------------------------------- downloads
@pytest.fixture
def server(nowhere, monkeypatch):
    """A file server in place of the internet, which sends ``server.body`` and ``server.status``."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            here.asked += 1
            self.send_response(here.status)
            self.send_header("Content-Length", str(here.promised or len(here.body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # given up
                here.send(self.wfile)

        def log_message(self, *_):
            pass

    here = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.body, here.promised, here.status, here.asked = WHOLE, None, 200, 0
    here.send = lambda file: file.write(here.body)
    threading.Thread(target=here.serve_forever, daemon=True).start()
    monkeypatch.setattr(data, "MNIST_URL", f"http://127.0.0.1:{here.server_port}/mnist.npz")
    yield here
    here.shutdown()
    here.server_close()


def test_download_once_with_a_progress_bar(server, nowhere, capsys):
    assert data.load().name == "mnist"
    assert listed(nowhere) == ["checkout/data/mnist.npz"]
    assert (nowhere / "checkout" / "data" / "mnist.npz").read_bytes() == WHOLE
    assert re.search(r"Downloading MNIST: 100%.* (\S+)/\1 ", capsys.readouterr().err)
    assert data.load().name == "mnist"
    assert server.asked == 1


def test_a_download_may_take_its_time(server, nowhere, monkeypatch):
    """Longer than the patience in all; but enough comes all the while."""
    monkeypatch.setattr(download, "PATIENCE", 1.5)
    monkeypatch.setattr(download, "LEAST", 1)

    def slowly(file):
        for i in range(0, len(WHOLE), 100):
            file.write(WHOLE[i : i + 100])
            time.sleep(0.3)

    server.send = slowly
    begin = time.monotonic()
    assert data.load().name == "mnist"
    assert time.monotonic() - begin > 1.5


def drip(file):
    """A byte now and then: each comes before any time-out of a connection."""
    for i in range(100):
        file.write(WHOLE[i : i + 1])
        time.sleep(0.2)


def drip_after_a_good_beginning(file):
    file.write(WHOLE[:500])
    drip(file)


@pytest.mark.parametrize("slow", [drip, drip_after_a_good_beginning])
def test_a_download_that_drips_is_given_up(slow, server, nowhere, monkeypatch):
    server.send = slow
    given_up(nowhere, monkeypatch)


def test_a_server_whose_greeting_drips_is_given_up(nowhere, monkeypatch):
    listening = socket.create_server(("127.0.0.1", 0))

    def greet():
        with contextlib.suppress(OSError), listening.accept()[0] as connection:
            for letter in b"HTTP/1.1 200 OK and a long greeting, letter by letter":
                connection.sendall(bytes([letter]))
                time.sleep(0.2)

    threading.Thread(target=greet, daemon=True).start()
    monkeypatch.setattr(data, "MNIST_URL", f"http://127.0.0.1:{listening.getsockname()[1]}/mnist.npz")
    given_up(nowhere, monkeypatch)
    listening.close()


def given_up(nowhere, monkeypatch):
    """In twice the patience at most, with what came, and nothing is left."""
    monkeypatch.setattr(download, "PATIENCE", 1)
    monkeypatch.setattr(download, "LEAST", 100)
    monkeypatch.setenv("ADVLIB_DATASET", "mnist")
    begin = time.monotonic()
    with pytest.raises(data.DataError, match=r"given up: only \d bytes came in 1 s\): copy mnist\.npz to"):
        data.load()
    assert time.monotonic() - begin < 5
    assert leftovers(nowhere) == []


@pytest.mark.parametrize("fault", ["cut short", "not the published file", "not found"])
def test_a_failed_download_leaves_nothing(fault, server, nowhere, monkeypatch):
    if fault == "cut short":
        server.body, server.promised = WHOLE[:100], len(WHOLE)
    elif fault == "not the published file":
        server.body = npz(SMALL | {"y_test": SMALL["y_test"][::-1]})
    else:
        server.status = 404
    monkeypatch.setenv("ADVLIB_DATASET", "mnist")
    told = r"could not be downloaded \(.+\): copy mnist\.npz to .*data, .*; .* unset"
    with pytest.raises(data.DataError, match=told):
        data.load()
    assert server.asked == 1
    assert leftovers(nowhere) == []


@pytest.mark.parametrize("how", [KeyboardInterrupt, OSError("disk full")])
def test_an_interrupted_download_leaves_nothing(how, nowhere, monkeypatch):
    def half(url, what):
        yield WHOLE[:100]
        assert leftovers(nowhere), "it is in the midst of it"
        raise how

    monkeypatch.setattr(download, "pieces", half)
    monkeypatch.setenv("ADVLIB_DATASET", "mnist")
    expected = KeyboardInterrupt if how is KeyboardInterrupt else data.DataError
    with pytest.raises(expected, match=None if how is KeyboardInterrupt else str(how)):
        data.load()
    assert leftovers(nowhere) == []


def test_a_read_only_data_folder_is_left_for_kerass_cache(server, public, monkeypatch):
    monkeypatch.setattr(data, "MNIST_URL", f"http://127.0.0.1:{server.server_port}/mnist.npz")
    (public / "checkout" / "data").chmod(0o555)
    (public / "keras").mkdir()
    (public / "keras").chmod(0o777)
    with somebody_else():
        assert data.load().name == "mnist"
        assert data.load().name == "mnist"
    assert listed(public) == ["keras/datasets/mnist.npz"]
    assert server.asked == 1


def test_nowhere_to_write_is_like_no_network(public, monkeypatch):
    monkeypatch.setenv("ADVLIB_DATASET", "mnist")
    (public / "checkout" / "data").chmod(0o555)
    (public / "keras").mkdir()
    (public / "keras").chmod(0o555)
    with somebody_else(), pytest.raises(data.DataError, match=r"could not be downloaded .*Permission denied"):
        data.load()
    assert listed(public) == []


STARTER = """
import sys, time
from pathlib import Path
from advlib import data, download

def half(url, what):
    "Half of the file, then a wait until the other process is as far, then the rest."
    Path(meeting, sys.argv[2]).touch()
    yield whole[:100]
    end = time.monotonic() + 60
    while len(list(Path(meeting).iterdir())) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    yield whole[100:]

meeting = sys.argv[1]
data.ROOT, data.DATA, data.MNIST, data.MNIST_FILE = Path(root), Path(root) / "data", table, digest
download.pieces = half
print(data.load().name, len(list(Path(meeting).iterdir())))
"""


def test_two_kernels_start_at_once_on_an_empty_cache(nowhere):
    (nowhere / "meeting").mkdir()
    names = {"root": str(data.ROOT), "table": data.MNIST, "digest": data.MNIST_FILE, "whole": WHOLE}
    script = "".join(f"{key} = {value!r}\n" for key, value in names.items()) + STARTER
    command = [sys.executable, "-c", script, str(nowhere / "meeting")]
    kernels = [subprocess.Popen([*command, name], cwd=ROOT, stdout=subprocess.PIPE, text=True) for name in "ab"]
    printed = [kernel.communicate(timeout=120)[0] for kernel in kernels]
    assert printed == ["mnist 2\n"] * 2  # both were downloading at the same time
    assert leftovers(nowhere) == ["mnist.npz"]
    assert (nowhere / "checkout" / "data" / "mnist.npz").read_bytes() == WHOLE


# --------------------------------------------------------------------------- without MNIST
def test_no_network_means_the_digits_and_says_so(nowhere):
    with pytest.warns(UserWarning, match=r"MNIST is not on this machine .*copy mnist\.npz to .*offline digits"):
        found = data.load()
    assert found.name == "digits"
    assert leftovers(nowhere) == []


def test_no_network_where_the_digits_are_refused(nowhere, monkeypatch):
    monkeypatch.setenv("ADVLIB_DATASET", "mnist")
    with pytest.raises(
        data.DataError,
        match=r"could not be downloaded \(.*refused.*\): copy mnist\.npz to .*ADVLIB_DATASET",
    ):
        data.load()


def test_a_damaged_file_does_not_mean_the_digits(nowhere):
    (nowhere / "checkout" / "data" / "mnist.npz").write_bytes(WHOLE[:-1])
    with pytest.raises(data.DataError):
        data.load()


@pytest.mark.parametrize(("name", "wish"), [("mnist", "digits"), ("digits", ""), ("digits", "mnist")])
def test_the_digits_where_they_are_asked_for(name, wish, nowhere, monkeypatch, recwarn):
    (nowhere / "checkout" / "data" / "mnist.npz").write_bytes(b"not even looked at")
    monkeypatch.setenv("ADVLIB_DATASET", wish)
    assert data.load(name).name == "digits"
    assert not recwarn.list


@pytest.mark.parametrize("wish", ["MNIST", "fashion", " digits"])
def test_an_unknown_wish_is_refused(wish, monkeypatch):
    monkeypatch.setenv("ADVLIB_DATASET", wish)
    with pytest.raises(ValueError, match=f"ADVLIB_DATASET must be mnist or digits; found '{wish}'"):
        data.load()


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="name must be one of mnist, digits, signs, coloured-digits; found 'cifar'"):
        data.load("cifar")


def test_digits_have_the_shape_of_mnist():
    found = data.load("digits")
    assert found.class_names == tuple("0123456789")
    for (images, labels), n in zip((found.validation, found.train, found.test), (400, 997, 400), strict=True):
        assert (images.shape, images.dtype) == ((n, 28, 28, 1), np.float32)
        assert (labels.shape, labels.dtype) == ((n,), np.int64)
        assert (images.min(), images.max()) == (0, 1)
        assert np.bincount(labels).min() > n / 20  # no class is missing or rare
        # 20×20 in the middle of 28×28
        margin = np.ones((28, 28, 1), bool)
        margin[4:24, 4:24] = False
        assert not images[:, margin].any()
        assert all(images[:, k].any() and images[:, :, k].any() for k in (5, 22))


def test_digits_keep_their_labels():
    from sklearn.datasets import load_digits

    small, published = load_digits(return_X_y=True)
    parts = [getattr(data.load("digits"), part) for part in ("validation", "train", "test")]
    images, labels = map(np.concatenate, zip(*parts))
    order = np.random.default_rng(0).permutation(1797)
    assert np.array_equal(labels, published[order])
    # an enlarged image's corners are the small one's
    corners = images[:, [4, 4, 23, 23], [4, 23, 4, 23], 0]
    assert np.abs(corners - small[order][:, [0, 7, 56, 63]] / 16).max() < 0.51 / 255
    assert np.abs(images.sum((1, 2, 3)) / 6.25 / (small[order].sum(1) / 16) - 1).max() < 0.15


def test_no_digit_is_in_two_parts():
    found = data.load("digits")
    parts = [{image.tobytes() for image in getattr(found, part)[0]} for part in ("train", "validation", "test")]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 1797

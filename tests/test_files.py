"""Whole files: written whole or not at all; read only as what they are, and anything else is refused at once."""

import hashlib
import os
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from small import Evil, npz

from advlib import data, files

ROOT = Path(__file__).resolve().parents[1]
REMEDY = "ask who gave it to you"
ARRAYS = {"a": np.arange(6).reshape(2, 3), "b": np.float16([1.5]), "c": np.array("words")}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.npz"


# ---------------------------------------------------------------------------------- writing
@pytest.mark.parametrize("how", [KeyboardInterrupt, ValueError])
def test_replacing_is_all_or_nothing(how, tmp_path):
    path = tmp_path / "new folder" / "file"
    with files.replacing(path) as part:
        part.write_text("old")
    with pytest.raises(how), files.replacing(path) as part:  # noqa: PT012
        part.write_text("ne")
        raise how
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with files.replacing(str(path)) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


# ----------------------------------------------------------------------------------- arrays
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_as_they_were(save, path):
    path.write_bytes(npz(ARRAYS, save))
    found = files.arrays(path, REMEDY)
    assert found.keys() == ARRAYS.keys()
    assert all(found[key].dtype == a.dtype and np.array_equal(found[key], a) for key, a in ARRAYS.items())


def test_only_the_arrays_that_are_asked_for_are_read(path):
    path.write_bytes(npz(ARRAYS | {"bait": np.array([Evil(path.parent / "trace")], object)}))
    assert files.arrays(path, REMEDY, ["b", "a"]).keys() == {"a", "b"}
    with pytest.raises(files.DataError, match=f"cannot be read as arrays .*: {REMEDY}"):
        files.arrays(path, REMEDY)
    assert not (path.parent / "trace").exists()


def test_a_lack_is_named_with_what_is_there(path):
    path.write_bytes(npz(ARRAYS))
    with pytest.raises(files.DataError, match=rf"file\.npz holds a, b, c, and no d: {REMEDY}"):
        files.arrays(path, REMEDY, ["a", "d"])


def evil(folder):
    return np.array([Evil(folder / "trace")], object)


@pytest.mark.parametrize("save", [lambda bait: npz({"a": bait}), lambda bait: pickle.dumps(bait[0])])
def test_a_pickle_is_never_opened(save, path):
    contents = save(evil(path.parent))
    path.write_bytes(contents)
    with pytest.raises(files.DataError, match=f"cannot be read as arrays .*: {REMEDY}"):
        files.arrays(path, REMEDY)
    assert not (path.parent / "trace").exists()
    assert path.read_bytes() == contents


def zeros(path, size, *names):
    """A small file that unpacks to zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            with packed.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.zeros(size, np.uint8))


def test_a_bomb_is_refused_before_it_is_unpacked(path, monkeypatch):
    monkeypatch.setattr(files, "MOST", 2**20)
    zeros(path, 2**24, "a")
    assert path.stat().st_size < 2**16
    tracemalloc.start()
    with pytest.raises(files.DataError, match=rf"file\.npz unpacks to .* GiB, more than anything .*: {REMEDY}"):
        files.arrays(path, REMEDY)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


def test_sizes_add_up(path, monkeypatch):
    """A hundred small bombs are one large one; those that are not asked for are no matter."""
    monkeypatch.setattr(files, "MOST", 2**20)
    zeros(path, 2**17, *(f"a{i}" for i in range(9)))
    with pytest.raises(files.DataError, match="unpacks to"):
        files.arrays(path, REMEDY)
    assert files.arrays(path, REMEDY, ["a0", "a8"]).keys() == {"a0", "a8"}


def lie(path, size):
    """Have a zip's table of contents name another size; only the table: the array's own header is right."""
    contents = bytearray(path.read_bytes())
    entry = contents.rindex(b"PK\1\2")
    contents[entry + 24 : entry + 28] = size.to_bytes(4, "little")
    path.write_bytes(contents)


def test_a_bomb_that_lies_about_its_size_is_refused(path, monkeypatch):
    """What a zip's table of contents promises is all that is unpacked."""
    monkeypatch.setattr(files, "MOST", 2**20)
    path.write_bytes(npz({"a": np.zeros(2**24, np.uint8)}))
    lie(path, 2**10)
    with pytest.raises(files.DataError, match=f"cannot be read as arrays .*: {REMEDY}"):
        files.arrays(path, REMEDY)


# ---------------------------------------------------------------------- what is no file at all
def read_arrays(path):
    files.arrays(path, REMEDY)


def read_record(path):
    files.record(path, REMEDY)


def read_verified(path):
    files.verified(path, "0" * 64, REMEDY)


READERS = [read_arrays, read_record, read_verified]


@pytest.mark.parametrize("read", READERS)
def test_a_folder_is_named(read, path):
    path.mkdir()
    with pytest.raises(files.DataError, match=rf"file\.npz is a folder, where a file is expected: {REMEDY}"):
        read(path)


@pytest.mark.parametrize("read", READERS)
def test_an_absent_file_is_named(read, path):
    with pytest.raises(files.DataError, match=rf"file\.npz is not there: {REMEDY}"):
        read(path)
    assert not path.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows lets few make links")
@pytest.mark.parametrize("read", READERS)
def test_a_link_to_nothing_is_named(read, path):
    path.symlink_to(path.parent / "gone")
    with pytest.raises(files.DataError, match=rf"file\.npz is a link to nothing: {REMEDY}"):
        read(path)
    assert path.is_symlink()


PIPES = """
import sys
from advlib import files
for read in (files.arrays, files.record, lambda *more: files.verified(*more[:1], "0" * 64, *more[1:])):
    try:
        read(sys.argv[1], "remove it")
    except files.DataError as why:
        print(why)
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_is_refused_and_not_waited_for(path):
    os.mkfifo(path)
    command = [sys.executable, "-c", PIPES, str(path)]  # on its own, for a read of a pipe cannot be broken off
    said = subprocess.run(command, cwd=ROOT, timeout=60, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert said == f"{path} is no ordinary file, where a file is expected: remove it\n" * 3


# ----------------------------------------------------------------------- bytes and JSON objects
def test_the_published_bytes_are_accepted_and_no_others(path):
    path.write_bytes(b"published")
    digest = hashlib.sha256(b"published").hexdigest()
    files.verified(path, digest, REMEDY)
    path.write_bytes(b"publishee")
    other = hashlib.sha256(b"publishee").hexdigest()
    with pytest.raises(files.DataError) as refused:
        files.verified(path, digest, REMEDY)
    assert str(refused.value) == (
        f"{path} is not the published file: SHA-256 {other[:12]}…, not {digest[:12]}…: {REMEDY}"
    )
    assert path.read_bytes() == b"publishee"


def test_a_record_is_an_object_with_names(path):
    path.write_text('{"a": [1, 2.5]}', encoding="utf-8")
    assert files.record(path, REMEDY) == {"a": [1, 2.5]}


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", r"is damaged \(Expecting value"), (b'{"a": 1', r"is damaged \("), (b"\xff\xfe\xff", r"is damaged \("),
        (b"[1]", "is damaged: it holds no object"), (b"1", "is damaged: it holds no object"),
    ],
)  # fmt: skip
def test_a_damaged_record_is_named(contents, message, path):
    path.write_bytes(contents)
    with pytest.raises(files.DataError, match=rf"file\.npz {message}.*: {REMEDY}"):
        files.record(path, REMEDY)
    assert path.read_bytes() == contents


def test_the_error_is_the_one_that_data_names():
    assert data.DataError is files.DataError

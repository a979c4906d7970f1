"""Whole files: written whole or not at all, and read only as what they are said to be."""

import contextlib
import hashlib
import json
import os
import stat
import tempfile
import uuid
import zipfile
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
MOST = 2**30  # bytes that an npz file may unpack to: MNIST has 0.05 GB


class DataError(Exception):
    """A file that is missing, damaged, or not the one that was published."""


def comes_back(path):
    """The remedy for a file that comes with the course."""
    return f"git checkout {path} brings it back; without git, copy the course again"


@contextlib.contextmanager
def replacing(path):
    """Write a file beside its place and move it there in one step: it is there whole, or not at all.

    Yields
    ------
    Path
        What to write.  It is removed when the block fails or is interrupted.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # beside it, not in a folder of its own: on Windows nobody else could read a file from there
    part = path.with_name(f".part-{uuid.uuid4().hex}-{path.name}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def can_write(folder):
    """Whether files can be put into a folder; it is tried, because Windows says it of every folder."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def arrays(path, remedy, names=None):
    """The arrays of an npz file, by name; a file that is anything else is refused, and no pickle is opened.

    Parameters
    ----------
    path : path
    remedy : str
        What the message tells to do.
    names : collection of str, optional
        Those that must be there; no other is read.

    Raises
    ------
    DataError
        With what is wrong, and the remedy.  The file is left as it is.
    """
    _refuse_what_is_no_file(path, remedy)
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as packed:  # numpy would take what is no zip for a pickle
            sizes = {entry.filename.removesuffix(".npy"): entry.file_size for entry in packed.infolist()}
        for name in names or ():
            if name not in sizes:
                raise DataError(f"{path} holds {', '.join(sizes) or 'nothing'}, and no {name}: {remedy}")
        size = sum(size for name, size in sizes.items() if names is None or name in names)
        if size > MOST:
            raise DataError(f"{path} unpacks to {size / 2**30:.0f} GiB, more than anything the course reads: {remedy}")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names or file.files}
    except PermissionError:
        raise DataError(f"{path} cannot be read: give yourself the right to read it") from None
    except DataError:
        raise
    except Exception as why:  # a zip can be damaged in a dozen ways, each with its own exception
        raise DataError(f"{path} cannot be read as arrays ({why}): {remedy}") from None


def verified(path, digest, remedy, algorithm="SHA-256"):
    """Refuse a file whose bytes are not the published ones.

    Parameters
    ----------
    path : path
    digest : str
        The SHA-256 that it should have, or what another algorithm gives.
    remedy, algorithm : str

    Raises
    ------
    DataError
        It differs, is no file, or cannot be read.  The file is left as it is.
    """
    _refuse_what_is_no_file(path, remedy)
    begin = partial(hashlib.new, algorithm.replace("-", ""), usedforsecurity=False)
    try:
        with open(path, "rb") as file:  # piece by piece: an archive has 263 MB
            found = hashlib.file_digest(file, begin).hexdigest()
    except OSError as why:
        raise DataError(f"{path} cannot be read ({why.strerror}): give yourself the right to read it") from None
    if found != digest:
        raise DataError(f"{path} is not the published file: {algorithm} {found[:12]}…, not {digest[:12]}…: {remedy}")


def record(path, remedy):
    """The JSON object in a file.

    Raises
    ------
    DataError
        The file is damaged, or holds something else; the message names it and the remedy.
    """
    try:
        found = json.loads(_bytes(path, remedy))
    except ValueError as why:
        raise DataError(f"{path} is damaged ({why}): {remedy}") from None
    if not isinstance(found, dict):
        raise DataError(f"{path} is damaged: it holds no object with names: {remedy}")
    return found


def _bytes(path, remedy):
    _refuse_what_is_no_file(path, remedy)
    try:
        return Path(path).read_bytes()
    except OSError as why:
        raise DataError(f"{path} cannot be read ({why.strerror}): give yourself the right to read it") from None


def _refuse_what_is_no_file(path, remedy):
    """A folder cannot be read; a pipe would be waited for for ever."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        found = "a link to nothing" if os.path.islink(path) else "not there"
        raise DataError(f"{path} is {found}: {remedy}") from None
    except OSError as why:
        raise DataError(f"{path} cannot be read ({why.strerror}): give yourself the right to read it") from None
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no ordinary file"
        raise DataError(f"{path} is {kind}, where a file is expected: {remedy}")

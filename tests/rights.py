"""Being somebody who may not write, for several test files."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest


@contextlib.contextmanager
def somebody_else():
    """Root may read and write everything: be somebody who may not (as real user too: os.access asks)."""
    if not hasattr(os, "geteuid"):
        pytest.skip("Windows has other rights")
    if os.geteuid() != 0:
        yield
        return
    try:
        os.setresuid(65534, 65534, 0)
    except (AttributeError, OSError) as why:
        pytest.skip(f"root, and cannot become anybody else ({why})")
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@contextlib.contextmanager
def open_to_all():
    """A folder that somebody else may enter (pytest's own belong to one user)."""
    folder = Path(tempfile.mkdtemp()).resolve()
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)

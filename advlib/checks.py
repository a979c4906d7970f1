"""What tells a learner what is wrong with their function, and what tells a user what is wrong with their set-up.

A check calls the learner's function on small cases, stage by stage.  Where the answer is wrong it is compared
with the answers that the usual mistakes give, so that the message can name the mistake.
"""

import functools
import importlib.metadata
import inspect
import os
import sys
import tomllib

import numpy as np
from packaging.requirements import Requirement
from packaging.version import Version
from scipy.special import log_softmax
from scipy.special import softmax as _softmax

from . import data


class Hint(Exception):
    """What a learner is told."""


def check(function):
    """Make a check: it prints one line, never raises, and shows no traceback but the learner's own.

    The checked function's docstring ends with the line ``Help: ...``, the hint to unfold.
    """
    help_line = inspect.getdoc(function).splitlines()[-1]

    @functools.wraps(function)
    def told(learners):
        name = function.__name__
        if not callable(learners):
            print(f"[not yet] {name}: give the function itself, without brackets; found {learners!r}")
            return
        try:
            tests = function(learners)
        except Hint as hint:
            print(f"[not yet] {name}: {hint}\n          {help_line}")
        else:
            print(f"[OK] {name}: right, in {tests} tests")

    return told


def call(function, *args, shape=None):
    """The learner's answer as an array; a Hint where there is none, or it is of another kind than asked for.

    Parameters
    ----------
    function : the learner's
    *args : what it is given; arrays are copied, and looked at afterwards
    shape : tuple, optional
        The shape that the answer must have.
    """
    given = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    try:
        found = function(*given)
    except NotImplementedError:
        raise Hint("not written yet") from None
    except Exception as error:
        line = error.__traceback__.tb_next
        where = f", in its line {line.tb_lineno - function.__code__.co_firstlineno + 1}" if line else ""
        shapes = ", ".join(str(np.shape(a)) for a in args)
        raise Hint(
            f"it stopped with {type(error).__name__}: {error}{where}; it was given shapes {shapes}"
        ) from None
    if found is None or found is ...:
        raise Hint("not written yet: it gives nothing back (is there a return?)")
    for before, after in zip(args, given):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=True):
            raise Hint("it changed the array that it was given; make a new one, with x + ... instead of x += ...")
    try:
        found = np.asarray(found)
    except ValueError as error:
        raise Hint(f"the answer is no array: {error}") from None
    if found.dtype.kind not in "biuf":
        raise Hint(f"the answer must be numbers; found {found.dtype}")
    if shape is not None and found.shape != shape:
        raise Hint(f"the answer must have shape {shape}; found {found.shape}")
    if not np.isfinite(found).all():
        raise Hint("the answer holds NaN or infinity")
    return found


def compare(found, right, mistakes=(), tolerance=1e-5):
    """A Hint unless the answer is right; the hint of the mistake that gives the same answer, if one does.

    Parameters
    ----------
    found, right : arrays
    mistakes : sequence of (array, str)
        A wrong answer, and what to say to whoever arrives at it.
    tolerance : float
    """
    found, right = np.asarray(found, float), np.asarray(right, float)
    if np.allclose(found, right, rtol=tolerance, atol=tolerance):
        return
    for wrong, hint in mistakes:
        if np.shape(wrong) == found.shape and np.allclose(found, wrong, rtol=tolerance, atol=tolerance):
            raise Hint(hint)
    where = np.unravel_index(np.abs(found - right).argmax(), found.shape)
    at = f"at {list(map(int, where))} " if where else ""
    raise Hint(f"not the right numbers: {at}expected {right[where]:.4g}, found {found[where]:.4g}")


# ----------------------------------------------------------------------------- notebook 01
@check
def softmax(learners):
    """Rows of logits to rows of probabilities.

    Help: unfold "the formula" below the exercise.
    """
    z = np.array([[1.0, 2.0, 4.0], [0.5, 0.0, -1.0]])
    powers = np.exp(z)
    found = call(learners, z, shape=z.shape)
    compare(found, _softmax(z, axis=1), [
        (powers, "the powers are right, but a row of probabilities sums to 1: divide by the row's sum"),
        (powers / powers.sum(), "all rows together sum to 1; each row should: sum along axis=1, keepdims=True"),
        (powers / powers.sum(0), "the columns sum to 1; the rows should: a row is an image"),
        (z / z.sum(1, keepdims=True), "there is no exponential in it: divide exp(z) by its sum, not z"),
        (powers / powers.max(1, keepdims=True), "divided by the largest, not by the sum"),
        (log_softmax(z, axis=1), "these are the logarithms of the probabilities"),
    ])  # fmt: skip
    with np.errstate(all="ignore"):
        try:
            found = call(learners, z + 1000, shape=z.shape)
        except Hint:
            raise Hint("right for small logits, but exp(1000) is infinite: subtract the row's largest first") from None
    compare(found, _softmax(z, axis=1))
    return 2


@check
def cross_entropy(learners):
    """Logits and true labels to one loss an image.

    Help: unfold "the formula" below the exercise.
    """
    z = np.array([[2.0, 0.0, -1.0], [0.5, 1.5, 0.0], [0.0, 0.0, 3.0]])
    y = np.array([0, 2, 1])
    logs = log_softmax(z, axis=1)
    right = -logs[np.arange(3), y]
    best = -logs.max(1)
    try:
        found = call(learners, z, y)
        if found.shape == ():
            compare(found, right.mean(), [(right.sum(), "one loss for each image is wanted, not their sum")])
            raise Hint("one loss for each image is wanted, not their mean: the mean comes later")
        if found.shape != (3,):
            raise Hint(f"the answer must have shape (3,), one loss an image; found {found.shape}")
    except Hint as hint:
        if "NaN" in str(hint):
            raise Hint("NaN or infinity: take the logarithm of the probabilities, which are above 0") from None
        raise
    compare(found, right, [
        (-right, "the sign: the logarithm of a probability is negative, a loss is positive"),
        (best, "this takes the class that the network likes best; the loss takes the true label's"),
        (-best, "this takes the class that the network likes best, and the sign is wrong too"),
        (-z[np.arange(3), y], "these are logits; make probabilities of them first"),
        (np.exp(-right), "these are the true labels' probabilities; the loss is minus their logarithm"),
        (1 - np.exp(-right), "1 - p grows too when p falls, but cross-entropy is -log(p)"),
        (right / np.log(2), "logarithm to base 2; the field uses the natural one, np.log"),
    ])  # fmt: skip
    return 1


@check
def accuracy(learners):
    """Logits and true labels to the share that is read correctly.

    Help: unfold "a first step" below the exercise.
    """
    z = np.array([[2.0, 0, 1], [0, 3, 1], [0, 0, 1], [5, 1, 0]])
    y = np.array([0, 1, 1, 2])
    found = call(learners, z, y, shape=())
    compare(found, 0.5, [
        (2, "this counts the images read correctly; divide by how many there are"),
        (50, "a share lies between 0 and 1; this is in percent"),
        (0.25, "argmax along the other axis? A row is an image: argmax(axis=1)"),
    ])  # fmt: skip
    found = call(learners, z[:1], np.array([1]), shape=())
    compare(found, 0, [(1, "this is the share of mistakes")])
    return 2


# ------------------------------------------------------------------------- the environment
def environment():
    """Print one line for each thing that the course needs: [OK], or [FAIL] with the remedy.

    Returns
    -------
    bool
        Everything is there.
    """
    lines = [*_python(), *_packages(), *_files(), *_memory()]
    for fine, text in lines:
        print(f"[{'OK' if fine else 'FAIL'}] {text}")
    failed = sum(not fine for fine, _ in lines)
    print("Everything is there." if not failed else f"{failed} to mend; the README's last section helps.")
    return not failed


def _python():
    version = ".".join(map(str, sys.version_info[:3]))
    fine = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield fine, f"Python {version}" + ("" if fine else ": use 3.11, 3.12 or 3.13 (TensorFlow has no other)")


def _packages():
    project = tomllib.loads((data.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in project["dependencies"]:
        wanted = Requirement(line)
        try:
            found = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            yield False, f"{wanted.name} is missing: python course.py lab installs it"
            continue
        fine = wanted.specifier.contains(Version(found))
        yield fine, f"{wanted.name} {found}" + (
            "" if fine else f": the course needs {wanted.specifier}; python course.py lab installs it"
        )


def _files():
    try:
        dataset = data.load()
    except data.DataError as why:
        yield False, str(why)
    else:
        yield True, {
            "mnist": "MNIST, every image verified",
            "digits": "offline digits, because MNIST could not be had (README: how to get it)",
        }[dataset.name]
    from . import cnn

    for seed in (0, 1, 2):
        path = cnn.WEIGHTS / f"mnist-cnn-{seed}.npz"
        name = f"data/weights/{path.name}"
        yield path.exists(), name if path.exists() else f"{name} is missing: git checkout -- data/weights"
    fine = os.access(data.DATA, os.W_OK)
    yield fine, "data/ can be written" if fine else f"{data.DATA} cannot be written: give yourself the right to"


def _memory():
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        gigabytes = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        fine = gigabytes > 1.5
        yield fine, f"{gigabytes:.1f} GiB of memory free" + ("" if fine else ": close other kernels (1.5 needed)")

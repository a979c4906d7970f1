"""A learner's function is tried, stopped where it does not end, compared with the usual mistakes, and told of one.

A check calls the learner's function on small cases, stage by stage.  Where the answer is wrong it is compared
with the answers that the usual mistakes give, so that the message can name the mistake.
"""

import ctypes
import functools
import html
import inspect
import numbers
import os
import threading

import numpy as np
from IPython.display import display

SECONDS = 20  # after which a learner's function is stopped


class Hint(Exception):
    """What a learner is told, and the hint of the exercise to unfold, where it is another than the check's own."""

    def __init__(self, text, unfold=None):
        super().__init__(text)
        self.unfold = unfold


def names(function):
    """All that a function names, in its comprehensions and inner functions too; nothing where it has no code."""
    code = getattr(function, "__code__", function)  # an inner one is code itself
    inner = [name for part in getattr(code, "co_consts", ()) for name in names(part)]
    return [*getattr(code, "co_names", ()), *inner]


LIBRARIES = {"jax", "keras", "scipy", "sklearn", "tensorflow", "tf", "torch"}


def by_hand(learners, libraries=LIBRARIES):
    """A Hint where a right answer comes from a library that has a function for it."""
    known = getattr(learners, "__globals__", {})
    for name in names(learners):
        home = getattr(known.get(name), "__module__", None) or getattr(known.get(name), "__name__", None) or name
        if str(home).split(".")[0] in libraries:
            raise Hint(f"right, but {name} does it for you; write it yourself")


class TooLong(BaseException):
    """Raised inside a learner's function that runs for too long; no ``except Exception`` of theirs stops it."""


def check(function):
    """Make a check: it prints its verdict, never raises, and shows no traceback but the learner's own.

    The checked function gives the number of its tests, or a score in words; its docstring ends with the title of the
    hint to unfold.
    """
    own_hint = inspect.getdoc(function).splitlines()[-1]

    @functools.wraps(function)
    def told(learners, *more, **named):
        name = function.__name__
        if not callable(learners):
            print(f"[not yet] {name}: give the function itself, without brackets; found {learners!r}")
            return
        say = _fold if getattr(learners, "__name__", "").endswith("_solution") else print
        try:
            found = function(learners, *more, **named)
        except Hint as hint:
            say(f'[not yet] {name}: {hint}\n          Help: unfold "{hint.unfold or own_hint}" above your function.')
        else:
            say(f"[OK] {name}: {found if isinstance(found, str) else f'right, in {found} test' + 's' * (found > 1)}")

    return told


def _fold(verdict):
    """Show the course's own verdict folded: below a learner's "not yet", an "OK" would look like theirs."""
    folded = f"<details><summary>Solution</summary><pre>{html.escape(verdict)}</pre></details>"
    # on the pages the whole solution is folded
    bundle = {} if os.environ.get("ADVLIB_PAGE") else {"text/html": folded}
    display({"text/plain": f"Solution: {verdict}", **bundle}, raw=True)


def call(function, *args, shape=None, nan=None, seconds=None, slow="does a loop never end?"):
    """The learner's answer as an array; a Hint where there is none, or it is of another kind than asked for.

    Parameters
    ----------
    function : the learner's
    *args : what it is given; arrays are copied, and looked at afterwards
    shape : tuple, optional
        The shape that the answer must have.
    nan : Hint, optional
        What to say where the answer holds NaN or infinity.
    seconds : float, optional
        After which the function is stopped; by default SECONDS.
    slow : str
        What to say then.
    """
    seconds = SECONDS if seconds is None else seconds
    given = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    stop = ctypes.c_ulong(threading.get_ident()), ctypes.py_object(TooLong)
    limit = threading.Timer(seconds, ctypes.pythonapi.PyThreadState_SetAsyncExc, stop)
    limit.start()
    try:
        with np.errstate(all="ignore"):  # what comes of it is looked at below
            found = function(*given)
    except TooLong:
        raise Hint(f"it was stopped after {seconds} seconds: {slow}") from None
    except (Exception, SystemExit) as error:
        if isinstance(error, NotImplementedError) and not str(error):  # TensorFlow's have a text
            raise Hint("not written yet") from None
        line = error.__traceback__.tb_next
        where = f", in its line {line.tb_lineno - line.tb_frame.f_code.co_firstlineno + 1}" if line else ""
        text = f"it stopped with {type(error).__name__}: {error}{where}; it was given {_told(function, args)}"
        raise Hint(text) from None
    finally:
        limit.cancel()
    if found is None or found is ...:
        raise Hint("not written yet: it gives nothing back (is there a return?)")
    for before, after in zip(args, given):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=True):
            raise Hint("it changed the array that it was given; make a new one, with x + ... instead of x += ...")
    try:
        found = np.asarray(found)
    except Exception as error:
        raise Hint(f"the answer is no array: {error}") from None
    if found.dtype == object and all(isinstance(value, numbers.Real) for value in found.flat):
        try:
            found = found.astype(float)  # fractions, or whole numbers beyond 64 bits
        except OverflowError as error:
            raise Hint(f"the answer is beyond what a float can hold: {error}") from None
    if found.dtype.kind not in "biuf":
        raise Hint(f"the answer must be numbers; found {found.dtype}")
    if shape is not None and found.shape != shape:
        wanted = f"have shape {shape}" if shape else "be one number"
        raise Hint(f"the answer must {wanted}; found shape {found.shape}")
    if not np.isfinite(found).all():
        raise nan or Hint("the answer holds NaN or infinity")
    return found


def _told(function, args):
    """Each argument by its name in the learner's function, with its shape."""
    try:
        names = list(inspect.signature(function).parameters)
    except ValueError:  # a function of numpy's, say
        names = []
    names += ["…"] * len(args)
    other = {dict: "a dict", str: "a text"}
    kinds = [f"of shape {a.shape}" if isinstance(a, np.ndarray) else "a function" if callable(a)
             else other.get(type(a), "a number") for a in args]  # fmt: skip
    return ", ".join(f"{name}: {kind}" for name, kind in zip(names, kinds))


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

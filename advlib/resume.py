"""A full run that is interrupted goes on where it was: what it has found is kept, and given back to the same call.

``course.py paper`` names a folder for each notebook, whose name is a digest of the code, the networks and the stored
results that the notebook rests on, and takes it away when the notebook is through.  Elsewhere nothing is kept.
"""

import functools
import gzip
import json
import os
import pickle
import re
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType, GeneratorType, ModuleType

import numpy as np

from .files import replacing

FOLDER = os.environ.get("ADVLIB_KEPT")
LEAST = 2.0  # seconds: what takes less is not kept, so that a notebook may still time it
_asked = Counter()  # how often, so that one run computes a call as often as it makes it


def kept(work):
    """Decorate a function: in a full run, what it returned for the same arguments is not computed again.

    It draws nothing from a global random generator, and does nothing but return something.  Arguments are told apart
    by content: networks by layers and weights, functions by their code.  A notebook's own function is another one as
    soon as any code above its call has changed.  What cannot be told apart, or not be written, is not kept.
    """

    @functools.wraps(work)
    def once(*args, **how):
        path = place(work, args, how)
        if path is None:
            return work(*args, **how)
        with suppress(Exception):  # there is none, or it is damaged
            seconds, found = pickle.loads(gzip.decompress(path.read_bytes()))
            spent(seconds)
            return found
        began = clock()
        found = work(*args, **how)
        seconds = clock() - began
        if seconds >= LEAST:
            with suppress(Exception):  # what has no pickle, or a full disk
                content = gzip.compress(pickle.dumps((seconds, found)), 1)
                with replacing(path) as part:
                    part.write_bytes(content)
        return found

    return once


@kept
def listed(rows):
    """What a generator gives, as a list; where that is kept, the generator is not run."""
    return list(rows)


def place(*what):
    """The file for what comes of these things; None outside of a full run, and where they cannot be told apart."""
    if not FOLDER:
        return None
    from joblib.hashing import NumpyHasher

    class Hasher(NumpyHasher):
        def save(self, thing):
            super().save(_content(thing))

    try:
        name = Hasher("sha256").hash(what)
    except Exception:  # each kind of thing that has no pickle has its own
        return None
    _asked[name] += 1
    return Path(FOLDER, f"{name}-{_asked[name]}")


def _content(thing):
    """What decides, of a thing whose pickle would tell too little, or too much, or be none."""
    if isinstance(thing, np.ndarray):
        return np.asarray(thing, order="C")
    if isinstance(thing, FunctionType):
        cells = [cell.cell_contents for cell in thing.__closure__ or ()]
        name = thing.__module__, thing.__qualname__
        return "function", name, _above(thing), thing.__code__, thing.__defaults__, thing.__kwdefaults__, cells
    if isinstance(thing, CodeType):
        return "code", thing.co_code, thing.co_names, thing.co_consts
    if isinstance(thing, GeneratorType):
        return "generator", thing.gi_code, dict(thing.gi_frame.f_locals), _cells()
    if isinstance(thing, frozenset):  # in whatever order it lies
        return "frozenset", set(thing)
    if isinstance(thing, ModuleType):
        return "module", thing.__name__
    if isinstance(thing, type):
        return ("class", thing.__qualname__, _above(thing)) if _above(thing) else thing
    if hasattr(thing, "get_weights"):  # a network of Keras; it numbers its layers' names as they are made
        layers = re.sub(r'"name": "[^"]*"', "", thing.to_json())
        own = _cells() if '"registered_name": "' in layers else ()  # with a layer that Keras does not know
        return "network", layers, thing.get_weights(), own
    if callable(getattr(thing, "numpy", None)):  # a tensor
        return thing.numpy()
    for inside in "__wrapped__", "python_function", "iterable":  # of functools.cache, tf.function and tqdm
        if hasattr(thing, inside):
            return _content(getattr(thing, inside))
    return thing


def _above(thing):
    return _cells() if thing.__module__ == "__main__" else ()


def _cells():
    """A notebook's code, as far as it has come."""
    return tuple(getattr(sys.modules["__main__"], "In", ()))


# ---------------------------------------------------------------------------------------- the time it takes
_before = 0.0  # seconds that an interrupted run spent on what was given back to this one


def spent(seconds):
    """Count what an interrupted run has spent."""
    global _before
    _before += seconds


def clock():
    """Seconds, as if there had been no interruption."""
    return time.monotonic() + _before


_last, _times = clock(), {}


def lap(study, part):
    """An experiment is through: note for the full run what it took, since the one before it."""
    global _last
    now, parts = clock(), _times.setdefault(study, {})
    parts[part] = round(parts.get(part, 0) + now - _last, 2)
    _last = now
    if FOLDER:
        with replacing(Path(FOLDER, "times.json")) as unfinished:
            unfinished.write_text(json.dumps(_times), encoding="utf-8")

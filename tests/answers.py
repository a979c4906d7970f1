"""What learners' answers are made of, for several test files."""

import re

import nbformat
import numpy as np


def largest(a):
    return np.abs(a).max((1, 2, 3), keepdims=True)


def votes(g):
    return np.divide(g, largest(g), out=np.zeros_like(g), where=largest(g) > 0)


def naive(g):
    return g / largest(g)


def _solved(lesson):
    return [c.source for c in nbformat.read(lesson, 4).cells if "solution" in c.metadata.get("tags", [])]


def solution(lesson, name, **scope):
    """The function of a lesson's folded solutions."""
    scope |= {"np": np}
    for source in _solved(lesson):
        if "\ndef " in source:
            exec(source, scope)
    return lambda *given: scope[name](*given)  # without the name, by which a verdict is folded


def checked(lesson):
    """Each check that a lesson calls in its solutions, and what it gets."""
    return dict(re.findall(r"checks\.(\w+)\(\s*(\w+)", "\n".join(_solved(lesson))))

"""What learners' answers are made of, for several test files."""

import re

import nbformat
import numpy as np
import pytest

from advlib import checks


def largest(a):
    return np.abs(a).max((1, 2, 3), keepdims=True)


def votes(g):
    return np.divide(g, largest(g), out=np.zeros_like(g), where=largest(g) > 0)


def naive(g):
    return g / largest(g)


def verdicts(right, wrong):
    """Two tests: each right answer of a check passes, and each usual mistake gets its own hint.

    ``right`` has the answers under the name of the check, ``wrong`` a name, an answer and words of its hint.
    """

    @pytest.mark.parametrize(("name", "answer"), [(name, answer) for name in right for answer in right[name]])
    def passes(name, answer, capsys):
        getattr(checks, name)(answer)
        assert capsys.readouterr().out.startswith(f"[OK] {name}")

    @pytest.mark.parametrize(("name", "answer", "hint"), wrong)
    def gets_its_hint(name, answer, hint, capsys):
        getattr(checks, name)(answer)
        said = capsys.readouterr().out
        assert said.startswith(f"[not yet] {name}: ")
        assert hint in said
        assert 'Help: unfold "Hint: ' in said

    return passes, gets_its_hint


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

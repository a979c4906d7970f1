"""The check of how a noise does elsewhere (08, in depth): each usual mistake gets its own hint, right ways pass."""

import numpy as np
import pytest

from advlib import checks


def by_interp(goal, home, away, control):
    rising = np.argsort(home)
    return np.interp(goal, home[rising], (away - control)[rising])


def by_hand(goal, home, away, control):
    below = max((h, a - c) for h, a, c in zip(home, away, control) if h <= goal)
    above = min((h, a - c) for h, a, c in zip(home, away, control) if h >= goal)
    if above[0] == below[0]:
        return below[1]
    return below[1] + (goal - below[0]) / (above[0] - below[0]) * (above[1] - below[1])


def each_by_itself(goal, home, away, control):
    order = np.argsort(home)
    return np.interp(goal, home[order], away[order]) - np.interp(goal, home[order], control[order])


@pytest.mark.parametrize("answer", [by_interp, by_hand, each_by_itself])
def test_right_answers_pass(answer, capsys):
    checks.at_equal_success(answer)
    assert capsys.readouterr().out == "[OK] at_equal_success: right, in 8 tests\n"


def on_rising(count):
    "An answer that sorts by the success at home first."

    def answer(goal, home, away, control):
        order = np.argsort(home)
        return count(goal, home[order], away[order], control[order])

    return answer


def nearest(g, h, a, c):
    i = np.abs(h - g).argmin()
    return a[i] - c[i]


def first_above(g, h, a, c):
    i = np.argmax(h >= g)
    return a[i] - c[i]


def halfway(g, h, a, c):
    i = np.argmax(h >= g)
    return (a[i] - c[i] + a[i - 1] - c[i - 1]) / 2


def in_place(g, h, a, c):
    a -= c
    order = np.argsort(h)
    return np.interp(g, h[order], a[order])


def control_of_the_nearest(g, h, a, c):
    return np.interp(g, h, a) - c[np.abs(h - g).argmin()]


WRONG = [
    (lambda g, h, a, c: None, "not written yet"),
    (lambda g, h, a, c: a - c, "one share is wanted"),
    (in_place, "it changed the array"),
    (on_rising(lambda g, h, a, c: np.interp(g, h, a)), "was not subtracted"),
    (on_rising(lambda g, h, a, c: np.interp(g, h, c)), "the random noise alone"),
    (on_rising(lambda g, h, a, c: np.interp(g, h, c - a)), "the wrong way round"),
    (on_rising(lambda g, h, a, c: np.interp(g, a, h)), "asked the other way"),
    (on_rising(lambda g, h, a, c: np.interp(g, a - c, h)), "asked the other way"),
    (on_rising(lambda g, h, a, c: np.interp(g, h, a) - c.mean()), "of another ε"),
    (on_rising(lambda g, h, a, c: np.interp(g, h, a) - c.max()), "of another ε"),
    (on_rising(control_of_the_nearest), "of another ε"),
    (on_rising(nearest), "one of the measured points"),
    (on_rising(first_above), "one of the measured points"),
    (on_rising(lambda g, h, a, c: a[np.abs(h - g).argmin()]), "one of the measured points"),
    (on_rising(halfway), "halfway between"),
    (on_rising(lambda g, h, a, c: np.interp(g, h - c, a - c)), "the goal is the success at home as it was counted"),
    (on_rising(lambda g, h, a, c: np.interp(g, h, a - c) / g), "divided by the success at home"),
    (on_rising(lambda g, h, a, c: np.interp(g, h, a) / g), "the share of the success at home"),
    (on_rising(lambda g, h, a, c: np.interp(g, h, a - c) / (1 - np.interp(g, h, c))), "nothing is divided"),
    (on_rising(lambda g, h, a, c: 100 * np.interp(g, h, a - c)), "percent"),
    (on_rising(lambda g, h, a, c: (a - c).mean()), "the mean over all ε"),
    (on_rising(lambda g, h, a, c: (a - c)[-1]), "the last point of the list"),
    (on_rising(lambda g, h, a, c: np.interp(g, h, range(len(h)))), "the place in the list"),
    (on_rising(lambda g, h, a, c: np.polyval(np.polyfit(h, a - c, 1), g)), "one straight line through all points"),
    (lambda g, h, a, c: g, "the goal itself"),
    (lambda g, h, a, c: np.interp(g, h, a - c), "they may come in any order"),
    (lambda g, h, a, c: np.interp(g, np.sort(h), a - c), "they may come in any order"),
    (lambda g, h, a, c: np.interp(g, h[::-1], (a - c)[::-1]), "not the right numbers"),
    (on_rising(lambda g, h, a, c: np.interp(0.5, h, a - c)), "use the goal"),
    (on_rising(lambda g, h, a, c: max(0, np.interp(g, h, a - c))), "may do more than the learned one"),
    (on_rising(lambda g, h, a, c: abs(np.interp(g, h, a - c))), "no absolute value"),
    (lambda g, h, a, c: h / 0, "NaN or infinity"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "hint"), WRONG)
def test_wrong_answers_get_their_hint(answer, hint, capsys):
    checks.at_equal_success(answer)
    out = capsys.readouterr().out
    assert out.startswith("[not yet] at_equal_success: ")
    assert hint in out
    assert 'unfold "Hint: a line from point to point"' in out


def test_the_names_of_the_arguments_are_free(capsys):
    checks.at_equal_success(lambda goal, *parts: by_interp(goal, *parts))
    assert capsys.readouterr().out.startswith("[OK]")

"""The check of what one noise costs (05, in depth): each usual wrong answer gets its own hint, right ways pass."""

import itertools

import numpy as np
import pytest

from advlib import checks


def greedily(fools, choose=np.argmax):
    left, covered = np.ones(fools.shape[1], bool), []
    for _ in fools:
        left = left & ~fools[choose((fools & left).sum(1))]
        covered.append((~left).sum())
    return np.array(covered)


def with_sets(fools):
    sets = [set(np.flatnonzero(row)) for row in fools]
    covered, many = set(), []
    while sets:
        next_one = max(sets, key=lambda one: len(one - covered))
        sets.remove(next_one)
        covered |= next_one
        many.append(len(covered))
    return many


def adding_up(fools):
    fools, new = fools.astype(float), []
    for _ in range(len(fools)):
        best = fools.sum(axis=1).argmax()
        new.append(fools[best].sum())
        fools = fools * (1 - fools[best])
    return np.cumsum(new)


def ended_early(fools):
    many = greedily(fools)
    return many[: np.argmax(many == many.max()) + 1]


def chosen(fools):
    left, order = fools.copy(), []
    for _ in fools:
        k = max(set(range(len(fools))) - set(order), key=lambda k: left[k].sum())
        order.append(k)
        left &= ~fools[k]
    return order


def waits_for_all(fools):
    covered = np.zeros(fools.shape[1], bool)
    while not covered.all():
        covered |= fools[np.argmax((fools & ~covered).sum(1))]
    return covered.sum()


def in_place(fools):
    many = 0
    for _ in fools:
        best = fools.sum(1).argmax()
        many += fools[best].sum()
        fools &= ~fools[best]
    return many


def again_and_again(fools):
    covered, many = np.zeros(fools.shape[1], bool), []
    for _ in fools:
        covered |= fools[fools.sum(1).argmax()]
        many.append(covered.sum())
    return many


def best_sets(fools):
    sizes = range(1, len(fools) + 1)
    return [max(fools[list(k)].any(0).sum() for k in itertools.combinations(range(len(fools)), n)) for n in sizes]


def ordered(fools):
    return fools[np.argsort(fools.sum(1))[::-1]]


WRONG = [
    (lambda f: None, "not written yet"),
    (lambda f: f.any(0).sum(), "a single number"),
    (lambda f: [0, *greedily(f)], "begins with no noise"),
    (lambda f: f.sum(0), "a number for each image"),
    (lambda f: np.logical_or.accumulate(f), "a number for each image"),
    (ended_early, "ends too early"),
    (lambda f: f.sum(1)[:3], "shape (5,)"),
    (lambda f: greedily(f) / f.shape[1], "shares; counts"),
    (lambda f: 100 * greedily(f) / f.shape[1], "in percent"),
    (lambda f: f.shape[1] - greedily(f), "the images that are left"),
    (lambda f: np.diff(greedily(f), prepend=0), "what each noise adds"),
    (lambda f: np.logical_or.accumulate(ordered(f)).sum(1), "count again, after each choice"),
    (lambda f: np.logical_or.accumulate(f).sum(1), "in which they stand"),
    (lambda f: np.logical_or.accumulate(ordered(f)[::-1]).sum(1), "fool fewest come first"),
    (lambda f: greedily(f, np.argmin), "argmin"),
    (lambda f: np.cumsum(ordered(f).sum(1)), "counted twice"),
    (lambda f: np.cumsum(f.sum(1)), "counted twice"),
    (lambda f: np.logical_and.accumulate(ordered(f)).sum(1), "|, not &"),
    (lambda f: np.logical_and.accumulate(f).sum(1), "|, not &"),
    (lambda f: ordered(f).sum(1), "each noise fools alone"),
    (lambda f: f.sum(1), "each noise fools alone"),
    (again_and_again, "again and again"),
    (best_sets, "one noise after the other"),
    (lambda f: np.argsort(-f.sum(1)), "the noises' numbers"),
    (chosen, "the noises' numbers"),
    (waits_for_all, "never ends"),
    (in_place, "changed the array"),
    (lambda f: f[0] - f[1], "'not' is ~"),
    (lambda f: greedily(f) if len(f) == 5 else greedily(f[:5]), "shape (6,)"),
    (lambda f: greedily(f) if len(f) == 5 else f.sum(1), "not the right numbers"),
]


@pytest.mark.parametrize("answer", [greedily, with_sets, adding_up])
def test_a_right_answer_passes_however_it_is_written(answer, capsys):
    checks.cover(answer)
    assert capsys.readouterr().out == "[OK] cover: right, in 2 tests\n"


@pytest.mark.parametrize(("answer", "hint"), WRONG)
def test_a_usual_mistake_gets_its_hint(answer, hint, capsys):
    checks.cover(answer)
    said = capsys.readouterr().out
    assert said.startswith("[not yet] cover: ")
    assert hint in said
    assert 'Help: unfold "Hint: the images that are left"' in said

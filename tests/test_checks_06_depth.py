"""The check of every motion (06, in depth): each usual wrong answer gets its own hint, right ways pass."""

import numpy as np
import pytest

from advlib import checks


def lowest(k, n):
    return np.argmin(np.where(n > 0, k / np.maximum(n, 1), np.inf))


def split_half(misread, counted, choose=slice(0, None, 2), measure=slice(1, None, 2)):
    at = lowest((misread & counted)[:, choose].sum(1), counted[:, choose].sum(1))
    there = counted[at, measure]
    return (misread[at, measure] & there).sum(), there.sum()


def by_loops(misread, counted):
    best, at = 2, None
    for row in range(len(misread)):
        k = n = 0
        for i in range(0, misread.shape[1], 2):
            n += counted[row, i]
            k += counted[row, i] and misread[row, i]
        if n and k / n < best:
            best, at = k / n, row
    odd = [i for i in range(1, misread.shape[1], 2) if counted[at, i]]
    return [sum(misread[at, i] for i in odd), len(odd)]


def with_nan(misread, counted):
    shares = np.where(counted, misread, np.nan)
    with np.errstate(all="ignore"):
        k, n = (misread & counted)[:, ::2].sum(1), counted[:, ::2].sum(1)
        at = np.nanargmin(k / n)
    return np.array([np.nansum(shares[at, 1::2]), np.isfinite(shares[at, 1::2]).sum()])


@pytest.mark.parametrize("answer", [split_half, by_loops, with_nan])
def test_a_right_answer_passes_however_it_is_written(answer, capsys):
    checks.split_half(answer)
    assert capsys.readouterr().out == "[OK] split_half: right, in 2 tests\n"


EVEN, ODD, ALL = slice(0, None, 2), slice(1, None, 2), slice(None)


def halves(choose, measure):
    return lambda misread, counted: split_half(misread, counted, choose, measure)


def chosen_by(choice):
    def answer(misread, counted):
        at = choice(misread[:, ::2], counted[:, ::2])
        there = counted[at, 1::2]
        return (misread[at, 1::2] & there).sum(), there.sum()

    return answer


def counted_as(tell):
    def answer(misread, counted):
        at = lowest((misread & counted)[:, ::2].sum(1), counted[:, ::2].sum(1))
        return tell(misread[at, 1::2], counted[at, 1::2])

    return answer


def in_place(misread, counted):
    misread &= counted
    return split_half(misread, counted)


WRONG = [
    (lambda m, c: None, "not written yet"),
    (lambda m, c: split_half(m, c)[0] / split_half(m, c)[1], "this is the share"),
    (lambda m, c: split_half(m, c)[0], "a single one"),
    (lambda m, c: (m & c)[:, 1::2].sum(1), "a number for each motion"),
    (lambda m, c: ((m & c)[:, 1::2].sum(1), c[:, 1::2].sum(1)), "a number for each motion"),
    (lambda m, c: (*split_half(m, c), 1), "found shape (3,)"),
    (halves(EVEN, EVEN), "measure on the other half"),
    (halves(ODD, ODD), "the images 0, 2, 4, … choose"),
    (halves(ALL, ALL), "chosen and measured on all images"),
    (halves(ALL, ODD), "all images have chosen"),
    (halves(EVEN, ALL), "measured on all images"),
    (halves(ODD, EVEN), "the halves are exchanged"),
    (halves(slice(0, 20), slice(20, None)), "the first and the second"),
    (chosen_by(lambda m, c: np.argmin((m & c).sum(1) / np.maximum(c.sum(1), 1))), "has no rate"),
    (chosen_by(lambda m, c: np.argmin((m & c).sum(1) / c.sum(1))), "has no rate"),
    (chosen_by(lambda m, c: np.argmax((m & c).sum(1) / np.maximum(c.sum(1), 1))), "the highest rate"),
    (chosen_by(lambda m, c: np.argmin(np.where(c.any(1), (m & c).sum(1), 99))), "choose by k / n"),
    (chosen_by(lambda m, c: np.argmin(np.where(c.any(1), (m & c).mean(1), 1))), "choose by k / n"),
    (chosen_by(lambda m, c: np.argmin((m & c).sum(1))), "has no rate"),
    (chosen_by(lambda m, c: np.argmin(m.mean(1))), "with images that do not count"),
    (chosen_by(lambda m, c: np.argmin(m.sum(1) / np.maximum(c.sum(1), 1e-9))), "with images that do not count"),
    (counted_as(lambda m, c: ((m & c).sum(), len(c))), "not of all images of the half"),
    (counted_as(lambda m, c: (m.sum(), c.sum())), "k holds images that do not count"),
    (counted_as(lambda m, c: (m.sum(), len(c))), "in k and in n"),
    (counted_as(lambda m, c: (c.sum(), (m & c).sum())), "k comes first"),
    (counted_as(lambda m, c: ((c & ~m).sum(), c.sum())), "the images that resist"),
    (counted_as(lambda m, c: (np.nan, c.sum())), "0 / 0 is no number"),
    (in_place, "changed the array"),
    (lambda m, c: split_half(m, c) if m.shape[1] == 40 else (1, 2), "not the right numbers"),
]


@pytest.mark.parametrize(("answer", "hint"), WRONG)
def test_a_usual_mistake_gets_its_hint(answer, hint, capsys):
    with np.errstate(all="ignore"):
        checks.split_half(answer)
    said = capsys.readouterr().out
    assert said.startswith("[not yet] split_half: ")
    assert hint in said
    assert 'Help: unfold "Hint: two halves"' in said

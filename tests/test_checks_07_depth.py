"""The checks of resolution (07, in depth): each usual wrong answer gets its own hint, right ways pass."""

import numpy as np
import pytest

from advlib import checks

SIDES = np.log([16, 32, 64])


def columns(groups, one):
    return np.concatenate([np.flatnonzero(groups == g) for g in one])


def b(eps, middle=np.median, log=np.log):
    return -np.polyfit(SIDES, log(middle(eps, axis=1)), 1)[0]


def slope_interval(eps, groups, drawn, b=b, columns=columns, ends=(2.5, 97.5)):
    found = [b(eps[:, columns(groups, one)]) for one in drawn]
    return b(eps), *np.percentile(found, ends)


def by_loops(eps, groups, drawn):
    def of(rows):
        y = [np.log10(np.median([eps[k][i] for i in rows])) for k in range(3)]
        x = np.log10([16, 32, 64])
        return -sum((a - x.mean()) * c for a, c in zip(x, y)) / sum((a - x.mean()) ** 2 for a in x)

    boot = [of([i for g in one for i in range(len(groups)) if groups[i] == g]) for one in drawn]
    return [of(range(len(groups))), np.quantile(boot, 0.025), np.quantile(boot, 0.975)]


def by_weights(eps, groups, drawn):
    "How often each photograph was drawn."
    times = (drawn[:, :, None] == groups).sum(1)
    found = [b(eps[:, np.repeat(np.arange(len(groups)), t)]) for t in times]
    return np.array([b(eps), *np.percentile(found, [2.5, 97.5])])


def by_ends(eps, groups, drawn):
    "Three sizes at equal distances: the least squares' line has the slope of its ends."

    def of(columns):
        middles = np.log(np.median(eps[:, columns], axis=1))
        return (middles[0] - middles[2]) / np.log(4)

    return of(slice(None)), *np.percentile([of(columns(groups, one)) for one in drawn], [2.5, 97.5])


@pytest.mark.parametrize("answer", [slope_interval, by_loops, by_weights, by_ends])
def test_right_intervals_pass(answer, capsys):
    checks.slope_interval(answer)
    assert capsys.readouterr().out == "[OK] slope_interval: right, in 2 tests\n"


def changed(**how):
    return lambda eps, groups, drawn: slope_interval(eps, groups, drawn, **how)


def of_numbers(tell):
    return lambda eps, groups, drawn: tell(*slope_interval(eps, groups, drawn))


def photographs(eps, groups, drawn):
    rng = np.random.default_rng(0)
    found = [b(eps[:, rng.integers(len(groups), size=len(groups))]) for _ in range(1000)]
    return b(eps), *np.percentile(found, [2.5, 97.5])


def unpaired(eps, groups, drawn):
    rng = np.random.default_rng(0)
    found = []
    for one in drawn:
        draws = [one, *(rng.choice(np.unique(groups), len(one)) for _ in range(2))]
        middles = [np.median(eps[k, columns(groups, draw)]) for k, draw in enumerate(draws)]
        found.append(-np.polyfit(SIDES, np.log(middles), 1)[0])
    return b(eps), *np.percentile(found, [2.5, 97.5])


def next_draws(eps, groups, drawn):
    found = []
    for j in range(len(drawn)):
        middles = [np.median(eps[k, columns(groups, drawn[(j + k) % len(drawn)])]) for k in range(3)]
        found.append(-np.polyfit(SIDES, np.log(middles), 1)[0])
    return b(eps), *np.percentile(found, [2.5, 97.5])


def deviations(eps, groups, drawn):
    found = np.std([b(eps[:, columns(groups, one)]) for one in drawn])
    return b(eps), b(eps) - 1.96 * found, b(eps) + 1.96 * found


def mean_of_draws(eps, groups, drawn):
    found = [b(eps[:, columns(groups, one)]) for one in drawn]
    return np.mean(found), *np.percentile(found, [2.5, 97.5])


def a_sign_a_number(eps, groups, drawn):
    def of(one):
        middles = [[np.median(eps[k, groups == g]) for g in one] for k in range(3)]
        return -np.polyfit(SIDES, np.log(np.median(middles, axis=1)), 1)[0]

    return b(eps), *np.percentile([of(one) for one in drawn], [2.5, 97.5])


def in_place(eps, groups, drawn):
    eps *= 255
    return slope_interval(eps, groups, drawn)


def each_alone(eps):
    return -np.median(np.polyfit(SIDES, np.log(eps), 1)[0])


WRONG = [
    (lambda *_: None, "not written yet"),
    (of_numbers(lambda b, *_: b), "found a single one"),
    (of_numbers(lambda b, low, high: (low, high)), "found two"),
    (lambda e, g, d: [b(e[:, columns(g, one)]) for one in d], "a number for each draw"),
    (of_numbers(lambda b, low, high: (b, low, high, 1)), "found shape (4,)"),
    (of_numbers(lambda b, low, high: (-b, -high, -low)), "b has the opposite sign"),
    (of_numbers(lambda b, low, high: (-b, -low, -high)), "b has the opposite sign"),
    (of_numbers(lambda b, low, high: (-b, low, high)), "b has the wrong sign"),
    (of_numbers(lambda b, low, high: (b, -high, -low)), "the draws' b have the wrong sign"),
    (of_numbers(lambda b, low, high: (low, b, high)), "b comes first"),
    (of_numbers(lambda b, low, high: (b, high, low)), "the lower end comes before"),
    (changed(columns=lambda g, one: np.flatnonzero(np.isin(g, one))), "np.isin takes them once"),
    (changed(columns=lambda g, one: np.flatnonzero(g == one[0])), "only the first sign"),
    (next_draws, "each size was drawn for itself"),
    (unpaired, "no other draws"),
    (photographs, "no other draws"),
    (changed(columns=lambda g, one: one % len(g)), "names a sign"),
    (a_sign_a_number, "each sign was made one number first"),
    (changed(ends=(5, 95)), "the middle 90 %"),
    (changed(ends=(0, 100)), "the lowest and the highest draw"),
    (deviations, "1.96 standard deviations"),
    (mean_of_draws, "not from the mean of the draws"),
    (changed(b=lambda eps: b(eps, middle=np.mean)), "this is the mean ε"),
    (changed(b=lambda eps: b(np.log(eps), np.mean, lambda v: v)), "the mean of the logarithms"),
    (changed(b=lambda eps: b(eps) * np.log(2)), "the side's logarithm has another base"),
    (changed(b=lambda eps: b(eps, log=np.log10)), "ε's logarithm has another base"),
    (changed(b=lambda eps: -np.polyfit([16, 32, 64], np.median(eps, axis=1), 1)[0]), "through the logarithms"),
    (changed(b=lambda eps: -np.polyfit([16, 32, 64], np.log(np.median(eps, 1)), 1)[0]), "needs its logarithm, too"),
    (changed(b=each_alone), "a line of its own"),
    (changed(b=lambda eps: -b(eps, middle=np.mean)), "And b has the opposite sign"),
    (in_place, "changed the array"),
    (lambda e, g, d: slope_interval(e, g, d) if len(d) == 40 else (1, 2, 3), "not the right numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "hint"), WRONG)
def test_a_usual_mistake_with_the_interval_gets_its_hint(answer, hint, capsys):
    checks.slope_interval(answer)
    said = capsys.readouterr().out
    assert said.startswith("[not yet] slope_interval: ")
    assert hint in said
    assert 'Help: unfold "Hint: ' in said


# ------------------------------------------------------------------------------------------ the coarse share
def blocks(g, k):
    n, height, width, colours = g.shape
    return g.reshape(n, height // k, k, width // k, k, colours)


def size(a):
    return np.abs(a).sum(tuple(range(1, a.ndim)))


def coarse_share(g, k):
    return size(blocks(g, k).sum((2, 4))) / size(g)


def sums_by_loops(g, k):
    found = []
    for one in g:
        left = 0
        for i in range(0, one.shape[0], k):
            for j in range(0, one.shape[1], k):
                left += np.abs(one[i : i + k, j : j + k].sum((0, 1))).sum()
        found.append(left / np.abs(one).sum())
    return found


def by_reduceat(g, k):
    down = np.add.reduceat(g, range(0, g.shape[1], k), axis=1)
    return size(np.add.reduceat(down, range(0, g.shape[2], k), axis=2)) / size(g)


@pytest.mark.parametrize("answer", [coarse_share, sums_by_loops, by_reduceat])
def test_right_shares_pass(answer, capsys):
    checks.coarse_share(answer)
    assert capsys.readouterr().out == "[OK] coarse_share: right, in 3 tests\n"


def split(g, k, shape, axes):
    n, height, width, colours = g.shape
    return size(g.reshape(n, *shape(height, width, k), colours).sum(axes)) / size(g)


def gradient_in_place(g, k):
    g /= size(g)[:, None, None, None]
    return coarse_share(g, k)


SHARES = [
    (lambda g, k: None, "not written yet"),
    (lambda g, k: coarse_share(g, k).mean(), "one number for each image"),
    (lambda g, k: blocks(g, k).sum((2, 4)), "found shape"),
    (lambda g, k: size(np.abs(blocks(g, k)).sum((2, 4))) / size(g), "plus and minus may cancel"),
    (lambda g, k: size(blocks(g, k).mean((2, 4))) / size(g), "the mean of a block"),
    (lambda g, k: coarse_share(g, k) / k, "divided by nothing"),
    (lambda g, k: size(blocks(g, k).sum((2, 4, 5))) / size(g), "the colours were added up"),
    (lambda g, k: size(blocks(g, k).sum((2, 4, 5))) / size(g.sum(3)), "the colours were added up"),
    (lambda g, k: split(g, k, lambda h, w, k: (h // k, w // k, k, k), (3, 4)), "these are no blocks"),
    (lambda g, k: split(g, k, lambda h, w, k: (h // k, w // k, k, k), (2, 4)), "these are no blocks"),
    (lambda g, k: split(g, k, lambda h, w, k: (k, h // k, k, w // k), (1, 3)), "pixels that lie far apart"),
    (lambda g, k: size(blocks(g, k).sum((1, 3))) / size(g), "inside a block run 2 and 4"),
    (lambda g, k: size(g[:, ::k, ::k]) / size(g), "every k-th pixel"),
    (lambda g, k: np.sqrt(size(blocks(g, k).sum((2, 4)) ** 2) / size(g**2)), "squares and a root"),
    (lambda g, k: size(blocks(g, k).sum((2, 4))) / size(g).sum(), "by its own sum"),
    (lambda g, k: 1 / coarse_share(g, k), "upside down"),
    (lambda g, k: 1 - coarse_share(g, k), "what is lost"),
    (lambda g, k: size(blocks(g, k).sum((2, 4))), "not yet divided"),
    (lambda g, k: np.abs(g.sum((1, 2, 3))) / size(g), "of one sum"),
    (gradient_in_place, "changed the array"),
    (lambda g, k: coarse_share(g, 4) if k == 4 else 2 + 0 * size(g), "not the right numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "hint"), SHARES)
def test_a_usual_mistake_with_the_share_gets_its_hint(answer, hint, capsys):
    checks.coarse_share(answer)
    said = capsys.readouterr().out
    assert said.startswith("[not yet] coarse_share: ")
    assert hint in said
    assert 'Help: unfold "Hint: blocks by reshape"' in said

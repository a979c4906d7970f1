"""The checks of lesson 03, and McNemar's: each usual wrong answer gets its own hint, and every right way passes."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import special, stats
from tiny import linear

from advlib import checks
from advlib.data import Dataset

WHOLE = {"axis": (1, 2, 3), "keepdims": True}


# --------------------------------------------------------------------------------------------- right answers
def l2(g, size):
    length = np.sqrt(np.square(g).sum(**WHOLE))
    return size * g / np.where(length > 0, length, 1)


def linf(g, size):
    return size * np.sign(g)


def l1(g, size):
    return size * np.sign(g) * (np.abs(g) == np.abs(g).max(**WHOLE))


def steps(**others):
    """An answer to best_step, right but for the norms that are given."""
    ways = {"two": l2, "inf": linf, "one": l1} | others

    def answer(g, size, norm):
        return ways[{2: "two", np.inf: "inf", 1: "one"}[norm]](g, size)

    return answer


def best_step_one_by_one(g, size, norm):
    out = []
    for one in g:
        if norm == 1:
            e = np.zeros_like(one)
            place = np.unravel_index(np.abs(one).argmax(), one.shape)
            e[place] = size * np.sign(one[place])
        elif norm == 2:
            length = np.linalg.norm(one)
            e = size * one / length if length else one
        else:
            e = np.where(one > 0, size, np.where(one < 0, -size, 0))
        out.append(e)
    return np.array(out)


def l0(x_adv, x):
    return (np.rint(255 * x_adv) != np.rint(255 * x)).any(3).sum((1, 2))


def l0_of_bytes(x_adv, x):
    before, after = (np.uint8(np.round(255 * image)) for image in (x, x_adv))
    return [np.count_nonzero(np.any(a != b, axis=-1)) for a, b in zip(after, before)]


def l0_by_rounding_to_levels(x_adv, x):
    apart = np.abs(np.round(255 * x_adv) / 255 - np.round(255 * x) / 255) > 0.5 / 255
    return np.sum(np.max(apart, axis=3), axis=(1, 2))


def interval(first, second, draws):
    return np.percentile(second[draws].mean(1) / first[draws].mean(1), [2.5, 97.5])


def interval_row_by_row(first, second, draws):
    ratios = [second[rows].sum() / first[rows].sum() for rows in draws]
    return np.quantile(ratios, 0.025), np.quantile(ratios, 0.975)


def interval_of_sorted(first, second, draws):
    ratios = sorted(second[draws].sum(1) / first[draws].sum(1))
    return ratios[int(0.025 * len(ratios))], ratios[int(0.975 * len(ratios))]


def interval_cut_within(first, second, draws):
    return np.percentile(second[draws].mean(1) / first[draws].mean(1), [2.5, 97.5], method="lower")


def mcnemar(first, second):
    b, c = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    return min(1, 2 * tail)


def mcnemar_in_fractions(first, second):
    b, c = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    return min(Fraction(1), 2 * sum(Fraction(math.comb(b + c, k), 2 ** (b + c)) for k in range(min(b, c) + 1)))


def mcnemar_of_numpys_numbers(first, second):
    "Its 2**m overflows."
    b, c = np.sum(first & ~second), np.sum(second & ~first)
    return min(1, 2 * sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c))


def masked(g, size):
    length = np.sqrt(np.square(g).sum(**WHOLE))
    return (size * g / np.ma.masked_equal(length, 0)).filled(0)


def mcnemar_by_scipys_binomials(first, second):
    b, c = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    return min(1, 2 * sum(special.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c))


def unset(g, size):
    "Whatever was in memory, where the gradient is all zero."
    length = np.sqrt(np.square(g).sum(**WHOLE))
    return size * np.divide(g, length, where=length > 0)


def mcnemar_by_scipy(first, second):
    table = stats.contingency.crosstab(first, second, levels=([True, False], [True, False])).count
    n = table[0, 1] + table[1, 0]
    return stats.binomtest(int(table[0, 1]), int(n)).pvalue if n else 1


@pytest.mark.parametrize(
    ("check", "answer", "tests"),
    [
        (checks.best_step, steps(), 9),
        (checks.best_step, best_step_one_by_one, 9),
        (checks.l0, l0, 2),
        (checks.l0, l0_of_bytes, 2),
        (checks.l0, l0_by_rounding_to_levels, 2),
        (checks.interval, interval, 2),
        (checks.interval, interval_row_by_row, 2),
        (checks.interval, interval_of_sorted, 2),
        (checks.interval, interval_cut_within, 2),
        (checks.mcnemar, mcnemar, 6),
        (checks.mcnemar, mcnemar_in_fractions, 6),
        (checks.best_step, steps(two=masked), 9),
    ],
)
def test_right_answers_pass(check, answer, tests, capsys):
    check(answer)
    assert capsys.readouterr().out == f"[OK] {check.__name__}: right, in {tests} test{'s' * (tests > 1)}\n"


# --------------------------------------------------------------------------------------------- wrong answers
def of_noise(count):
    """A wrong count: ``count(e)`` of the noise."""
    return lambda x_adv, x: count(x_adv - x)


def of_levels(count):
    """A wrong count: ``count(e)`` of the difference of the rounded images, in levels."""
    return lambda x_adv, x: count(np.rint(255 * x_adv) - np.rint(255 * x))


def cut_off(kind):
    return lambda x_adv, x: ((255 * x_adv).astype(kind) != (255 * x).astype(kind)).any(3).sum((1, 2))


def of_ratios(ends):
    """A wrong interval: ``ends(ratios)`` of the right ratios."""
    return lambda first, second, draws: ends(second[draws].mean(1) / first[draws].mean(1))


def drawn(ratio, ends=(2.5, 97.5)):
    """A wrong interval: the right ends of wrong ratios."""
    return lambda first, second, draws: np.percentile(ratio(first, second, draws), ends)


def apart(first, second, draws):
    return np.percentile(second[draws].mean(1), [2.5, 97.5]) / np.percentile(first[draws].mean(1), [2.5, 97.5])


def apart_and_crossed(first, second, draws):
    return np.percentile(second[draws].mean(1), [2.5, 97.5]) / np.percentile(first[draws].mean(1), [97.5, 2.5])


def around(centre, factor):
    def answer(first, second, draws):
        ratios = second[draws].mean(1) / first[draws].mean(1)
        middle = ratios.mean() if centre == "mean" else second.mean() / first.mean()
        return middle - factor * ratios.std(), middle + factor * ratios.std()

    return answer


def own_draws(first, second, draws):
    again = np.random.default_rng(5)
    again.uniform(1, 9, 12), again.uniform(0, 3, 12)
    return interval(first, second, again.integers(12, size=(400, 12)))


def bootstrap(first, second, draws):
    found = stats.bootstrap((first, second), lambda a, b, axis: b.mean(axis) / a.mean(axis), paired=True,
                            n_resamples=999, method="percentile", rng=3).confidence_interval  # fmt: skip
    return found.low, found.high


def at_once(first, second, draws):
    return second[draws].mean() / first[draws].mean()


def from_pairs(p):
    """A wrong p-value: ``p(b, c)`` of the discordant pairs."""
    return lambda first, second: p(int((first & ~second).sum()), int((second & ~first).sum()))


def of_the_table(test, **more):
    def answer(first, second):
        table = [[first.sum(), second.sum()], [(~first).sum(), (~second).sum()]]
        return test(table, **more).pvalue

    return answer


def of_the_pairs(first, second):
    return stats.chi2_contingency(stats.contingency.crosstab(first, second).count).pvalue


def tail(b, c):
    return sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)


G = 1 / 255
MUTANTS = [
    (checks.best_step, lambda g, size, norm: ..., "not written yet"),
    (checks.best_step, steps(two=lambda g, s: s * g / np.abs(g).max(**WHOLE)), "norm=2: the largest entry of each"),
    (checks.best_step, steps(two=lambda g, s: s * g / np.abs(g).max()), "the batch's largest |g|"),
    (checks.best_step, lambda g, size, norm: size * g / np.linalg.norm(g, norm), "g.reshape(len(g), -1), axis=1"),
    (checks.best_step,
     lambda g, size, norm: size * g / np.linalg.norm(g, norm, axis=(1, 2, 3)),
     "np.linalg.norm takes a vector"),
    (checks.best_step, steps(two=lambda g, s: s * g / np.sqrt((g**2).sum((1, 2, 3)))), "with keepdims=True, or"),
    (checks.best_step,
     steps(one=lambda g, s: np.where(np.abs(g) == np.abs(g).max((1, 2, 3)), np.sign(g), 0)),
     "norm=1: it stopped with ValueError"),
    (checks.best_step, steps(two=lambda g, s: s * g / np.linalg.norm(g)), "one length for the whole batch"),
    (checks.best_step, steps(two=lambda g, s: s * g / np.fmax(np.sqrt((g**2).sum(0)), 1e-300)), "axis=0 compares"),
    (checks.best_step,
     steps(two=lambda g, s: s * g / np.fmax(np.linalg.norm(g, axis=3, keepdims=True), 1e-300)),
     "each pixel got the size"),
    (checks.best_step,
     steps(two=lambda g, s: s * g / np.fmax(np.linalg.norm(g, axis=(1, 2), keepdims=True), 1e-300)),
     "each colour got its own length"),
    (checks.best_step, steps(two=lambda g, s: s * g / np.sqrt((g**2).mean(**WHOLE))), "divided by the RMS"),
    (checks.best_step, steps(two=lambda g, s: s * g / (g**2).sum(**WHOLE)), "its root is missing"),
    (checks.best_step, steps(two=lambda g, s: s * g / np.abs(g).sum(**WHOLE)), "which is its L1"),
    (checks.best_step, steps(two=lambda g, s: l2(np.sign(g), s)), "the direction is the sign's"),
    (checks.best_step, steps(two=linf), "norm=2: this is the answer in L∞"),
    (checks.best_step, steps(two=l1), "norm=2: this is the answer in L1"),
    (checks.best_step, steps(two=lambda g, s: l2(g, 1)), "with the length 1"),
    (checks.best_step, steps(two=lambda g, s: np.abs(l2(g, s))), "the sign of g was lost"),
    (checks.best_step, steps(two=lambda g, s: -l2(g, s)), "norm=2: downhill"),
    (checks.best_step, steps(two=lambda g, s: g), "the gradient itself"),
    (checks.best_step, steps(two=lambda g, s: s * g), "own size is still in it"),
    (checks.best_step, steps(two=lambda g, s: 0 * g), "no image moves"),
    (checks.best_step, steps(two=lambda g, s: l2(g, s)[0]), "must have shape (3, 2, 3, 2)"),
    (checks.best_step, steps(two=lambda g, s: s * g / np.linalg.norm(g.reshape(3, -1), axis=1)), "could not be broad"),
    (checks.best_step, lambda g, size, norm: size * g / np.linalg.norm(g, norm), "of shape (3, 2, 3, 2)"),
    (checks.best_step, lambda g, size, norm: l2(g, size), "norm=inf: this is the answer in L2"),
    (checks.best_step, lambda g, size, norm: linf(g, size), "norm=2: this is the answer in L∞"),
    (checks.best_step, lambda g, size, norm: l2(g, size) if norm == 2 else linf(g, size),
     "norm=1: this is the answer in L∞"),
    (checks.best_step, lambda g, size, norm: l2(g, size) if norm == 2 else linf(g, size) if norm > 2 else None,
     "norm=1: not written yet"),
    (checks.best_step, steps(inf=lambda g, s: s * g / np.abs(g).max(**WHOLE)), "norm=inf: this is the paper's step"),
    (checks.best_step, steps(inf=l1), "norm=inf: this is the answer in L1"),
    (checks.best_step, steps(inf=lambda g, s: np.sign(g)), "the ball of size 1"),
    (checks.best_step, steps(inf=lambda g, s: -s * np.sign(g)), "norm=inf: downhill"),
    (checks.best_step, steps(inf=lambda g, s: s * np.sign(np.abs(g))), "norm=inf: every value rises; the sign"),
    (checks.best_step, steps(inf=lambda g, s: s * np.ones_like(g)), "some should fall"),
    (checks.best_step, steps(inf=lambda g, s: s * np.where(g > 0, 1, -1)), "a value whose gradient is 0 fell"),
    (checks.best_step, steps(inf=lambda g, s: s * np.where(g < 0, -1, 1)), "a value whose gradient is 0 rose"),
    (checks.best_step, steps(inf=lambda g, s: s * g / np.abs(g)), "norm=inf: NaN or infinity"),
    (checks.best_step, steps(inf=lambda g, s: s * np.sign(g.mean(0)) * np.ones_like(g)), "the mean over the batch"),
    (checks.best_step, steps(inf=lambda g, s: s * np.sign(g.sum(3, keepdims=True)) * np.ones_like(g)), "were added up"),
    (checks.best_step, steps(one=lambda g, s: s * g / np.abs(g).sum(**WHOLE)), "shared among all values"),
    (checks.best_step, steps(one=lambda g, s: s * np.sign(g) / np.abs(np.sign(g)).sum(**WHOLE)), "shared evenly"),
    (checks.best_step, steps(one=l2), "norm=1: this is the answer in L2"),
    (checks.best_step, steps(one=lambda g, s: s * g / np.abs(g).max(**WHOLE)), "the others move too"),
    (checks.best_step, steps(one=lambda g, s: s * (g == g.max(**WHOLE))), "this takes the largest g"),
    (checks.best_step, steps(one=lambda g, s: s * (np.abs(g) == np.abs(g).max(**WHOLE))), "it always rises"),
    (checks.best_step, steps(one=lambda g, s: s * np.sign(g) * (np.abs(g) == np.abs(g).max())), "one value of the"),
    (checks.best_step, steps(one=lambda g, s: g * (np.abs(g) == np.abs(g).max(**WHOLE))), "it moves by its gradient"),
    (checks.best_step, steps(one=lambda g, s: s * l1(g, 1) * np.abs(g)), "it moves by size times its gradient"),
    (checks.best_step, steps(one=lambda g, s: l1(g, 1)), "it moves by 1"),
    (checks.best_step,
     steps(one=lambda g, s: s * np.sign(g) * (np.abs(g).sum(3, keepdims=True)
                                              == np.abs(g).sum(3, keepdims=True).max(**WHOLE))),
     "a pixel has two colours"),
    (checks.best_step, steps(one=lambda g, s: -l1(g, s)), "norm=1: downhill"),
    (checks.best_step, steps(two=lambda g, s: s * g / (np.sqrt((g**2).sum(**WHOLE)) + 1e-8)), "1e-12"),
    (checks.best_step, steps(inf=lambda g, s: s * np.where(np.abs(g) > 1e-9, np.sign(g), 0)), "norm=inf: right, until"),
    (checks.best_step, steps(two=lambda g, s: s * g / np.sqrt((g**2).sum(**WHOLE))), "norm=2: right, until a gradient"),
    (checks.best_step,
     steps(one=lambda g, s: s * np.where(g < 0, -1, 1) * (np.abs(g) == np.abs(g).max(**WHOLE))),
     "norm=1: right, but an image whose gradient is all zero moved"),
    (checks.best_step, steps(two=lambda g, s: 2 * l2(g, s)), "not the right numbers"),
    (checks.l0, lambda x_adv, x: None, "not written yet"),
    (checks.l0, of_levels(lambda e: np.sum(e.any(-1))), "one number for the whole batch"),
    (checks.l0, of_levels(lambda e: e.any(3).sum(0)), "must have shape (3,)"),
    (checks.l0, of_levels(lambda e: (e != 0).sum((1, 2, 3))), "one pixel, not two"),
    (checks.l0, of_levels(lambda e: e.all(3).sum((1, 2))), "wants all of them"),
    (checks.l0, of_levels(lambda e: (e > 0).any(3).sum((1, 2))), "got darker moved too: !="),
    (checks.l0, of_levels(lambda e: (e > 0).sum((1, 2, 3))), "got darker moved too, and"),
    (checks.l0, of_noise(lambda e: e.any(3).sum((1, 2))), "every pixel that is not exactly the same"),
    (checks.l0, of_noise(lambda e: [np.linalg.norm(one.ravel(), 0) for one in e]), "every value that is not exactly"),
    (checks.l0, of_noise(lambda e: (np.abs(e) > 1.001 * G).any(-1).sum((1, 2))), "this is the notebook's l0"),
    (checks.l0, of_noise(lambda e: (np.abs(e) > 1.001 * G).sum((1, 2, 3))), "it counts colours, not pixels"),
    (checks.l0, of_noise(lambda e: (np.abs(e) > 0.5 * G).any(3).sum((1, 2))), "round each of them"),
    (checks.l0, of_noise(lambda e: np.rint(255 * e).any(3).sum((1, 2))), "round each of them"),
    (checks.l0, of_levels(lambda e: (np.abs(e) > 1).any(3).sum((1, 2))), "a single level counts too"),
    (checks.l0, of_levels(lambda e: (e.sum(3) != 0).sum((1, 2))), "the colours were added up; +12"),
    (checks.l0, of_noise(lambda e: (np.abs(e.sum(3)) > G).sum((1, 2))), "the colours were added up; +12"),
    (checks.l0, of_noise(lambda e: (np.abs(e).sum(3) > G).sum((1, 2))), "the moves of the colours were added up"),
    (checks.l0, of_noise(lambda e: (np.rint(255 * np.abs(e).sum(3)) > 0).sum((1, 2))), "added up before rounding"),
    (checks.l0, of_noise(lambda e: (np.linalg.norm(e, axis=3) > G).sum((1, 2))), "how long the move"),
    (checks.l0, of_noise(lambda e: np.rint(255 * np.linalg.norm(e, axis=3)).astype(bool).sum((1, 2))), "the length of"),
    (checks.l0, of_noise(lambda e: (np.rint(255 * e.mean(3)) != 0).sum((1, 2))), "the mean of the colours"),
    (checks.l0, lambda x_adv, x: l0(x_adv.mean(3, keepdims=True), x.mean(3, keepdims=True)), "the mean of the colours"),
    (checks.l0, of_levels(lambda e: (e[..., 0] != 0).sum((1, 2))), "the first colour only"),
    (checks.l0, of_levels(lambda e: (e == 0).all(3).sum((1, 2))), "the pixels that stayed"),
    (checks.l0, cut_off(int), "52.99 becomes 52"),
    (checks.l0, cut_off("uint8"), "52.99 becomes 52"),
    (checks.l0, lambda x_adv, x: (np.rint(x_adv) != np.rint(x)).any(3).sum((1, 2)), "to black and white"),
    (checks.l0, lambda x_adv, x: l0(x_adv, x) / x[0, ..., 0].size, "a share"),
    (checks.l0, lambda x_adv, x: np.sqrt(l0(x_adv, x)), "the root belongs to L2"),
    (checks.l0, of_levels(lambda e: np.abs(e).max(3).sum((1, 2))), "how far the pixels moved"),
    (checks.l0, lambda x_adv, x: np.rint(255 * x_adv).any(3).sum((1, 2)), "not black; compare with x"),
    (checks.l0, lambda x_adv, x: l0(x_adv, x) + 7, "not the right numbers"),
    (checks.interval, lambda first, second, draws: ..., "not written yet"),
    (checks.interval, lambda first, second, draws: second.mean() / first.mean(), "two numbers are wanted"),
    (checks.interval, of_ratios(lambda ratios: ratios), "these are the ratios of all draws"),
    (checks.interval, lambda first, second, draws: first[draws].mean(1) / second[draws].mean(1), "upside down, and"),
    (checks.interval, of_ratios(lambda ratios: np.percentile(ratios, [97.5, 2.5])), "the lower end comes first"),
    (checks.interval, drawn(lambda a, b, i: a[i].mean(1) / b[i].mean(1)), "upside down"),
    (checks.interval, lambda first, second, draws: 1 / interval(first, second, draws)[::-1], "upside down"),
    (checks.interval, drawn(lambda a, b, i: (b / a)[i].mean(1)), "the mean of the ratios"),
    (checks.interval, drawn(lambda a, b, i: (b[i] / a[i]).mean(1)), "the mean of the ratios"),
    (checks.interval, drawn(lambda a, b, i: (a / b)[i].mean(1)), "upside down, and the mean of the ratios"),
    (checks.interval, drawn(lambda a, b, i: b / a), "no draw was used"),
    (checks.interval, drawn(lambda a, b, i: b[i] / a[i]), "the ratios of single images"),
    (checks.interval, drawn(lambda a, b, i: b[i].mean(0) / a[i].mean(0)), "so axis=1"),
    (checks.interval, apart, "each mean got its own interval"),
    (checks.interval, apart_and_crossed, "each mean got its own interval"),
    (checks.interval, drawn(lambda a, b, i: b[i].mean(1) / a.mean()), "only the second attack was drawn"),
    (checks.interval, drawn(lambda a, b, i: b.mean() / a[i].mean(1)), "only the first attack was drawn"),
    (checks.interval, drawn(lambda a, b, i: b[i].mean(1) - a[i].mean(1)), "the difference"),
    (checks.interval, drawn(lambda a, b, i: (b - a)[i].mean(1)), "the difference"),
    (checks.interval, drawn(lambda a, b, i: np.median(b[i], 1) / np.median(a[i], 1)), "medians"),
    (checks.interval, of_ratios(lambda ratios: np.percentile(ratios, [5, 95])), "are 90 %"),
    (checks.interval, of_ratios(lambda ratios: np.percentile(ratios, [0, 95])), "at the upper end alone"),
    (checks.interval, of_ratios(lambda ratios: np.percentile(ratios, [5, 100])), "at the lower end alone"),
    (checks.interval, of_ratios(lambda ratios: np.percentile(ratios, [25, 75])), "the middle half"),
    (checks.interval, of_ratios(lambda ratios: np.percentile(ratios, [0.025, 0.975])), "takes percent"),
    (checks.interval, of_ratios(lambda ratios: (ratios.min(), ratios.max())), "the smallest and the largest"),
    (checks.interval, around("ratio", 1.96), "1.96 standard deviations"),
    (checks.interval, around("mean", 1.96), "1.96 standard deviations"),
    (checks.interval, around("ratio", 2), "2 standard deviations"),
    (checks.interval, around("mean", 1), "one standard deviation"),
    (checks.interval, lambda first, second, draws: 2 * [second.mean() / first.mean()], "the ratio itself, twice"),
    (checks.interval, own_draws, "right for these draws, but other draws change nothing"),
    (checks.interval, bootstrap, "it made draws of its own"),
    (checks.interval, at_once, "one mean over all draws together"),
    (checks.interval, lambda *given: np.percentile(at_once(*given), [2.5, 97.5]), "one mean over all draws together"),
    (checks.interval, lambda first, second, draws: interval(first, second, draws) if len(draws) > 1 else [0, 0],
     "not for a single one"),
    (checks.interval, lambda first, second, draws: [0, 9], "not the right numbers"),
    (checks.best_step, steps(two=unset), "leaves what was in memory"),
    (checks.interval, lambda first, second, draws: [True, False], "not the right numbers"),
    (checks.mcnemar, mcnemar_by_scipy, "does it for you"),
    (checks.mcnemar, mcnemar_by_scipys_binomials, "does it for you"),
    (checks.mcnemar, lambda first, second: 10**400, "beyond what a float can hold"),
    (checks.mcnemar, mcnemar_of_numpys_numbers, "make m one of Python's"),
    (checks.mcnemar, lambda first, second: ..., "not written yet"),
    (checks.mcnemar, lambda first, second: (1, 0.1), "one p-value is wanted"),
    (checks.mcnemar, from_pairs(tail), "one tail"),
    (checks.mcnemar, from_pairs(lambda b, c: stats.binom.cdf(b, b + c, 0.5)), "the wrong tail"),
    (checks.mcnemar, lambda first, second: 1 - mcnemar(first, second), "this is 1 - p"),
    (checks.mcnemar, from_pairs(lambda b, c: stats.binom.pmf(b, b + c, 0.5)), "this very split"),
    (checks.mcnemar, from_pairs(lambda b, c: 2 * stats.binom.pmf(b, b + c, 0.5)), "this very split"),
    (checks.mcnemar,
     from_pairs(lambda b, c: 2 * stats.binom.cdf(min(b, c) - 1, b + c, 0.5)),
     "belongs to the tail too"),
    (checks.mcnemar,
     from_pairs(lambda b, c: stats.chi2.sf((b - c) ** 2 / (b + c), 1)),
     "chi-squared approximation, good"),
    (checks.mcnemar, from_pairs(lambda b, c: stats.chi2.sf((abs(b - c) - 1) ** 2 / (b + c), 1)), "with its correction"),
    (checks.mcnemar, from_pairs(lambda b, c: (b - c) ** 2 / (b + c)), "the test statistic"),
    (checks.mcnemar, of_the_table(stats.chi2_contingency), "came from different images"),
    (checks.mcnemar, of_the_table(stats.chi2_contingency, correction=False), "came from different images"),
    (checks.mcnemar, of_the_pairs, "not which fools more"),
    (checks.mcnemar, lambda first, second: stats.binomtest(int((first & ~second).sum()), len(first)).pvalue,
     "divided by all images"),
    (checks.mcnemar, lambda first, second: stats.binomtest(int(first.sum()), int(first.sum() + second.sum())).pvalue,
     "that both fooled"),
    (checks.mcnemar, from_pairs(lambda b, c: b), "this is a count"),
    (checks.mcnemar, from_pairs(lambda b, c: 2 * stats.binom.cdf(b, b + c, 0.5)), "added up to the larger"),
    (checks.mcnemar, from_pairs(lambda b, c: min(1, 2 * stats.binom.cdf(b, b + c, 0.5))), "added up to the larger"),
    (checks.mcnemar, from_pairs(lambda b, c: 2 * stats.binom.cdf(c, b + c, 0.5)), "start from the smaller"),
    (checks.mcnemar, from_pairs(lambda b, c: min(1, 2 * stats.binom.cdf(c, b + c, 0.5))), "start from the smaller"),
    (checks.mcnemar, from_pairs(lambda b, c: 2 * tail(b, c)), "the two tails overlap"),
    (checks.mcnemar, from_pairs(lambda b, c: min(1, 2 * tail(b, c)) if b + c else 0), "until the attacks never differ"),
    (checks.mcnemar, from_pairs(lambda b, c: stats.binomtest(b, b + c).pvalue), "until the attacks never differ"),
    (checks.mcnemar, lambda first, second: 0.5, "not the right numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "answer", "hint"), MUTANTS, ids=[f"{c.__name__}: {h}" for c, _, h in MUTANTS])
def test_each_usual_mistake_gets_its_own_hint(check, answer, hint, capsys):
    check(answer)
    told = capsys.readouterr()
    assert told.out.startswith(f"[not yet] {check.__name__}: ")
    assert hint in told.out
    assert 'unfold "Hint" above your function' in told.out
    assert told.err == ""


# ------------------------------------------------------------------------------------- the open exercise
def game():
    """A linear network, and images of eight pixels that both of the lesson's rules fool.

    The network listens most to the first pixel, which is black already and has to become darker.
    """
    w = np.array([5, 2, 2, 0.3, 0.3, 0.3, 0.3, 0.3])
    model = linear(np.stack([w, 0 * w, 0 * w], 1), [-0.7, 0, -5], (2, 4, 1))
    x = np.random.default_rng(0).integers(50, 57, (90, 8))
    x[:, 0] = 0
    raw = {"x_train": x.reshape(90, 2, 4).astype("uint8"), "y_train": np.zeros(90, int)}
    return model, Dataset("mnist", tuple("abc"), raw)


def only(keep):
    """The gradient where ``keep(|g|, the image's largest)`` says so, and 0 elsewhere."""
    return lambda g, x_adv, x: np.where(keep(np.abs(g), np.abs(g).max(**WHOLE)), g, 0)


def strong_and_free(g, x_adv, x):
    stands = np.where(g > 0, x_adv > np.minimum(1, x + 0.15) - 1e-6, x_adv < np.maximum(0, x - 0.15) + 1e-6)
    free = np.where(stands, 0, g)
    return np.where(np.abs(free) >= np.abs(free).max(**WHOLE) / 2, free, 0)


def slowed(g, x_adv, x):
    """As above, but the largest entry is that of a pixel which stands already."""
    d = strong_and_free(g, x_adv, x)
    return np.where((x == 0) & (g < 0), -3.5 * np.abs(d).max(**WHOLE), d)


def test_an_own_direction_may_win(capsys):
    checks.own_direction(strong_and_free, *game())
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("[OK] own_direction: beaten, as many are fooled with fewer pixels")
    assert told[1].startswith("          yours        fools 40 of 40: 2 pixels, RMS 0.0")
    assert told[2].startswith("          the course's fools 40 of 40: 7 pixels, RMS 0.0")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda g, x_adv, x: None, "not written yet"),
        (lambda g, x_adv, x: g[0], "must have shape (40, 2, 4, 1)"),
        (lambda g, x_adv, x: 0 * g, "0 everywhere"),
        (lambda g, x_adv, x: -g, "downhill"),
        (lambda g, x_adv, x: np.sqrt(g), "NaN"),
        (lambda g, x_adv, x: np.where(x >= x.mean(0), g, 0), "an image that comes alone gets another direction"),
        (lambda g, x_adv, x: g, "this is the gradient rule itself"),
        (lambda g, x_adv, x: g / 7, "this is the gradient rule itself"),
        (lambda g, x_adv, x: 10 / 255 * np.sign(g), "this is the sign rule"),
        (only(lambda size, most: size == most), "the pixel with the largest entry can move no further"),
        (only(lambda size, most: size < 0.1 * most), "and let others move"),
        (lambda g, x_adv, x: np.where(x == 0, 0, np.where(x_adv < x - 0.03, -g, g)), "or more steps than the 200"),
        (lambda g, x_adv, x: np.sign(g) * np.sqrt(np.abs(g)), "neither the pixels nor the RMS are 1.5 % below"),
        (lambda g, x_adv, x: np.sign(g) * np.abs(g) ** 1.5, "own_direction: a smaller RMS, but with 1.6 times as many"),
        (lambda g, x_adv, x: np.sign(g) * np.abs(g) ** 1.5, "Would the gradient rule with half α do the same?"),
        (slowed, "own_direction: fewer pixels, but with 1.4 times as many steps, and 1.2 times are allowed. Some of"),
        (lambda g, x_adv, x: np.multiply(g, 2, out=g), "it changed the array"),
    ],
)
def test_what_an_own_direction_is_told(answer, hint, capsys):
    checks.own_direction(answer, *game())
    told = capsys.readouterr().out
    assert told.startswith("[not yet] own_direction: ")
    assert hint in told
    assert 'unfold "Hint" above your function' in told


def test_an_own_direction_is_a_function(capsys):
    checks.own_direction(3, *game())
    assert capsys.readouterr().out.endswith("give the function itself, without brackets; found 3\n")

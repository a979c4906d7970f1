"""Checks of 07 in depth: the interval of a slope over sizes, and how much of a gradient blocks of pixels share."""

import numpy as np

from .signs import blocks
from .trying import Hint, call, check, compare

SIZES = np.array([16, 32, 64])


def _measured(scale=1.0):
    """ε of photographs of eight signs at three sizes, and draws of signs: made up, the sizes go together."""
    rng = np.random.default_rng(7)
    numbers = np.array([41, 3, 17, 60, 8, 22, 35, 5])  # neither in order nor from 0
    groups = np.repeat(numbers, [2, 6, 3, 1, 5, 2, 7, 4])
    height = dict(zip(numbers, rng.normal(2, 0.8, 8)))
    tilt = dict(zip(numbers, rng.normal(0.3, 0.4, 8)))
    own = np.array([[height[g] - tilt[g] * np.log(size / 16) for g in groups] for size in SIZES])
    eps = scale * np.exp(own + rng.normal(0, 0.25, own.shape))
    order = rng.permutation(len(groups))
    return eps[:, order], groups[order], rng.choice(numbers, (40, 8))


def _columns(groups, one):
    return np.concatenate([np.flatnonzero(groups == g) for g in one])


def _b(eps, columns=slice(None), middle=np.median, side=np.log, height=np.log):
    return -np.polyfit(side(SIZES), height(middle(eps[:, columns], axis=1)), 1)[0]


def _interval(eps, groups, drawn, columns=_columns, ends=(2.5, 97.5), of=_b):
    found = [of(eps, columns(groups, one)) for one in drawn]
    return np.array([of(eps, slice(None)), *np.percentile(found, ends)])


@check
def slope_interval(learners):
    """ε by size, the sign of each photograph, and draws of signs to b and the ends of its interval.

    Hint: which columns a draw has
    """
    eps, groups, drawn = _measured()
    lines = "Hint: b of one draw"
    right = _interval(eps, groups, drawn)
    found = call(learners, eps, groups, drawn)
    if found.shape == ():
        raise Hint(
            "three numbers are asked for: b and the two ends of its interval; found a single one", "Hint: b of one draw"
        )
    if found.shape == (2,):
        raise Hint("three numbers are asked for: b first, then the two ends of its interval; found two")
    if found.shape in ((len(drawn),), (len(drawn) + 1,)):
        raise Hint("this has a number for each draw; np.percentile makes two ends of them", lines)
    if found.shape != (3,):
        raise Hint(f"three numbers are asked for, b and two ends; found shape {found.shape}")

    def once(groups, one):  # np.isin: what was drawn twice counts once
        return np.flatnonzero(np.isin(groups, one))

    def a_mean(eps, columns):
        return _b(eps, columns, middle=np.mean)

    def log_of_each(eps, columns):
        return _b(np.log(eps), columns, middle=np.mean, height=lambda v: v)

    def mixed(eps, columns):
        return _b(eps, columns, side=np.log2)

    def other_mix(eps, columns):
        return _b(eps, columns, height=np.log10)

    def no_log(eps, columns):
        return _b(eps, columns, side=lambda v: v, height=lambda v: v)

    def side_plain(eps, columns):
        return _b(eps, columns, side=lambda v: v)

    def each_alone(eps, columns):
        return -np.median(np.polyfit(np.log(SIZES), np.log(eps[:, columns]), 1)[0])

    def by_signs(eps, groups, drawn):  # one number a sign, so that each sign counts alike
        def of(signs):
            middles = [[np.median(eps[k, groups == g]) for g in signs] for k in range(3)]
            return -np.polyfit(np.log(SIZES), np.log(np.median(middles, axis=1)), 1)[0]

        boot = [of(one) for one in drawn]
        return np.array([_b(eps), *np.percentile(boot, [2.5, 97.5])])

    def unpaired(eps, groups, drawn):  # each size with another draw
        boot = []
        for j in range(len(drawn)):
            rows = [np.median(eps[k, _columns(groups, drawn[(j + k) % len(drawn)])]) for k in range(3)]
            boot.append(-np.polyfit(np.log(SIZES), np.log(rows), 1)[0])
        return np.array([_b(eps), *np.percentile(boot, [2.5, 97.5])])

    def every_other(of):
        return _interval(eps, groups, drawn, of=of)

    one_sign = np.array(
        [_b(eps), *np.percentile([_b(eps, np.flatnonzero(groups == g)) for one in drawn for g in one[:1]], [2.5, 97.5])]
    )
    boot = [_b(eps, _columns(groups, one)) for one in drawn]
    mistakes = [
        (-right, "this is the power of the side; b has the opposite sign, since ε ∝ side^-b"),
        (right * [-1, 1, 1], "b has the wrong sign, and its interval has not: ε ∝ side^-b"),
        (np.array([right[0], -right[2], -right[1]]), "the draws' b have the wrong sign: ε ∝ side^-b"),
        (-right[[0, 2, 1]], "this is the power of the side; b has the opposite sign, since ε ∝ side^-b"),
        (right[[1, 0, 2]], "b comes first, then the lower end, then the upper one"),
        (right[[0, 2, 1]], "the lower end comes before the upper one"),
        (_interval(eps, groups, drawn, once), "a sign that was drawn twice has to give its photographs twice; np.isin "
                                              "takes them once"),
        (one_sign, "only the first sign of each draw was used; a draw has all the signs of its row"),
        (unpaired(eps, groups, drawn), "each size was drawn for itself. The same photographs were measured at all "
                                       "three sizes, and a draw has to keep them together: eps[:, columns]"),
        (by_signs(eps, groups, drawn), "each sign was made one number first; the median goes over all photographs of "
                                       "the draw"),
        (_interval(eps, groups, drawn, ends=(5, 95)), "this holds the middle 90 %; 2.5 and 97.5 hold the middle 95 %"),
        (_interval(eps, groups, drawn, ends=(0, 100)), "these are the lowest and the highest draw; 2.5 and 97.5 "
                                                       "percent are asked for"),
        (np.array([right[0], right[0] - 1.96 * np.std(boot), right[0] + 1.96 * np.std(boot)]),
         "this is b ± 1.96 standard deviations of the draws; their middle 95 % is asked for, np.percentile"),
        (np.array([np.mean(boot), *right[1:]]),
         "b itself comes from all the photographs, not from the mean of the draws"),
        (np.array([np.median(boot), *right[1:]]), "b itself comes from all the photographs, not from the draws"),
    ]  # fmt: skip
    for of, hint in [
        (a_mean, "this is the mean ε; the median photograph is asked for: half are fooled there"),
        (log_of_each, "this is the mean of the logarithms; take the median first, then its logarithm"),
        (mixed, "the side's logarithm has another base than ε's: one base for both"),
        (other_mix, "ε's logarithm has another base than the side's: one base for both"),
        (no_log, "the line goes through the logarithms, of the side and of ε"),
        (side_plain, "the side needs its logarithm, too"),
        (each_alone, "each photograph was given a line of its own; the line goes through the three medians"),
    ]:
        mistakes += [(every_other(of), hint), (-every_other(of)[[0, 2, 1]], hint + ". And b has the opposite sign")]
    try:
        compare(found, right, mistakes)
    except Hint as hint:
        if "not the right numbers" in str(hint) and np.isclose(found[0], right[0]):
            raise Hint("b is right, its interval is not: it comes from the b of each row of drawn, no other draws. "
                       "Each number in a row names a sign, and stands for all its photographs") from None  # fmt: skip
        raise Hint(str(hint), lines if not np.isclose(found[0], right[0]) else None) from None
    eps, groups, drawn = _measured(scale=0.01)  # another unit changes no slope
    compare(call(learners, eps[:, ::-1], groups[::-1], drawn[:31], shape=(3,)),
            _interval(eps[:, ::-1], groups[::-1], drawn[:31]))  # fmt: skip
    return 2


@check
def coarse_share(learners):
    """Gradients and the side of a block to the share of each one's size that the blocks' sums keep.

    Hint: blocks by reshape
    """
    for n, height, width, k in ((3, 8, 12, 4), (2, 6, 6, 3), (1, 4, 8, 2)):
        rng = np.random.default_rng(n)
        g = rng.normal(0.3, 1, (n, height, width, 3)) * np.array([1, 10, 0.1])[:n, None, None, None]
        cut, size = blocks(g, k), np.abs(g).sum((1, 2, 3))

        def kept(part, size=size):
            return np.abs(part).sum(tuple(range(1, np.ndim(part)))) / size

        right = kept(cut.sum((2, 4)))
        found = call(learners, g, k)
        if found.shape == () and n > 1:
            raise Hint("one number for each image is asked for; found a single one: sum over the axes 1, 2 and 3")
        if found.shape != (n,):
            raise Hint(f"one number for each image is asked for, shape ({n},); found shape {found.shape}")
        swapped = g.reshape(n, height // k, width // k, k, k, 3)
        inner_first = g.reshape(n, k, height // k, k, width // k, 3)
        compare(found, right, [
            (kept(np.abs(cut).sum((2, 4))), "the absolute values come after the sum over a block: inside a block "
                                               "plus and minus may cancel"),
            (kept(cut.mean((2, 4))), "this is the mean of a block; its pixels' gradients add up"),
            (kept(np.abs(cut.sum((2, 4))) / k), "the sum of a block is divided by nothing"),
            (kept(cut.sum((2, 4, 5))), "the colours were added up as well; each colour is summed for itself"),
            (kept(cut.sum((2, 4, 5))) * size / np.abs(g.sum(3)).sum((1, 2)),
             "the colours were added up as well; each colour is summed for itself"),
            (kept(swapped.sum((3, 4))), "these are no blocks: the reshape has to split the height into height // k and "
                                        "k, and then the width into width // k and k"),
            (kept(swapped.sum((2, 4))), "these are no blocks: split the height into height // k and k, then the width"),
            (kept(inner_first.sum((1, 3))), "these sum pixels that lie far apart; (height // k, k) makes neighbours of "
                                            "them, (k, height // k) does not"),
            (kept(cut.sum((1, 3))), "the axes 1 and 3 run over the blocks; inside a block run 2 and 4"),
            (kept(g[:, ::k, ::k]), "every k-th pixel was taken; all pixels of a block are summed"),
            (np.sqrt((cut.sum((2, 4)) ** 2).sum((1, 2, 3)) / (g**2).sum((1, 2, 3))),
             "these are squares and a root; absolute values are asked for"),
            (kept(cut.sum((2, 4))) * size / size.sum(), "each image is divided by its own sum, not by that of all"),
            (1 / right, "this is the quotient upside down"),
            (1 - right, "this is what is lost; asked for is what is kept"),
            (right * size, "this is not yet divided by the sum of the absolute values of the gradient"),
            (np.abs(cut.sum((2, 4)).sum((1, 2, 3))) / size, "this is the absolute value of one sum; take that of "
                                                               "each block"),
        ])  # fmt: skip
    return 3

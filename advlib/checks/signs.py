"""The checks of lesson 07: an area mean, success by physical sign, a noise that is carried to more pixels."""

import itertools

import numpy as np

from .trying import Hint, call, check, compare

NEAR = 0.015  # of an end: four of the standard errors that 10,000 draws leave here


# ------------------------------------------------------------------------------ 7.1
def blocks(x, k):
    """Images cut into blocks of k × k pixels: their rows and columns are the axes 2 and 4."""
    n, height, width, colours = x.shape
    return x.reshape(n, height // k, k, width // k, k, colours)


@check
def area_mean(learners):
    """Images and a whole number k to images of a k-th of the height and width, each pixel the mean of k × k.

    Hint: a block is two more axes
    """
    rng = np.random.default_rng(7)
    for k, shape in ((2, (3, 4, 6, 3)), (4, (2, 8, 12, 3)), (3, (2, 6, 3, 1)), (1, (2, 3, 2, 3))):
        x = rng.uniform(0.05, 0.95, shape)
        n, height, width, colours = shape
        small = (n, height // k, width // k, colours)
        right = blocks(x, k).mean((2, 4))
        found = call(learners, x, k)
        at = f"(images {shape}, k = {k})"
        if found.shape == small[:3]:
            raise Hint("the three colours have become one: each colour has a mean of its own. Which axes does the mean "
                       f"run over? {at}")  # fmt: skip
        if found.shape == small[1:]:
            raise Hint(f"all images have become one; each image is made smaller by itself {at}")
        if k > 1 and found.shape in ((n, height // k, width, colours), (n, height, width // k, colours)):
            raise Hint(f"one side is as long as before; a block has k rows and k columns {at}")
        if found.shape == shape and k > 1:
            raise Hint(f"the images have as many pixels as before: each block becomes a single pixel {at}")
        if found.shape != small:
            raise Hint(f"the small images must have shape {small}; found {found.shape} {at}")
        scrambled = x.reshape(n, k, height // k, k, width // k, colours).mean((1, 3))
        half = x.reshape(n, height // k, k, k, width // k, colours).mean((2, 3))
        level = np.rint(255 * right) / 255
        try:
            compare(found, right, [
                (x[:, ::k, ::k], "the first pixel of each block; the mean of all its pixels is asked for"),
                (x[:, k // 2 :: k, k // 2 :: k], "one pixel out of each block; the mean of all of them is asked for"),
                (scrambled, "this is the mean of pixels that lie far apart: a block's k rows are neighbours, so the "
                            "height is cut into height // k parts of k, in this order"),
                (half, "the columns are scrambled: width // k comes before its k, as with the rows"),
                (x.reshape(n, k, height // k, width // k, k, colours).mean((1, 4)),
                 "the rows are scrambled: height // k comes before its k, as with the columns"),
                (blocks(x, k).sum((2, 4)), "the sum of each block; a mean is asked for"),
                (blocks(x, k).sum((2, 4)) / k, "divided by k; a block has k · k pixels"),
                (blocks(x, k).max((2, 4)), "the largest pixel of each block, as in the network's pooling; the mean is "
                                            "asked for"),
                (np.median(blocks(x, k), axis=(2, 4)), "the median of each block; the mean is asked for"),
                (np.broadcast_to(right.mean(-1, keepdims=True), small),
                 "the three colours have become one grey: each colour has a mean of its own"),
                *((a, "the means are rounded to whole grey levels; leave them as they are. It is the attacked image "
                   "that gets rounded, not the data") for a in (level, np.floor(255 * right) / 255)),
                *((a, "pixels lie in [0, 1] here; these are grey levels from 0 to 255")
                  for a in (255 * right, 255 * level, np.floor(255 * right))),
                (np.zeros(small), "every pixel is 0: a pixel in [0, 1] that becomes a whole number is cut off"),
            ])  # fmt: skip
        except Hint as hint:
            raise Hint(f"{hint} {at}", hint.unfold) from None
    return 4


# ------------------------------------------------------------------------------ 7.2
COUNTS, HITS = (3, 24, 9, 14, 5, 11, 8), (2, 2, 8, 5, 4, 11, 0)  # photographs of each sign; misread of these
FEW_HITS = 1, 2, 0, 14, 0, 1, 1  # one sign always, the others hardly ever: the interval's ends are far from symmetrical
GAPS = Hint("a share is 0/0, NaN: the numbers of the signs have gaps. Go through np.unique(sign_of), not through "
            "range(…)")  # fmt: skip


def _drawn(values, weights, size, draws=200_000):
    """Weighted means of so many, drawn with replacement."""
    values, weights = np.asarray(values, float), np.asarray(weights, float)
    rows = np.random.default_rng(5).integers(len(values), size=(draws, size))
    return (values * weights)[rows].sum(1) / weights[rows].sum(1)


def _photographs(hits):
    """Which photographs are misread, and the number of the sign on each, in no order."""
    signs = np.repeat([762, 12, 741, 31, 105, 7, 746], COUNTS)
    success = np.concatenate([np.arange(n) < k for n, k in zip(COUNTS, hits)])
    order = np.random.default_rng(3).permutation(len(signs))
    return success[order], signs[order]


def _skew(found):
    """An interval that reaches further up than down: a symmetrical one is refused here, which elsewhere is close."""
    shares = np.divide(FEW_HITS, COUNTS)
    mean, right = shares.mean(), np.percentile(_drawn(shares, np.ones(len(shares)), len(shares)), [2.5, 97.5])
    compare(found[0], mean, tolerance=1e-6)
    if np.abs(found[1:] - right).max() <= NEAR:
        return
    at = (f"where one sign is always misread and the others hardly ever, {right[0]:.2f} to {right[1]:.2f} is expected, "
          f"found {found[1]:.2f} to {found[2]:.2f}")  # fmt: skip
    why = "the interval is right elsewhere, and not here"
    if abs(found[1] + found[2] - 2 * mean) < NEAR:
        why = ("your ends are as far below the mean as above it, as 1.96 standard deviations are. The resampled means "
               "reach further up than down: take the ends of their middle 95 %")  # fmt: skip
    raise Hint(f"{why}; {at}", "Hint: how to draw signs")


@check
def by_sign(learners):
    """Which photographs are misread, and the sign on each, to the mean over signs and its resampled interval.

    Hint: first one number for each sign
    """
    (success, signs), (few, _) = _photographs(HITS), _photographs(FEW_HITS)
    shares, counts = np.divide(HITS, COUNTS), np.array(COUNTS)
    found = call(learners, success, signs, np.random.default_rng(0), nan=GAPS)
    if found.shape == ():
        raise Hint("one number; three are asked for: the mean over the signs, and the two ends of its interval")
    if found.shape == (len(shares),):
        raise Hint("this is the share for each sign; their mean and the two ends of its interval are asked for")
    if found.shape != (3,):
        raise Hint(f"three numbers are asked for, (mean, low, high); found shape {found.shape}")
    mean, low, high = found
    compare(mean, shares.mean(), [
        (success.mean(), "the first number is the share of photographs, in which a sign with 24 photographs counts "
                         "eight times as much as one with 3: take the share of each sign, then the mean of these"),
        (100 * shares.mean(), "a share between 0 and 1 is asked for, not per cent"),
        (1 - shares.mean(), "this is the share that is not misread"),
        (np.median(shares), "the median of the signs; their mean is asked for"),
        (np.sum(HITS), "a number of photographs; a share is asked for"),
        (np.mean(np.array(HITS) > 0), "the share of signs that have a misread photograph; each sign counts with its "
                                      "own share"),
    ], tolerance=1e-6)  # fmt: skip
    each = np.concatenate([np.r_[np.ones(k), np.zeros(n - k)] for n, k in zip(COUNTS, HITS)])
    within = np.random.default_rng(6)
    inside = np.mean([within.binomial(n, k / n, 60_000) / n for n, k in zip(COUNTS, HITS)], axis=0)
    size, deviation = len(shares), shares.std(ddof=1) / np.sqrt(len(shares))
    ones = np.ones(size)
    right = _drawn(shares, ones, size)

    def ends(means, cut=2.5):
        return np.percentile(means, [cut, 100 - cut])

    if low > high:
        raise Hint("the lower end is above the upper: (mean, low, high), in this order")
    if high - low < 1e-9:
        raise Hint("the interval has no width: are the signs drawn with replacement, and anew for each mean? A "
                   "choice without replacement gives all of them every time")  # fmt: skip
    if np.abs([low, high] - 100 * ends(right)).max() < 100 * NEAR:
        raise Hint("the ends are in per cent, the mean is not")
    if np.abs([low, high] - ends(right)).max() > NEAR:
        for wrong, hint in (
            (ends(_drawn(each, np.ones(len(each)), len(each))),
             "the photographs were resampled; two photographs of one sign are no two independent draws. Draw whole "
             "signs"),
            (ends(inside), "the photographs of each sign were resampled, and all seven signs are there each time: it "
                           "is the signs that are drawn"),
            (ends(_drawn(shares, counts, size)), "the drawn signs are weighed by their photographs; each sign has one "
                                                 "vote"),
            (ends(_drawn(shares, ones, 1)), "a single sign was drawn each time: draw as many as there are, with "
                                            "replacement, and take their mean"),
            (ends(_drawn(shares, ones, len(each))), "as many signs were drawn as there are photographs: draw as many "
                                                    "as there are signs"),
            (ends(right, 5), "the middle 90 %: for 95 % the ends are at 2.5 and 97.5"),
            (ends(right, 0.5), "the middle 99 %: for 95 % the ends are at 2.5 and 97.5"),
            ([right.min(), right.max()], "the smallest and the largest of the means; the middle 95 % are asked for"),
            ([0, 0], "nearly nothing at both ends: np.percentile counts from 0 to 100, np.quantile from 0 to 1"),
            (ends(right) - shares.mean(), "how far the ends are from the mean; the ends themselves are asked for"),
            (np.percentile(right, [0.025, 0.975]), "np.percentile counts from 0 to 100: 2.5 and 97.5, not 0.025 and "
                                                   "0.975"),
            *((shares.mean() + np.array([-1.96, 1.96]) * one,
               "1.96 standard errors to each side: that takes a normal distribution for granted, which seven shares "
               "between 0 and 1 do not have. Resample the signs") for one in (deviation, shares.std() / np.sqrt(size))),
            (shares.mean() + np.array([-1, 1]) * deviation, "one standard error to each side; the middle 95 % of the "
                                                            "resampled means are asked for"),
        ):  # fmt: skip
            if np.abs([low, high] - np.asarray(wrong)).max() < NEAR:
                raise Hint(hint, "Hint: how to draw signs")
        a, b = ends(right)
        raise Hint(f"the mean is right, and the interval is not: about {a:.2f} to {b:.2f} is expected, found "
                   f"{low:.2f} to {high:.2f} (10,000 draws of {size} signs)", "Hint: how to draw signs")  # fmt: skip
    _skew(call(learners, few, signs, np.random.default_rng(0), shape=(3,), nan=GAPS))
    one = call(learners, np.array([True, False, True, True]), np.full(4, 9), np.random.default_rng(0), shape=(3,))
    compare(one, [0.75] * 3, [(one, "with a single sign there is nothing to resample: 0.75, and both ends as well")])
    same, again, *others = [call(learners, success, signs, np.random.default_rng(seed)) for seed in (1, 1, 2, 3, 4)]
    if not np.array_equal(same, again):
        raise Hint("one and the same generator gave two different intervals: take the draws from rng, the generator "
                   "that is given, and not from np.random or one of your own", "Hint: how to draw signs")  # fmt: skip
    if all(np.array_equal(same, another) for another in others):  # two may agree by chance
        raise Hint("two different generators gave the same ends to the last digit: take the draws from rng, the "
                   "generator that is given", "Hint: how to draw signs")  # fmt: skip
    return 4


# ------------------------------------------------------------------------------ 7.3
def _carried(e, k):
    return np.repeat(np.repeat(e, k, axis=0), k, axis=1)


def _smooth(e, k, order):
    from scipy.ndimage import zoom

    return zoom(e, (k, k, 1), order=order, mode="nearest", grid_mode=True)


def _one_each(e, k):
    new = np.zeros((k * e.shape[0], k * e.shape[1], e.shape[2]))
    new[::k, ::k] = e
    return new


def _in_the_middle(e, k):
    new, (height, width) = np.zeros((k * e.shape[0], k * e.shape[1], e.shape[2])), e.shape[:2]
    top, left = (k - 1) * height // 2, (k - 1) * width // 2
    new[top : top + height, left : left + width] = e
    return new


@check
def carry(learners):
    """A noise and a whole number k to a noise of k times the height and width, with the same area mean and ε.

    Hint: which large noise has this mean
    """
    rng = np.random.default_rng(11)
    for k, shape in ((4, (4, 4, 3)), (2, (3, 5, 3)), (3, (2, 4, 1))):
        e = rng.choice([-16, 16, 5, -9], shape) / 255
        large = (k * shape[0], k * shape[1], shape[2])
        found, at = call(learners, e, k), f"(noise {shape}, k = {k})"
        if found.shape == shape:
            raise Hint(f"the noise has as many pixels as before; it is to lie on an image of {large[:2]} {at}")
        if found.shape in ((large[0], *shape[1:]), (shape[0], large[1], shape[2])):
            raise Hint(f"one side has grown and the other has not: repeat along both axes, 0 and 1 {at}")
        if found.shape[:2] == large[:2] and len(found.shape) == 3 and found.shape != large:
            raise Hint(f"there are {found.shape[2]} colours now: only height and width grow, axes 0 and 1 {at}")
        if found.shape != large:
            raise Hint(f"the large noise must have shape {large}; found {found.shape} {at}")
        right = _carried(e, k)
        over = "between the pixels it is smooth, so that its area mean is another: the network behind the mean sees " \
               "another noise"  # fmt: skip
        try:
            compare(found, right, [
                (right / k**2, "divided by k · k: the area mean has divided already, and would see a noise k · k times "
                               "too weak"),
                (right / k, "divided by k: the area mean would see a noise k times too weak"),
                (right * k**2, "k · k times as large, far beyond ε: a mean of equal pixels is that pixel"),
                (right * k, "k times as large: beyond ε"),
                (np.tile(e, (k, k, 1)), "the whole noise stands there k times in each direction: each pixel has to "
                                        "become a block"),
                (_one_each(e, k), "one pixel of each block has it all, the others 0: their mean is k · k times too "
                                  "weak"),
                (k**2 * _one_each(e, k), "the mean is right, but one pixel of each block has it all and goes far "
                                         "beyond ε: spread it over the block"),
                (_in_the_middle(e, k), "the small noise lies in the middle with nothing around it: it has to cover "
                                       "the whole image"),
                (_smooth(e, k, 1), f"linear interpolation: {over}"),
                (_smooth(e, k, 3), f"cubic interpolation goes beyond ε at the edges, and {over}"),
                (-right, "the sign has changed"),
                (np.sign(right) * np.abs(e).max(), "each pixel was pushed to ±ε; some of the small noise are smaller"),
                (np.resize(e, large), "np.resize only repeats the numbers in their order: use np.repeat"),
            ])  # fmt: skip
        except Hint as hint:
            raise Hint(f"{hint} {at}", hint.unfold) from None
    return 3


@check
def norms(learners):
    """A noise to its largest absolute value, its RMS, and its L2 norm.

    Hint: three measures
    """
    e = np.array([3.0, -4, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0]).reshape(2, 2, 3) / 255
    rms, l2 = np.sqrt(np.mean(e**2)), np.sqrt(np.sum(e**2))
    found = call(learners, e)
    if found.shape != (3,):
        raise Hint(f"three numbers are asked for, (largest, RMS, L2); found shape {found.shape}")
    compare(found, [12 / 255, rms, l2], [
        ([12 / 255, l2, rms], "RMS and L2 are exchanged: RMS has the mean of the squares, L2 their sum"),
        ([12 / 255, rms, rms], "L2 is the root of the squares' sum, not of their mean"),
        ([12 / 255, l2, l2], "RMS is the root of the squares' mean, not of their sum"),
        ([12 / 255, rms**2, l2**2], "the square roots are missing"),
        ([12 / 255, rms**2, l2], "RMS: the square root is missing"),
        ([12 / 255, rms, l2**2], "L2: the square root is missing"),
        ([12 / 255, rms, np.abs(e).sum()], "this is L1, the sum of the absolute values; L2 has squares"),
        ([12 / 255, np.abs(e).mean(), l2], "this is the mean of the absolute values; RMS has squares"),
        ([12 / 255, e.std(), l2], "the standard deviation takes the mean away first; RMS does not"),
        ([12 / 255, rms, np.sqrt(np.sum(e.mean(-1) ** 2))], "L2 sums over all pixels and all colours"),
        (np.array([12 / 255, rms, l2]) * 255, "in grey levels; give them in the units of the noise"),
        *((order, "the right numbers in another order: (largest, RMS, L2) is asked for")
          for order in itertools.permutations([12 / 255, rms, l2])),
    ])  # fmt: skip
    found = call(learners, -np.abs(e), shape=(3,))
    compare(found, [12 / 255, rms, l2], [
        ([0, rms, l2], "here every pixel is dark: the largest move is the largest absolute value"),
    ])  # fmt: skip
    return 2

"""The checks of lesson 03: the best step, pixels that moved, an interval from pairs; and McNemar's test, in depth."""

import numpy as np
from scipy.stats import binom, binomtest, chi2, chi2_contingency

from .one_image import unset_shows
from .stand_in import largest
from .trying import Hint, by_hand, call, check, compare

WHOLE = (1, 2, 3)  # the axes of one image


def _long(e, axis=WHOLE):
    return np.sqrt(np.square(e).sum(axis, keepdims=True))


def _some(n):
    return np.where(n == 0, 1, n)


def _shaped(why):
    """The Hint's text, with what to do where numpy stopped because of a shape."""
    if "dimensions to norm" in str(why):
        return f"{why}.  np.linalg.norm takes a vector; one for each image: g.reshape(len(g), -1), axis=1"
    if "broadcast" in str(why):
        return (f"{why}.  One length for each image has shape (3,), which does not fit beside (3, 2, 3, 2): with "
                "keepdims=True, or [:, None, None, None] behind it, it has shape (3, 1, 1, 1)")  # fmt: skip
    return str(why)


@check
def best_step(learners):
    """A batch of gradients, a size and a norm (1, 2, numpy.inf) to the steps of that size that raise the loss most.

    Hint
    """
    size, ones = 0.3, np.ones((3, 1, 1, 1))
    g = np.random.default_rng(4).normal(size=(3, 2, 3, 2)) * np.reshape([1, 5, 0.2], ones.shape)
    g[:, 0, 1, 0] = 0  # a value that the network does not look at
    loudest = np.abs(g) == largest(g)
    g *= np.sign(np.where(loudest, g, 0).sum(WHOLE, keepdims=True)) * np.reshape([-1, -1, 1], ones.shape)
    up, flat, pixels = np.sign(g), np.abs(g).sum(WHOLE, keepdims=True), np.abs(g).sum(3, keepdims=True)
    top = g == g.max(WHOLE, keepdims=True)

    def best(g):
        only = np.where(np.abs(g) == largest(g), np.sign(g), 0)
        return {2: size * g / _some(_long(g)), np.inf: size * np.sign(g), 1: size * only}

    right = best(g)
    mistakes = {
        2: [
            (size * g / largest(g), "the largest entry of each step is the size: that is its L∞. Its L2 is the root of "
                                    "the sum of its squares"),
            (size * g / largest(g).max(), "divided by the batch's largest |g|; every image has its own length"),
            (size * g / np.linalg.norm(g), "one length for the whole batch; every image has its own: sum over "
                                           "axis=(1, 2, 3), keepdims=True"),
            (size * g / _some(_long(g, 0)), "axis=0 compares images with one another; the length is that of one image: "
                                            "axis=(1, 2, 3), keepdims=True"),
            (size * g / _some(_long(g, 3)), "each pixel got the size as its own length; the length is that of a whole "
                                            "image: axis=(1, 2, 3)"),
            (size * g / _some(_long(g, (1, 2))), "each colour got its own length; the length is that of a whole image: "
                                                 "axis=(1, 2, 3)"),
            (size * g / np.sqrt(np.square(g).mean(WHOLE, keepdims=True)), "divided by the RMS, the root of a mean; L2 "
                                                                          "is the root of a sum"),
            (size * g / _long(g) ** 2, "divided by the sum of the squares; its root is missing"),
            (size * g / flat, "divided by the sum of |g|, which is its L1; L2 is the root of the sum of squares"),
            (size * up / _long(up), "the L2 is right, but the direction is the sign's; on the circle the best point "
                                    "was the gradient's own direction"),
            (size * up, "this is the answer in L∞, and its L2 is larger than the size"),
            (right[1], "this is the answer in L1: in L2 several small moves are cheaper than one large one"),
            (g / _long(g), "the right direction with the length 1; the length is to be size"),
            (np.abs(right[2]), "every value rises; the sign of g was lost"),
        ],
        np.inf: [
            (size * g / largest(g), "this is the paper's step: one value moves by size, and all others by less. In L∞ "
                                    "the others may move by size too, and that costs nothing"),
            (right[2], "this is the answer in L2; hardly any value moves by size, though each of them may"),
            (right[1], "this is the answer in L1: one value only. In L∞ all of them may move by size"),
            (up, "the right corner, but of the ball of size 1: the largest move is to be size"),
            (size * np.abs(up), "every value rises; the sign of g was lost"),
            (size * np.ones_like(g), "every value rises; some should fall"),
            (size * np.where(g > 0, 1, -1), "a value whose gradient is 0 fell: the sign of 0 is 0, and it stays"),
            (size * np.where(g >= 0, 1, -1), "a value whose gradient is 0 rose: the sign of 0 is 0, and it stays"),
            (size * np.sign(g.mean(0)) * ones, "the mean over the batch moves all images the same way; each goes along "
                                               "its own gradient"),
            (size * np.sign(g.sum(3, keepdims=True)) * np.ones(2), "the colours of a pixel were added up; each value "
                                                                   "has its own sign"),
        ],
        1: [
            (size * g / flat, "its L1 is right, but shared among all values. Which one gives most for its share?"),
            (size * up / np.abs(up).sum(WHOLE, keepdims=True), "its L1 is right, but shared evenly. Which value gives "
                                                               "most for its share?"),
            (right[2], "this is the answer in L2, and its L1 is larger than the size"),
            (size * up, "this is the answer in L∞: all values move by size, so its L1 is many times the size"),
            (size * g / largest(g), "the largest value moves by size, but the others move too, and their moves count: "
                                    "its L1 is larger than the size"),
            (size * top, "this takes the largest g; a large negative one counts as much, and there the value has to "
                         "fall: np.abs first"),
            (size * loudest, "the right value, but it always rises; where its gradient is negative it has to fall"),
            (size * np.where(np.abs(g) == np.abs(g).max(), up, 0), "one value of the whole batch moves; every image "
                                                                   "has one of its own"),
            (np.where(loudest, g, 0), "the right value, but it moves by its gradient; it has to move by size"),
            (size * np.where(loudest, g, 0), "the right value, but it moves by size times its gradient; it has to move "
                                             "by size"),
            (np.where(loudest, up, 0), "the right value, but it moves by 1; it has to move by size"),
            (size * np.where(pixels == pixels.max((1, 2), keepdims=True), up, 0),
             "a pixel has two colours here, and both moved by size: together that is more than the size"),
        ],
    }  # fmt: skip
    for norm in mistakes:
        nan = Hint("NaN or infinity: some values have a gradient of 0, and 0/0 is not a number")
        try:
            compare(call(learners, g, size, norm, shape=g.shape, nan=nan), right[norm], [
                *mistakes[norm],
                (-right[norm], "downhill: of all steps of this size it lowers the loss most"),
                (g, "this is the gradient itself; the step has the given size, however large the gradient is"),
                (size * g, "the gradient's own size is still in it: where it is large the step is longer"),
                (0 * g, "no image moves at all"),
            ])  # fmt: skip
        except Hint as why:
            raise why if norm == 2 and "not written" in str(why) else Hint(f"norm={norm}: {_shaped(why)}") from None
    for norm in right:
        faint = call(learners, 1e-12 * g, size, norm, shape=g.shape)
        if not np.allclose(faint, right[norm]):
            raise Hint(f"norm={norm}: right, until the gradient is as small as 1e-12. It still points somewhere: no "
                       "+ 1e-8 in the denominator") from None  # fmt: skip
    g[1] = 0
    for norm, wanted in best(g).items():
        nan = Hint(f"norm={norm}: right, until a gradient is all zero: then 0/0 is not a number. Such an image stays "
                   "where it is")  # fmt: skip
        with unset_shows():
            found = call(learners, g, size, norm, shape=g.shape, nan=nan)
        if found[1].any():
            raise Hint(f"norm={norm}: right, but an image whose gradient is all zero moved. (np.divide(..., where=...) "
                       "leaves what was in memory: give it out=np.zeros_like(g) too)") from None  # fmt: skip
        compare(found, wanted)
    return 9


@check
def l0(learners):
    """Images after an attack and before it to the number of pixels that differ in 8-bit files, one number per image.

    Hint
    """
    grey = 1 / 255
    kinds = np.array([  # in grey levels, before and after
        ((0, 0, 0), (0, 0, 0)),
        ((0, 0, 0), (5, 9, 0)),  # two of its three colours: one pixel
        ((0, 0, 0), (0.3, 0.3, 0.3)),  # a file does not hold it, though together it is nearly a level
        ((0, 0, 0), (0.45, 0.45, 0.45)),  # nor this, though together it is more than a level
        ((0, 0, 0), (1, 0, 0)),  # one level, which a file does hold
        ((51.4, 0, 0), (52.2, 0, 0)),  # rounded, 51 and 52
        ((50.6, 0, 0), (51.4, 0, 0)),  # rounded, both are 51, though they differ by as much
        ((1, 0, 0), (0, 0, 0)),  # darker, which wraps around in numbers of 8 bits
        ((128, 128, 128), (88, 88, 88)),
        ((128, 128, 128), (140, 116, 128)),  # on average nothing
        ((128, 128, 128), (128, 126, 128)),
        ((0, 0, 0), (0.3, 0.3, 0)),
        ((0, 0, 0), (0.2, 0, 0)),
        ((0, 0, 0), (0.9, 0.9, 0)),
        ((50.6, 0, 0), (51.8, 0, 0)),  # rounded, one level
        ((50.4, 0, 0), (51.6, 0, 0)),  # rounded, two levels
        ((0, 0, 0), (0, 0, 7)),
    ])  # fmt: skip
    many = [list(map(int, n)) for n in ("31102121010721110", "24021202311032010", "10130306020110330")]  # 24 in all
    pixels = np.stack([np.repeat(kinds, n, axis=0) for n in many]) / 255
    x, x_adv = (pixels[:, :, k].reshape(3, 4, 6, 3) for k in (0, 1))
    e, levels = x_adv - x, np.rint(255 * x_adv) - np.rint(255 * x)
    moved = levels != 0
    right = moved.any(3).sum((1, 2))
    length = np.sqrt(np.square(e).sum(3))
    cut, small = ((255 * x_adv).astype(t) != (255 * x).astype(t) for t in (int, np.uint8))
    found = call(learners, x_adv, x)
    if found.shape == ():
        raise Hint("one number for the whole batch; each image has its own: sum over axis=(1, 2)")
    if found.shape != (3,):
        raise Hint(f"the answer must have shape (3,), one number per image; found {found.shape}")
    compare(found, right, [
        (moved.sum(WHOLE), "a pixel that moved in two of its colours is one pixel, not two: any over axis=3 first"),
        (moved.all(3).sum((1, 2)), "a pixel has moved when any of its colours has; this wants all of them to"),
        ((levels > 0).any(3).sum((1, 2)), "pixels that got darker moved too: != instead of >, or np.abs first"),
        ((levels > 0).sum(WHOLE), "pixels that got darker moved too, and a pixel counts once (any, axis=3)"),
        ((e != 0).any(3).sum((1, 2)), "this counts every pixel that is not exactly the same; a file holds whole grey "
                                      "levels: np.rint(255 * x)"),
        ((e != 0).sum(WHOLE), "this counts every value that is not exactly the same; a file holds whole grey levels, "
                              "and a pixel counts once"),
        ((np.abs(e) > 1.001 * grey).any(3).sum((1, 2)), "this is the notebook's l0, which wants more than a level; a "
                                                        "pixel that moved by one level is another pixel in the file"),
        ((np.abs(e) > 1.001 * grey).sum(WHOLE), "this wants more than a level, and it counts colours, not pixels"),
        ((np.abs(e) > grey).sum(WHOLE), "this wants more than a level, and it counts colours, not pixels"),
        ((np.abs(e) >= grey).any(3).sum((1, 2)), "what counts is not how far a value moved but whether its rounded "
                                                 "level is another: round both images"),
        ((np.abs(e) > 0.5 * grey).any(3).sum((1, 2)), "the noise was rounded; a file holds rounded images: round each "
                                                      "of them"),
        ((np.abs(np.rint(255 * e)) > 1).any(3).sum((1, 2)), "the noise was rounded, and more than one level asked for; "
                                                            "round each image, and count any difference"),
        ((np.abs(levels) > 1).any(3).sum((1, 2)), "rounded as asked, but a single level counts too"),
        *((wrong.sum((1, 2)), "the colours were added up; +12 and -12 cancel there. What counts is any one of them")
          for wrong in (np.abs(e.sum(3)) > grey, levels.sum(3) != 0, np.rint(255 * e.sum(3)) != 0)),
        (((np.abs(e) * 255).sum(3) > 1).sum((1, 2)), "the moves of the colours were added up: together they may exceed "
                                                     "a level where none of them reaches one"),
        ((np.rint(255 * np.abs(e).sum(3)) > 0).sum((1, 2)), "the moves of the colours were added up before rounding: "
                                                            "three of 0.3 levels are none in a file"),
        ((length > grey).sum((1, 2)), "this asks how long the move of a pixel's colours is; in a file each colour is "
                                      "rounded by itself"),
        ((np.rint(255 * length) > 0).sum((1, 2)), "this rounds the length of the move of a pixel's colours; in a file "
                                                  "each colour is rounded by itself"),
        *((wrong.sum((1, 2)), "the mean of the colours was taken first; what counts is any one of them") for wrong in (
            np.rint(255 * e.mean(3)) != 0, np.rint(255 * x_adv.mean(3)) != np.rint(255 * x.mean(3)),
            np.abs(e.mean(3)) > grey)),
        ((levels[..., 0] != 0).sum((1, 2)), "this looks at the first colour only; what counts is any of the three"),
        ((~moved.any(3)).sum((1, 2)), "these are the pixels that stayed"),
        *((wrong.any(3).sum((1, 2)), "astype cuts off a part of a level, and 52.99 becomes 52: np.rint rounds")
          for wrong in (cut, small)),
        (cut.sum(WHOLE), "astype cuts off a part of a level (np.rint rounds), and a pixel counts once"),
        ((np.rint(x_adv) != np.rint(x)).any(3).sum((1, 2)), "images lie in [0, 1], and this rounds them to black and "
                                                            "white: times 255 first"),
        (right / 24, "a share; the number of pixels is wanted"),
        (np.sqrt(right), "the root belongs to L2; L0 is a count"),
        (np.abs(levels).max(3).sum((1, 2)), "this adds up how far the pixels moved; how many moved is wanted"),
        (np.rint(255 * x_adv).any(3).sum((1, 2)), "this counts the pixels of x_adv that are not black; compare with x"),
    ])  # fmt: skip
    compare(call(learners, x, x, shape=(3,)), np.zeros(3))
    return 2


def _draws(learners, first, second, wide):
    """Whether it finds an interval, about as wide, where the only draw is all images, once each."""
    try:
        once = call(learners, first, second, np.arange(len(first))[None])
    except Hint:
        return False
    return once.shape == (2,) and wide / 3 < np.ptp(once.astype(float)) < 3 * wide


@check
def interval(learners):
    """Two attacks' damage to the same images, and draws of images, to the ends of the ratio's 95 % interval.

    Hint
    """
    rng = np.random.default_rng(5)
    first = rng.uniform(1, 9, 12)
    second = 1.4 * first + rng.uniform(0, 3, 12)
    draws = rng.integers(12, size=(400, 12))
    one, two = first[draws].mean(1), second[draws].mean(1)
    ratios, whole = two / one, second.mean() / first.mean()
    ends = [2.5, 97.5]
    right = np.percentile(ratios, ends)
    spread = ratios.std()
    found = call(learners, first, second, draws)
    if found.shape == (len(draws),):
        compare(found, ratios, [(one / two, "upside down, and all draws: second over first, and the ends only")])
        raise Hint("these are the ratios of all draws, and they are right; give the two ends of the middle 95 %: "
                   "np.percentile")  # fmt: skip
    at_once = second[draws].mean() / first[draws].mean()
    lumped = "one mean over all draws together; each draw, a row, has its own: mean(axis=1)"
    if found.shape != (2,):
        raise Hint(lumped if found.shape == () and np.isclose(found, at_once) else
                   f"two numbers are wanted, the lower end and the upper one; found shape {found.shape}")  # fmt: skip
    each = second / first
    own = _draws(learners, first, second, np.ptp(right))
    between = np.sort(ratios)[[[9, 389], [10, 390]]]  # 2.5 % and 97.5 % lie between two of the 400: any cut will do
    fits = ((between[0] - 1e-9 <= found) & (found <= between[1] + 1e-9)).all()
    compare(right if fits else found, right, [
        (right[::-1], "the lower end comes first"),
        (np.percentile(one / two, ends), "upside down: the second's mean over the first's"),
        (np.percentile((second / first)[draws].mean(1), ends), "the mean of the ratios; asked for is the ratio of the "
                                                               "means, as in the table"),
        (np.percentile(each, ends), "these are the ends for single images, and no draw was used: they tell how much "
                                    "images differ, not how sure the mean is"),
        (np.percentile((first / second)[draws].mean(1), ends), "upside down, and the mean of the ratios; asked for is "
                                                               "the ratio of the means"),
        (np.percentile(two, ends) / np.percentile(one, ends), "each mean got its own interval, and the pairs are lost: "
                                                              "divide draw by draw"),
        (np.percentile(two, ends) / np.percentile(one, ends[::-1]), "each mean got its own interval, and the pairs are "
                                                                    "lost: divide draw by draw"),
        (np.percentile(two, ends) / first.mean(), "only the second attack was drawn anew; each draw takes the same "
                                                  "images of both"),
        (second.mean() / np.percentile(one, ends[::-1]), "only the first attack was drawn anew; each draw takes the "
                                                         "same images of both"),
        (np.percentile(two - one, ends), "this is the difference; the ratio is asked for"),
        (np.percentile(ratios, [5, 95]), "from 5 to 95 are 90 %; for 95 % cut 2.5 % off at each end"),
        (np.percentile(ratios, [0, 95]), "this cuts 5 % off at the upper end alone; cut 2.5 % off at each end"),
        (np.percentile(ratios, [5, 100]), "this cuts 5 % off at the lower end alone; cut 2.5 % off at each end"),
        (np.percentile(ratios, [25, 75]), "from 25 to 75 is the middle half; for 95 % cut 2.5 % off at each end"),
        (np.percentile(ratios, [0.025, 0.975]), "np.percentile takes percent, 2.5 and 97.5; np.quantile takes 0.025 "
                                                "and 0.975"),
        ([ratios.min(), ratios.max()], "these are the smallest and the largest; 2.5 % of the draws lie outside each "
                                       "end"),
        (np.percentile(np.median(second[draws], 1) / np.median(first[draws], 1), ends), "medians were taken; the ratio "
                                                                                         "is that of the means"),
        ([whole - 1.96 * spread, whole + 1.96 * spread], "1.96 standard deviations to each side suppose a symmetric "
                                                         "bell; take the draws as they are: np.percentile"),
        ([whole - 2 * spread, whole + 2 * spread], "2 standard deviations to each side suppose a symmetric bell; take "
                                                   "the draws as they are: np.percentile"),
        ([ratios.mean() - 1.96 * spread, ratios.mean() + 1.96 * spread],
         "1.96 standard deviations to each side suppose a symmetric bell; take the draws as they are: np.percentile"),
        ([ratios.mean() - spread, ratios.mean() + spread], "one standard deviation to each side holds about 68 % of "
                                                           "the draws; take np.percentile"),
        ([whole, whole], "this is the ratio itself, twice; the draws were not used"),
        (np.percentile(second[draws].mean(0) / first[draws].mean(0), ends),
         "the mean ran over the draws (axis=0); each row of draws is one set of images, so axis=1"),
        (np.percentile(second[draws] / first[draws], ends), "the ratios of single images; take the two means of each "
                                                            "draw first (axis=1)"),
        ([1 / right[1], 1 / right[0]], "upside down: the second's mean over the first's"),
        ([at_once, at_once], lumped),
        *([(found, "it made draws of its own; take those that it is given")] if own else []),
    ])  # fmt: skip
    if own:
        raise Hint("right for these draws, but other draws change nothing: take those that it is given") from None
    once = call(learners, first, second, np.arange(12)[None], shape=(2,))
    if not np.allclose(once, whole):
        raise Hint("right for these draws, but not for a single one") from None
    return 2


@check
def mcnemar(learners):
    """Two attacks' successes on the same images to the exact two-sided p-value of McNemar's test.

    Hint
    """

    def pairs(both, first, second, neither):
        counts = (both, first, second, neither)
        return (np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts))

    def exact(b, c, **more):
        return binomtest(b, b + c, **more).pvalue

    both, b, c, neither = 12, 9, 2, 7
    first, second = pairs(both, b, c, neither)
    n = len(first)
    squared, corrected = (b - c) ** 2 / (b + c), (b - c - 1) ** 2 / (b + c)
    found = call(learners, first, second)
    if found.shape != ():
        raise Hint(f"one p-value is wanted; found shape {found.shape}")
    compare(found, exact(b, c), [
        (exact(c, b, alternative="less"), "one tail; either attack might have been the better one, so double it"),
        (exact(b, c, alternative="less"), "the wrong tail: how probable is a split as uneven as this or more so?"),
        (1 - exact(b, c), "this is 1 - p: the p-value is small when the attacks differ"),
        (binom.pmf(c, b + c, 0.5), "the probability of this very split; the p-value adds those more uneven still"),
        (2 * binom.pmf(c, b + c, 0.5), "the probability of this very split; the p-value adds those more uneven still"),
        (2 * binom.cdf(c - 1, b + c, 0.5), "the split that was seen belongs to the tail too: from 0 to the smaller of "
                                           "b and c, with both ends"),
        (chi2.sf(squared, 1), "the chi-squared approximation, good for many images; the exact p is asked for"),
        (chi2.sf(corrected, 1), "the chi-squared approximation with its correction; the exact p is asked for"),
        (squared, "this is the test statistic; its p-value is wanted"),
        (chi2_contingency([[both + b, c + neither], [both + c, b + neither]]).pvalue,
         "these two counts were compared as if they came from different images; they are the same images"),
        (chi2_contingency([[both + b, c + neither], [both + c, b + neither]], correction=False).pvalue,
         "these two counts were compared as if they came from different images; they are the same images"),
        (chi2_contingency([[both, b], [c, neither]]).pvalue,
         "this asks whether the two attacks fool the same images (they do); not which fools more"),
        (binomtest(b, n).pvalue, "divided by all images; those where both did the same say nothing: m is b + c"),
        (binomtest(c, n).pvalue, "divided by all images; those where both did the same say nothing: m is b + c"),
        (exact(both + b, both + c), "the images that both fooled say nothing about which is better: leave them out"),
        (exact(both, neither), "these are the images on which the attacks agree; look at those where they do not"),
        (1, "added up to the larger of b and c; the tail ends at the smaller one"),
        (2 * binom.cdf(b, b + c, 0.5), "added up to the larger of b and c; the tail ends at the smaller one"),
        (b, "this is a count; its p-value is wanted"),
        (c, "this is a count; its p-value is wanted"),
    ])  # fmt: skip
    compare(call(learners, second, first, shape=()), exact(b, c), [
        (2 * binom.cdf(b, b + c, 0.5), "right for the first attack better, wrong the other way round: start from the "
                                       "smaller of the two counts"),
        (1, "right for the first attack better, wrong the other way round: start from the smaller of the two counts"),
    ])  # fmt: skip
    even = call(learners, *pairs(3, 2, 2, 3), shape=())
    if even > 1:
        raise Hint(f"right where they differ, but for 2 against 2 it gives {even:.3g}: the two tails overlap, and a "
                   "probability ends at 1") from None  # fmt: skip
    compare(even, 1)
    large = Hint("right for few images, but where many differ 2**m is too large for numpy's whole numbers: make m one "
                 "of Python's, int(b + c)")  # fmt: skip
    for b, c in ((60, 40), (34, 29)):
        found = call(learners, *pairs(5, b, c, 5), shape=(), nan=large)
        if not np.isclose(found, exact(b, c)):
            raise large
    try:
        compare(call(learners, *pairs(4, 0, 0, 4), shape=()), 1)
    except Hint as hint:
        raise Hint(f"right, until the attacks never differ: then nothing speaks against chance, and p is 1 ({hint})"
                   ) from None  # fmt: skip
    by_hand(learners)
    return 6

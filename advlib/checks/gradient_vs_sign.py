"""The checks of notebook 03: the sign rule, how many pixels moved, and which of two attacks is better."""

import numpy as np
from scipy.stats import binom, binomtest, chi2, chi2_contingency

from .stand_in import Two, largest, some_images
from .stand_in import network as plain
from .trying import Hint, call, check, compare


@check
def sign_step(learners):
    """A network, images under attack, the originals, labels, eps and alpha to one step of the sign rule.

    Hint
    """
    x, eps, alpha = some_images(3), 0.12, 0.08
    still = np.s_[:, 0, 1, 0]  # a pixel that the network does not look at

    def network(images, labels):
        z, g = plain(images, labels)
        g = g * np.cos(np.multiply(20, images))  # bent, so that its sign differs from place to place
        g[still] = 0
        return Two((z, g))

    start = np.clip(x + 0.08 * np.sign(some_images(7)[:3] - 0.5), 0, 1)  # on its way
    read = network(start, [0, 0, 0])[0].argmax(1)
    y = np.array([(read[0] + 1) % 3, read[1], read[2]])  # the first is misread: its prediction is not its label
    g, guess = (network(start, labels)[1] for labels in (y, read))
    old = network(x, y)[1]

    def after(step, base=start):
        return np.clip(np.clip(base + step, x - eps, x + eps), 0, 1)

    up = alpha * np.sign(g)
    right, near = after(up), np.clip(start + up, x - eps, x + eps)
    nan = Hint("NaN: some pixels have a gradient of 0, and 0/0 is not a number; np.sign gives 0 there")
    found = call(learners, network, start, x, y, eps, alpha, shape=x.shape, nan=nan)
    compare(found, right, [
        (after(alpha * g), "the gradient's size is still in it: np.sign(g) keeps only +1, 0 and -1"),
        (after(alpha * g / largest(g)), "this is the paper's step, g / m; the sign rule keeps no size at all"),
        (after(-up), "downhill: J falls and the network gets surer. The attack adds"),
        (after(alpha * np.sign(np.abs(g))), "every pixel got brighter: the sign was taken after np.abs"),
        (after(alpha * np.where(g > 0, 1, -1)), "a pixel whose gradient is 0 got darker: the sign of 0 is 0, and "
                                                "such a pixel stays"),
        (after(alpha * np.where(g >= 0, 1, -1)), "a pixel whose gradient is 0 got brighter: the sign of 0 is 0, and "
                                                 "such a pixel stays"),
        (after(alpha * np.sign(g.mean(0))), "the mean over the batch moves all images the same way; each goes along "
                                            "its own gradient"),
        (after(alpha * np.sign(guess)), "right, but for the class that the network reads, not for the label"),
        (after(alpha * np.sign(old)), "the gradient was taken at x; after the first step x_adv is elsewhere"),
        (after(alpha * np.sign(old), x), "this starts from x again; the next step starts from x_adv"),
        (after(up, x), "right direction, but it starts from x again; the next step starts from x_adv"),
        (after(eps * np.sign(g)), "a step of ε goes to the fence at once; a step is alpha"),
        (start + up, "right step, but not clipped: equation (2), and [0, 1]"),
        (np.clip(start + up, 0, 1), "right step, but a pixel ends further than ε from x: clip around x, not x_adv. "
                                   "(Or was it forgotten?)"),
        (near, f"right inside the ε-ball, but pixels went to {near.min():.3f} and {near.max():.3f}: "
               "images end at 0 and 1"),
        (right - x, "this is the noise; give back the images"),
    ])  # fmt: skip
    return 1


@check
def l0(learners):
    """Images after an attack and before it to the number of pixels that moved, one number an image.

    Hint
    """
    grey = 1 / 255
    x = np.zeros((3, 2, 3, 3))
    x_adv = x.copy()
    x_adv[0, 0, 0] = 5 * grey, 9 * grey, 0  # two of its three colours: one pixel
    x_adv[0, 1, 1] = 0, 0, 0.4 * grey  # less than a grey level: an 8-bit file does not hold it
    x_adv[1, :, 0] = 30 * grey, 0, 20 * grey
    x_adv[1, 1, 2] = grey, 0, 0  # one grey level, and not more
    x_adv[1, 0, 2] = 0, 7 * grey, 0
    x[1, 0, 1, 0], x_adv[1, 0, 1, 0] = 51 * grey, 52.5 * grey  # in whole numbers this is one level only
    x[0, 1, 2, 0] = grey  # one level darker, which wraps around in numbers of 8 bits
    x[2] = 0.5
    x_adv[2] = 0.5
    x_adv[2, 0] = 0.5 - 40 * grey  # a whole row darker
    x_adv[2, 1, 1] += 12 * grey, -12 * grey, 0  # on average nothing
    x_adv[2, 1, 2, 1] += 2 * grey
    e = x_adv - x
    far = np.abs(e) > grey
    right = far.any(3).sum((1, 2))
    whole, small = (np.abs((255 * x_adv).astype(t) - (255 * x).astype(t)) > 1 for t in (int, np.uint8))
    found = call(learners, x_adv, x)
    if found.shape == ():
        raise Hint("one number for the whole batch; each image has its own: sum over axis=(1, 2)")
    if found.shape != (3,):
        raise Hint(f"the answer must have shape (3,), one number an image; found {found.shape}")
    compare(found, right, [
        (far.sum((1, 2, 3)), "a pixel that moved in two of its colours is one pixel, not two: any over axis=3 first"),
        (far.all(3).sum((1, 2)), "a pixel has moved when any of its colours has; this wants all of them to"),
        ((e > grey).any(3).sum((1, 2)), "pixels that got darker moved too: np.abs first"),
        ((e > grey).sum((1, 2, 3)), "pixels that got darker moved too (np.abs), and a pixel counts once (any, axis=3)"),
        ((e != 0).any(3).sum((1, 2)), "this counts every pixel that is not exactly the same; only a move of more than "
                                      "1/255 counts"),
        ((e != 0).sum((1, 2, 3)), "this counts every value that is not exactly the same; a move of more than 1/255 "
                                  "counts, and a pixel once"),
        ((np.abs(e) >= grey).any(3).sum((1, 2)), "more than 1/255: exactly 1/255 does not count, so > and not >="),
        ((np.abs(e) > 1).any(3).sum((1, 2)), "images lie in [0, 1], where no pixel moves by more than 1; a grey "
                                              "level is 1/255"),
        ((np.abs(e.mean(3)) > grey).sum((1, 2)), "the mean of the colours was taken first; what counts is any one of "
                                                 "them"),
        ((np.abs(e.sum(3)) > grey).sum((1, 2)), "the colours were added up first; what counts is any one of them"),
        ((~far.any(3)).sum((1, 2)), "these are the pixels that stayed"),
        (whole.any(3).sum((1, 2)), "whole numbers cut off a part of a grey level: compare the images as they come"),
        (small.any(3).sum((1, 2)), "whole numbers of 8 bits cut off parts, and 0 - 1 is 255 in them: compare the "
                                   "images as they come"),
        (right / 6, "a share; the number of pixels is wanted"),
        (np.sqrt(right), "the root belongs to L2; L0 is a count"),
        (x_adv.any(3).sum((1, 2)), "this counts the pixels of x_adv that are not black; the noise is x_adv - x"),
    ])  # fmt: skip
    compare(call(learners, x, x, shape=(3,)), np.zeros(3))
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
    try:
        compare(call(learners, *pairs(4, 0, 0, 4), shape=()), 1)
    except Hint as hint:
        raise Hint(f"right, until the attacks never differ: then nothing speaks against chance, and p is 1 ({hint})"
                   ) from None  # fmt: skip
    return 4

"""The check of lesson 06's in-depth notebook: the worst motion, chosen on half of the images, measured on the rest."""

import numpy as np

from .trying import Hint, call, check, compare


def _lowest(k, n):
    return int(np.argmin(np.where(n > 0, k / np.maximum(n, 1), np.inf)))


def _half(misread, counted, choose=slice(0, None, 2), measure=slice(1, None, 2)):
    at = _lowest((misread & counted)[:, choose].sum(1), counted[:, choose].sum(1))
    there = counted[at, measure]
    return np.array([(misread[at, measure] & there).sum(), there.sum()])


def _case():
    """Seven motions of 40 images, for which the usual mistakes give different answers."""
    k = (4, 6, 3, 4, 2, 9, 0), (6, 7, 5, 5, 12, 1, 15)  # even images, odd images
    n = (13, 7, 12, 15, 4, 12, 0), (16, 18, 8, 11, 15, 10, 18)
    aside = (6, 0, 6, 0, 3, 0, 8), (0, 0, 2, 1, 2, 8, 0)  # misread, and not counted
    misread, counted = np.zeros((2, 7, 40), bool)
    for half, row in np.ndindex(2, 7):
        at = 2 * np.random.default_rng(10 * row + half).permutation(20) + half
        counted[row, at[: n[half][row]]] = True
        misread[row, at[: k[half][row]]] = True
        misread[row, at[n[half][row] :][: aside[half][row]]] = True
    return misread, counted


@check
def split_half(learners):
    """Who is misread and who counts, (motions, images), to k and n at the motion that the other half has chosen.

    Hint: two halves
    """
    misread, counted = _case()
    hit, even, odd = misread & counted, slice(0, None, 2), slice(1, None, 2)
    right = _half(misread, counted)
    try:
        found = call(learners, misread, counted)
    except Hint as hint:
        if "NaN or infinity" in str(hint):
            raise Hint("0 / 0 is no number: at one motion no image of the half counts; it has no rate, so leave it out "
                       "when you choose") from None  # fmt: skip
        raise
    if found.shape == ():
        share = np.isclose(found, right[0] / right[1])
        raise Hint("this is the share; give k and n, so that its interval can be told" if share else
                   "two numbers are asked for, k and n; found a single one")  # fmt: skip
    if found.shape in ((len(misread),), (2, len(misread)), (len(misread), 2)):
        raise Hint("this has a number for each motion; choose one of them, and give its k and n")
    if found.shape != (2,):
        raise Hint(f"two numbers are asked for, k and n; found shape {found.shape}")
    every, first, second = slice(None), slice(0, 20), slice(20, None)

    def measured(at, images=odd, who=counted, of=None):
        there = who[at, images]
        return (misread[at, images] & there).sum(), there.sum() if of is None else of

    few = _lowest(hit[:, even].sum(1), (n := counted[:, even].sum(1)))
    rate = np.where(n > 0, hit[:, even].sum(1) / np.maximum(n, 1), -np.inf)
    no_rate = int(n.argmin())  # 0 / 0, which argmin takes for the lowest
    compare(found, right, [
        (_half(misread, counted, even, even), "chosen and measured on the same images, so the number is too low: "
                                              "measure on the other half"),
        (_half(misread, counted, odd, odd), "chosen and measured on the same images, so the number is too low: "
                                            "the images 0, 2, 4, … choose"),
        (_half(misread, counted, every, every), "chosen and measured on all images, so the number is too low"),
        (_half(misread, counted, every, odd), "all images have chosen; those that measure must have no part in it"),
        (_half(misread, counted, even, every), "measured on all images; those that have chosen must have no part in "
                                               "it"),
        (_half(misread, counted, odd, even), "the halves are exchanged: the images 0, 2, 4, … choose"),
        (_half(misread, counted, first, second), "these halves are the first and the second; every other image is "
                                                 "asked for, [:, ::2] and [:, 1::2]"),
        (measured(no_rate), "at this motion no image of the half that chooses counts. It has no rate, so it cannot be "
                            "the lowest"),
        (measured(int(rate.argmax())), "this is the motion with the highest rate; the lowest is asked for"),
        (measured(int(np.where(n, hit[:, even].sum(1), 99).argmin())),
         "the motion was chosen by its count k, or by its share of all images: choose by k / n"),
        (measured(int(misread[:, even].mean(1).argmin())),
         "the motion was chosen with images that do not count: misread & counted"),
        (measured(int((misread[:, even].sum(1) / np.maximum(n, 1e-9)).argmin())),
         "the motion was chosen with images that do not count: misread & counted"),
        (measured(few, of=20), "n is the number of images that count, not of all images of the half"),
        ((misread[few, odd].sum(), counted[few, odd].sum()), "k holds images that do not count: misread & counted"),
        ((misread[few, odd].sum(), 20), "images that do not count are in k and in n"),
        (right[::-1], "k comes first, then n"),
        ((right[1] - right[0], right[1]), "these are the images that resist; k counts the misread ones"),
    ])  # fmt: skip
    rng = np.random.default_rng(0)
    misread, counted = rng.random((2, 9, 31)) < np.array([0.5, 0.8])[:, None, None]  # an odd number of images
    compare(call(learners, misread, counted, shape=(2,)), _half(misread, counted))
    return 2

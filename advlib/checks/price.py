"""The check of lesson 05's in-depth notebook on the price of one noise: how few noises cover a class."""

import itertools

import numpy as np

from .trying import Hint, call, check, compare

ENDLESS = "some images resist every noise, so a loop that waits for all of them to be covered never ends"


def greedily(fools, choose=np.argmax):
    """Images covered after 1, 2, … noises; the next one is chosen by how many of the images left each fools."""
    left, covered = np.ones(fools.shape[1], bool), []
    for _ in fools:
        left = left & ~fools[choose((fools & left).sum(1))]
        covered.append(int((~left).sum()))
    return np.array(covered)


@check
def cover(learners):
    """What each noise fools, (noises, images), to how many images are covered after 1, 2, … noises, the best first.

    Hint: the images that are left
    """
    spans = (((4, 6), (13, 18)), ((0, 10),), ((0, 5), (10, 14)), ((0, 6),), ((5, 10), (14, 16), (18, 19)))
    fools = np.zeros((len(spans), 23), bool)  # the last four resist every noise
    for row, parts in zip(fools, spans):
        for begin, end in parts:
            row[begin:end] = True
    right, n, own = greedily(fools), fools.shape[1], fools.sum(1)
    down = np.argsort(-own)

    def united(order):
        return np.logical_or.accumulate(fools[order]).sum(1)

    best = [max(fools[list(some)].any(0).sum() for some in itertools.combinations(range(len(fools)), size))
            for size in range(1, len(fools) + 1)]  # fmt: skip
    try:
        found = call(learners, fools, seconds=5, slow=ENDLESS)
    except Hint as hint:
        if "boolean subtract" in str(hint):
            raise Hint(f"{hint}\n          with True and False, 'not' is ~ and 'and' is &: fools & ~covered") from None
        raise
    if found.shape == ():
        raise Hint("one number for each number of noises is asked for; found a single number")
    if found.shape == (len(fools) + 1,) and found[0] == 0:
        raise Hint("it begins with no noise at all; the first number is that of one noise")
    if found.shape in ((n,), fools.shape):
        raise Hint("this has a number for each image; count the images covered after each noise: sum over axis 1")
    if found.ndim == 1 and len(found) < len(fools) and np.array_equal(found, right[: len(found)]):
        raise Hint("right, but it ends too early: give a number for every noise, also where a noise covers nothing new")
    if found.shape != right.shape:
        raise Hint(f"the answer must have shape {right.shape}, a number for each noise; found {found.shape}")
    compare(found, right, [
        (right / n, "these are shares; counts are asked for"),
        (100 * right / n, "these are shares, in percent; counts are asked for"),
        (n - right, "these are the images that are left; those that are covered are asked for"),
        (np.diff(right, prepend=0), "this is what each noise adds; add it up: np.cumsum"),
        (united(down), "the noises are taken by how many images they fool alone. The second best may fool the same as "
                       "the best: count again, after each choice, among the images that are left"),
        (united(range(len(fools))), "the noises are taken in the order in which they stand; the next one is the one "
                                    "that fools most of the images left"),
        (united(down[::-1]), "the noises that fool fewest come first"),
        (greedily(fools, np.argmin), "argmin takes the noise that adds least; argmax the one that adds most"),
        *((np.cumsum(own[order]), "an image that two noises fool is counted twice; it can be covered once")
          for order in (down, slice(None))),
        *((np.logical_and.accumulate(fools[order]).sum(1), "these are the images that every one of the noises fools; "
           "covered is what at least one of them fools: |, not &") for order in (down, slice(None))),
        *((own[order], "these are the images that each noise fools alone; covered by it or by one before is asked for")
          for order in (down, slice(None))),
        (np.full(len(fools), own.max()), "the best noise is chosen again and again: it has nothing to fool among the "
                                         "images left. Are its images taken away?"),
        (best, "this is the best set of each size, which is more than is asked: choose one noise after the other, and "
               "keep those that are chosen"),
        *((order, "these are the noises' numbers; give the images that they cover together")
          for order in (down, [1, 0, 2, 4, 3])),
    ])  # fmt: skip
    fools = np.random.default_rng(0).random((6, 40)) < 0.3  # no two are equally good when one is chosen
    right = greedily(fools)
    compare(call(learners, fools, seconds=5, slow=ENDLESS, shape=right.shape), right)
    return 2

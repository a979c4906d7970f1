"""The check of lesson 08's in-depth notebook on defences that only look safe: what survives several attacks."""

import numpy as np

from .trying import Hint, call, check, compare

Y = np.array([7, 2, 1, 0, 4, 1, 4, 9, 5, 9, 0, 6, 9, 0, 1, 5])
FALLEN = ((3, 8), (1, 2, 5, 8), (2, 4, 6), (1, 3, 7, 9, 10))  # row by row: the clean images, then three attacks


def remaining(right):
    """Survivors after one row, two rows, …: an image that is misread once has fallen."""
    return np.logical_and.accumulate(right).sum(1)


def known():
    """Readings of which one is wrong at first and right later, and one is wrong in the same way throughout."""
    readings = np.tile(Y, (len(FALLEN), 1))
    for row, fallen in zip(readings, FALLEN):
        row[list(fallen)] = (row[list(fallen)] + 1) % 10
    readings[:, 12] = 4
    return readings


@check
def worst_case(learners):
    """What a network reads, (attacks, images), row 0 without noise, and labels, to survivors after each row.

    Hint: an image falls once
    """
    readings, y = known(), Y
    right, n = readings == y, len(y)
    counts, after = right.sum(1), remaining(right)
    found = call(learners, readings, y)
    later = remaining(right[1:])  # without the clean images
    if found.shape == ():
        told = "that is the last of them: " if found == after[-1] else ""
        raise Hint(f"a number after each row is asked for, and one number came; {told}keep the count at every row")
    if found.shape in (right.shape, (n,)):
        raise Hint("this has an entry for each image; count the images that are left after each row: sum over axis 1")
    if found.shape == (len(right) - 1,):
        why = "row 0, the clean images, counts too: what is misread without noise does not survive"
        raise Hint(f"as many numbers as rows are asked for, {len(right)}; found {len(found)}.  {why}")
    if found.shape == (len(right) + 1,):
        raise Hint(f"as many numbers as rows are asked for, {len(right)}; found {len(found)}: begin after row 0")
    if found.shape != counts.shape:
        raise Hint(f"the answer must have shape {counts.shape}, a number for each row; found {found.shape}")
    same_as_clean = readings == readings[0]
    compare(found, after, [
        (after / n, "these are shares; counts are asked for"),
        (100 * after / n, "these are shares, in percent; counts are asked for"),
        (n - after, "these are the images that have fallen; those that are left are asked for"),
        (counts[0] - after, "these are the images that have fallen; those that are left are asked for"),
        (after / counts[0], "these are shares of the images read correctly at first; counts are asked for"),
        (-np.diff(after, prepend=n), "this is what falls at each row; what is left is asked for"),
        (counts, "each row is counted alone; an image that fell to an earlier attack has fallen for good"),
        (np.minimum.accumulate(counts), "this is the smallest count so far.  Two attacks that leave equally many can "
                                        "leave different images: go image by image"),
        (np.logical_or.accumulate(right).sum(1), "these are the images that at least one row leaves; a survivor is "
                                                 "left by every row: &, not |"),
        (np.logical_or.accumulate(~right).sum(1), "these are the images that have fallen; those that are left are "
                                                  "asked for"),
        (np.cumsum(counts), "the counts are added up; an image survives where it is read correctly in every row"),
        (n - np.cumsum(n - counts), "an image that falls to two attacks is taken away twice; it can fall once"),
        (n * np.cumprod(counts / n), "the shares are multiplied, as if attacks fooled images by chance and apart from "
                                     "each other; go image by image"),
        (remaining(same_as_clean), "this compares with what was read without noise; compare with the labels y.  An "
                                   "image that is always misread in the same way does not survive"),
        (same_as_clean.sum(1), "this compares with what was read without noise, row by row; compare with the labels y, "
                               "and remember who has fallen"),
        ([counts[0], *later], "an image that is misread without noise has fallen already: begin with row 0, then go on "
                              "from the images that are left"),
        ([n, *later], "row 0 counts too: an image that is misread without noise has fallen already"),
        (np.full(len(right), after[-1]), "this is the count after all rows, again and again; each row is to see only "
                                         "the rows before it"),
        (remaining(right[::-1])[::-1], "this begins with the last row; row 0 comes first"),
        (remaining(right[::-1]), "this begins with the last row; row 0 comes first"),
        (remaining(~right), "these are the images that every row misreads; a survivor is read correctly in every row"),
    ])  # fmt: skip
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 60)
    readings = np.where(rng.random((6, 60)) < 0.15, rng.integers(0, 10, (6, 60)), y)
    right = remaining(readings == y)
    compare(call(learners, readings, y, shape=right.shape), right)
    return 2

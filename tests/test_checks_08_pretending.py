"""The check of what survives several attacks (08, in depth): each usual wrong answer gets its own hint."""

import answers
import numpy as np

ALL, ANY = np.logical_and.accumulate, np.logical_or.accumulate


def looped(r, y):
    left, counts = np.ones(len(y), bool), []
    for row in r:
        left = left & (row == y)
        counts.append(left.sum())
    return counts


def with_sets(r, y):
    left, counts = set(range(len(y))), []
    for row in r:
        left -= set(np.flatnonzero(row != y))
        counts.append(len(left))
    return counts


def each_prefix(r, y):
    return [(r[: k + 1] == y).all(0).sum() for k in range(len(r))]


def in_place(r, y):
    r -= y
    return ALL(r == 0).sum(1)


def majority(r, y):
    return [((r[: k + 1] == y).mean(0) > 0.5).sum() for k in range(len(r))]


def later(r, y):
    return ALL(r[1:] == y).sum(1)


RIGHT = {"worst_case": [looped, with_sets, each_prefix, lambda r, y: ALL(r == y).sum(1),
                        lambda r, y: np.cumprod(r == y, axis=0).sum(1)]}  # fmt: skip
WRONG = [
    ("worst_case", answer, hint)
    for answer, hint in [
        (lambda r, y: ..., "not written yet"),
        (lambda r, y: (r == y).all(0).sum(), "the last of them"),
        (lambda r, y: (r == y).sum(1).min(), "one number came; keep"),
        (lambda r, y: (r == y).all(0), "an entry for each image"),
        (lambda r, y: ALL(r == y), "an entry for each image"),
        (lambda r, y: ALL(r == y).sum(0), "an entry for each image"),
        (later, "row 0, the clean images, counts too"),
        (lambda r, y: [len(y), *looped(r, y)], "begin after row 0"),
        (lambda r, y: [1, 2], "shape (4,)"),
        (lambda r, y: ALL(r == y).mean(1), "shares; counts"),
        (lambda r, y: 100 * ALL(r == y).mean(1), "in percent"),
        (lambda r, y: ALL(r == y).sum(1) / (r[0] == y).sum(), "shares of the images read correctly at first"),
        (lambda r, y: len(y) - ALL(r == y).sum(1), "have fallen; those that are left"),
        (lambda r, y: ANY(r != y).sum(1), "have fallen; those that are left"),
        (lambda r, y: (r[0] == y).sum() - ALL(r == y).sum(1), "have fallen; those that are left"),
        (lambda r, y: -np.diff(looped(r, y), prepend=len(y)), "what falls at each row"),
        (lambda r, y: (r == y).sum(1), "each row is counted alone"),
        (lambda r, y: np.minimum.accumulate((r == y).sum(1)), "go image by image"),
        (lambda r, y: ANY(r == y).sum(1), "&, not |"),
        (lambda r, y: np.cumsum((r == y).sum(1)), "the counts are added up"),
        (lambda r, y: len(y) - np.cumsum((r != y).sum(1)), "taken away twice"),
        (lambda r, y: len(y) * np.cumprod((r == y).mean(1)), "the shares are multiplied"),
        (lambda r, y: ALL(r == r[0]).sum(1), "compare with the labels y"),
        (lambda r, y: (r == r[0]).sum(1), "compare with the labels y, and remember"),
        (lambda r, y: [(r[0] == y).sum(), *later(r, y)], "has fallen already: begin with row 0"),
        (lambda r, y: [len(y), *later(r, y)], "row 0 counts too"),
        (lambda r, y: np.full(len(r), (r == y).all(0).sum()), "again and again"),
        (lambda r, y: ALL((r == y)[::-1]).sum(1), "begins with the last row"),
        (lambda r, y: ALL((r == y)[::-1]).sum(1)[::-1], "begins with the last row"),
        (lambda r, y: ALL(r != y).sum(1), "every row misreads"),
        (majority, "not the right numbers"),
        (in_place, "changed the array"),
        (lambda r, y: looped(r, y) if len(r) == 4 else looped(r[:4], y), "shape (6,)"),
    ]
]
test_a_right_answer_passes, test_a_usual_mistake_gets_its_hint = answers.verdicts(RIGHT, WRONG)

"""The checks of lesson 04: each usual wrong answer gets its own hint, and every right way passes."""

import time

import numpy as np
import pytest
from answers import largest, naive, verdicts, votes
from tiny import linear

from advlib import checks, gradient
from advlib.common import CommonNoise


def in_place(e, g, eps, alpha):
    e += alpha * votes(g).mean(0)
    return np.clip(e, -eps, eps)


def one_by_one(e, g, eps, alpha):
    step = np.zeros_like(e)
    for one in g:
        m = np.abs(one).max()
        if m > 0:
            step += one / m
    return np.maximum(-eps, np.minimum(eps, e + alpha * step / len(g)))


def without_the_zeros(e, g, eps, alpha):
    g = g[np.abs(g).max((1, 2, 3)) > 0]
    return np.clip(e + alpha * naive(g).mean(0), -eps, eps)


def one_after_the_other(e, g, eps, alpha, share=1):
    for one in naive(g):
        e = np.clip(e + alpha * one / share, -eps, eps)
    return e


def guarded(e, g, eps, alpha, guard=1e-8):
    return np.clip(e + alpha * (g / (largest(g) + guard)).mean(0), -eps, eps)


def stepped(votes):
    "A step with these votes."
    return lambda e, g, eps, a: np.clip(e + a * votes(g), -eps, eps)


def stays_where_one_is_dead(e, g, eps, alpha):
    return e if (largest(g) == 0).any() else np.clip(e + alpha * naive(g).mean(0), -eps, eps)


def shares(p, y):
    return np.array([np.mean(p[y == c] != c) for c in range(10)])


def dominant(p, y):
    many = counts(p, y)
    return many.argmax(), many.max() / many.sum()


def counted_all(p, y):
    many = np.bincount(p, minlength=10)
    return many.argmax(), many.max() / len(p)


def counts(p, y):
    return np.bincount(p[p != y], minlength=10)


def rarest(p, y):
    labels, many = np.unique(p[p != y], return_counts=True)
    return labels[many.argmin()], many.min() / many.sum()


def second_of_the_fooled(p, y):
    many = counts(p, y)
    second = np.argsort(many)[-2]
    return second, many[second] / many.sum()


def from_unique(p, y):
    many = np.unique(p[p != y], return_counts=True)[1]
    return many.argmax(), many.max() / many.sum()


def second_of_all(p, y):
    labels, many = np.unique(p, return_counts=True)
    second = np.argsort(many)[-2]
    return labels[second], many[second] / np.sum(p != y)


def permuted(e, seed):
    return np.random.default_rng(seed).permutation(e.ravel()).reshape(e.shape)


def with_randint(e, seed):
    np.random.seed(seed)  # noqa: NPY002
    return e.ravel()[np.random.permutation(e.size)].reshape(e.shape)  # noqa: NPY002


def shuffled_in_place(e, seed):
    np.random.default_rng(seed).shuffle(e)
    return e


def rows_then_columns(e, seed):
    rng = np.random.default_rng(seed)
    return rng.permutation(rng.permutation(e, axis=0), axis=1)


def in_blocks(e, seed, many):
    blocks = np.array_split(e.ravel(), many)
    order = np.random.default_rng(seed).permutation(many)
    return np.concatenate([blocks[i] for i in order]).reshape(e.shape)


def margins(z, y, instead=-np.inf):
    mine = np.arange(z.shape[1]) == y[:, None]
    return z[mine] - np.where(mine, instead, z).max(1)


def softmax(z):
    return np.exp(z) / np.exp(z).sum(1, keepdims=True)


RIGHT = {
    "common_step": [lambda e, g, eps, a: np.clip(e + a * votes(g).mean(0), -eps, eps), one_by_one],
    "class_success": [
        shares,
        lambda p, y: np.bincount(y[p != y], minlength=10) / np.bincount(y),
        lambda p, y: np.histogram(y[p != y], np.arange(11))[0] / np.histogram(y, np.arange(11))[0],
        lambda p, y: [1 - sum(p[y == c] == c) / sum(y == c) for c in range(10)],
    ],
    "dominant_label": [dominant, lambda p, y: list(dominant(p, y)), lambda p, y: np.array(dominant(p, y))],
    "shuffled": [
        permuted,
        with_randint,
        lambda e, seed: np.random.default_rng(seed).permuted(e),
        lambda e, seed: np.random.default_rng(seed).choice(e.ravel(), e.shape, replace=False),
    ],
    "margin": [
        margins,
        lambda z, y: np.array([row[c] - max(np.delete(row, c)) for row, c in zip(z, y)]),
        lambda z, y: margins(z.astype(np.float32), y),
    ],
}
WRONG = [
    ("common_step", lambda e, g, eps, a: None, "not written yet"),
    ("common_step", in_place, "it changed the array"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * naive(g), -eps, eps), "one noise for each image"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * naive(g).mean(), -eps, eps)[0], "old one's shape"),
    ("common_step", lambda e, g, eps, a: e + a * naive(g).mean(0), "beyond ±eps"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * naive(g).mean(0), 0, eps), "both sides"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * naive(g).mean(), -eps, eps), "axis=0"),
    ("common_step", lambda e, g, eps, a: np.clip(e - a * naive(g).mean(0), -eps, eps), "not against it"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * naive(g).mean(0), 0, 1), "images, not noises"),
    ("common_step", lambda e, g, eps, a: e + np.clip(a * naive(g).mean(0), -eps, eps), "the step was clipped"),
    ("common_step", lambda e, g, eps, a: np.clip(a * naive(g).mean(0), -eps, eps), "forgets the old noise"),
    ("common_step", lambda e, g, eps, a: np.clip(e + naive(g).mean(0), -eps, eps), "alpha is missing"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * naive(g).sum(0), -eps, eps), "their mean is asked for"),
    (
        "common_step",
        lambda e, g, eps, a: np.clip(e + a * naive(g.mean(0, keepdims=True))[0], -eps, eps),
        "decides alone",
    ),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * (g / np.abs(g).max()).mean(0), -eps, eps), "one divisor"),
    (
        "common_step",
        lambda e, g, eps, a: np.clip(e + a * (g / g.max((1, 2, 3), keepdims=True)).mean(0), -eps, eps),
        "take np.abs before",
    ),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * g.mean(0), -eps, eps), "its own largest absolute value"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * np.sign(g).mean(0), -eps, eps), "mean of signs"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * np.sign(g.mean(0)), -eps, eps), "a sign step"),
    ("common_step", one_after_the_other, "this is Algorithm 1 itself"),
    ("common_step", lambda e, g, eps, a: one_after_the_other(e, g, eps, a, len(g)), "clipped after every vote"),
    *(
        ("common_step", lambda e, g, eps, a, guard=guard: guarded(e, g, eps, a, guard), "has lost its vote")
        for guard in (1e-15, 1e-12, 1e-8, 1e-6, 1e-3)
    ),
    ("common_step", stepped(lambda g: (g / np.maximum(largest(g), 1e-8)).mean(0)), "has lost its vote"),
    ("common_step", stepped(lambda g: np.where(largest(g) > 1e-12, naive(g), 0).mean(0)), "has lost its vote"),
    ("common_step", stepped(lambda g: naive(g[largest(g).ravel() > 1e-12]).mean(0)), "has lost its vote"),
    ("common_step", stepped(lambda g: naive(g)[0]), "the first image alone"),
    ("common_step", stepped(lambda g: naive(g)[-1]), "the last image alone"),
    ("common_step", stepped(lambda g: naive(naive(g).mean(0, keepdims=True))[0]), "once more"),
    ("common_step", stepped(lambda g: (g / np.sqrt((g**2).sum((1, 2, 3), keepdims=True))).mean(0)), "by its length"),
    ("common_step", stepped(lambda g: (g / np.abs(g).mean((1, 2, 3), keepdims=True)).mean(0)), "by the mean of |g|"),
    ("common_step", stepped(lambda g: (g / np.abs(g).max(0)).mean(0)), "compares images with one another"),
    ("common_step", stepped(lambda g: (g / np.abs(g).max((1, 2, 3))).mean(0)), "along the channels"),
    ("common_step", stepped(lambda g: np.median(naive(g), 0)), "the median"),
    ("common_step", lambda e, g, eps, a: np.clip(e, -eps, eps), "the step is missing"),
    ("common_step", stays_where_one_is_dead, "the others still vote"),
    ("common_step", stepped(lambda g: naive(g).mean(0)), "0/0"),
    ("common_step", lambda e, g, eps, a: np.clip(e + 4 / 255 * votes(g).mean(0), -eps, eps), "take the alpha"),
    ("common_step", lambda e, g, eps, a: np.clip(e + 1 / 255 * votes(g).mean(0), -eps, eps), "take the alpha"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * votes(g).mean(0), -0.24, 0.24), "take the eps"),
    ("common_step", stepped(lambda g: np.divide(g, largest(g), where=largest(g) > 0).mean(0)), "was in memory"),
    (
        "common_step",
        lambda e, g, eps, a: np.clip(e + np.divide(a * g, largest(g), where=largest(g) > 0).mean(0), -eps, eps),
        "was in memory",
    ),
    ("common_step", without_the_zeros, "still counts"),
    ("class_success", lambda p, y: np.mean(p != y), "one share for each of the ten"),
    ("class_success", lambda p, y: np.mean(p == y), "read correctly, of all classes together"),
    ("class_success", lambda p, y: shares(p, y)[:9], "shape (10,)"),
    ("class_success", lambda p, y: 1 - shares(p, y), "the noise succeeds where"),
    ("class_success", lambda p, y: np.bincount(y[p != y]), "these are counts"),
    ("class_success", lambda p, y: np.bincount(y[p == y], minlength=10), "of the images read correctly"),
    ("class_success", lambda p, y: np.bincount(y[p != y]) / np.bincount(y), "minlength=10"),
    ("class_success", lambda p, y: np.unique(y[p != y], return_counts=True)[1] / np.bincount(y), "minlength=10"),
    ("class_success", lambda p, y: [np.mean(p[y == c] != c) for c in np.unique(y[p != y])], "minlength=10"),
    ("class_success", lambda p, y: np.bincount(y[p != y]) / np.sum(p != y), "share of all mistakes"),
    (
        "class_success",
        lambda p, y: np.bincount(y[p != y]) / np.bincount(p, minlength=10),
        "how often each class was read",
    ),
    ("class_success", lambda p, y: [np.mean(p[p == c] != y[p == c]) for c in range(10)], "group by the true label"),
    ("class_success", lambda p, y: [np.sum(p == c) / np.sum(y == c) for c in range(10)], "y is not used"),
    ("class_success", lambda p, y: np.bincount(p[p != y], minlength=10) / np.bincount(y), "the labels read by mistake"),
    ("class_success", lambda p, y: np.bincount(p[p != y], minlength=10) / np.sum(p != y), "the labels read by mistake"),
    ("class_success", lambda p, y: [np.mean((p != y)[y != c]) for c in range(10)], "all other classes"),
    ("class_success", lambda p, y: [np.mean(p[y == c]) for c in range(10)], "mean of the labels"),
    ("class_success", lambda p, y: p != y, "for each image"),
    ("class_success", lambda p, y: [np.mean(p[y == c] != c) for c in range(1, 11)], "0 … 9, and y says"),
    ("class_success", lambda p, y: [np.mean(p[y == c] != 5) for c in range(10)], "is compared with 5"),
    ("class_success", lambda p, y: [np.mean(p[y == 5] != c) for c in range(10)], "the images of class 5"),
    ("class_success", lambda p, y: [np.mean(p[y == 5] != 5) for c in range(10)], "the share of class 5"),
    ("class_success", lambda p, y: np.eye(10)[p].T @ np.eye(10)[y], "ten by ten"),
    ("class_success", lambda p, y: 0.5, "the share of all images together"),
    ("class_success", lambda p, y: np.bincount(y[p != y]) / len(y), "divided by all images"),
    ("class_success", lambda p, y: np.bincount(y[p != y]) / (len(y) / 10), "not equally large"),
    ("class_success", lambda p, y: 100 * shares(p, y), "in percent"),
    ("class_success", lambda p, y: [np.mean(y[p == c] != c) for c in range(10)], "group by the true label"),
    ("class_success", lambda p, y: np.bincount(p, minlength=10) / len(y), "y is not used"),
    ("class_success", lambda p, y: [np.mean(p != y) for c in range(10)], "pick out the class's images"),
    ("dominant_label", lambda p, y: dominant(p, y)[0], "two numbers"),
    ("dominant_label", lambda p, y: np.bincount(p, minlength=10), "two numbers"),
    ("dominant_label", counted_all, "leave the true label out"),
    ("dominant_label", lambda p, y: (5, 8 / 19), "leave the true label out"),
    ("dominant_label", lambda p, y: (dominant(p, y)[0], np.mean(p == dominant(p, y)[0])), "not among all"),
    ("dominant_label", lambda p, y: (dominant(p, y)[0], np.sum(p == dominant(p, y)[0])), "not a count"),
    ("dominant_label", lambda p, y: (dominant(p, y)[0], 100 * dominant(p, y)[1]), "in percent"),
    ("dominant_label", lambda p, y: (dominant(p, y)[0], np.mean(p != y)), "how many were fooled at all"),
    ("dominant_label", lambda p, y: dominant(p, y)[::-1], "the label first"),
    ("dominant_label", lambda p, y: (p.max(), np.sum(p == p.max()) / np.sum(p != y)), "the largest label"),
    ("dominant_label", rarest, "read least"),
    ("dominant_label", lambda p, y: (counts(p, y).argmin(), counts(p, y).min() / counts(p, y).sum()), "argmin"),
    ("dominant_label", lambda p, y: (counts(p, y).argmin(), dominant(p, y)[1]), "argmin"),
    ("dominant_label", lambda p, y: (p[p != y][0], np.mean(p[p != y] == p[p != y][0])), "the first label"),
    ("dominant_label", lambda p, y: (p[p != y][0], np.sum(p == p[p != y][0]) / len(p)), "the first label"),
    ("dominant_label", lambda p, y: (np.median(p[p != y]), dominant(p, y)[1]), "the median of the labels"),
    ("dominant_label", lambda p, y: (np.median(p[p != y]), np.mean(p[p != y] == np.median(p[p != y]))), "the median"),
    ("dominant_label", lambda p, y: (np.mean(p[p != y]), dominant(p, y)[1]), "the mean of the labels"),
    ("dominant_label", second_of_the_fooled, "second most frequent of the wrong"),
    ("dominant_label", from_unique, "np.unique's list"),
    (
        "dominant_label",
        lambda p, y: (np.unique(p, return_counts=True)[1].argmax(), np.unique(p, return_counts=True)[1].max() / len(p)),
        "leave out the true label",
    ),
    (
        "dominant_label",
        lambda p, y: (dominant(p, y)[0], np.sum(p == dominant(p, y)[0]) / np.sum(p == y)),
        "those that were not fooled",
    ),
    ("dominant_label", lambda p, y: (np.bincount(p).argmax(), dominant(p, y)[1]), "its label is not"),
    (
        "dominant_label",
        lambda p, y: (p[p != y][-1] if p[p != y][-1] != 3 else 8, dominant(p, y)[1]),
        "its label is not",
    ),
    ("dominant_label", second_of_all, "Leave the true label out first"),
    ("dominant_label", lambda p, y: np.unique(p[p != y], return_counts=True), "two numbers"),
    ("dominant_label", lambda p, y: "3", "must be numbers"),
    ("dominant_label", lambda p, y: dominant(p, 5), "use y"),
    ("shuffled", lambda e, seed: None, "not written yet"),
    ("shuffled", shuffled_in_place, "it changed the array"),
    ("shuffled", lambda e, seed: np.random.default_rng(seed).permutation(e), "whole rows were moved"),
    ("shuffled", lambda e, seed: np.random.default_rng(seed).permutation(e, axis=1), "whole columns were moved"),
    ("shuffled", lambda e, seed: np.random.default_rng(seed).permuted(e, axis=1), "stayed in its row"),
    ("shuffled", lambda e, seed: np.random.default_rng(seed).permuted(e, axis=0), "stayed in its column"),
    ("shuffled", lambda e, seed: np.random.default_rng(seed).permuted(e, axis=2), "still in its place"),
    ("shuffled", lambda e, seed: e, "still in its place"),
    ("shuffled", lambda e, seed: np.random.default_rng(seed).permutation(e.ravel()), "one long row"),
    ("shuffled", lambda e, seed: permuted(e, seed)[..., 0], "must have the noise's shape"),
    ("shuffled", lambda e, seed: np.random.default_rng(seed).choice(e.ravel(), e.shape), "drawn twice"),
    ("shuffled", lambda e, seed: e * np.random.default_rng(seed).choice([-1, 1], e.shape), "changed their sign"),
    ("shuffled", lambda e, seed: -e, "changed their sign"),
    ("shuffled", lambda e, seed: np.random.default_rng(seed).choice([-0.24, 0.24], e.shape), "other values"),
    ("shuffled", lambda e, seed: np.random.default_rng(seed).normal(e.mean(), e.std(), e.shape), "other values"),
    ("shuffled", lambda e, seed: np.sort(e, None).reshape(e.shape), "were sorted"),
    ("shuffled", lambda e, seed: e[::-1], "turned or shifted"),
    ("shuffled", lambda e, seed: e.ravel("F").reshape(e.shape), "turned or shifted"),
    ("shuffled", lambda e, seed: np.roll(e, seed), "turned or shifted"),
    ("shuffled", lambda e, seed: np.roll(e, np.random.default_rng(seed).integers(1, e.size)), "turned or shifted"),
    ("shuffled", lambda e, seed: np.roll(e, np.random.default_rng(seed).integers(1, 8), axis=0), "turned or shifted"),
    ("shuffled", rows_then_columns, "rows and columns were moved as wholes"),
    (
        "shuffled",
        lambda e, seed: np.random.default_rng(seed).permuted(rows_then_columns(e, seed), axis=1),
        "all pixels of a row stayed together",
    ),
    (
        "shuffled",
        lambda e, seed: np.random.default_rng(seed).permuted(rows_then_columns(e, seed), axis=0),
        "all pixels of a column stayed together",
    ),
    *(("shuffled", lambda e, seed, many=many: in_blocks(e, seed, many), "kept their neighbours") for many in (6, 36)),
    ("shuffled", shuffled_in_place, "Work on a copy"),
    ("shuffled", lambda e, seed: e[::-1, ::-1], "turned or shifted"),
    ("shuffled", lambda e, seed: np.roll(e, 3), "turned or shifted"),
    ("shuffled", lambda e, seed: np.roll(e, (2, 3), (0, 1)), "turned or shifted"),
    ("shuffled", lambda e, seed: permuted(e, 0), "another seed gives the same"),
    ("shuffled", lambda e, seed: permuted(e, None), "inside the function"),
    ("margin", lambda z, y: margins(z, y).mean(), "for each image"),
    ("margin", lambda z, y: z, "a number for each class"),
    ("margin", lambda z, y: margins(z, y)[:3], "shape (5,)"),
    ("margin", lambda z, y: z[:, y] - z.max(), "takes the columns y out of every row"),
    ("margin", lambda z, y: z[:, y] - z.max(1), "takes the columns y out of every row"),
    (
        "margin",
        lambda z, y: z[np.arange(len(z)), y] - np.where(np.arange(4) == y[:, None], -np.inf, z).max(),
        "one maximum for all images",
    ),
    ("margin", lambda z, y: z[np.arange(len(z)), y] - z.max(), "one maximum for all images"),
    (
        "margin",
        lambda z, y: z[np.arange(len(z)), y] - np.where(np.arange(4) == y[:, None], -np.inf, z).max(0),
        "max(axis=1)",
    ),
    ("margin", lambda z, y: z[np.arange(len(z)), y] - np.delete(z, y, axis=1).max(1), "a column of its own"),
    *(("margin", lambda z, y, low=low: margins(z, y, instead=low), "2,000,000 lower") for low in (-100, -999, -1e6)),
    ("margin", lambda z, y: z[np.arange(len(z)), y] - z.mean(1), "mean of all logits"),
    (
        "margin",
        lambda z, y: z[np.arange(len(z)), y] - np.where(np.arange(4) == y[:, None], np.inf, z).min(1),
        "smallest of the others",
    ),
    ("margin", lambda z, y: np.where(np.arange(4) == y[:, None], -np.inf, z).max(1), "subtract it from the true one"),
    ("margin", lambda z, y: z[:, 0] - z[:, 1:].max(1), "class 0"),
    ("margin", lambda z, y: z.argmax(1) == y, "by how much"),
    ("margin", lambda z, y: np.where(np.arange(4) == y[:, None], -np.inf, z).argmax(1), "max, not argmax"),
    (
        "margin",
        lambda z, y: z[np.arange(len(z)), y] - np.where(np.arange(4) == y[:, None], -np.inf, z).argmax(1),
        "argmax gives the label",
    ),
    (
        "margin",
        lambda z, y: np.log(softmax(z)[np.arange(len(z)), y] / (1 - softmax(z)[np.arange(len(z)), y])),
        "of probabilities",
    ),
    ("margin", lambda z, y: -margins(z, y), "above 0 while"),
    ("margin", lambda z, y: z[np.arange(len(z)), y] - z.max(1), "leave it out"),
    ("margin", lambda z, y: np.sort(z)[:, -1] - np.sort(z)[:, -2], "y has to be used"),
    ("margin", lambda z, y: z[np.arange(len(z)), y] - np.sort(z)[:, -2], "only while the image is read correctly"),
    ("margin", lambda z, y: np.abs(margins(z, y)), "negative where"),
    ("margin", lambda z, y: np.maximum(margins(z, y), 0), "below 0 is wanted"),
    ("margin", lambda z, y: (4 * z[np.arange(len(z)), y] - z.sum(1)) / 3, "mean of the others"),
    ("margin", lambda z, y: z[np.arange(len(z)), y], "alone"),
    ("margin", lambda z, y: margins(z, y, instead=0), "use -np.inf"),
    ("margin", lambda z, y: margins(softmax(z), y), "of probabilities"),
]


test_a_right_answer_passes_however_it_is_written, test_a_usual_mistake_gets_its_hint = verdicts(RIGHT, WRONG)


def test_no_random_order_is_taken_for_a_piecewise_one(capsys):
    for first in range(0, 1400, 7):
        checks.shuffled(lambda e, seed, first=first: permuted(e, first + seed))
        assert capsys.readouterr().out.startswith("[OK]")


def test_two_hints_each_where_it_helps(capsys):
    for answer, title in (
        (lambda e, g, eps, a: e + a * naive(g).mean(0), "the largest value of each image"),
        (lambda e, g, eps, a: np.clip(e + a * naive(g).mean(0), -eps, eps), "an image whose gradient is all zero"),
    ):
        checks.common_step(answer)
        assert f'unfold "Hint: {title}" above' in capsys.readouterr().out


# ------------------------------------------------------------------------------ the open exercise
SIDE = np.where(np.random.default_rng(4).random((6, 6, 1)) < 0.5, -1, 1).astype(np.float32)
EPS = 0.2


def at(*distances):
    """Images that a noise of -distance on their side's pixels, and no smaller one, carries over to the other class."""
    return np.float32([0.5 + d * SIDE for d in distances])


def scored(answer, capsys, strength=0.5, learn=(0.05, 0.06, 0.07), among=10, say=True):
    "What is told of a noise, where the course's is so strong and the test images lie between 0.01 and 0.19."
    model = linear(np.stack([SIDE.ravel(), -SIDE.ravel()], 1), [-SIDE.sum() / 2, SIDE.sum() / 2], SIDE.shape)
    if say and not callable(answer):
        e = answer

        def answer(network, x, y, eps):
            network(x, y)
            return e

    test, course = at(*np.linspace(0.01, 0.19, among)), -strength * EPS * SIDE
    checks.own_noise(answer, model, at(*learn), test, course, 0, EPS)
    return capsys.readouterr().out


def with_one_pixel_at_the_fence(strength):
    e = -strength * EPS * SIDE
    e[0, 0] = -EPS * SIDE[0, 0]
    return e


def with_a_tenth_turned(network, x, y, eps):
    network(x, y)
    e = -eps * SIDE
    e[0] *= -1
    return e


def asked_without_a_clip(network, x, y, eps):
    network(x + 1, y)
    return -0.3 * eps * SIDE


def asked_as_a_model(network, x, y, eps):
    return gradient(network, x, y)[1][0]


def asked_for_ever(network, x, y, eps):
    while True:
        network(x, y)


def test_a_stronger_noise_is_told_beside_the_courses(capsys):
    given = []

    def best(network, x, y, eps):
        given.extend([x.shape, y.tolist(), eps])
        assert [part.shape for part in network(x, y)] == [(3, 2), x.shape]
        return -eps * SIDE

    assert scored(best, capsys) == (
        "[OK] own_noise: yours fools 10 of 10 unseen images, the course's 5, random ±ε 0; of the 3 images it was "
        "learned on yours fools 3, with 3 gradients\n"
    )
    assert given == [(3, 6, 6, 1), [0, 0, 0], EPS]


@pytest.mark.parametrize(
    ("answer", "why", "how"),
    [
        (lambda network, x, y, eps: None, "not written yet", {}),
        (lambda network, x, y, eps: 1 / 0, "ZeroDivisionError", {}),
        (lambda network, x, y, eps: CommonNoise(-eps * SIDE, eps, 0, None, {}, 3), ".noise", {}),
        (lambda network, x, y, eps: x - eps * SIDE, "one noise for each image", {}),
        (-EPS * SIDE[..., 0], "an image's shape, (6, 6, 1); found (6, 6)", {}),
        (-2 * EPS * SIDE, "goes beyond eps = 0.2 by 0.2", {}),
        (-(EPS + 1e-5) * SIDE, "goes beyond eps = 0.2 by 1e-05", {}),
        (0 * SIDE, "zero everywhere", {}),
        (lambda network, x, y, eps: -eps * SIDE, "not asked for a single gradient", {}),
        (-0.525 * EPS * SIDE, "more, but not clearly: at least 22", {"learn": (0.01, 0.15), "among": 40}),
        (asked_without_a_clip, "outside [0, 1]", {}),
        (asked_as_a_model, "network(images, labels)[1]", {}),
        (asked_for_ever, "4,000 gradients are spent", {}),
        (np.nan * SIDE, "NaN", {}),
        (-0.5 * EPS * SIDE, "the course's own noise", {}),
        (EPS * SIDE, "surer of its images with this noise", {}),
        (with_one_pixel_at_the_fence(0.38), "by heart", {}),
        (-0.3 * EPS * SIDE, "take longer steps", {"learn": (0.01, 0.15)}),
        (with_one_pixel_at_the_fence(0.3), "far from ±eps", {"learn": (0.01, 0.15)}),
        (with_a_tenth_turned, "many images agree on", {"strength": 0.9, "learn": (0.01, 0.19)}),
    ],
)
def test_a_noise_that_is_not_stronger_is_told_why(answer, why, how, capsys):
    told = scored(answer, capsys, **how)
    assert told.startswith("[not yet] own_noise: ")
    assert why in told
    assert 'unfold "Hint: where to begin"' in told


def test_more_than_all_is_not_asked_for(capsys):
    assert scored(with_one_pixel_at_the_fence(0.97), capsys, strength=1).startswith(
        "[OK] own_noise: yours fools 10 of 10"
    )


def test_the_score_stands_below_the_reason(capsys):
    assert "yours fools 0 of 10 unseen images, the course's 5" in scored(EPS * SIDE, capsys)


def test_the_noise_function_itself_is_asked_for(capsys):
    assert "give the function itself" in scored(SIDE, capsys, say=False)


def test_a_slow_search_is_stopped_and_told_what_saves_time(monkeypatch, capsys):
    monkeypatch.setitem(checks.own_noise.__wrapped__.__globals__, "SECONDS", 0.2)

    def slow(network, x, y, eps):
        while True:
            time.sleep(0.01)

    assert "several in one call" in scored(slow, capsys)

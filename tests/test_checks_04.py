"""The checks of notebook 04: each usual wrong answer gets its own hint, and every right way passes."""

import numpy as np
import pytest

from advlib import checks


def largest(a):
    return np.abs(a).max((1, 2, 3), keepdims=True)


def votes(g):
    return np.divide(g, largest(g), out=np.zeros_like(g), where=largest(g) > 0)


def naive(g):
    return g / largest(g)


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


def shares(p, y):
    return np.array([np.mean(p[y == c] != c) for c in range(10)])


def dominant(p, y):
    counts = np.bincount(p[p != y], minlength=10)
    return counts.argmax(), counts.max() / counts.sum()


def counted_all(p, y):
    counts = np.bincount(p, minlength=10)
    return counts.argmax(), counts.max() / len(p)


def from_unique(p, y):
    counts = np.unique(p[p != y], return_counts=True)[1]
    return counts.argmax(), counts.max() / counts.sum()


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
        lambda p, y: [1 - sum(p[y == c] == c) / sum(y == c) for c in range(10)],
    ],
    "dominant_label": [dominant, lambda p, y: list(dominant(p, y)), lambda p, y: np.array(dominant(p, y))],
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
    ("common_step", lambda e, g, eps, a: e + a * naive(g).mean(0), "left its fence"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * naive(g).mean(0), 0, eps), "two sides"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * naive(g).mean(), -eps, eps), "axis=0"),
    ("common_step", lambda e, g, eps, a: np.clip(e - a * naive(g).mean(0), -eps, eps), "not against it"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * naive(g).mean(0), 0, 1), "images, not noises"),
    ("common_step", lambda e, g, eps, a: e + np.clip(a * naive(g).mean(0), -eps, eps), "the step was clipped"),
    ("common_step", lambda e, g, eps, a: np.clip(a * naive(g).mean(0), -eps, eps), "forgets the old noise"),
    ("common_step", lambda e, g, eps, a: np.clip(e + naive(g).mean(0), -eps, eps), "alpha is missing"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * naive(g).sum(0), -eps, eps), "their mean is asked for"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * naive(g.mean(0, keepdims=True))[0], -eps, eps),
     "decides alone"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * (g / np.abs(g).max()).mean(0), -eps, eps), "one divisor"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * (g / g.max((1, 2, 3), keepdims=True)).mean(0), -eps, eps),
     "take np.abs before"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * g.mean(0), -eps, eps), "its own largest absolute value"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * np.sign(g).mean(0), -eps, eps), "mean of signs"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * np.sign(g.mean(0)), -eps, eps), "a sign step"),
    ("common_step", lambda e, g, eps, a: np.clip(e + a * naive(g).mean(0), -eps, eps), "0/0"),
    ("common_step", without_the_zeros, "still counts"),
    ("class_success", lambda p, y: np.mean(p != y), "one share for each of the ten"),
    ("class_success", lambda p, y: np.mean(p == y), "read correctly, of all classes together"),
    ("class_success", lambda p, y: shares(p, y)[:9], "shape (10,)"),
    ("class_success", lambda p, y: 1 - shares(p, y), "the noise succeeds where"),
    ("class_success", lambda p, y: np.bincount(y[p != y]), "these are counts"),
    ("class_success", lambda p, y: np.bincount(y[p != y]) / len(y), "divided by all images"),
    ("class_success", lambda p, y: np.bincount(y[p != y]) / (len(y) / 10), "not equally large"),
    ("class_success", lambda p, y: 100 * shares(p, y), "in percent"),
    ("class_success", lambda p, y: [np.mean(y[p == c] != c) for c in range(10)], "group by the true label"),
    ("class_success", lambda p, y: np.bincount(p, minlength=10) / len(y), "y is not used"),
    ("class_success", lambda p, y: [np.mean(p != y) for c in range(10)], "pick out the class's images"),
    ("dominant_label", lambda p, y: dominant(p, y)[0], "two numbers"),
    ("dominant_label", lambda p, y: np.bincount(p, minlength=10), "two numbers"),
    ("dominant_label", counted_all, "leave the true label out"),
    ("dominant_label", lambda p, y: (5, 7 / 13), "leave the true label out"),
    ("dominant_label", lambda p, y: (dominant(p, y)[0], np.mean(p == dominant(p, y)[0])), "not among all"),
    ("dominant_label", lambda p, y: (dominant(p, y)[0], np.sum(p == dominant(p, y)[0])), "not a count"),
    ("dominant_label", lambda p, y: (dominant(p, y)[0], 100 * dominant(p, y)[1]), "in percent"),
    ("dominant_label", lambda p, y: (dominant(p, y)[0], np.mean(p != y)), "how many were fooled at all"),
    ("dominant_label", lambda p, y: dominant(p, y)[::-1], "the label first"),
    ("dominant_label", lambda p, y: (p.max(), np.sum(p == p.max()) / np.sum(p != y)), "read least"),
    ("dominant_label", from_unique, "np.unique's list"),
    ("dominant_label", lambda p, y: dominant(p, 5), "use y"),
    ("margin", lambda z, y: margins(z, y).mean(), "for each image"),
    ("margin", lambda z, y: z, "shape (4,)"),
    ("margin", lambda z, y: -margins(z, y), "above 0 while"),
    ("margin", lambda z, y: z[np.arange(len(z)), y] - z.max(1), "leave it out"),
    ("margin", lambda z, y: np.sort(z)[:, -1] - np.sort(z)[:, -2], "y has to be used"),
    ("margin", lambda z, y: z[np.arange(len(z)), y] - np.sort(z)[:, -2], "only while the image is read correctly"),
    ("margin", lambda z, y: np.abs(margins(z, y)), "negative where"),
    ("margin", lambda z, y: np.maximum(margins(z, y), 0), "below 0 is wanted"),
    ("margin", lambda z, y: (4 * z[np.arange(4), y] - z.sum(1)) / 3, "mean of the others"),
    ("margin", lambda z, y: z[np.arange(len(z)), y], "alone"),
    ("margin", lambda z, y: margins(z, y, instead=0), "use -np.inf"),
    ("margin", lambda z, y: margins(softmax(z), y), "of probabilities"),
]


@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name in RIGHT for answer in RIGHT[name]])
def test_a_right_answer_passes_however_it_is_written(name, answer, capsys):
    getattr(checks, name)(answer)
    assert capsys.readouterr().out.startswith(f"[OK] {name}")


@pytest.mark.parametrize(("name", "answer", "hint"), WRONG)
def test_a_usual_mistake_gets_its_hint(name, answer, hint, capsys):
    getattr(checks, name)(answer)
    said = capsys.readouterr().out
    assert said.startswith(f"[not yet] {name}: ")
    assert hint in said
    assert 'Help: unfold "Hint: ' in said


def test_two_hints_each_where_it_helps(capsys):
    for answer, title in (
        (lambda e, g, eps, a: e + a * naive(g).mean(0), "the largest value of each image"),
        (lambda e, g, eps, a: np.clip(e + a * naive(g).mean(0), -eps, eps), "an image whose gradient is all zero"),
    ):
        checks.common_step(answer)
        assert f'unfold "Hint: {title}" above' in capsys.readouterr().out

"""The check of proofs (08, in depth): each usual wrong answer gets its own hint, right ways pass."""

import numpy as np
import pytest

from advlib import bounds, checks
from advlib.backend import keras
from advlib.checks import certificate


def by_loop(W, b, x, y, size=lambda d: np.abs(d).sum(), least=0, pick=min):
    """One image and one rival at a time."""
    z, found = x @ W + b, []
    for i, own in enumerate(y):
        reach = [(z[i, own] - z[i, j]) / size(W[:, own] - W[:, j]) for j in range(W.shape[1]) if j != own]
        found.append(max(pick(reach), least))
    return np.array(found)


def all_at_once(W, b, x, y):
    z, own = x @ W + b, np.arange(W.shape[1]) == y[:, None]
    apart = np.abs(W[:, y][:, :, None] - W[:, None]).sum(0)
    return np.maximum(np.where(own, np.inf, (z[own][:, None] - z) / np.where(own, 1, apart)).min(1), 0)


def by_search(W, b, x, y):
    """The bounds themselves, which are exact for one layer: halved thirty times."""
    low, high = np.zeros(len(x)), np.full(len(x), 100.0)
    z, own = x @ W + b, np.arange(W.shape[1]) == y[:, None]
    for _ in range(60):
        middle = (low + high) / 2
        lead = z[own][:, None] - z - middle[:, None] * np.abs(W[:, y][:, :, None] - W[:, None]).sum(0)
        holds = np.where(own, 1, lead).min(1) > 0
        low, high = np.where(holds, [middle, high], [low, middle])
    return low


def itself_too(W, b, x, y):
    z = x @ W + b
    with np.errstate(invalid="ignore"):
        return ((z[np.arange(len(y)), y][:, None] - z) / np.abs(W[:, y].T[:, :, None] - W).sum(1)).min(1)


def itself_with_a_small_number(W, b, x, y):
    z = x @ W + b
    apart = np.abs(W[:, y].T[:, :, None] - W).sum(1) + 1e-12
    return np.maximum(((z[np.arange(len(y)), y][:, None] - z) / apart).min(1), 0)


def each_rival(W, b, x, y):
    z, own = x @ W + b, np.arange(W.shape[1]) == y[:, None]
    return (z[own][:, None] - z)[~own].reshape(len(x), -1)


def smallest_lead(W, b, x, y):
    z, rows = x @ W + b, np.arange(len(x))
    j = np.where(np.arange(W.shape[1]) == y[:, None], -np.inf, z).argmax(1)
    return np.maximum((z[rows, y] - z[rows, j]) / np.abs(W[:, y] - W[:, j]).sum(0), 0)


def two_logits(W, b, x, y):
    size = np.abs(W).sum(0)
    z, own = x @ W + b, np.arange(W.shape[1]) == y[:, None]
    return np.maximum(np.where(own, np.inf, (z[own][:, None] - z) / (size[y][:, None] + size)).min(1), 0)


def own_logit(W, b, x, y):
    size = np.abs(W).sum(0)
    z, own = x @ W + b, np.arange(W.shape[1]) == y[:, None]
    return np.maximum(np.where(own, np.inf, (z[own][:, None] - z) / size[y][:, None]).min(1), 0)


def in_place(W, b, x, y):
    x -= 0.5
    return by_loop(W, b, x, y)


WRONG = [
    (lambda W, b, x, y: None, "not written yet"),
    (lambda W, b, x, y: by_loop(W, b, x, y).min(), "an ε for each image; found ()"),
    (each_rival, "a number for each rival"),
    (lambda W, b, x, y: by_loop(W, b, x, y)[:, None], "must have shape (6,)"),
    (itself_too, "no rival of itself"),
    (itself_with_a_small_number, "the label's own lead over itself"),
    (lambda W, b, x, y: by_loop(W, b, x, y, least=-np.inf), "here it is below 0"),
    (lambda W, b, x, y: abs(by_loop(W, b, x, y, least=-np.inf)), "not the size of its lead"),
    (lambda W, b, x, y: by_loop(W, b, x, (x @ W + b).argmax(1)), "what is read for the label"),
    (lambda W, b, x, y: by_loop(W, b, x, y, np.linalg.norm), "√Σ(w_y − w_j)²"),
    (lambda W, b, x, y: by_loop(W, b, x, y, lambda d: (d**2).sum()), "sum of the squares"),
    (lambda W, b, x, y: by_loop(W, b, x, y, lambda d: abs(d.sum())), "before they are added"),
    (two_logits, "apart from each other"),
    (own_logit, "the label's logit alone"),
    (lambda W, b, x, y: by_loop(W, b, x, y, lambda d: abs(d).max()), "a single pixel"),
    (lambda W, b, x, y: by_loop(W, b, x, y, lambda d: abs(d).mean()), "by the mean of"),
    (lambda W, b, x, y: by_loop(W, b, x, y) / 2, "half as much"),
    (lambda W, b, x, y: 2 * by_loop(W, b, x, y), "twice as much"),
    (lambda W, b, x, y: by_loop(W, b, x, y, lambda d: 1), "the lead itself"),
    (lambda W, b, x, y: by_loop(W, b, x, y, lambda d: 1, -np.inf), "the lead itself"),
    (lambda W, b, x, y: by_loop(W, b, x, y, pick=max), "the last rival"),
    (lambda W, b, x, y: by_loop(W, b, x, y, pick=np.mean), "the mean over the rivals"),
    (smallest_lead, "not always the one that noise reaches first"),
    (lambda W, b, x, y: by_loop(W, 0 * b, x, y), "the biases are left out"),
    (in_place, "changed the array"),
    (lambda W, b, x, y: 0.9 * by_loop(W, b, x, y), "not the right numbers"),
    (lambda W, b, x, y: by_loop(W, b, x, y) if len(x) == 6 else smallest_lead(W, b, x, y), "reaches first"),
]


@pytest.mark.parametrize("answer", [by_loop, all_at_once, by_search])
def test_a_right_answer_passes_however_it_is_written(answer, capsys):
    checks.linear_eps(answer)
    assert capsys.readouterr().out == "[OK] linear_eps: right, in 2 tests\n"


@pytest.mark.parametrize(("answer", "hint"), WRONG)
def test_a_usual_mistake_gets_its_hint(answer, hint, capsys):
    checks.linear_eps(answer)
    said = capsys.readouterr().out
    assert said.startswith("[not yet] linear_eps: ")
    assert hint in said
    assert 'Help: unfold "Hint: one rival at a time"' in said


def test_for_one_layer_the_bounds_are_exact():
    """Just below the right answer all is proved; just above it the noise against the lead makes it misread."""
    for W, b, x, y in certificate.cases():
        x, n = x.astype(np.float32), len(x)
        model = keras.Sequential([keras.layers.Input((1, W.shape[0], 1)), keras.layers.Flatten(),
                                  keras.layers.Dense(W.shape[1])])  # fmt: skip
        images = 0.5 + (x[:, None, :, None] - 0.5) / 10  # far from 0 and 1, where a pixel would stop
        model.set_weights([10 * W, b - 4.5 * W.sum(0)])  # reads them as the first network reads x
        right = by_loop(W, b, x, y) / 10
        assert (right[:-1] < 0.4).all()
        for i in range(n - 1):
            one, own = images[i : i + 1], y[i : i + 1]
            below, above = (bounds.margins(model, one, own, factor * right[i]).numpy()[0] for factor in (0.99, 1.01))
            assert np.delete(below, own).min() > 0 > np.delete(above, own).min()

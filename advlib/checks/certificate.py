"""The check of lesson 08's in-depth notebook on proofs: the largest ε that a linear network is sure to stand."""

import numpy as np

from .trying import Hint, call, check, compare


def apart(own, other):
    """How far a noise of size 1 can lower the lead of one logit over another, from their weights."""
    return np.abs(own - other).sum(0)


def linear(W, b, x, y, fast=apart, among=np.min, least=0.0):
    """The lead over each rival, divided by how fast noise uses it up; then the smallest over the rivals."""
    z, rivals = x @ W + b, np.array([np.delete(np.arange(W.shape[1]), label) for label in y])
    lead = z[np.arange(len(x)), y][:, None] - np.take_along_axis(z, rivals, 1)
    speed = np.array([fast(W[:, [label]], W[:, others]) for label, others in zip(y, rivals)])
    return np.maximum(among(lead / speed, axis=1), least)


def of_nearest(W, b, x, y):
    """Of the rival with the smallest lead, which need not be the one that noise reaches first."""
    z, rows = x @ W + b, np.arange(len(x))
    rival = np.where(np.arange(W.shape[1]) == y[:, None], -np.inf, z).argmax(1)
    return np.maximum((z[rows, y] - z[rows, rival]) / apart(W[:, y], W[:, rival]), 0)


def cases():
    """Two networks with images, the last image of each misread."""
    for pixels, classes, n, seed in (4, 3, 6, 13), (12, 7, 9, 14):
        rng = np.random.default_rng(seed)
        W, b, x = rng.normal(size=(pixels, classes)), rng.normal(size=classes), rng.random((n, pixels))
        z = x @ W + b
        yield W, b, x, np.append(z.argmax(1)[:-1], z[-1].argmin())


ANOTHER_SPEED = [
    (lambda own, other: np.sqrt(((own - other) ** 2).sum(0)), "this divides by √Σ(w_y − w_j)². Each pixel may move by "
     "ε, and all of them move against the lead, which falls by ε Σ|w_y − w_j|"),
    (lambda own, other: ((own - other) ** 2).sum(0), "this divides by the sum of the squares; the lead falls by ε "
     "times the sum of the absolute values"),
    (lambda own, other: np.abs((own - other).sum(0)), "the absolute value is of each weight, before they are added: "
     "every pixel moves in its own direction"),
    (lambda own, other: np.abs(own).sum(0) + np.abs(other).sum(0), "this bounds the two logits apart from each other, "
     "by Σ|w_y| + Σ|w_j|. It is safe but too small: one noise moves both, so w_y − w_j counts"),
    (lambda own, other: np.abs(own).sum(0) + 0 * other[0], "this lets noise lower the label's logit alone; it raises "
     "the rival's at the same time: w_y − w_j"),
    (lambda own, other: np.abs(own - other).max(0), "this lets a single pixel move; all of them may: add them"),
    (lambda own, other: np.abs(own - other).mean(0), "this divides by the mean of |w_y − w_j|; every pixel uses up its "
     "part of the lead, so they are added"),
    (lambda own, other: 2 * apart(own, other), "half as much as it is: a pixel moves by ε from where it is, not by 2ε"),
    (lambda own, other: apart(own, other) / 2, "twice as much as it is: the lead falls by ε Σ|w_y − w_j|, not by half"),
    (lambda own, other: np.ones(other.shape[1]), "this is the lead itself; how fast does noise use it up?"),
]  # fmt: skip


@check
def linear_eps(learners):
    """Weights (pixels, classes), biases, images (n, pixels) and labels to the largest ε without a change, one an image.

    Hint: one rival at a time
    """
    rival_of_itself = Hint("the answer holds NaN or infinity: the label is no rival of itself, for its lead and the "
                           "weights' difference are both 0; leave it out")  # fmt: skip
    misread = "an image that is misread without noise has the answer 0"
    for W, b, x, y in cases():
        n, classes, right = len(x), W.shape[1], linear(W, b, x, y)
        found = call(learners, W, b, x, y, nan=rival_of_itself)
        if found.shape in ((n, classes), (n, classes - 1)):
            raise Hint("this has a number for each rival; the first rival to catch up decides: take the smallest")
        if found.shape != (n,):
            raise Hint(f"the answer must have shape {(n,)}, an ε for each image; found {found.shape}")
        unclipped = linear(W, b, x, y, least=-np.inf)
        compare(found, right, [
            (unclipped, f"{misread}; here it is below 0: np.maximum"),
            (np.abs(unclipped), f"{misread}, not the size of its lead"),
            (linear(W, b, x, (x @ W + b).argmax(1)), f"this takes what is read for the label; {misread}"),
            (np.zeros(n), "0 for each image: the label's own lead over itself is 0, and it is no rival; leave it out"),
            *((linear(W, b, x, y, fast, least=least), hint) for fast, hint in ANOTHER_SPEED for least in (0, -np.inf)),
            (linear(W, b, x, y, among=np.max), "this is the last rival to catch up; the first one decides"),
            (linear(W, b, x, y, among=np.mean), "this is the mean over the rivals; the first one to catch up decides"),
            (of_nearest(W, b, x, y), "the rival with the smallest lead is not always the one that noise reaches first: "
             "divide for each rival, then take the smallest"),
            (linear(W, 0 * b, x, y), "the biases are left out: they belong to the lead"),
        ])  # fmt: skip
    return 2

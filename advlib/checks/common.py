"""The checks of notebook 04: one noise for many images, and what it does to a class."""

import numpy as np
from scipy.special import softmax

from .trying import Hint, call, check, compare


@check
def common_step(learners):
    """A noise and several images' gradients to the noise after one step that all of them share.

    Hint: the largest value of each image
    """
    rng = np.random.default_rng(4)
    e = rng.uniform(-0.2, 0.2, (3, 4, 1))
    g = rng.normal(size=(5, 3, 4, 1)) * np.array([1e-9, 1e-3, 1, 7, 40]).reshape(5, 1, 1, 1)
    g[:, 0, 0] = -np.abs(g).max((1, 2))  # the largest is a negative one, so that abs matters
    eps, alpha = 0.2, 0.25

    def largest(a):
        return np.abs(a).max((-3, -2, -1), keepdims=True)

    def clip(a):
        return np.clip(a, -eps, eps)

    votes = g / largest(g)
    step = alpha * votes.mean(0)
    found = call(learners, e, g, eps, alpha)
    if found.shape == g.shape:
        raise Hint("this is one noise for each image; the noise is common: take the mean of the votes over axis 0")
    if found.shape != e.shape:
        raise Hint(f"the new noise must have the old one's shape, {e.shape}; found {found.shape}")
    mean = g.mean(0)
    compare(found, clip(e + step), [
        (e + step, "the noise left its fence: clip it to -eps … eps after the step"),
        (np.clip(e + step, 0, eps), "the fence has two sides: -eps … eps"),
        (clip(e + alpha * votes.mean()), "the mean of all values is one number; the votes' mean is an image: axis=0"),
        (clip(e - step), "the sign: the loss has to grow, so the step goes along the gradient, not against it"),
        (np.clip(e + step, 0, 1), "it is the noise that is clipped, to -eps … eps; images, not noises, live in 0 … 1"),
        (e + clip(step), "the step was clipped; the noise after the step is what has to stay inside its fence"),
        (clip(step), "this forgets the old noise: the step is added to e"),
        (step, "this is the step alone: add it to e, and clip"),
        (clip(e + votes.mean(0)), "alpha is missing"),
        (clip(e + alpha * votes.sum(0)), "the votes' sum; their mean is asked for"),
        (clip(e + alpha * mean / largest(mean)),
         "the mean was taken before the division, so the image with the largest gradient decides alone: "
         "divide each image's gradient by its own largest value first"),
        (clip(e + alpha * (g / np.abs(g).max()).mean(0)),
         "one divisor for all images; each image's gradient is divided by its own largest value"),
        (clip(e + alpha * (g / g.max((1, 2, 3), keepdims=True)).mean(0)),
         "the largest value without its sign: take np.abs before the max"),
        (clip(e + alpha * mean), "each gradient has to be divided by its own largest absolute value"),
        (clip(e + alpha * np.sign(g).mean(0)), "the mean of signs; here a vote is g / max|g|"),
        (clip(e + alpha * np.sign(mean)), "a sign step; here a vote is g / max|g|"),
    ])  # fmt: skip
    g[1] = 0
    text = "NaN when one image's gradient is all zero: 0/0; divide only where the largest is above 0"
    nan = Hint(text, "Hint: an image whose gradient is all zero")
    found = call(learners, e, g, eps, alpha, shape=e.shape, nan=nan)
    votes[1] = 0
    compare(found, clip(e + alpha * votes.mean(0)), [
        (clip(e + alpha * votes.sum(0) / 4), "an image whose gradient is zero has no wish, and still counts: 5, not 4"),
    ])  # fmt: skip
    return 2


@check
def class_success(learners):
    """Predictions and true labels to ten shares: how many of each class are misread.

    Hint: one class
    """
    rng = np.random.default_rng(4)
    y = rng.permutation(np.repeat(np.arange(10), np.arange(3, 13)))
    prediction = np.where(rng.random(len(y)) < 0.6, rng.integers(0, 10, len(y)), y)
    wrong = prediction != y
    n = np.bincount(y)
    right = np.array([wrong[y == c].mean() for c in range(10)])
    found = call(learners, prediction, y)
    if found.shape == ():
        compare(found, wrong.mean(), [(1 - wrong.mean(), "this is the share read correctly, of all classes together")])
        raise Hint("this is the share of all images together; one share for each of the ten classes is asked for")
    if found.shape != (10,):
        raise Hint(f"the answer must have shape (10,), a share a class; found {found.shape}")
    with np.errstate(all="ignore"):
        by_prediction = np.array([wrong[prediction == c].mean() for c in range(10)])
    compare(found, right, [
        (1 - right, "these are the shares read correctly; the noise succeeds where the network misreads"),
        (right * n, "these are counts; divide each by how many images its class has"),
        (right * n / len(y), "each count is divided by all images; divide by how many images its own class has"),
        (right * n / n.mean(), "divided by the mean class size; the classes are not equally large"),
        (100 * right, "shares lie between 0 and 1; these are in percent"),
        (by_prediction, "grouped by what the network read; group by the true label y"),
        (np.bincount(prediction, minlength=10) / len(y), "this is how often each class is read; y is not used"),
        (np.full(10, wrong.mean()), "every class has the share of all images; pick out the class's images first"),
    ])  # fmt: skip
    return 1


@check
def dominant_label(learners):
    """Predictions for the noisy images of one class to the wrong label read most, and its share of the fooled.

    Hint: only the fooled ones
    """
    prediction = np.random.default_rng(4).permutation(np.repeat([5, 3, 8, 9], [7, 6, 5, 2]))
    found = call(learners, prediction, 5)
    if found.shape == ():
        raise Hint(f"two numbers are asked for, the label and its share; found {found}")
    if found.shape != (2,):
        raise Hint(f"two numbers are asked for, the label and its share; found shape {found.shape}")
    compare(found, [3, 6 / 13], [
        ([5, 7 / 20], "the 5s that are still read as 5 were not fooled: leave the true label out"),
        ([5, 7 / 13], "the 5s that are still read as 5 were not fooled: leave the true label out"),
        ([3, 6 / 20], "the right label, but its share is asked among the fooled images, not among all"),
        ([3, 6], "the right label; a share is asked for, not a count"),
        ([3, 600 / 13], "the right label; the share lies between 0 and 1, this is in percent"),
        ([3, 13 / 20], "the right label; this is how many were fooled at all"),
        ([6 / 13, 3], "the other way round: the label first, then its share"),
        ([9, 2 / 13], "this is the wrong label read least, or the largest label; the most frequent one is asked for"),
        ([0, 6 / 13], "the share is right; 0 is the place in np.unique's list, not the label that stands there"),
    ])  # fmt: skip
    found = call(learners, np.array([0, 0, 1, 1, 1]), 0, shape=(2,))
    compare(found, [1, 1], [([1, 0.6], "it works for the 5s only: use y")])
    return 2


@check
def margin(learners):
    """Logits and true labels to one margin an image: the true logit minus the largest other one.

    Hint: leaving the true class out
    """
    z = np.array([[2.0, 0.5, -1, 0], [-3, 1.5, 4, 1], [-1, -2, -6, -4], [0, 0, 3, 7]])
    y = np.array([0, 1, 2, 3])
    true = z[np.arange(4), y]
    others = np.where(np.arange(4) == y[:, None], -np.inf, z)
    right = true - others.max(1)
    found = call(learners, z, y)
    if found.shape == ():
        raise Hint("one margin for each image is asked for; found a single number")
    if found.shape != (4,):
        raise Hint(f"the answer must have shape (4,), a margin an image; found {found.shape}")
    mean = (z.sum(1) - true) / 3
    ordered = np.sort(z, axis=1)
    compare(found, right, [
        (-right, "the sign: the margin is above 0 while the image is read correctly"),
        (true - z.max(1), "the true class is among the others: leave it out before you take the largest"),
        (ordered[:, -1] - ordered[:, -2], "the largest minus the second, whatever the true label: y has to be used"),
        (np.abs(right), "a margin has a sign: it is negative where the image is misread"),
        (np.maximum(right, 0), "a margin below 0 is wanted too: it says how badly the image is misread"),
        (true - ordered[:, -2], "the second largest is the largest other one only while the image is read correctly"),
        (true - mean, "the mean of the others; the largest of them decides what the network reads"),
        (true, "this is the true logit alone; subtract the largest other one"),
        (true - np.where(np.arange(4) == y[:, None], 0, z).max(1),
         "the true logit was replaced by 0, and 0 is large where all logits are negative: use -np.inf"),
        (softmax(z, axis=1)[np.arange(4), y] - np.where(
            np.arange(4) == y[:, None], 0, softmax(z, axis=1)).max(1),
         "this is the margin of probabilities; the logits' is asked for"),
    ])  # fmt: skip
    return 1

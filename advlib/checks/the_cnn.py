"""The checks of notebook 01: how large a layer is, what logits say, and how often they are right."""

import numpy as np
from scipy.special import log_softmax
from scipy.special import softmax as _softmax

from .trying import Hint, call, check, compare


@check
def count_parameters(learners):
    """A layer's kernel, inputs and outputs to the number of its weights and biases.

    Hint: one filter
    """
    for k, i, o in [(5, 32, 64), (5, 1, 32), (1, 3136, 1024)]:
        found = call(learners, k, i, o, shape=())
        weights = k * k * i * o
        compare(found, weights + o, [
            (weights, "every weight is counted, but each filter adds a bias of its own too"),
            (weights + 1, "each filter has its own bias: there are as many as outputs, not one"),
            (weights + i, "there is a bias for each output, not for each input"),
            (weights + i * o, "a filter has one bias, not one for each input"),
            (k * i * o + o, "a filter is a square: it has kernel * kernel weights for each input"),
            (k * k * o + o, "a filter looks at every input channel: it has kernel * kernel weights for each"),
            (k * k * i + 1, "this is one filter; there are as many filters as outputs"),
        ], tolerance=1e-9)  # fmt: skip
    return 3


@check
def softmax(learners):
    """Rows of logits to rows of probabilities.

    Hint: the formula
    """
    z = np.array([[1.0, 2.0, 4.0], [0.5, 0.0, -1.0]])
    powers = np.exp(z)
    found = call(learners, z, shape=z.shape)
    compare(found, _softmax(z, axis=1), [
        (powers, "the powers are right, but a row of probabilities sums to 1: divide by the row's sum"),
        (powers / powers.sum(), "all rows together sum to 1; each row should: sum along axis=1, keepdims=True"),
        (powers / powers.sum(0), "the columns sum to 1; the rows should: a row is an image"),
        (z / z.sum(1, keepdims=True), "there is no exponential in it: divide exp(z) by its sum, not z"),
        (powers / powers.max(1, keepdims=True), "divided by the largest, not by the sum"),
        (log_softmax(z, axis=1), "these are the logarithms of the probabilities"),
    ])  # fmt: skip
    large = "Hint: large logits"
    try:
        found = call(learners, z + 1000, shape=z.shape)
    except Hint:
        text = "right for small logits, but exp(1000) is infinite: subtract the row's largest first"
        raise Hint(text, large) from None
    compare(found, _softmax(z, axis=1))
    apart = np.array([[1000.0, 0.0], [0.0, 1.0]])  # one number subtracted from all rows leaves nothing of the second
    try:
        found = call(learners, apart, shape=apart.shape)
    except Hint:
        raise Hint("right for rows of similar size; subtract each row's own largest, not that of all", large) from None
    compare(found, _softmax(apart, axis=1))
    return 3


@check
def cross_entropy(learners):
    """Logits and true labels to one loss an image.

    Hint: the formula
    """
    z = np.array([[2.0, 0.0, -1.0], [0.5, 1.5, 0.0], [0.0, 0.0, 3.0]])
    y = np.array([0, 2, 1])
    rows = np.arange(3)
    logs = log_softmax(z, axis=1)
    right = -logs[rows, y]
    best = -logs.max(1)
    nan = Hint("NaN or infinity: take the logarithm of the probabilities, which are above 0")
    found = call(learners, z, y, nan=nan)
    if found.shape == ():
        total = "sum" if np.isclose(found, right.sum()) else "mean"
        raise Hint(f"one loss for each image is wanted, not one number for all: the {total} comes later")
    if found.shape == (3, 3):
        raise Hint("a row for each image, with a value for each class; pick the true one's: logs[np.arange(n), y]")
    if found.shape != (3,):
        raise Hint(f"the answer must have shape (3,), one loss an image; found {found.shape}")
    compare(found, right, [
        (-right, "the sign: the logarithm of a probability is negative, a loss is positive"),
        (best, "this takes the class that the network likes best; the loss takes the true label's"),
        (-best, "this takes the class that the network likes best, and the sign is wrong too"),
        (-z[rows, y], "these are logits; make probabilities of them first"),
        (np.exp(-right), "these are the true labels' probabilities; the loss is minus their logarithm"),
        (1 - np.exp(-right), "1 - p grows too when p falls, but cross-entropy is -log(p)"),
        (right / np.log(2), "logarithm to base 2; the field uses the natural one, np.log"),
        (right / np.log(10), "logarithm to base 10; the field uses the natural one, np.log"),
        (-log_softmax(z)[rows, y], "one softmax over all images and classes; each image has its own: axis=1"),
        (-log_softmax(z, axis=0)[rows, y], "the softmax runs over the images; it should run over the classes, axis=1"),
        (-log_softmax(_softmax(z, axis=1), axis=1)[rows, y], "the softmax is taken twice: z are logits"),
        (-(y * logs).sum(1), "y holds the classes 0, 2, 1, no ones and zeros: pick with logs[np.arange(n), y]"),
        (-logs.sum(1), "this is the sum over the classes; only the true label's probability counts"),
        (-logs.mean(1), "this is the mean over the classes; only the true label's probability counts"),
    ])  # fmt: skip
    z, y = np.tile(z, (2, 1))[:4, [1, 0, 2]], np.array([1, 1, 2, 0])
    compare(call(learners, z, y, shape=(4,)), -log_softmax(z, axis=1)[np.arange(4), y])
    return 2


@check
def accuracy(learners):
    """Logits and true labels to the share that is read correctly.

    Hint: a first step
    """
    z = np.array([[8.0, 7, 6, -3, 5], [1, 3, 7, 0, 3], [2, -2, 2, -3, 3], [6, 5, 1, 7, 6], [1, -3, 1, -2, 5]])
    y = np.array([4, 2, 4, 3, 0])
    found = call(learners, z, y)
    if found.shape == (5,):
        raise Hint("one answer for each image; how often it is right is their mean")
    if found.shape != ():
        raise Hint(f"the answer must be one number; found shape {found.shape}")
    compare(found, 0.6, [
        (3, "this counts the images read correctly; divide by how many there are"),
        (60, "a share lies between 0 and 1; this is in percent"),
        (0.2, "the largest of a column, or of all: a row is an image, so argmax(axis=1)"),
        (0.4, "this is the share of mistakes"),
        (0, "0, where three of five are right: argmax(axis=1) is the place of the largest logit, max its size; and // "
            "rounds down, where / does not"),
    ])  # fmt: skip
    compare(call(learners, z[:3], y[:3], shape=()), 2 / 3, [(0.4, "divided by 5; divide by how many images there are")])
    return 2

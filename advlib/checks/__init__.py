"""What tells a learner what is wrong with their function, and what tells a user what is wrong with their set-up.

A check calls the learner's function on small cases, stage by stage.  Where the answer is wrong it is compared
with the answers that the usual mistakes give, so that the message can name the mistake.
"""

import ctypes
import functools
import importlib.metadata
import inspect
import os
import sys
import threading
import tomllib
import warnings
from pathlib import Path

import numpy as np
from packaging.requirements import Requirement
from packaging.version import Version
from scipy.special import log_softmax
from scipy.special import softmax as _softmax
from scipy.stats import binom, binomtest, chi2, chi2_contingency

from .. import data

MEMORY = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
SECONDS = 20  # after which a learner's function is stopped


class Hint(Exception):
    """What a learner is told, and the hint of the exercise to unfold, where it is another than the check's own."""

    def __init__(self, text, unfold=None):
        super().__init__(text)
        self.unfold = unfold


class TooLong(BaseException):
    """Raised inside a learner's function that runs for too long; no ``except Exception`` of theirs stops it."""


def check(function):
    """Make a check: it prints one line, never raises, and shows no traceback but the learner's own.

    The checked function's docstring ends with the title of the hint to unfold.
    """
    own_hint = inspect.getdoc(function).splitlines()[-1]

    @functools.wraps(function)
    def told(learners):
        name = function.__name__
        if not callable(learners):
            print(f"[not yet] {name}: give the function itself, without brackets; found {learners!r}")
            return
        try:
            tests = function(learners)
        except Hint as hint:
            print(f'[not yet] {name}: {hint}\n          Help: unfold "{hint.unfold or own_hint}" above your function.')
        else:
            print(f"[OK] {name}: right, in {tests} test{'s' * (tests > 1)}")

    return told


def call(function, *args, shape=None, nan=None):
    """The learner's answer as an array; a Hint where there is none, or it is of another kind than asked for.

    Parameters
    ----------
    function : the learner's
    *args : what it is given; arrays are copied, and looked at afterwards
    shape : tuple, optional
        The shape that the answer must have.
    nan : Hint, optional
        What to say where the answer holds NaN or infinity.
    """
    given = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    stop = ctypes.c_ulong(threading.get_ident()), ctypes.py_object(TooLong)
    limit = threading.Timer(SECONDS, ctypes.pythonapi.PyThreadState_SetAsyncExc, stop)
    limit.start()
    try:
        with np.errstate(all="ignore"):  # what comes of it is looked at below
            found = function(*given)
    except TooLong:
        raise Hint(f"it was stopped after {SECONDS} seconds: does a loop never end?") from None
    except NotImplementedError:
        raise Hint("not written yet") from None
    except (Exception, SystemExit) as error:
        line = error.__traceback__.tb_next
        where = f", in its line {line.tb_lineno - line.tb_frame.f_code.co_firstlineno + 1}" if line else ""
        text = f"it stopped with {type(error).__name__}: {error}{where}; it was given {_told(function, args)}"
        raise Hint(text) from None
    finally:
        limit.cancel()
    if found is None or found is ...:
        raise Hint("not written yet: it gives nothing back (is there a return?)")
    for before, after in zip(args, given):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=True):
            raise Hint("it changed the array that it was given; make a new one, with x + ... instead of x += ...")
    try:
        found = np.asarray(found)
    except ValueError as error:
        raise Hint(f"the answer is no array: {error}") from None
    if found.dtype.kind not in "biuf":
        raise Hint(f"the answer must be numbers; found {found.dtype}")
    if shape is not None and found.shape != shape:
        wanted = f"have shape {shape}" if shape else "be one number"
        raise Hint(f"the answer must {wanted}; found shape {found.shape}")
    if not np.isfinite(found).all():
        raise nan or Hint("the answer holds NaN or infinity")
    return found


def _told(function, args):
    """Each argument by its name in the learner's function, with its shape."""
    try:
        names = list(inspect.signature(function).parameters)
    except ValueError:  # a function of numpy's, say
        names = []
    names += ["…"] * len(args)
    kinds = [f"of shape {a.shape}" if isinstance(a, np.ndarray) else "a function" if callable(a) else "a number"
             for a in args]  # fmt: skip
    return ", ".join(f"{name}: {kind}" for name, kind in zip(names, kinds))


def compare(found, right, mistakes=(), tolerance=1e-5):
    """A Hint unless the answer is right; the hint of the mistake that gives the same answer, if one does.

    Parameters
    ----------
    found, right : arrays
    mistakes : sequence of (array, str)
        A wrong answer, and what to say to whoever arrives at it.
    tolerance : float
    """
    found, right = np.asarray(found, float), np.asarray(right, float)
    if np.allclose(found, right, rtol=tolerance, atol=tolerance):
        return
    for wrong, hint in mistakes:
        if np.shape(wrong) == found.shape and np.allclose(found, wrong, rtol=tolerance, atol=tolerance):
            raise Hint(hint)
    where = np.unravel_index(np.abs(found - right).argmax(), found.shape)
    at = f"at {list(map(int, where))} " if where else ""
    raise Hint(f"not the right numbers: {at}expected {right[where]:.4g}, found {found[where]:.4g}")


# ----------------------------------------------------------------------------- notebook 00
@check
def grey_levels(learners):
    """ε, where 1 is the step from black to white, in steps of the 256 grey levels.

    Hint
    """
    eps = 0.15
    found = call(learners, eps, shape=())
    compare(found, 255 * eps, [
        (eps / 255, "divided, where there is to multiply: a grey level is less than the whole step to white"),
        (256 * eps, "256 levels have 255 steps between them, as five fingers have four gaps"),
        (round(255 * eps), "right, but rounded; leave that to whoever prints it"),
        (100 * eps, "this is in percent; white is 255"),
        (eps, "this is ε as it came"),
    ])  # fmt: skip
    grid = np.array([0.0, 0.1, 1.0])
    compare(call(learners, grid, shape=grid.shape), 255 * grid)
    return 2


# ----------------------------------------------------------------------------- notebook 01
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


# ----------------------------------------------------------------------------- notebook 02
class Two(tuple):
    """Logits and gradients, which say so where somebody reckons with both at once."""

    def refuse(self, *_, **__):
        raise TypeError("network gives two arrays, logits and gradients; take the second, network(...)[1]")

    __array__ = __mul__ = __rmul__ = __truediv__ = __add__ = refuse


def _network(x, y):
    """What the checks attack: logits and gradients of a linear network, (n, 2, 3, 2) to three classes."""
    weights = np.random.default_rng(9).normal(size=(12, 3))
    z = np.reshape(x, (-1, 12)) @ weights
    slope = _softmax(z, axis=1) - np.eye(3)[y]
    return Two((z, (slope @ weights.T).reshape(np.shape(x))))


def _images(n):
    return np.clip(np.random.default_rng(n).uniform(-0.2, 1.2, (n, 2, 3, 2)), 0, 1)


def _largest(g):
    return np.abs(g).max((1, 2, 3), keepdims=True)


@check
def step(learners):
    """A network, a batch of images, their labels and alpha to the images after one step of equation (1).

    Hint
    """
    x, alpha = _images(3), 0.1
    read = _network(x, [0, 0, 0])[0].argmax(1)
    y = np.array([(read[0] + 1) % 3, read[1], read[2]])  # the first is misread: its prediction is not its label
    g = _network(x, y)[1]
    m, guess = _largest(g), _network(x, read)[1]
    right = x + alpha * g / m
    found = call(learners, _network, x, y, alpha, shape=x.shape)
    compare(found, right, [
        (x + alpha * g, "the gradient's own size decides how far it goes: divide by m, the largest of |g|"),
        (x + alpha * g / m.max(), "divided by the batch's largest |g|; every image has its own m: "
                                  "max over axis=(1, 2, 3), keepdims=True"),
        (x + alpha * g / np.abs(g).max(0), "max along axis=0 compares images with one another; "
                                           "m is the largest of one image: axis=(1, 2, 3), keepdims=True"),
        (x + alpha * g / g.max((1, 2, 3), keepdims=True), "m is the largest absolute value: np.abs first"),
        (x + alpha * g / np.sqrt(np.square(g).sum((1, 2, 3), keepdims=True)),
         "divided by the gradient's length; m is its largest absolute value"),
        (x + alpha * g.mean(0) / np.abs(g.mean(0)).max(), "the mean over the batch moves all images the same "
                                                          "way; each goes along its own gradient"),
        (x + alpha * np.sign(g), "this is the sign rule: every pixel moves by alpha. Here a pixel moves as far as "
                                 "its gradient is large: g / m"),
        (x - alpha * g / m, "downhill: J falls and the network gets surer. The attack adds"),
        (alpha * g / m, "this is the step alone; give back the images after it, x_adv + ..."),
        (x + alpha * guess / _largest(guess), "right, but for the class that the network reads, not for the label: "
                                              "once an image is misread that leads back to its own class"),
        (np.clip(right, 0, 1), "right, and then clipped to [0, 1]; that is the next function's work"),
    ])  # fmt: skip

    def faint(images, labels):
        z, g = _network(images, labels)
        return Two((z, 1e-20 * g))

    compare(call(learners, faint, x, y, alpha, shape=x.shape), right, [
        (x, "a gradient of 1e-20 still points somewhere, and here it moved nothing: no + 1e-8 in the denominator"),
    ])  # fmt: skip

    def dead(images, labels):
        z, g = _network(images, labels)
        return Two((z, g * np.any(images, axis=(1, 2, 3), keepdims=True)))

    x[1] = 0
    g = dead(x, y)[1]
    right = x + alpha * g / np.where(_largest(g) > 0, _largest(g), 1)
    nan = Hint("right, until a gradient is all zero: then m is 0, and 0/0 is not a number. "
               "Such an image stays where it is")  # fmt: skip
    compare(call(learners, dead, x, y, alpha, shape=x.shape, nan=nan), right)
    return 3


@check
def clip(learners):
    """Images under attack, the originals and an eps for each to images that equation (2) allows.

    Hint
    """
    x = np.array([[0, 0.5, 0.93, 1, 0.2], [0, 0.4, 0.6, 0.9, 1]]).reshape(2, 1, 5, 1)
    x_adv = x + np.array([[-0.4, 0.4, 0.5, 0.05, 0.02], [0.5, -0.35, 0.05, 0.2, -0.6]]).reshape(2, 1, 5, 1)
    eps = np.array([0.15, 0.1])
    ball = eps[:, None, None, None]
    near = np.clip(x_adv, x - ball, x + ball)
    right = np.clip(near, 0, 1)
    far = f"a pixel moved by {np.abs(x_adv - x)[0].max():.2f}, where ε is {eps[0]}"
    try:
        found = call(learners, x_adv, x, eps)
    except Hint as hint:
        if "ambiguous" not in str(hint):
            raise
        raise Hint(f"{hint}\n          eps holds one number an image: eps[:, None, None, None] stands beside images"
                   ) from None  # fmt: skip
    if found.shape == (2, 1, 5, 2):
        raise Hint("the answer has grown two channels: numpy laid eps, shape (2,), along the last axis. "
                   "eps[:, None, None, None] lies along the images")  # fmt: skip
    if found.shape != x.shape:
        raise Hint(f"the answer must have shape {x.shape}; found {found.shape}")
    around = f"{far}: the ball is around x, and around x_adv everything fits. (Or was it forgotten?)"
    compare(found, right, [
        (x_adv, around),
        (np.clip(x_adv, 0, 1), f"every pixel is inside [0, 1], but {around}"),
        (near, f"right inside the ε-ball, but a pixel went to {near.max():.2f}. Equation (2) does not know that "
               "images end at 1; you have to"),
        (np.clip(x, x_adv - ball, x_adv + ball), "x was clipped to the ball around x_adv; it is the other way round"),
        (np.clip(np.clip(x, x_adv - ball, x_adv + ball), 0, 1),
         "x was clipped to the ball around x_adv; it is the other way round"),
        (np.clip(x_adv - x, -ball, ball), "this is the noise; give back the image, x + noise, inside [0, 1]"),
        (np.clip(x_adv, -ball, ball), "x_adv itself was clipped to [-ε, ε]; the ball is around x: x - ε … x + ε"),
        (np.clip(np.minimum(x_adv, x + ball), 0, 1), "only the upper end is kept: no pixel may go below x - ε either"),
        (np.clip(np.maximum(x_adv, x - ball), 0, 1), "only the lower end is kept: no pixel may go above x + ε either"),
        *((np.clip(np.clip(x_adv, x - one, x + one), 0, 1), f"every image has its own ε, and {one:g} was used for both")
          for one in (eps[0], eps[1], eps.mean())),
    ])  # fmt: skip
    found = call(learners, x_adv, x, np.array([0.0, 1.0]), shape=x.shape)
    compare(found, np.stack([x[0], np.clip(x_adv[1], 0, 1)]))
    return 2


@check
def rms(learners):
    """Images under attack and the originals to one root mean square an image, equations (4) and (5).

    Hint
    """
    x, x_adv = _images(4)[:3], _images(5)[:3]
    e = x_adv - x
    square = np.square(e)
    right = np.sqrt(square.mean((1, 2, 3)))
    nan = Hint("NaN: the root of something below 0. Square the noise first, then mean, then root")
    found = call(learners, x_adv, x, nan=nan)
    if found.shape == ():
        compare(found, np.sqrt(square.mean()), [
            (right.mean(), "this is the mean of the three; one number for each image is wanted"),
        ])  # fmt: skip
        raise Hint("one number for the whole batch; each image has its own: mean over axis=(1, 2, 3)")
    if found.shape != right.shape:
        raise Hint(f"the answer must have shape {right.shape}, one number an image; found {found.shape}: "
                   "the mean goes over height, width and channels, axis=(1, 2, 3)")  # fmt: skip
    compare(found, right, [
        (right**2, "the mean of the squares is right; its root is missing"),
        (np.sqrt(square.sum((1, 2, 3))), "a sum, not a mean: it would grow with the number of pixels"),
        (np.abs(e).mean((1, 2, 3)), "the mean of |e|: the root was drawn before the mean. Square, mean, root"),
        (e.std((1, 2, 3)), "this is the standard deviation: it takes the mean off first, and RMS does not"),
        (np.abs(e).max((1, 2, 3)), "this is the largest move of a pixel, which ε bounds already"),
        (np.sqrt(np.square(x_adv).mean((1, 2, 3))), "the RMS of the image; equation (5) takes x away first"),
        (255 * right, "in grey levels; the paper's 0.063 is in the images' own units, where white is 1"),
    ])  # fmt: skip
    compare(call(learners, x, x, shape=(3,)), np.zeros(3))
    return 2


@check
def targeted_step(learners):
    """A network, images under attack, the originals, labels, targets, eps and alpha to one step of equation (3).

    Hint
    """
    x, eps, alpha = _images(3), 0.12, 0.1
    y = _network(x, [0, 0, 0])[0].argmax(1)
    y_target = (y + 1) % 3
    start = np.clip(x + 0.1 * np.sign(_images(6)[:3] - 0.5), 0, 1)  # on its way: most pixels near the ball's edge
    g, true, old = _network(start, y_target)[1], _network(start, y)[1], _network(x, y_target)[1]

    def after(step, base=start):
        return np.clip(np.clip(base + step, x - eps, x + eps), 0, 1)

    down = -alpha * g / _largest(g)
    right = after(down)
    found = call(learners, _network, start, x, y, y_target, eps, alpha, shape=x.shape)
    compare(found, right, [
        (after(-down), "away from the target: J(x, y_target) must fall, so the step is taken off"),
        (after(-alpha * true / _largest(true)), "downhill for the true label: the network gets surer of the truth. "
                                                "Equation (3) asks for y_target's gradient"),
        (after(alpha * true / _largest(true)), "this is equation (1), away from the truth to wherever it leads; "
                                               "equation (3) goes towards y_target"),
        (after(-alpha * old / _largest(old)), "the gradient was taken at x; after the first step x_adv is elsewhere"),
        (after(-alpha * old / _largest(old), x), "this starts from x again; the next step starts from x_adv"),
        (after(down, x), "right step, but it starts from x again; the next step starts from x_adv"),
        (after(-alpha * g), "right way, but the step is not divided by m"),
        (after(-alpha * g / _largest(g).max()), "divided by the batch's largest |g|; every image has its own m"),
        (after(-alpha * np.sign(g)), "this is the sign rule; the paper's step is g / m"),
        (start + down, "right step, but not clipped: equation (2), and [0, 1]"),
        (np.clip(start + down, 0, 1), "right step, but a pixel ends further than ε from x: clip around x, not x_adv. "
                                   "(Or was it forgotten?)"),
        (np.clip(start + down, x - eps, x + eps), f"right inside the ε-ball, but a pixel went to "
                                                  f"{np.clip(start + down, x - eps, x + eps).max():.2f}"),
        (right - x, "this is the noise; give back the images"),
    ])  # fmt: skip
    compare(call(learners, _network, start, x, y, y_target, 0.0, alpha, shape=x.shape), x)
    return 2


# ----------------------------------------------------------------------------- notebook 03
@check
def sign_step(learners):
    """A network, images under attack, the originals, labels, eps and alpha to one step of the sign rule.

    Hint
    """
    x, eps, alpha = _images(3), 0.12, 0.08
    still = np.s_[:, 0, 1, 0]  # a pixel that the network does not look at

    def network(images, labels):
        z, g = _network(images, labels)
        g = g * np.cos(20 * images)  # bent, so that its sign differs from place to place
        g[still] = 0
        return Two((z, g))

    start = np.clip(x + 0.08 * np.sign(_images(7)[:3] - 0.5), 0, 1)  # on its way
    read = network(start, [0, 0, 0])[0].argmax(1)
    y = np.array([(read[0] + 1) % 3, read[1], read[2]])  # the first is misread: its prediction is not its label
    g, guess = (network(start, labels)[1] for labels in (y, read))
    old = network(x, y)[1]

    def after(step, base=start):
        return np.clip(np.clip(base + step, x - eps, x + eps), 0, 1)

    up = alpha * np.sign(g)
    right, near = after(up), np.clip(start + up, x - eps, x + eps)
    nan = Hint("NaN: some pixels have a gradient of 0, and 0/0 is not a number; np.sign gives 0 there")
    found = call(learners, network, start, x, y, eps, alpha, shape=x.shape, nan=nan)
    compare(found, right, [
        (after(alpha * g), "the gradient's size is still in it: np.sign(g) keeps only +1, 0 and -1"),
        (after(alpha * g / _largest(g)), "this is the paper's step, g / m; the sign rule keeps no size at all"),
        (after(-up), "downhill: J falls and the network gets surer. The attack adds"),
        (after(alpha * np.sign(np.abs(g))), "every pixel got brighter: the sign was taken after np.abs"),
        (after(alpha * np.where(g > 0, 1, -1)), "a pixel whose gradient is 0 got darker: the sign of 0 is 0, and "
                                                "such a pixel stays"),
        (after(alpha * np.where(g >= 0, 1, -1)), "a pixel whose gradient is 0 got brighter: the sign of 0 is 0, and "
                                                 "such a pixel stays"),
        (after(alpha * np.sign(g.mean(0))), "the mean over the batch moves all images the same way; each goes along "
                                            "its own gradient"),
        (after(alpha * np.sign(guess)), "right, but for the class that the network reads, not for the label"),
        (after(alpha * np.sign(old)), "the gradient was taken at x; after the first step x_adv is elsewhere"),
        (after(alpha * np.sign(old), x), "this starts from x again; the next step starts from x_adv"),
        (after(up, x), "right direction, but it starts from x again; the next step starts from x_adv"),
        (after(eps * np.sign(g)), "a step of ε goes to the fence at once; a step is alpha"),
        (start + up, "right step, but not clipped: equation (2), and [0, 1]"),
        (np.clip(start + up, 0, 1), "right step, but a pixel ends further than ε from x: clip around x, not x_adv. "
                                   "(Or was it forgotten?)"),
        (near, f"right inside the ε-ball, but pixels went to {near.min():.3f} and {near.max():.3f}: "
               "images end at 0 and 1"),
        (right - x, "this is the noise; give back the images"),
    ])  # fmt: skip
    return 1


@check
def l0(learners):
    """Images after an attack and before it to the number of pixels that moved, one number an image.

    Hint
    """
    grey = 1 / 255
    x = np.zeros((3, 2, 3, 3))
    x_adv = x.copy()
    x_adv[0, 0, 0] = 5 * grey, 9 * grey, 0  # two of its three colours: one pixel
    x_adv[0, 1, 1] = 0, 0, 0.4 * grey  # less than a grey level: an 8-bit file does not hold it
    x_adv[1, :, 0] = 30 * grey, 0, 20 * grey
    x_adv[1, 1, 2] = grey, 0, 0  # one grey level, and not more
    x_adv[1, 0, 2] = 0, 7 * grey, 0
    x[1, 0, 1, 0], x_adv[1, 0, 1, 0] = 51 * grey, 52.5 * grey  # in whole numbers this is one level only
    x[0, 1, 2, 0] = grey  # one level darker, which wraps around in numbers of 8 bits
    x[2] = 0.5
    x_adv[2] = 0.5
    x_adv[2, 0] = 0.5 - 40 * grey  # a whole row darker
    x_adv[2, 1, 1] += 12 * grey, -12 * grey, 0  # on average nothing
    x_adv[2, 1, 2, 1] += 2 * grey
    e = x_adv - x
    far = np.abs(e) > grey
    right = far.any(3).sum((1, 2))
    whole, small = (np.abs((255 * x_adv).astype(t) - (255 * x).astype(t)) > 1 for t in (int, np.uint8))
    found = call(learners, x_adv, x)
    if found.shape == ():
        raise Hint("one number for the whole batch; each image has its own: sum over axis=(1, 2)")
    if found.shape != (3,):
        raise Hint(f"the answer must have shape (3,), one number an image; found {found.shape}")
    compare(found, right, [
        (far.sum((1, 2, 3)), "a pixel that moved in two of its colours is one pixel, not two: any over axis=3 first"),
        (far.all(3).sum((1, 2)), "a pixel has moved when any of its colours has; this wants all of them to"),
        ((e > grey).any(3).sum((1, 2)), "pixels that got darker moved too: np.abs first"),
        ((e > grey).sum((1, 2, 3)), "pixels that got darker moved too (np.abs), and a pixel counts once (any, axis=3)"),
        ((e != 0).any(3).sum((1, 2)), "this counts every pixel that is not exactly the same; only a move of more than "
                                      "1/255 counts"),
        ((e != 0).sum((1, 2, 3)), "this counts every value that is not exactly the same; a move of more than 1/255 "
                                  "counts, and a pixel once"),
        ((np.abs(e) >= grey).any(3).sum((1, 2)), "more than 1/255: exactly 1/255 does not count, so > and not >="),
        ((np.abs(e) > 1).any(3).sum((1, 2)), "images lie in [0, 1], where no pixel moves by more than 1; a grey "
                                              "level is 1/255"),
        ((np.abs(e.mean(3)) > grey).sum((1, 2)), "the mean of the colours was taken first; what counts is any one of "
                                                 "them"),
        ((np.abs(e.sum(3)) > grey).sum((1, 2)), "the colours were added up first; what counts is any one of them"),
        ((~far.any(3)).sum((1, 2)), "these are the pixels that stayed"),
        (whole.any(3).sum((1, 2)), "whole numbers cut off a part of a grey level: compare the images as they come"),
        (small.any(3).sum((1, 2)), "whole numbers of 8 bits cut off parts, and 0 - 1 is 255 in them: compare the "
                                   "images as they come"),
        (right / 6, "a share; the number of pixels is wanted"),
        (np.sqrt(right), "the root belongs to L2; L0 is a count"),
        (x_adv.any(3).sum((1, 2)), "this counts the pixels of x_adv that are not black; the noise is x_adv - x"),
    ])  # fmt: skip
    compare(call(learners, x, x, shape=(3,)), np.zeros(3))
    return 2


@check
def mcnemar(learners):
    """Two attacks' successes on the same images to the exact two-sided p-value of McNemar's test.

    Hint
    """

    def pairs(both, first, second, neither):
        counts = (both, first, second, neither)
        return (np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts))

    def exact(b, c, **more):
        return binomtest(b, b + c, **more).pvalue

    both, b, c, neither = 12, 9, 2, 7
    first, second = pairs(both, b, c, neither)
    n = len(first)
    squared, corrected = (b - c) ** 2 / (b + c), (b - c - 1) ** 2 / (b + c)
    found = call(learners, first, second)
    if found.shape != ():
        raise Hint(f"one p-value is wanted; found shape {found.shape}")
    compare(found, exact(b, c), [
        (exact(c, b, alternative="less"), "one tail; either attack might have been the better one, so double it"),
        (exact(b, c, alternative="less"), "the wrong tail: how probable is a split as uneven as this or more so?"),
        (1 - exact(b, c), "this is 1 - p: the p-value is small when the attacks differ"),
        (binom.pmf(c, b + c, 0.5), "the probability of this very split; the p-value adds those more uneven still"),
        (2 * binom.pmf(c, b + c, 0.5), "the probability of this very split; the p-value adds those more uneven still"),
        (2 * binom.cdf(c - 1, b + c, 0.5), "the split that was seen belongs to the tail too: from 0 to the smaller of "
                                           "b and c, with both ends"),
        (chi2.sf(squared, 1), "the chi-squared approximation, good for many images; the exact p is asked for"),
        (chi2.sf(corrected, 1), "the chi-squared approximation with its correction; the exact p is asked for"),
        (squared, "this is the test statistic; its p-value is wanted"),
        (chi2_contingency([[both + b, c + neither], [both + c, b + neither]]).pvalue,
         "these two counts were compared as if they came from different images; they are the same images"),
        (chi2_contingency([[both + b, c + neither], [both + c, b + neither]], correction=False).pvalue,
         "these two counts were compared as if they came from different images; they are the same images"),
        (chi2_contingency([[both, b], [c, neither]]).pvalue,
         "this asks whether the two attacks fool the same images (they do); not which fools more"),
        (binomtest(b, n).pvalue, "divided by all images; those where both did the same say nothing: m is b + c"),
        (binomtest(c, n).pvalue, "divided by all images; those where both did the same say nothing: m is b + c"),
        (exact(both + b, both + c), "the images that both fooled say nothing about which is better: leave them out"),
        (exact(both, neither), "these are the images on which the attacks agree; look at those where they do not"),
        (1, "added up to the larger of b and c; the tail ends at the smaller one"),
        (2 * binom.cdf(b, b + c, 0.5), "added up to the larger of b and c; the tail ends at the smaller one"),
        (b, "this is a count; its p-value is wanted"),
        (c, "this is a count; its p-value is wanted"),
    ])  # fmt: skip
    compare(call(learners, second, first, shape=()), exact(b, c), [
        (2 * binom.cdf(b, b + c, 0.5), "right for the first attack better, wrong the other way round: start from the "
                                       "smaller of the two counts"),
        (1, "right for the first attack better, wrong the other way round: start from the smaller of the two counts"),
    ])  # fmt: skip
    even = call(learners, *pairs(3, 2, 2, 3), shape=())
    if even > 1:
        raise Hint(f"right where they differ, but for 2 against 2 it gives {even:.3g}: the two tails overlap, and a "
                   "probability ends at 1") from None  # fmt: skip
    compare(even, 1)
    try:
        compare(call(learners, *pairs(4, 0, 0, 4), shape=()), 1)
    except Hint as hint:
        raise Hint(f"right, until the attacks never differ: then nothing speaks against chance, and p is 1 ({hint})"
                   ) from None  # fmt: skip
    return 4


# ----------------------------------------------------------------------------- notebook 04
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
        (_softmax(z, axis=1)[np.arange(4), y] - np.where(
            np.arange(4) == y[:, None], 0, _softmax(z, axis=1)).max(1),
         "this is the margin of probabilities; the logits' is asked for"),
    ])  # fmt: skip
    return 1


# ------------------------------------------------------------------------- the environment
def environment():
    """Print one line for each thing that the course needs: [OK], or [FAIL] with the remedy.

    Returns
    -------
    bool
        Everything is there.
    """
    lines = [*_python(), *_packages(), *_files(), *_memory()]
    for fine, text in lines:
        print(f"[{'OK' if fine else 'FAIL'}] {text}")
    failed = sum(not fine for fine, _ in lines)
    print("Everything is there." if not failed else f"{failed} to mend; README.md, Troubleshooting, helps.")
    return not failed


def _python():
    version = ".".join(map(str, sys.version_info[:3]))
    fine = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield fine, f"Python {version}" + ("" if fine else ": use 3.11, 3.12 or 3.13 (TensorFlow has no other)")


def _packages():
    file = data.ROOT / "pyproject.toml"
    if not file.exists():
        yield False, f"{file} is not there, advlib was installed apart from the course: pip install -e . in its folder"
        return
    for line in tomllib.loads(file.read_text(encoding="utf-8"))["project"]["dependencies"]:
        wanted = Requirement(line)
        try:
            found = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            yield False, f"{wanted.name} is missing: python course.py lab installs it"
            continue
        fine = wanted.specifier.contains(Version(found))
        yield fine, f"{wanted.name} {found}" + (
            "" if fine else f": the course needs {wanted.specifier}; python course.py lab installs it"
        )


def _files():
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the same is said below, in a line of its own
            dataset = data.load()
    except (data.DataError, ValueError) as why:  # ValueError: what ADVLIB_DATASET says is no data set
        yield False, str(why)
    else:
        why = "as ADVLIB_DATASET asks" if os.environ.get("ADVLIB_DATASET") else "for MNIST could not be had"
        yield True, {
            "mnist": "MNIST, every image verified",
            "digits": f"offline digits, {why} (README: how to get MNIST)",
        }[dataset.name]
    from .. import cnn

    for seed in (0, 1, 2):
        path = cnn.WEIGHTS / f"mnist-cnn-{seed}.npz"
        name = f"data/weights/{path.name}"
        yield path.exists(), name if path.exists() else f"{name} is missing: git checkout -- data/weights"
    fine = os.access(data.DATA, os.W_OK)
    yield fine, "data/ can be written" if fine else f"{data.DATA} cannot be written: give yourself the right to"


def _memory():
    lines = MEMORY.read_text().splitlines() if MEMORY.exists() else []  # Linux only
    for kilobytes in [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]:
        gigabytes = min([1024 * kilobytes, *_container()]) / 2**30
        fine = gigabytes > 1.5
        yield fine, f"{gigabytes:.1f} GiB of memory free" + ("" if fine else ": close other kernels (1.5 needed)")


def _container():
    """What a hub's limit leaves of the memory, in bytes, where there is a limit (cgroup v2)."""
    try:
        limit, used, told = ((CGROUP / f"memory.{name}").read_text() for name in ("max", "current", "stat"))
        cached = dict(line.split() for line in told.splitlines())["inactive_file"]  # given back when it is needed
        return [int(limit) - int(used) + int(cached)]
    except (OSError, ValueError, KeyError):  # no such file, or "max"
        return []

"""The checks of notebook 01: how large a layer is, what logits say, how often they are right, how fast to learn."""

import functools

import numpy as np
from scipy.special import log_softmax
from scipy.special import softmax as _softmax

from ..metrics import Rate
from .trying import Hint, by_hand, call, check, compare


def _rows(learners, z, *more, **kinds):
    """Call it; where rows and columns do not fit, add what makes them fit."""
    try:
        return call(learners, z, *more, **kinds)
    except Hint as hint:
        if "could not be broadcast" not in str(hint):
            raise
        n = len(z)
        text = (f"{hint}\n          A maximum or a sum along axis=1 has shape ({n},), which numpy takes for a row; "
                f"keepdims=True keeps it a column, ({n}, 1)")  # fmt: skip
        if more:
            text += ". And y picks, as in logs[np.arange(n), y]; it multiplies nothing"
        raise Hint(text) from None


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
            (k * k * (i + 1) * o, "a filter has one bias, not one for each place of its window"),
            (2 * k * i * o + o, "kernel times kernel, not kernel plus kernel"),
            (k * k * (i + o), "each filter looks at every input channel: inputs times outputs, not their sum"),
            (k * k * (i + o) + o, "each filter looks at every input channel: inputs times outputs, not their sum"),
            (i * o + o, "the kernel is missing: a filter has kernel * kernel weights for each input"),
        ], tolerance=1e-9)  # fmt: skip
    by_hand(learners)
    return 3


_EMPTY = "NaN, that is 0/0: all powers of a row are 0"


@check
def softmax(learners):
    """Rows of logits to rows of probabilities.

    Hint: the formula
    """
    z = np.array([[1.0, 2.0, 4.0], [0.5, 0.0, -1.0]])
    powers = np.exp(z)
    large = "Hint: large logits"
    try:
        found = _rows(learners, z, shape=z.shape, nan=Hint(_EMPTY, large))
    except Hint as hint:
        if str(hint) == _EMPTY and np.allclose(call(learners, z + 1000, nan=hint), _softmax(z, axis=1)):
            raise Hint("right around 1000 alone: a fixed number is subtracted, and exp(-999) is 0; subtract each row's "
                       "own largest logit", large) from None  # fmt: skip
        raise
    rounded = np.round(_softmax(z, axis=1), 2)
    compare(found, _softmax(z, axis=1), [
        (z - z.max(1, keepdims=True), "each row's largest is subtracted, as it should be; still to come: np.exp, "
                                      "and a division by the row's sum"),
        (z - z.min(1, keepdims=True), "each row's smallest is subtracted; subtract its largest, then take np.exp and "
                                      "divide by the row's sum"),
        (powers / np.exp(z.min(1, keepdims=True)), "each row's smallest is subtracted, and large logits need the "
                                                   "largest; and it is still to divide by the row's sum"),
        (powers, "the powers are right, but a row of probabilities sums to 1: divide by the row's sum"),
        (powers / powers.sum(), "all rows together sum to 1; each row should: sum along axis=1, keepdims=True"),
        (powers / powers.sum(0), "the columns sum to 1; the rows should: a row is an image"),
        (z / z.sum(1, keepdims=True), "there is no exponential in it: divide exp(z) by its sum, not z"),
        (z / z.sum(), "there is no exponential in it: divide exp(z) by its row's sum, not z"),
        (z / z.max(1, keepdims=True), "there is no exponential in it, and it divides by the largest: divide exp(z) by "
                                      "its row's sum"),
        (z / z.max(), "there is no exponential in it, and it divides by the largest: divide exp(z) by its row's sum"),
        (powers / powers.max(1, keepdims=True), "each row's largest is 1 here, so its sum is more: it is still to "
                                                "divide by the row's sum, not by the largest"),
        (powers / powers.max(), "the powers are right, but a row of probabilities sums to 1: it is still to divide by "
                                "the row's sum"),
        (log_softmax(z, axis=1), "these are the logarithms of the probabilities"),
        (_softmax(-z, axis=1), "the sign: the largest logit should get the largest probability: exp(z), not exp(-z)"),
        (_softmax(z * np.log(2), axis=1), "powers of 2; the field takes those of e, np.exp"),
        (_softmax(z - z.max(0), axis=1), "each column's largest is subtracted, so each class loses another number; "
                                         "subtract each row's own largest: axis=1, keepdims=True"),
        (z == z.max(1, keepdims=True), "these are zeros and a one; softmax leaves every class a probability"),
        (rounded, "right, but rounded; leave that to whoever prints it"),
    ])  # fmt: skip
    try:
        found = call(learners, z + 1000, shape=z.shape)
    except Hint:
        text = "right for small logits, but exp(1000) is infinite: subtract the row's largest first"
        raise Hint(text, large) from None
    compare(found, _softmax(z, axis=1), [
        (np.full((2, 3), 1 / 3), "large logits are held at one value, and all classes come out alike: subtract"),
    ])  # fmt: skip
    apart = np.array([[3000.0, 0.0], [0.0, 1.0]])  # one number subtracted from all rows leaves nothing of the second
    try:
        found = call(learners, apart, shape=apart.shape)
    except Hint:
        text = "right for logits of similar size; subtract each row's own largest"
        raise Hint(f"{text}: not its smallest, not that of all, nor a mean", large) from None
    compare(found, _softmax(apart, axis=1))
    by_hand(learners)
    return 3


@check
def cross_entropy(learners):
    """Logits and true labels to one loss per image.

    Hint: the formula
    """
    exact, capped = "Hint: a loss of 1000", "{}, which caps the loss just where the network is sure and wrong"
    z = np.array([[2.0, 0.0, -1.0], [0.5, 1.5, 0.0], [0.0, 0.0, 3.0], [-1.0, 0.5, 1.0]])
    y = np.array([0, 2, 1, 1])
    n = len(z)  # another number than that of the classes: rows and columns cannot be mistaken for each other
    rows = np.arange(n)
    logs = log_softmax(z, axis=1)
    right = -logs[rows, y]
    best = -logs.max(1)
    nan = Hint("NaN or infinity: take the logarithm of the probabilities, which are above 0")
    found = _rows(learners, z, y, nan=nan)
    if found.shape == ():
        total = "sum" if np.isclose(found, right.sum()) else "mean"
        raise Hint(f"one loss for each image is wanted, not one number for all: the {total} comes later")
    if found.shape == z.shape:
        raise Hint("a row for each image, with a value for each class; pick the true one's: logs[np.arange(n), y]")
    if found.shape == (n, n) and any(np.allclose(np.abs(found), np.abs(v[:, y])) for v in (logs, z, np.exp(logs))):
        raise Hint(f"[:, y] takes all {n} labels' columns from each of the {n} rows; it takes one from each row with "
                   "logs[np.arange(n), y]")  # fmt: skip
    if found.shape == (n, n):
        raise Hint(f"a column of shape ({n}, 1) met a row of shape ({n},), and numpy made ({n}, {n}) of them: take the "
                   "column's numbers as a row first, m[:, 0], or leave out keepdims", exact)  # fmt: skip
    if found.shape == (n, 1):
        raise Hint(f"a column of shape ({n}, 1), where a row of shape ({n},) is asked for: take [:, 0] of it")
    if found.shape != (n,):
        raise Hint(f"the answer must have shape ({n},), one loss per image; found {found.shape}")
    if any(np.allclose(found, right - m) for m in (z.max(1), z.max())):
        raise Hint("the largest is subtracted from the logits in the sum, but not from z_y; subtract it from both, or "
                   "add it to the logarithm again", exact)  # fmt: skip
    if any(np.allclose(found, right + m) for m in (z.max(1), z.max())):
        raise Hint("the largest is subtracted from z_y, but not in the sum, or it is added to the logarithm again "
                   "though it was subtracted from both", exact)  # fmt: skip
    p, others = _softmax(z, axis=1), np.log(np.exp(z).sum(1) - np.exp(z[rows, y]))
    with np.errstate(over="ignore"):
        added = np.exp(-found.astype(float)) - np.exp(-right)  # to the true labels' probabilities
    if (added > 1e-7).all() and np.allclose(added, added[0], rtol=1e-3):
        raise Hint(capped.format(f"{added[0]:.0e} is added to the probability"), exact)
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
        (-(y[:, None] * logs).sum(1), "y holds classes, no ones and zeros: pick with logs[np.arange(n), y]"),
        (-logs.sum(1), "this is the sum over the classes; only the true label's probability counts"),
        (-logs.mean(1), "this is the mean over the classes; only the true label's probability counts"),
        (-(p * logs).sum(1), "this is the entropy of the probabilities; the loss takes the true label's logarithm"),
        (-p[rows, y] * logs[rows, y], "the logarithm is multiplied by p; the loss is minus the logarithm alone"),
        (-np.log(1 - p[rows, y]), "this is the loss of every other class: log(1 - p) in place of log(p)"),
        (-np.log1p(-p).sum(1) + np.log1p(-p[rows, y]) + right,
         "ten yes-or-no questions, the loss of a network with sigmoids; after a softmax only the true label's counts"),
        ((1 - p[rows, y]) ** 2, "this is the squared error; cross-entropy is -log(p)"),
        (z.max(1) - z[rows, y], "the distance to the largest logit; the loss takes the logarithm of the sum of powers"),
        (np.log(np.exp(z).sum(1)), "the logarithm of the sum; the true label's logit is still to be subtracted"),
        (others - z[rows, y], "the sum runs over the other classes alone; in softmax it runs over all"),
        (z[rows, y] - others, "the sum runs over the other classes alone, and the sign is wrong too"),
        (np.log1p(np.exp(-right)), "log(1 + p) in place of -log(p)"),
        (np.round(right, 2), "right, but rounded; leave that to whoever prints it"),
    ])  # fmt: skip
    z, y = np.tile(z, (2, 1))[:5, [1, 0, 2]], np.array([1, 1, 2, 0, 0])
    compare(call(learners, z, y, shape=(5,)), -log_softmax(z, axis=1)[np.arange(5), y])
    infinite = Hint("right for moderate logits, but infinite or NaN where the true label's is 1000 below another: "
                    "e^-1000 is 0 in the computer, and e^1000 infinite", exact)  # fmt: skip
    found = call(learners, np.array([[60.0, 0.0, 0.0]]), np.array([1]), shape=(1,), nan=infinite)
    if found[0] < 59:
        why = "something is added to the probability, or it is held above some value"
        raise Hint(capped.format(f"a loss of 60 comes out as {found[0]:.1f}: {why}"), exact)
    compare(found, [60])
    z = np.array([[0.0, 1000.0, 0.0], [-2000.0, 0.0, 0.0]])
    found = call(learners, z, np.array([0, 0]), shape=(2,), nan=infinite)
    if (found < 999).any():
        raise Hint(capped.format(f"a loss of 1000 comes out as {found.min():.0f}"), exact)
    compare(found, [1000, 2000 + np.log(2)])
    by_hand(learners)
    return 4


_FLAT = np.array([[0.0, 1, 9], [5, 0, 0], [0, 4, 0], [3, 0, 0]]), np.array([2, 2, 2, 1])  # 2 is the largest's place


@check
def accuracy(learners):
    """Logits and true labels to the share that is read correctly.

    Hint: a first step
    """
    rng = np.random.default_rng(253)  # of the usual mistakes, no two give the same answer
    z = 0.8 * rng.permuted(np.tile(np.arange(10) - 3.0, (10, 1)), axis=1)
    y = np.where(rng.random(10) < 0.6, z.argmax(1), rng.integers(0, 10, 10))
    z[:2] *= 0.3  # the first is read correctly with a probability of 0.2
    p, rows, read = _softmax(z, axis=1), np.arange(10), z.argmax(1)
    found = call(learners, z, y)
    if found.shape == (10,):
        raise Hint("one answer for each image; how often it is right is their mean")
    if found.shape != ():
        raise Hint(f"the answer must be one number; found shape {found.shape}")
    if found.dtype.kind == "b":
        raise Hint("True or False, where a share was asked for: not whether all are right but how many, np.mean")
    if np.allclose(found, 0) and np.allclose(call(learners, *_FLAT), 0.75):
        raise Hint("argmax without axis gives one place for the whole batch; each row has its own: argmax(axis=1)")
    compare(found, 0.6, [
        (6 / 10_000, "divided by 10,000, where there are ten images: divide by how many there are, len(y)"),
        (6, "this counts the images read correctly; divide by how many there are"),
        (60, "a share lies between 0 and 1; this is in percent"),
        (np.mean(z.argmax(0) == y), "the largest of a column: a row is an image, so argmax(axis=1)"),
        (0.4, "this is the share of mistakes"),
        (np.mean(p[rows, y] > 0.5), "this asks for a probability above one half; read is the class with the largest "
                                    "logit, and among ten classes 0.2 can be enough"),
        (np.mean(p.max(1) > 0.5), "this is how often the network is more than half sure; right is another matter"),
        (np.mean(z[rows, y] > 0), "this asks whether the true label's logit is above 0, not whether it is the largest"),
        (p[rows, y].mean(), "this is the mean probability of the true label; count where its logit is the largest"),
        (p.max(1).mean(), "this is the mean confidence; how often it is right is another matter"),
        (np.mean(np.isin(read, y)), "this asks whether the class occurs anywhere in y; compare place by place, =="),
        (np.abs(read - y).mean(), "this is a distance between labels; a class is right or wrong, 8 is no nearer to 9"),
        (0, "0, where six of ten are right: argmax(axis=1) is the place of the largest logit, max its size, argmin the "
            "place of the smallest; and // rounds down, where / does not"),
    ])  # fmt: skip
    compare(call(learners, z[:3], y[:3], shape=()), np.mean(read[:3] == y[:3]), [
        (np.sum(read[:3] == y[:3]) / 10, "divided by 10; divide by how many images there are"),
    ])  # fmt: skip
    by_hand(learners)
    return 2


STEPS, COURSE = 150, 1e-4  # as in the notebook's own training, with the paper's script's learning rate
# Steps at less than this teach next to nothing, and rates up to that do not overshoot.
IDLE, SAFE = COURSE / 10, 3e-3


def rise_and_fall(k, steps):
    """The folded solution's learning rate: the second goal."""
    return 0.002 * min((k + 1) / 20, 1) * (1 - k / steps)


@check
def learning_rate(learners, dataset):
    """A step's number and that of all to its learning rate: which network reads more unseen images after them?

    Hint: where to begin
    """
    rates = [float(call(learners, k, STEPS, shape=())) for k in range(STEPS)]
    if min(rates) < 0:
        raise Hint(f"negative in step {int(np.argmin(rates))}: that goes uphill; the minus is in the update already")
    if max(rates) == 0:
        raise Hint("0 in every step: nothing moves")
    if np.allclose(rates, COURSE):
        raise Hint("this is the course's own, 0.0001 in every step: change it")
    if max(rates) < COURSE:
        raise Hint("below the course's 0.0001 in every step: with so few steps it gets less far; try larger ones")
    yours, course = _reads(tuple(rates), dataset), _reads((COURSE,) * STEPS, dataset)
    score = f"yours reads {yours.k:,} of {yours.n:,} unseen digits, the course's {course.k:,}"
    if yours.interval[0] > course.interval[1]:
        goal = _reads(tuple(rise_and_fall(k, STEPS) for k in range(STEPS)), dataset).k
        reached = "reached" if yours.k >= goal else f"{goal - yours.k} more to go"
        return f"{score}\n     second goal, the folded solution's {goal:,}: {reached}"
    idle = [k for k, rate in enumerate(rates) if rate < IDLE]
    if len(idle) > STEPS / 3 and max(rates) <= SAFE:
        awake = max(set(range(STEPS)).difference(idle))
        where = f"from step {awake + 1} on" if idle[-1] > awake else f"in {len(idle)} of the {STEPS} steps"
        why = f"the rate is almost 0 {where}: keep it up longer"
    elif yours.value < 0.5:
        why = f"up to {max(rates):g}: such steps overshoot, and the network has learned nothing; try smaller ones"
    elif yours.k <= course.k:
        why = "no better than the course's: neither tiny steps nor huge ones get far"
    else:
        why = "a little better, but the two intervals overlap: that may be chance"
    raise Hint(f"{why}\n          {score}")


def _reads(rates, dataset):
    """How many validation images Table I reads after one step of 50 images at each learning rate."""
    if (dataset.name, rates) not in _known:
        _known[dataset.name, rates] = _trained(rates, dataset)
    return _known[dataset.name, rates]


_known = {}  # the course's network is the same at every attempt


@functools.cache
def _network():
    """An untrained network, its optimiser, one step of both, and all variables with how they begin.

    Made once: TensorFlow keeps the memory of every network.
    """
    from .. import cnn  # here: TensorFlow takes seconds, and the other checks need none of it
    from ..backend import keras, tf

    model, adam = cnn.build(seed=5), keras.optimizers.Adam(COURSE)
    adam.build(model.trainable_variables)
    mean_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = mean_loss(y, model(x, training=True))
        adam.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    return model, adam, step, [(variable, variable.numpy()) for variable in (*model.variables, *adam.variables)]


def _trained(rates, dataset):
    from ..gradients import predict

    (images, labels), (x, y) = dataset.train, dataset.validation
    model, adam, step, beginning = _network()
    for variable, first in beginning:
        variable.assign(first)
    for rate, rows in zip(rates, np.random.default_rng(5).integers(len(images), size=(len(rates), 50))):
        adam.learning_rate = rate
        step(images[rows], labels[rows])
    return Rate(int(np.sum(predict(model, x) == y)), len(y))

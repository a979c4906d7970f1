"""The checks of lesson 02: each usual wrong answer gets its own hint, and every right way passes."""

import re

import numpy as np
import pytest
from tiny import linear

from advlib import checks, gradient, iterative_attack, logits, metrics, predict
from advlib.checks import own_attack
from advlib.checks.own_attack import attack_to_beat
from advlib.data import Dataset


def largest(g):
    return np.abs(g).max((1, 2, 3), keepdims=True)


def direction(g):
    return np.divide(g, largest(g), out=np.zeros_like(g), where=largest(g) > 0)


# --------------------------------------------------------------------------------------------- right answers
def step(network, x_adv, y, alpha):
    return x_adv + alpha * direction(network(x_adv, y)[1])


def step_one_by_one(network, x_adv, y, alpha):
    after = []
    for k in range(len(x_adv)):
        g = network(x_adv[k : k + 1], y[k : k + 1])[1][0]
        m = np.abs(g).max()
        after.append(x_adv[k] + alpha * g / m if m > 0 else x_adv[k])
    return np.array(after)


def step_nan_to_num(network, x_adv, y, alpha):
    g = network(x_adv, y)[1]
    return x_adv + alpha * np.nan_to_num(g / largest(g))


def step_in_place(network, x_adv, y, alpha):
    g = network(x_adv, y)[1]
    m = np.max(np.abs(g), axis=(1, 2, 3), keepdims=True)
    m[m == 0] = 1
    g /= m
    g *= alpha
    return g + x_adv


def step_unset_and_mended(network, x_adv, y, alpha):
    g = network(x_adv, y)[1]
    part = np.divide(g, largest(g), where=largest(g) > 0)
    return x_adv + alpha * np.where(largest(g) > 0, part, 0)


def clip(x_adv, x, eps):
    eps = eps[:, None, None, None]
    return np.clip(np.clip(x_adv, x - eps, x + eps), 0, 1)


def clip_by_min_and_max(x_adv, x, eps):
    eps = eps.reshape(-1, 1, 1, 1)
    return np.minimum(np.minimum(1, x + eps), np.maximum(np.maximum(0, x - eps), x_adv))


def clip_the_noise(x_adv, x, eps):
    noise = [np.clip(a - b, -e, e) for a, b, e in zip(x_adv, x, eps)]
    return np.clip(x + np.array(noise), 0, 1)


def clip_to_the_image_first(x_adv, x, eps):
    eps = eps[:, None, None, None]
    return np.clip(np.clip(x_adv, 0, 1), x - eps, x + eps)


def rms(e):
    return np.sqrt(np.mean(e**2, axis=(1, 2, 3)))


def file_rms(file_adv, file):
    return rms(file_adv.astype(float) - file)


def file_rms_by_norm(file_adv, file):
    e = (np.int64(file_adv) - np.int64(file)).reshape(len(file), -1)
    return [np.linalg.norm(row) / np.sqrt(len(row)) for row in e]


def file_rms_in_units(file_adv, file):
    return 255 * rms(file_adv / 255 - file / 255)


def file_rms_by_dtype(file_adv, file):
    return np.sqrt(np.square(np.subtract(file_adv, file, dtype=float)).mean((1, 2, 3)))


def boxed(x_adv, x, eps):
    return np.clip(np.clip(x_adv, x - eps, x + eps), 0, 1)


def targeted(network, x_adv, x, y, y_target, eps, alpha):
    g = network(x_adv, y_target)[1]
    m = largest(g)
    return boxed(x_adv - alpha * g / np.where(m > 0, m, 1), x, eps)


def targeted_where(network, x_adv, x, y, y_target, eps, alpha):
    g = network(x_adv, y_target)[1]
    m = largest(g)
    return boxed(x_adv - alpha * np.divide(g, m, out=np.zeros_like(g), where=m > 0), x, eps)


def targeted_with_minus_alpha(network, x_adv, x, y, y_target, eps, alpha):
    return boxed(step(network, x_adv, y_target, -alpha), x, eps)


@pytest.mark.parametrize(
    ("check", "answer", "tests"),
    [
        (checks.step, step, 3),
        (checks.step, step_one_by_one, 3),
        (checks.step, step_nan_to_num, 3),
        (checks.step, step_in_place, 3),
        (checks.step, step_unset_and_mended, 3),
        (checks.clip, clip, 2),
        (checks.clip, clip_by_min_and_max, 2),
        (checks.clip, clip_the_noise, 2),
        (checks.clip, clip_to_the_image_first, 2),
        (checks.file_rms, file_rms, 2),
        (checks.file_rms, file_rms_by_norm, 2),
        (checks.file_rms, file_rms_in_units, 2),
        (checks.file_rms, file_rms_by_dtype, 2),
        (checks.targeted_step, targeted, 3),
        (checks.targeted_step, targeted_where, 3),
        (checks.targeted_step, targeted_with_minus_alpha, 3),
    ],
)
def test_right_answers_pass(check, answer, tests, capsys):
    check(answer)
    assert capsys.readouterr().out == f"[OK] {check.__name__}: right, in {tests} test{'s' * (tests > 1)}\n"


# --------------------------------------------------------------------------------------------- wrong answers
def on_gradient(change):
    """A wrong step: ``change(x_adv, g, alpha)`` of the right gradient."""
    return lambda network, x, y, alpha: change(x, network(x, y)[1], alpha)


def in_place(network, x_adv, y, alpha):
    x_adv += alpha * direction(network(x_adv, y)[1])
    return x_adv


def for_the_prediction(network, x, y, alpha):
    return step(network, x, network(x, y)[0].argmax(1), alpha)


def mean_over_the_batch(x, g, a):
    return x + a * g.mean(0) / np.abs(g.mean(0)).max()


def ball(x_adv, x, eps):
    e = eps[:, None, None, None]
    return np.clip(x_adv, x - e, x + e)


def clip_in_place(x_adv, x, eps):
    return np.clip(x_adv, 0, 1, out=x_adv)


def around_x_adv(x_adv, x, eps):
    e = eps[:, None, None, None]
    return np.clip(np.clip(x_adv, x_adv - e, x_adv + e), 0, 1)


def wrong_way_round(x_adv, x, eps):
    e = eps[:, None, None, None]
    return np.clip(np.clip(x, x_adv - e, x_adv + e), 0, 1)


def upper_end(x_adv, x, eps):
    return np.clip(np.minimum(x_adv, x + eps[:, None, None, None]), 0, 1)


def lower_end(x_adv, x, eps):
    return np.clip(np.maximum(x_adv, x - eps[:, None, None, None]), 0, 1)


def levels(file_adv, file):
    return file_adv.astype(float) - file


def fenced(change, last=(0, 1)):
    """A wrong clip, by what it makes of the noise; ``last`` is what it is clipped to in the end."""

    def answer(x_adv, x, eps):
        after = change(x_adv, x, eps[:, None, None, None])
        return np.clip(after, *last) if last else after

    return answer


def shrunk(x_adv, x, e):
    noise = x_adv - x
    return x + noise * np.minimum(1, e / largest(noise))


def all_stay(network, x_adv, y, alpha):
    g = network(x_adv, y)[1]
    return x_adv + alpha * g / largest(g) if largest(g).all() else x_adv


def the_dead_move(network, x_adv, y, alpha):
    g = network(x_adv, y)[1]
    return x_adv + alpha * np.where(largest(g) > 0, np.nan_to_num(g / largest(g)), 1)


def two_gradients(mixed):
    """A wrong targeted step along a mixture of the gradients of y_target and y."""

    def answer(network, x_adv, x, y, y_target, eps, alpha):
        wanted, true = network(x_adv, y_target)[1], network(x_adv, y)[1]
        return boxed(x_adv - alpha * mixed(wanted, true), x, eps)

    return answer


def of_the_reading(network, x_adv, x, y, y_target, eps, alpha):
    return targeted(network, x_adv, x, y, network(x_adv, y)[0].argmax(1), eps, alpha)


def put_together(change):
    """A wrong targeted step: ``change(x_adv, x, move, eps)`` of the right move."""

    def answer(network, x_adv, x, y, y_target, eps, alpha):
        return change(x_adv, x, alpha * direction(network(x_adv, y_target)[1]), eps)

    return answer


def aimed(change, clipped=boxed, label="y_target", at="x_adv", base="x_adv"):
    """A wrong targeted step, by its parts."""

    def answer(network, x_adv, x, y, y_target, eps, alpha):
        given = {"x_adv": x_adv, "x": x, "y": y, "y_target": y_target}
        g = network(given[at], given[label])[1]
        return clipped(given[base] + change(g, alpha), x, eps)

    return answer


def down(g, alpha):
    return -alpha * g / largest(g)


def divided(network, x, y):
    """A direction with garbage where the gradient is all zero: where= without out=."""
    g = network(x, y)[1]
    m = np.abs(g).max(axis=(1, 2, 3), keepdims=True)
    return np.divide(g, m, where=m > 0)


def tensorflows(x, g, alpha):
    """What TensorFlow raises where numpy meets a tensor of a graph."""
    raise NotImplementedError("Cannot convert a symbolic tf.Tensor (mul:0) to a numpy array.")


def swapped(network, x, y):
    g, _ = network(x, y)
    return g


def image_gradient(model, x, label):
    """As in the notebook, where it is given a Keras model."""
    return model(x[None], training=False)[0]


def no_guard(network, x_adv, x, y, y_target, eps, alpha):
    g = network(x_adv, y_target)[1]
    return boxed(x_adv - alpha * g / largest(g), x, eps)


def all_wait(network, x_adv, x, y, y_target, eps, alpha):
    g = network(x_adv, y_target)[1]
    return no_guard(network, x_adv, x, y, y_target, eps, alpha) if largest(g).all() else x_adv


NO_MINUS = "uint8 has no minus sign: 10 - 12 becomes 254; make it float before you subtract"
LOGITS_FIRST = "network gives the logits first, then the gradients: z, g = network(x_adv, y)"
NO_MODEL = "network is a function here, no Keras model: call it, network(x_adv, y)"
LEFT = "np.divide(..., where=...) leaves what was in memory where m is 0"

MUTANTS = [
    (checks.step, lambda n, x, y, a: ..., "not written yet"),
    (checks.step, lambda n, x, y, a: None, "not written yet"),
    (checks.step, lambda n, x, y, a: n(x, y), "network gives two arrays"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g[0] / np.abs(g[0]).max((1, 2, 3))), "out of bounds"),
    (checks.step, on_gradient(tensorflows), "Cannot convert a symbolic"),
    (checks.file_rms, lambda file_adv, file: metrics.rms(file_adv.astype(float) - file), "does it for you"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g), "divide by m"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / np.abs(g).max()), "divided by the batch's largest"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / np.abs(g).max(0)), "compares images with one another"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / g.max((1, 2, 3), keepdims=True)), "np.abs first"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / np.sqrt((g**2).sum((1, 2, 3), keepdims=True))),
     "gradient's length"),
    (checks.step, on_gradient(mean_over_the_batch), "the mean over the batch"),
    (checks.step, on_gradient(lambda x, g, a: x + a * np.sign(g)), "the sign rule"),
    (checks.step, on_gradient(lambda x, g, a: x - a * g / largest(g)), "downhill"),
    (checks.step, on_gradient(lambda x, g, a: a * g / largest(g)), "this is the step alone"),
    (checks.step, for_the_prediction, "not for the label"),
    (checks.step, on_gradient(lambda x, g, a: np.clip(x + a * g / largest(g), 0, 1)), "the next function's work"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / (largest(g) + 1e-8)), "no + 1e-8 in the denominator"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / largest(g)), "0/0 is not a number"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / np.maximum(largest(g), 1e-12)), "no other floor under m"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / np.abs(g).max(3, keepdims=True)), "every pixel was divided"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / np.abs(g).max((1, 2), keepdims=True)), "every channel"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / np.abs(g.min((1, 2, 3), keepdims=True))), "np.abs first"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / np.abs(g).mean((1, 2, 3), keepdims=True)), "the mean of |g|"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / np.abs(g).sum((1, 2, 3), keepdims=True)), "the sum of |g|"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / np.abs(g).max((1, 2, 3))), "m holds one number per image"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / np.abs(g).max((1, 2, 3))[:, None]), "along the width"),
    (checks.step, on_gradient(lambda x, g, a: x + a * g / np.abs(g).max((1, 2, 3))[:, None, None]), "(n, 1, 1, 1)"),
    (checks.step, on_gradient(lambda x, g, a: x + g / largest(g)), "not multiplied by alpha"),
    (checks.step, on_gradient(lambda x, g, a: x + 10 / 255 * g / largest(g)), "take the alpha that is given"),
    (checks.step, on_gradient(lambda x, g, a: x + a * x / largest(x)), "x was added to itself"),
    (checks.step, on_gradient(lambda x, g, a: x - a * g / np.abs(g).max()), "downhill, and divided by the batch's"),
    (checks.step, lambda n, x, y, a: x + a * divided(n, x, y), LEFT),
    (checks.step, on_gradient(lambda x, g, a: x + np.divide(a * g, largest(g), where=largest(g) > 0)), LEFT),
    (checks.step, lambda n, x, y, a: x + a * swapped(n, x, y) / np.abs(swapped(n, x, y)).max((1, 2, 3)), LOGITS_FIRST),
    (checks.step, lambda n, x, y, a: x + a * swapped(n, x, y) / np.abs(swapped(n, x, y)).max(), LOGITS_FIRST),
    (checks.step, lambda n, x, y, a: np.stack([image_gradient(n, *one) for one in zip(x, y)]), NO_MODEL),
    (checks.step, lambda n, x, y, a: x + a * direction(gradient(n, x, y)[1]), NO_MODEL),
    (checks.step, all_stay, "and all three stayed"),
    (checks.step, the_dead_move, "and yours moved"),
    (checks.step, in_place, "it changed the array"),
    (checks.step, lambda n, x, y, a: x + a * n(x, y), "take the second, network(...)[1]"),
    (checks.step, lambda n, x, y, a: x + n(x, y) / np.abs(n(x, y)).max(), "take the second, network(...)[1]"),
    (checks.step, lambda n, x, y, a: x + a * n(x, y)[0],
     "n: a function, x: of shape (3, 2, 3, 2), y: of shape (3,), a: a number"),
    (checks.step, on_gradient(lambda x, g, a: (x + a * g / largest(g))[0]), "must have shape (3, 2, 3, 2)"),
    (checks.step, on_gradient(lambda x, g, a: x + a * np.full_like(g, 0.5)), "not the right numbers"),
    (checks.clip, lambda x_adv, x, eps: x_adv, "was it forgotten?"),
    (checks.clip, lambda x_adv, x, eps: np.clip(x_adv, 0, 1), "inside [0, 1], but a pixel moved by 0.50"),
    (checks.clip, around_x_adv, "the ball is around x, and around x_adv everything fits"),
    (checks.clip, wrong_way_round, "the other way round"),
    (checks.clip, ball, "a pixel went to 1.08. Equation (2) does not know that images end at 1"),
    (checks.clip, lambda x_adv, x, eps: ball(x_adv - x, 0 * x, eps), "this is the noise"),
    (checks.clip, lambda x_adv, x, eps: ball(x_adv, 0 * x, eps), "clipped to [-ε, ε]"),
    (checks.clip, fenced(lambda x_adv, x, e: np.clip(x_adv, -e, e)), "clipped to [-ε, ε]"),
    (checks.clip, fenced(lambda x_adv, x, e: np.clip(x_adv - x, -e, e)), "this is the noise"),
    (checks.clip, lambda x_adv, x, eps: clip(x_adv, x, eps) - x, "this is the noise"),
    (checks.clip, lambda x_adv, x, eps: x_adv - x, "this is the noise"),
    (checks.clip, fenced(shrunk), "the whole noise was made smaller"),
    (checks.clip, fenced(lambda x_adv, x, e: np.where(np.abs(x_adv - x) > e, x, x_adv)), "went back to x"),
    (checks.clip, fenced(lambda x_adv, x, e: np.where(np.abs(x_adv - x) > e, x, x_adv), (-1, 1)), "went back to x"),
    (checks.clip, fenced(lambda x_adv, x, e: np.clip(x_adv, x - e / 255, x + e / 255)), "divided by 255"),
    (checks.clip, fenced(lambda x_adv, x, e: np.clip(x_adv, x * (1 - e), x * (1 + e))), "by multiplying"),
    (checks.clip, fenced(lambda x_adv, x, e: np.clip(np.clip(x_adv, x - e, x + e), e, 1 - e), None), "[ε, 1 - ε]"),
    (checks.clip, fenced(lambda x_adv, x, e: np.clip(x_adv, x - e, x + e), (-1, 1)), "one went to -0.15"),
    (checks.clip, fenced(lambda x_adv, x, e: np.clip(x_adv, x - e, x + e), (0, 255)), "nothing is whiter than 1"),
    (checks.clip, lambda x_adv, x, eps: x, "came back as they were"),
    (checks.clip, fenced(lambda x_adv, x, e: np.maximum(x - e, np.minimum(x - e, x_adv))), "to the lower end"),
    (checks.clip, fenced(lambda x_adv, x, e: np.maximum(x - e, np.minimum(x - e, x_adv)), None), "to the lower end"),
    (checks.clip, fenced(lambda x_adv, x, e: np.minimum(x + e, np.maximum(x + e, x_adv))), "to the upper end"),
    (checks.clip, upper_end, "only the upper end"),
    (checks.clip, lower_end, "only the lower end"),
    (checks.clip, lambda x_adv, x, eps: boxed(x_adv, x, eps.mean()), "every image has its own ε, and 0.125"),
    (checks.clip, lambda x_adv, x, eps: boxed(x_adv, x, eps[0]), "every image has its own ε, and 0.15"),
    (checks.clip, lambda x_adv, x, eps: boxed(x_adv, x, eps), "stands beside images"),
    (checks.clip, lambda x_adv, x, eps: boxed(x_adv, x, eps[:, None, None]), "eps holds one number per image"),
    (checks.clip, lambda x_adv, x, eps: boxed(x_adv, x, eps) if eps > 0 else x, "eps holds one number per image"),
    (checks.clip, lambda x_adv, x, eps: eps.missing, "AttributeError"),
    (checks.clip, clip_in_place, "it changed the array"),
    (checks.file_rms, lambda a, b: np.sqrt(np.mean(levels(a, b) ** 2)), "one number for the whole batch"),
    (checks.file_rms, lambda a, b: 255 * np.sqrt(np.mean(levels(a, b) ** 2)), "one number for the whole batch"),
    (checks.file_rms, lambda a, b: np.sqrt(np.mean((a - b) ** 2)), "one number for the whole batch"),
    (checks.file_rms, lambda a, b: np.sqrt(np.mean((a - b / 255) ** 2)), "one number for the whole batch"),
    (checks.file_rms, lambda a, b: file_rms(a, b).mean(), "the mean of the three"),
    (checks.file_rms, lambda a, b: np.sqrt(np.mean(levels(a, b) ** 2, axis=0)), "must have shape (3,)"),
    (checks.file_rms, lambda a, b: np.sqrt(np.mean(levels(a, b) ** 2, axis=(1, 2))), "axis=(1, 2, 3)"),
    (checks.file_rms, lambda a, b: np.sqrt(levels(a, b) ** 2), "one number for each pixel"),
    (checks.file_rms, lambda a, b: rms(a - b), NO_MINUS),
    (checks.file_rms, lambda a, b: rms((a - b).astype(float)), NO_MINUS),
    (checks.file_rms, lambda a, b: rms((b - a).astype(float)), NO_MINUS),
    (checks.file_rms, lambda a, b: rms(np.abs(a - b)), NO_MINUS),
    (checks.file_rms, lambda a, b: rms((a - b) / 255), NO_MINUS),
    (checks.file_rms, lambda a, b: np.mean(np.sqrt((a - b) ** 2.0), axis=(1, 2, 3)), NO_MINUS),
    (checks.file_rms, lambda a, b: rms(np.maximum(a, b) - np.minimum(a, b)), NO_MINUS),
    (checks.file_rms, lambda a, b: np.sqrt(np.abs(((np.int8(a) - np.int8(b)) ** 2).mean((1, 2, 3)))), "int8 is full"),
    (checks.file_rms, lambda a, b: rms(np.int8(a) - np.int8(b)), "for int8 is full at 127"),
    (checks.file_rms, lambda a, b: rms(np.int16(a) - np.int16(b)), "int16 is full at 32,767"),
    (checks.file_rms, lambda a, b: rms(levels(a, b) / 255), "in the images' own units"),
    (checks.file_rms, lambda a, b: 255 * rms(levels(a, b)), "grey levels already"),
    (checks.file_rms, lambda a, b: file_rms(a, b) ** 2, "its root is missing"),
    (checks.file_rms, lambda a, b: np.sqrt(np.sum(levels(a, b) ** 2, axis=(1, 2, 3))), "a sum, not a mean"),
    (checks.file_rms, lambda a, b: np.mean(np.sqrt(levels(a, b) ** 2), axis=(1, 2, 3)), "Square, mean, root"),
    (checks.file_rms, lambda a, b: np.sqrt(levels(a, b).mean((1, 2, 3)) ** 2), "the mean was squared"),
    (checks.file_rms, lambda a, b: np.sqrt(levels(a, b).mean((1, 2, 3)) - 99), "Square the noise first"),
    (checks.file_rms, lambda a, b: np.std(levels(a, b), axis=(1, 2, 3)), "standard deviation"),
    (checks.file_rms, lambda a, b: np.abs(levels(a, b)).max((1, 2, 3)), "the largest move"),
    (checks.file_rms, lambda a, b: rms(a.astype(float)), "takes the other image away first"),
    (checks.file_rms, lambda a, b: rms(b / 255), "takes the other image away first"),
    (checks.file_rms, lambda a, b: np.rint(file_rms(a, b)), "the RMS was rounded"),
    (checks.file_rms, lambda a, b: file_rms(a, b)[::-1], "in another order"),
    (checks.file_rms, lambda a, b: np.subtract(a, b, out=a), "it changed the array"),
    (checks.file_rms, lambda a, b: file_rms(a, b) + 1e-2, "not the right numbers"),
    (checks.targeted_step, aimed(lambda g, a: -down(g, a)), "away from the target"),
    (checks.targeted_step, aimed(lambda g, a: a * g / np.abs(g).max()), "away from the target, and divided by the ba"),
    (checks.targeted_step, no_guard, "then m is 0, and 0/0 is not a number. As in exercise 2.1"),
    (checks.targeted_step, all_wait, "and all three stayed"),
    (checks.targeted_step, lambda n, x_adv, x, y, t, eps, a: boxed(x_adv - a * divided(n, x_adv, t), x, eps), LEFT),
    (checks.targeted_step, lambda n, x_adv, x, y, t, eps, a: boxed(x_adv - a * direction(swapped(n, x_adv, t)), x, eps),
     LOGITS_FIRST),
    (checks.targeted_step, aimed(down, label="y"), "surer of the truth"),
    (checks.targeted_step, aimed(lambda g, a: -down(g, a), label="y"), "this is equation (1)"),
    (checks.targeted_step, aimed(down, at="x"), "the gradient was taken at x"),
    (checks.targeted_step, aimed(down, at="x", base="x"), "starts from x again"),
    (checks.targeted_step, aimed(down, base="x"), "right step, but it starts from x again"),
    (checks.targeted_step, aimed(lambda g, a: -a * g), "not divided by m"),
    (checks.targeted_step, aimed(lambda g, a: -a * g / np.abs(g).max()), "the batch's largest"),
    (checks.targeted_step, aimed(lambda g, a: -a * np.sign(g)), "the sign rule"),
    (checks.targeted_step, aimed(down, clipped=lambda x_adv, x, eps: x_adv), "not clipped"),
    (checks.targeted_step, aimed(down, clipped=lambda x_adv, x, eps: np.clip(x_adv, 0, 1)), "further than ε from x"),
    (checks.targeted_step, aimed(down, clipped=lambda x_adv, x, eps: np.clip(x_adv, x - eps, x + eps)),
     "right inside the ε-ball, but a pixel went to"),
    (checks.targeted_step, aimed(down, clipped=lambda x_adv, x, eps: boxed(x_adv, x, eps) - x), "this is the noise"),
    (checks.targeted_step, aimed(down, clipped=lambda x_adv, x, eps: np.clip(x, x_adv - eps, x_adv + eps)),
     "clip's arguments are swapped"),
    (checks.targeted_step, aimed(down, clipped=lambda x_adv, x, eps: boxed(x, x_adv, eps)), "arguments are swapped"),
    (checks.targeted_step, put_together(lambda a, x, move, eps: boxed(a - move, a, eps)), "around x, not x_adv"),
    (checks.targeted_step, put_together(lambda a, x, move, eps: boxed(x - move, a, eps)), "the other way round"),
    (checks.targeted_step, put_together(lambda a, x, move, eps: boxed(a, x, eps) - move), "not clipped after it"),
    (checks.targeted_step, put_together(lambda a, x, move, eps: a), "nothing moved"),
    (checks.targeted_step, put_together(lambda a, x, move, eps: -move), "the step alone"),
    (checks.targeted_step, put_together(lambda a, x, move, eps: np.clip(a - move - x, -eps, eps)), "the noise"),
    (checks.targeted_step, put_together(lambda a, x, move, eps: np.clip(a - move, -eps, eps)), "clipped to [-ε, ε]"),
    (checks.targeted_step, put_together(lambda a, x, move, eps: boxed(boxed(a - move, 0, eps), 0, 1)),
     "clipped to [-ε, ε]"),
    (checks.targeted_step, lambda n, x_adv, x, y, t, eps, a: targeted(n, x_adv, x, y, t, a, eps), "are swapped"),
    (checks.targeted_step, lambda n, x_adv, x, y, t, eps, a: targeted(n, x_adv, x, y, t, eps, eps), "size was eps"),
    (checks.targeted_step, lambda n, x_adv, x, y, t, eps, a: targeted(n, x_adv, x, y, t, a, a), "size was alpha"),
    (checks.targeted_step, lambda n, x_adv, x, y, t, eps, a: targeted(n, x_adv, x, y, t, eps, 1), "by alpha"),
    (checks.targeted_step, of_the_reading, "for what the network reads"),
    (checks.targeted_step, two_gradients(lambda g, true: direction(g - true)), "the two gradients were mixed"),
    (checks.targeted_step, two_gradients(lambda g, true: direction(g) - direction(true)), "two steps at once"),
    (checks.targeted_step, aimed(lambda g, a: -a * g / g.max((1, 2, 3), keepdims=True)), "np.abs first"),
    (checks.targeted_step, aimed(lambda g, a: -a * g / np.abs(g).max((1, 2, 3))[:, None]), "along the width"),
    (checks.targeted_step, aimed(lambda g, a: -a * g / np.abs(g).max((1, 2, 3))), "m holds one number per image"),
    (checks.targeted_step, lambda n, x_adv, x, y, t, eps, a: targeted(n, x_adv, x, y, t, eps, a)[0], "must have shape"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "answer", "hint"), MUTANTS, ids=[f"{c.__name__}: {h}" for c, _, h in MUTANTS])
def test_each_usual_mistake_gets_its_own_hint(check, answer, hint, capsys):
    check(answer)
    told = capsys.readouterr()
    assert told.out.startswith(f"[not yet] {check.__name__}: ")
    assert hint in told.out
    assert 'unfold "Hint" above your function' in told.out
    assert told.err == ""


# ----------------------------------------------------------------------- what the network that is handed over refuses
def one_by_one(taken, label):
    """A step for one image after another; ``taken`` and ``label`` choose what the network is given of image k."""

    def answer(network, x_adv, y, alpha):
        after = []
        for k in range(len(x_adv)):
            g = np.reshape(network(taken(x_adv, k), label(y, k))[1], x_adv[k].shape)
            m = np.abs(g).max()
            after.append(x_adv[k] + alpha * g / m if m > 0 else x_adv[k])
        return np.array(after)

    return answer


def batch(a, k):
    return a[k : k + 1]


def itself(a, k):
    return a[k]


def with_labels(change):
    return lambda network, x, y, alpha: step(network, x, change(y), alpha)


REFUSED = [
    (one_by_one(itself, batch), "x must have shape (n, 2, 3, 2); found (2, 3, 2): for one image, give x[None]"),
    (one_by_one(itself, itself), "x must have shape (n, 2, 3, 2); found (2, 3, 2): for one image, give x[None]"),
    (one_by_one(batch, itself), "y must have one label per image, shape (1,); found (): for one image, give [y]"),
    (with_labels(lambda y: y[0]), "y must have one label per image, shape (3,); found ()"),
    (with_labels(lambda y: y[:1]), "y must have one label per image, shape (3,); found (1,)"),
    (with_labels(lambda y: y[:, None]), "y must have one label per image, shape (3,); found (3, 1): give y.ravel()"),
    (with_labels(lambda y: np.eye(3)[y]),
     "y must have one label per image, shape (3,); found (3, 3): one-hot labels, give y.argmax(1)"),
    (with_labels(lambda y: y / 1), 'y must be whole numbers; found float64: make it y.astype("int64")'),
    (with_labels(lambda y: y + 1), "y must lie in 0 … 2; found"),
    (lambda network, x, y, alpha: step(network, y, x, alpha), "x must have shape (n, 2, 3, 2); found (3,)"),
    (lambda network, x, y, alpha: x + alpha * network(x.reshape(3, -1), y)[1],
     "x must have shape (n, 2, 3, 2); found (3, 12): give x.reshape(-1, 2, 3, 2)"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "why"), REFUSED)
def test_the_network_refuses_what_is_no_batch_with_its_labels(answer, why, capsys):
    checks.step(answer)
    told = capsys.readouterr().out
    assert told.startswith("[not yet] step: it stopped with ")
    assert f"Error: in network(x, y), {why}" in told


def test_a_wrong_call_of_the_network_is_told_with_the_learners_line(capsys):
    def my_targeted_step(network, x_adv, x, y, y_target, eps, alpha):
        g = network(x_adv[0], y_target[0])[1]
        return boxed(x_adv - alpha * g / np.abs(g).max(), x, eps)

    checks.targeted_step(my_targeted_step)
    assert "give x[None], shape (1, 2, 3, 2), in its line 2; it was given network: a f" in capsys.readouterr().out


# --------------------------------------------------------------------------------------- the open exercise
@pytest.fixture(scope="module")
def digits():
    """A linear network on 5 × 5 pixels, and the images that it is tried on."""
    rng = np.random.default_rng(3)
    model = linear(rng.normal(0, 1.5, (25, 3)), [0, 0, 0], (5, 5, 1))
    images = np.uint8(rng.integers(0, 256, (400, 5, 5)))
    labels = model.predict(images[..., None] / np.float32(255), verbose=0).argmax(1)
    return model, Dataset("digits", tuple("012"), {"x_train": images, "y_train": labels})


def looped(change, steps=40, alpha=10 / 255, stop=True):
    """An attack: ``change(network, x_adv, x, y, eps, alpha)`` again and again, of the images not fooled yet."""

    def answer(network, x, y, eps):
        x_adv, rows = x.copy(), np.arange(len(x))
        for _ in range(steps):
            if stop and len(rows):
                rows = rows[network(x_adv[rows], y[rows])[0].argmax(1) == y[rows]]
            if len(rows):
                x_adv[rows] = change(network, x_adv[rows], x[rows], y[rows], eps, alpha)
        return x_adv

    return answer


def again(network, x_adv, x, y, eps, alpha):
    return boxed(step(network, x_adv, y, alpha), x, eps)


def straight_to_the_boundary(network, x, y, eps):
    x_adv, rows = x.copy(), np.arange(len(x))
    for _ in range(20):
        z, g = network(x_adv[rows], y[rows])
        own = z[np.arange(len(rows)), y[rows]]
        z[np.arange(len(rows)), y[rows]] = -np.inf
        gap = own - z.max(1)
        rows, g, gap = rows[gap >= 0], g[gap >= 0], gap[gap >= 0]
        if not len(rows):
            break
        g = np.where(boxed(x_adv[rows] + np.sign(g) / 255, x[rows], eps) == x_adv[rows], 0, g)
        size = (gap + 0.3) / np.square(g).sum((1, 2, 3))
        x_adv[rows] = boxed(x_adv[rows] + size[:, None, None, None] * g, x[rows], eps)
    return x_adv


def test_an_attack_that_beats_the_papers_loop_is_told_in_what(digits, capsys):
    checks.own_attack(straight_to_the_boundary, *digits)
    told = capsys.readouterr().out
    assert told.startswith("[OK] own_attack: beaten: at least as many are fooled, with ")
    assert re.search(r"fewer gradients \(\d+\.\d against \d+\.\d per image\)", told)
    assert re.search(r"yours            fools (\d+) of 100, \d+\.\d gradients per image, mean RMS 0\.0\d\d\d", told)
    assert re.search(r"the paper's loop fools (\d+) of 100, \d+\.\d gradients per image, mean RMS 0\.0\d\d\d", told)
    assert told.count("(of the images that both fool)") == 2
    if "less noise" in told:
        assert re.search(r"less noise \(mean RMS 0\.0\d\d\d against 0\.0\d\d\d\)", told)


def test_what_is_to_be_beaten_is_what_the_check_says(digits, capsys):
    attack_to_beat(*digits)
    told = capsys.readouterr().out
    assert re.fullmatch(r"the paper's loop fools \d+ of 100, \d+\.\d gradients per image, mean RMS 0\.0\d\d\d "
                        r"\(of the images that it fools\)\n", told)  # fmt: skip
    checks.own_attack(straight_to_the_boundary, *digits)
    assert told.split(", mean")[0] in capsys.readouterr().out


@pytest.mark.parametrize("past", [
    lambda model, x, y, eps: iterative_attack(model, x, y, eps=eps, alpha=0.01).x_adv,
    lambda model, x, y, eps: x + 0 * predict(model, x)[0],
    lambda model, x, y, eps: x + 0 * logits(model, x)[0, 0],
    lambda model, x, y, eps: x + 0 * gradient(model, x, y)[1],
    lambda model, x, y, eps: x + 0 * float(model(x, training=False)[0, 0]),
    lambda model, x, y, eps: x + 0 * float(model.predict(x, verbose=0)[0, 0]),
])  # fmt: skip
def test_whoever_asks_the_network_past_the_count_is_refused(past, digits, capsys):
    model = digits[0]
    checks.own_attack(lambda network, x, y, eps: past(model, looped(again, 5)(network, x, y, eps), y, eps), *digits)
    told = capsys.readouterr().out
    assert told.startswith("[not yet] own_attack: it stopped with PermissionError: the network was asked where nobody ")
    assert "use network(x_adv, y), which counts; not gradient, logits, predict or iterative_attack" in told
    assert len(predict(model, np.zeros((2, 5, 5, 1)))) == len(model(np.zeros((2, 5, 5, 1)))) == 2  # open again


def test_whoever_does_without_the_network_is_told_to_use_it(digits, capsys):
    w = digits[0].get_weights()[0].T.reshape(3, 5, 5, 1)

    def known_by_heart(network, x, y, eps):
        return boxed(x - np.sign(w[y]) * eps, x, eps)

    checks.own_attack(known_by_heart, *digits)
    assert "[not yet] own_attack: the images were changed without asking `network`: use" in capsys.readouterr().out


def test_a_slow_attack_is_stopped_after_a_minute_and_told_what_takes_time(digits, capsys, monkeypatch):
    assert own_attack.__wrapped__.__globals__["SECONDS"] == 60
    monkeypatch.setitem(own_attack.__wrapped__.__globals__, "SECONDS", 0.3)

    def slow(network, x, y, eps):
        while True:
            network(x[:1], y[:0])

    checks.own_attack(slow, *digits)
    told = capsys.readouterr().out
    assert "stopped after 0.3 seconds: either a loop never ends, or one image at a time is asked for, or images" in told


def test_where_no_image_is_fooled_by_both_no_rms_is_told(digits, capsys):
    checks.own_attack(looped(again, 1, alpha=1e-4), *digits)
    told = capsys.readouterr().out
    assert "yours            fools 0 of 100" in told
    assert "RMS" not in told


ATTACKS = [
    (lambda network, x, y, eps: ..., "not written yet"),
    (lambda network, x, y, eps: x, "nothing was attacked"),
    (lambda network, x, y, eps: again(network, x, x, y, eps, 0.04), "one gradient per image is one step"),
    (looped(lambda n, x_adv, x, y, eps, a: boxed(step(n, x_adv, y, -a), x, eps), 9), "uphill"),
    (looped(lambda n, x_adv, x, y, eps, a: step(n, x_adv, y, a), 20), "a pixel moved by"),
    (looped(lambda n, x_adv, x, y, eps, a: boxed(step(n, x_adv, y, a), x, 0.15), 20), "is 0.15 written into"),
    (looped(lambda n, x_adv, x, y, eps, a: np.clip(step(n, x_adv, y, a), x - eps, x + eps), 20), "must lie in [0, 1]"),
    (looped(again, 60, stop=False), "50 gradients per image are spent"),
    (looped(again, 20, alpha=0.02 / 255), "needs more steps, or longer ones"),
    (looped(lambda n, x_adv, x, y, eps, a: boxed(step(n, x, y, a), x, eps), 20, alpha=0.01), "where the image is now"),
    (looped(again, 24), "neither with less noise nor with fewer gradients"),
    (looped(again, alpha=30 / 255), "longer steps alone trade one for the other"),
    (looped(again, 49, alpha=8 / 255), "shorter steps alone trade one for the other"),
    (looped(lambda n, x_adv, x, y, eps, a: boxed(x_adv + a * np.sign(n(x_adv, y)[1]), x, eps)), "neither with less"),
    (lambda network, x, y, eps: image_gradient(network, x[0], y[0]), NO_MODEL),
    (lambda network, x, y, eps: x + direction(swapped(network, x, y)), LOGITS_FIRST),
    (lambda network, x, y, eps: looped(again, 20)(network, x, y, eps) - x, "this is the noise"),
    (lambda network, x, y, eps: looped(again, 20)(network, x, y, eps)[0], "must have shape (10, 5, 5, 1)"),
    (lambda network, x, y, eps: x + network(x, y), "take the second, network(...)[1]"),
    (lambda network, x, y, eps: x + network(x[0], y[0])[1], "in network(x, y), "),
    (lambda network, x, y, eps: x + network(x, y)[1] / np.abs(network(x, y)[1]).max((1, 2, 3)), "m holds one number"),
    (lambda network, x, y, eps: x * np.nan, "NaN"),
    (lambda network, x, y, eps: np.add(x, 0.01, out=x), "it changed the array"),
]


@pytest.mark.parametrize(("answer", "why"), ATTACKS, ids=[why for _, why in ATTACKS])
def test_an_attack_that_does_not_is_told_why(answer, why, digits, capsys):
    checks.own_attack(answer, *digits)
    told = capsys.readouterr().out
    assert told.startswith("[not yet] own_attack: ")
    assert why in told
    assert 'unfold "Hint" above your function' in told


def test_the_attack_itself_is_asked_for(digits, capsys):
    checks.own_attack(None, *digits)
    assert "give the function itself, without brackets" in capsys.readouterr().out

"""The checks of notebook 02: each usual wrong answer gets its own hint, and every right way passes."""

import numpy as np
import pytest

from advlib import checks


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


def clip(x_adv, x, eps):
    eps = eps[:, None, None, None]
    return np.clip(np.clip(x_adv, x - eps, x + eps), 0, 1)


def clip_by_min_and_max(x_adv, x, eps):
    eps = eps.reshape(-1, 1, 1, 1)
    return np.minimum(np.minimum(1, x + eps), np.maximum(np.maximum(0, x - eps), x_adv))


def clip_the_noise(x_adv, x, eps):
    noise = [np.clip(a - b, -e, e) for a, b, e in zip(x_adv, x, eps)]
    return np.clip(x + np.array(noise), 0, 1)


def rms(x_adv, x):
    return np.sqrt(np.mean((x_adv - x) ** 2, axis=(1, 2, 3)))


def rms_by_norm(x_adv, x):
    e = (x_adv - x).reshape(len(x), -1)
    return [np.linalg.norm(row) / np.sqrt(len(row)) for row in e]


def boxed(x_adv, x, eps):
    return np.clip(np.clip(x_adv, x - eps, x + eps), 0, 1)


def targeted(network, x_adv, x, y, y_target, eps, alpha):
    g = network(x_adv, y_target)[1]
    return boxed(x_adv - alpha * g / largest(g), x, eps)


def targeted_with_minus_alpha(network, x_adv, x, y, y_target, eps, alpha):
    return boxed(step(network, x_adv, y_target, -alpha), x, eps)


@pytest.mark.parametrize(
    ("check", "answer", "tests"),
    [
        (checks.step, step, 3),
        (checks.step, step_one_by_one, 3),
        (checks.step, step_nan_to_num, 3),
        (checks.clip, clip, 2),
        (checks.clip, clip_by_min_and_max, 2),
        (checks.clip, clip_the_noise, 2),
        (checks.rms, rms, 2),
        (checks.rms, rms_by_norm, 2),
        (checks.targeted_step, targeted, 2),
        (checks.targeted_step, targeted_with_minus_alpha, 2),
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


def aimed(change, clipped=boxed, label="y_target", at="x_adv", base="x_adv"):
    """A wrong targeted step, by its parts."""

    def answer(network, x_adv, x, y, y_target, eps, alpha):
        given = {"x_adv": x_adv, "x": x, "y": y, "y_target": y_target}
        g = network(given[at], given[label])[1]
        return clipped(given[base] + change(g, alpha), x, eps)

    return answer


def down(g, alpha):
    return -alpha * g / largest(g)


MUTANTS = [
    (checks.step, lambda n, x, y, a: ..., "not written yet"),
    (checks.step, lambda n, x, y, a: None, "not written yet"),
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
    (checks.clip, upper_end, "only the upper end"),
    (checks.clip, lower_end, "only the lower end"),
    (checks.clip, lambda x_adv, x, eps: boxed(x_adv, x, eps.mean()), "every image has its own ε, and 0.125"),
    (checks.clip, lambda x_adv, x, eps: boxed(x_adv, x, eps[0]), "every image has its own ε, and 0.15"),
    (checks.clip, lambda x_adv, x, eps: boxed(x_adv, x, eps), "grown two channels"),
    (checks.clip, lambda x_adv, x, eps: boxed(x_adv, x, eps[:, None, None]), "must have shape (2, 1, 5, 1)"),
    (checks.clip, lambda x_adv, x, eps: boxed(x_adv, x, eps) if eps > 0 else x, "one number an image: eps[:, None"),
    (checks.clip, lambda x_adv, x, eps: eps.missing, "AttributeError"),
    (checks.clip, clip_in_place, "it changed the array"),
    (checks.rms, lambda x_adv, x: np.sqrt(np.mean((x_adv - x) ** 2)), "one number for the whole batch"),
    (checks.rms, lambda x_adv, x: rms(x_adv, x).mean(), "the mean of the three"),
    (checks.rms, lambda x_adv, x: np.sqrt(np.mean((x_adv - x) ** 2, axis=0)), "must have shape (3,)"),
    (checks.rms, lambda x_adv, x: np.sqrt(np.mean((x_adv - x) ** 2, axis=(1, 2))), "axis=(1, 2, 3)"),
    (checks.rms, lambda x_adv, x: rms(x_adv, x) ** 2, "its root is missing"),
    (checks.rms, lambda x_adv, x: np.sqrt(np.sum((x_adv - x) ** 2, axis=(1, 2, 3))), "a sum, not a mean"),
    (checks.rms, lambda x_adv, x: np.mean(np.sqrt((x_adv - x) ** 2), axis=(1, 2, 3)), "Square, mean, root"),
    (checks.rms, lambda x_adv, x: np.sqrt((x_adv - x).mean((1, 2, 3)) - 1), "Square the noise first"),
    (checks.rms, lambda x_adv, x: np.std(x_adv - x, axis=(1, 2, 3)), "standard deviation"),
    (checks.rms, lambda x_adv, x: np.abs(x_adv - x).max((1, 2, 3)), "the largest move"),
    (checks.rms, lambda x_adv, x: rms(x_adv, 0), "takes x away first"),
    (checks.rms, lambda x_adv, x: 255 * rms(x_adv, x), "grey levels"),
    (checks.rms, lambda x_adv, x: rms(x_adv, x) + 1e-3, "not the right numbers"),
    (checks.targeted_step, aimed(lambda g, a: -down(g, a)), "away from the target"),
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

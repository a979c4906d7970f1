"""The checks of notebook 03: each usual wrong answer gets its own hint, and every right way passes."""

import math

import numpy as np
import pytest
from scipy import stats

from advlib import checks


# --------------------------------------------------------------------------------------------- right answers
def boxed(x_adv, x, eps):
    return np.clip(np.clip(x_adv, x - eps, x + eps), 0, 1)


def sign_step(network, x_adv, x, y, eps, alpha):
    return boxed(x_adv + alpha * np.sign(network(x_adv, y)[1]), x, eps)


def sign_step_by_cases(network, x_adv, x, y, eps, alpha):
    g = network(x_adv, y)[1]
    moved = x_adv.copy()
    moved[g > 0] += alpha
    moved[g < 0] -= alpha
    return np.minimum(np.minimum(1, x + eps), np.maximum(np.maximum(0, x - eps), moved))


def sign_step_of_the_noise(network, x_adv, x, y, eps, alpha):
    g = network(x_adv, y)[1]
    m = np.where(g == 0, 1, np.abs(g))
    return np.clip(x + np.clip(x_adv - x + alpha * (g / m), -eps, eps), 0, 1)


def l0(x_adv, x):
    return (np.abs(x_adv - x) > 1 / 255).any(3).sum((1, 2))


def l0_one_by_one(x_adv, x):
    return [np.count_nonzero(np.max(np.abs(255 * (a - b)), axis=-1) > 1.000001) for a, b in zip(x_adv, x)]


def mcnemar(first, second):
    b, c = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    return min(1, 2 * tail)


def mcnemar_by_scipy(first, second):
    table = stats.contingency.crosstab(first, second, levels=([True, False], [True, False])).count
    n = table[0, 1] + table[1, 0]
    return stats.binomtest(int(table[0, 1]), int(n)).pvalue if n else 1


@pytest.mark.parametrize(
    ("check", "answer", "tests"),
    [
        (checks.sign_step, sign_step, 1),
        (checks.sign_step, sign_step_by_cases, 1),
        (checks.sign_step, sign_step_of_the_noise, 1),
        (checks.l0, l0, 2),
        (checks.l0, l0_one_by_one, 2),
        (checks.mcnemar, mcnemar, 4),
        (checks.mcnemar, mcnemar_by_scipy, 4),
    ],
)
def test_right_answers_pass(check, answer, tests, capsys):
    check(answer)
    assert capsys.readouterr().out == f"[OK] {check.__name__}: right, in {tests} test{'s' * (tests > 1)}\n"


# --------------------------------------------------------------------------------------------- wrong answers
def stepped(change, clipped=boxed, at="x_adv", base="x_adv"):
    """A wrong step of the sign rule, by its parts: ``change(g, alpha, eps)``."""

    def answer(network, x_adv, x, y, eps, alpha):
        given = {"x_adv": x_adv, "x": x}
        return clipped(given[base] + change(network(given[at], y)[1], alpha, eps), x, eps)

    return answer


def up(g, alpha, eps):
    return alpha * np.sign(g)


def for_the_prediction(network, x_adv, x, y, eps, alpha):
    return sign_step(network, x_adv, x, network(x_adv, y)[0].argmax(1), eps, alpha)


def around_x_adv(network, x_adv, x, y, eps, alpha):
    return boxed(x_adv + alpha * np.sign(network(x_adv, y)[1]), x_adv, eps)


def step_in_place(network, x_adv, x, y, eps, alpha):
    x_adv += alpha * np.sign(network(x_adv, y)[1])
    return boxed(x_adv, x, eps)


def counted(count):
    """A wrong count: ``count(e)`` of the noise."""
    return lambda x_adv, x: count(x_adv - x)


def in_whole_numbers(kind):
    def answer(x_adv, x):
        return (np.abs((255 * x_adv).astype(kind) - (255 * x).astype(kind)) > 1).any(3).sum((1, 2))

    return answer


def from_pairs(p):
    """A wrong p-value: ``p(b, c)`` of the discordant pairs."""
    return lambda first, second: p(int((first & ~second).sum()), int((second & ~first).sum()))


def of_the_table(test, **more):
    def answer(first, second):
        table = [[first.sum(), second.sum()], [(~first).sum(), (~second).sum()]]
        return test(table, **more).pvalue

    return answer


def of_the_pairs(first, second):
    return stats.chi2_contingency(stats.contingency.crosstab(first, second).count).pvalue


def tail(b, c):
    return sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)


G = 1 / 255
MUTANTS = [
    (checks.sign_step, lambda *given: ..., "not written yet"),
    (checks.sign_step, stepped(lambda g, a, e: a * g), "the gradient's size is still in it"),
    (checks.sign_step,
     stepped(lambda g, a, e: a * g / np.abs(g).max((1, 2, 3), keepdims=True)),
     "this is the paper's step"),
    (checks.sign_step, stepped(lambda g, a, e: -up(g, a, e)), "downhill"),
    (checks.sign_step, stepped(lambda g, a, e: a * np.sign(np.abs(g))), "every pixel got brighter"),
    (checks.sign_step, stepped(lambda g, a, e: np.where(g > 0, a, -a)), "whose gradient is 0 got darker"),
    (checks.sign_step, stepped(lambda g, a, e: np.where(g < 0, -a, a)), "whose gradient is 0 got brighter"),
    (checks.sign_step, stepped(lambda g, a, e: g / np.abs(g) * a), "np.sign gives 0 there"),
    (checks.sign_step, stepped(lambda g, a, e: up(g.mean(0), a, e)), "the mean over the batch"),
    (checks.sign_step, for_the_prediction, "not for the label"),
    (checks.sign_step, stepped(up, at="x"), "the gradient was taken at x"),
    (checks.sign_step, stepped(up, at="x", base="x"), "this starts from x again"),
    (checks.sign_step, stepped(up, base="x"), "but it starts from x again"),
    (checks.sign_step, stepped(lambda g, a, e: up(g, e, e)), "a step of ε goes to the fence"),
    (checks.sign_step, stepped(up, clipped=lambda x_adv, x, eps: x_adv), "not clipped"),
    (checks.sign_step, stepped(up, clipped=lambda x_adv, x, eps: np.clip(x_adv, 0, 1)), "further than ε from x"),
    (checks.sign_step, around_x_adv, "further than ε from x: clip around x, not x_adv"),
    (checks.sign_step, stepped(up, clipped=lambda x_adv, x, eps: np.clip(x_adv, x - eps, x + eps)),
     "right inside the ε-ball, but pixels went to -0."),
    (checks.sign_step, stepped(up, clipped=lambda x_adv, x, eps: boxed(x_adv, x, eps) - x), "this is the noise"),
    (checks.sign_step, step_in_place, "it changed the array"),
    (checks.sign_step, lambda *given: sign_step(*given)[0], "must have shape (3, 2, 3, 2)"),
    (checks.sign_step, stepped(lambda g, a, e: 0 * g), "not the right numbers"),
    (checks.l0, lambda x_adv, x: None, "not written yet"),
    (checks.l0, counted(lambda e: np.sum((np.abs(e) > G).any(-1))), "one number for the whole batch"),
    (checks.l0, counted(lambda e: (np.abs(e) > G).any(3).sum(0)), "must have shape (3,)"),
    (checks.l0, counted(lambda e: (np.abs(e) > G).sum((1, 2, 3))), "one pixel, not two"),
    (checks.l0, counted(lambda e: (np.abs(e) > G).all(3).sum((1, 2))), "wants all of them"),
    (checks.l0, counted(lambda e: (e > G).any(3).sum((1, 2))), "got darker moved too: np.abs first"),
    (checks.l0, counted(lambda e: (e > G).sum((1, 2, 3))), "got darker moved too (np.abs), and"),
    (checks.l0, counted(lambda e: e.any(3).sum((1, 2))), "every pixel that is not exactly the same"),
    (checks.l0, counted(lambda e: [np.linalg.norm(one.ravel(), 0) for one in e]), "every value that is not exactly"),
    (checks.l0, counted(lambda e: (np.abs(e) >= G).any(3).sum((1, 2))), "so > and not >="),
    (checks.l0, counted(lambda e: (np.abs(e) > 1).any(3).sum((1, 2))), "a grey level is 1/255"),
    (checks.l0, counted(lambda e: (np.abs(e.mean(3)) > G).sum((1, 2))), "the mean of the colours"),
    (checks.l0, counted(lambda e: (np.abs(e.sum(3)) > G).sum((1, 2))), "the colours were added up"),
    (checks.l0, counted(lambda e: (np.abs(e) <= G).all(3).sum((1, 2))), "the pixels that stayed"),
    (checks.l0, in_whole_numbers(int), "cut off a part of a grey level"),
    (checks.l0, in_whole_numbers("uint8"), "0 - 1 is 255"),
    (checks.l0, lambda x_adv, x: l0(x_adv, x) / 6, "a share"),
    (checks.l0, lambda x_adv, x: np.sqrt(l0(x_adv, x)), "the root belongs to L2"),
    (checks.l0, lambda x_adv, x: x_adv.any(3).sum((1, 2)), "the noise is x_adv - x"),
    (checks.l0, lambda x_adv, x: l0(x_adv, x) + 7, "not the right numbers"),
    (checks.mcnemar, lambda first, second: ..., "not written yet"),
    (checks.mcnemar, lambda first, second: (1, 0.1), "one p-value is wanted"),
    (checks.mcnemar, from_pairs(tail), "one tail"),
    (checks.mcnemar, from_pairs(lambda b, c: stats.binom.cdf(b, b + c, 0.5)), "the wrong tail"),
    (checks.mcnemar, lambda first, second: 1 - mcnemar(first, second), "this is 1 - p"),
    (checks.mcnemar, from_pairs(lambda b, c: stats.binom.pmf(b, b + c, 0.5)), "this very split"),
    (checks.mcnemar, from_pairs(lambda b, c: 2 * stats.binom.pmf(b, b + c, 0.5)), "this very split"),
    (checks.mcnemar,
     from_pairs(lambda b, c: 2 * stats.binom.cdf(min(b, c) - 1, b + c, 0.5)),
     "belongs to the tail too"),
    (checks.mcnemar,
     from_pairs(lambda b, c: stats.chi2.sf((b - c) ** 2 / (b + c), 1)),
     "chi-squared approximation, good"),
    (checks.mcnemar, from_pairs(lambda b, c: stats.chi2.sf((abs(b - c) - 1) ** 2 / (b + c), 1)), "with its correction"),
    (checks.mcnemar, from_pairs(lambda b, c: (b - c) ** 2 / (b + c)), "the test statistic"),
    (checks.mcnemar, of_the_table(stats.chi2_contingency), "came from different images"),
    (checks.mcnemar, of_the_table(stats.chi2_contingency, correction=False), "came from different images"),
    (checks.mcnemar, of_the_pairs, "not which fools more"),
    (checks.mcnemar, lambda first, second: stats.binomtest(int((first & ~second).sum()), len(first)).pvalue,
     "divided by all images"),
    (checks.mcnemar, lambda first, second: stats.binomtest(int(first.sum()), int(first.sum() + second.sum())).pvalue,
     "that both fooled"),
    (checks.mcnemar, from_pairs(lambda b, c: b), "this is a count"),
    (checks.mcnemar, from_pairs(lambda b, c: 2 * stats.binom.cdf(b, b + c, 0.5)), "added up to the larger"),
    (checks.mcnemar, from_pairs(lambda b, c: min(1, 2 * stats.binom.cdf(b, b + c, 0.5))), "added up to the larger"),
    (checks.mcnemar, from_pairs(lambda b, c: 2 * stats.binom.cdf(c, b + c, 0.5)), "start from the smaller"),
    (checks.mcnemar, from_pairs(lambda b, c: min(1, 2 * stats.binom.cdf(c, b + c, 0.5))), "start from the smaller"),
    (checks.mcnemar, from_pairs(lambda b, c: 2 * tail(b, c)), "the two tails overlap"),
    (checks.mcnemar, from_pairs(lambda b, c: min(1, 2 * tail(b, c)) if b + c else 0), "until the attacks never differ"),
    (checks.mcnemar, from_pairs(lambda b, c: stats.binomtest(b, b + c).pvalue), "until the attacks never differ"),
    (checks.mcnemar, lambda first, second: 0.5, "not the right numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "answer", "hint"), MUTANTS, ids=[f"{c.__name__}: {h}" for c, _, h in MUTANTS])
def test_each_usual_mistake_gets_its_own_hint(check, answer, hint, capsys):
    check(answer)
    told = capsys.readouterr()
    assert told.out.startswith(f"[not yet] {check.__name__}: ")
    assert hint in told.out
    assert 'unfold "Hint" above your function' in told.out
    assert told.err == ""


@pytest.mark.parametrize(
    ("label", "why"),
    [(lambda y: y[0], "shape (3,); found ()"), (lambda y: y[:2], "shape (3,); found (2,)")],
)
def test_the_network_that_is_handed_over_refuses_wrong_labels(label, why, capsys):
    checks.sign_step(lambda network, x_adv, x, y, eps, alpha: sign_step(network, x_adv, x, label(y), eps, alpha))
    assert f"in network(x, y), y must have one label per image, {why}" in capsys.readouterr().out


def test_the_network_that_is_handed_over_refuses_a_single_image(capsys):
    def my_sign_step(network, x_adv, x, y, eps, alpha):
        g = [network(image, label)[1] for image, label in zip(x_adv, y)]
        return boxed(x_adv + alpha * np.sign(g), x, eps)

    checks.sign_step(my_sign_step)
    assert "in network(x, y), x must have shape (n, 2, 3, 2); found (2, 3, 2): for one" in capsys.readouterr().out

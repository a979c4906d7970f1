"""The checks of lesson 05: each usual wrong answer gets its own hint, and every right way passes."""

import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from answers import checked, largest, naive, solution, verdicts, votes
from tiny import linear

from advlib import checks, gradient
from advlib.common import CommonNoise

LESSON = Path(__file__).parents[1] / "notebooks" / "05_common_noise_with_a_target.ipynb"


def test_each_solution_of_the_lesson_goes_to_its_check():
    assert checked(LESSON) == {
        "target_step": "my_target_step_solution",
        "two_claims": "my_two_claims_solution",
        "foresight": "my_foresight_solution",
        "own_target": "my_targeted_noise_solution",
    }


# ------------------------------------------------------------------------------ a step towards the target
def stepped(votes):
    "A step that takes these votes off."
    return lambda e, g, eps, a: np.clip(e - a * votes(g), -eps, eps)


def in_place(e, g, eps, alpha):
    e -= alpha * votes(g).mean(0)
    return np.clip(e, -eps, eps)


def one_by_one(e, g, eps, alpha):
    step = np.zeros_like(e)
    for one in g:
        m = np.abs(one).max()
        if m > 0:
            step += one / m
    return np.maximum(-eps, np.minimum(eps, e - alpha * step / len(g)))


def without_the_zeros(e, g, eps, alpha):
    g = g[np.abs(g).max((1, 2, 3)) > 0]
    return np.clip(e - alpha * naive(g).mean(0), -eps, eps)


def one_after_the_other(e, g, eps, alpha, share=1):
    for one in naive(g):
        e = np.clip(e - alpha * one / share, -eps, eps)
    return e


def stays_where_one_is_dead(e, g, eps, alpha):
    return e if (largest(g) == 0).any() else np.clip(e - alpha * naive(g).mean(0), -eps, eps)


def away(p, y):
    return np.mean((p != y) & (p >= 0))


def moves(x, eps):
    return np.minimum(eps, 1 - x), -np.minimum(eps, x)


def gain(g, x, eps):
    "What each pixel takes from the mean lead."
    up, down = moves(x, eps)
    return -np.minimum((g * up).mean(0), (g * down).mean(0))


def by_signs(lead, g, x, eps):
    "The two noises of one sign, clipped with their images, pixel by pixel."
    changes = [(g * (np.clip(x + s * eps, 0, 1) - x)).sum(0) / len(x) for s in (1, -1)]
    return sum(-min(pair) for pair in zip(*(c.ravel() for c in changes))) / np.mean(lead)


def own_noises(lead, g, x, eps):
    up, down = moves(x, eps)
    return -np.minimum(g * up, g * down).sum((1, 2, 3))


def sign_of_the_mean(lead, g, x, eps):
    up, down = moves(x, eps)
    return -np.where(g.mean(0) > 0, (g * down).mean(0), (g * up).mean(0)).sum() / lead.mean()


def upwards_twice(lead, g, x, eps):
    plus, minus = ((g * np.minimum(eps, room)).mean(0) for room in (1 - x, x))
    return -np.minimum(plus, minus).sum() / lead.mean()


def the_larger_change(lead, g, x, eps):
    plus, minus = ((g * move).mean(0) for move in moves(x, eps))
    return -np.where(abs(plus) > abs(minus), plus, minus).sum() / lead.mean()


def means_multiplied(lead, g, x, eps):
    plus, minus = (g.mean(0) * move.mean(0) for move in moves(x, eps))
    return -np.minimum(plus, minus).sum() / lead.mean()


RIGHT = {
    "target_step": [
        lambda e, g, eps, a: np.clip(e - a * votes(g).mean(0), -eps, eps),
        one_by_one,
        solution(LESSON, "my_target_step_solution"),
    ],
    "two_claims": [
        lambda p, y, t: (np.mean(p == t), away(p, y)),
        lambda p, y, t: [sum(p == t) / len(p), 1 - sum((p == y) | (p == -1)) / len(p)],
        lambda p, y, t: np.array([np.mean(p == t), away(p, y)]),
        solution(LESSON, "my_two_claims_solution"),
    ],
    "foresight": [
        lambda lead, g, x, eps: gain(g, x, eps).sum() / lead.mean(),
        by_signs,
        solution(LESSON, "my_foresight_solution"),
    ],
}
WRONG = [
    ("target_step", lambda e, g, eps, a: None, "not written yet"),
    ("target_step", in_place, "it changed the array"),
    ("target_step", lambda e, g, eps, a: np.clip(e - a * naive(g), -eps, eps), "one noise for each image"),
    ("target_step", lambda e, g, eps, a: np.clip(e - a * naive(g).mean(0), -eps, eps)[0], "old one's shape"),
    (
        "target_step",
        lambda e, g, eps, a: np.clip(e - a * (g / np.abs(g).max((1, 2, 3))).mean(0), -eps, eps),
        "keepdims=True",
    ),
    ("target_step", stepped(lambda g: -naive(g).mean(0)), "away from the target"),
    ("target_step", lambda e, g, eps, a: e + a * naive(g).mean(0), "away from the target, and beyond"),
    ("target_step", stepped(lambda g: -np.sign(g.mean(0))), "away from the target"),
    ("target_step", lambda e, g, eps, a: e - a * naive(g).mean(0), "beyond ±eps"),
    ("target_step", lambda e, g, eps, a: np.clip(e, -eps, eps) - a * naive(g).mean(0), "beyond ±eps"),
    ("target_step", lambda e, g, eps, a: np.clip(e - a * naive(g).mean(0), 0, eps), "both sides"),
    ("target_step", lambda e, g, eps, a: np.clip(e - a * naive(g).mean(0), 0, 1), "images, not noises"),
    ("target_step", lambda e, g, eps, a: e + np.clip(-a * naive(g).mean(0), -eps, eps), "the step was clipped"),
    ("target_step", stepped(lambda g: naive(g).mean()), "axis=0"),
    ("target_step", lambda e, g, eps, a: np.clip(-a * naive(g).mean(0), -eps, eps), "forgets the old noise"),
    ("target_step", lambda e, g, eps, a: -a * naive(g).mean(0), "the step alone"),
    ("target_step", lambda e, g, eps, a: np.clip(e - naive(g).mean(0), -eps, eps), "alpha is missing"),
    ("target_step", stepped(lambda g: naive(g).sum(0)), "their mean is asked for"),
    *(
        ("target_step", lambda e, g, eps, a, n=n: np.clip(e - n / 255 * naive(g).mean(0), -eps, eps), "take the alpha")
        for n in (1, 4, 8)
    ),
    ("target_step", lambda e, g, eps, a: np.clip(e - a * naive(g).mean(0), -0.24, 0.24), "take the eps"),
    ("target_step", one_after_the_other, "as in Algorithm 1"),
    ("target_step", lambda e, g, eps, a: one_after_the_other(e, g, eps, a, len(g)), "clipped after every vote"),
    *(
        ("target_step", stepped(lambda g, guard=guard: (g / (largest(g) + guard)).mean(0)), "has lost its vote")
        for guard in (1e-15, 1e-12, 1e-8, 1e-3)
    ),
    ("target_step", stepped(lambda g: (g / np.maximum(largest(g), 1e-8)).mean(0)), "has lost its vote"),
    ("target_step", stepped(lambda g: np.where(largest(g) > 1e-12, naive(g), 0).mean(0)), "has lost its vote"),
    ("target_step", stepped(lambda g: naive(g[largest(g).ravel() > 1e-12]).mean(0)), "has lost its vote"),
    ("target_step", stepped(lambda g: naive(g)[0]), "the first image alone"),
    ("target_step", stepped(lambda g: naive(g)[-1]), "the last image alone"),
    ("target_step", stepped(lambda g: naive(g.mean(0, keepdims=True))[0]), "decides alone"),
    ("target_step", stepped(lambda g: (g / np.abs(g).max()).mean(0)), "one divisor"),
    ("target_step", stepped(lambda g: (g / g.max((1, 2, 3), keepdims=True)).mean(0)), "take np.abs before"),
    ("target_step", stepped(lambda g: -(g / g.max((1, 2, 3), keepdims=True)).mean(0)), "take np.abs before"),
    ("target_step", stepped(lambda g: g.mean(0)), "its own largest absolute value"),
    ("target_step", stepped(lambda g: np.sign(g).mean(0)), "mean of signs"),
    ("target_step", stepped(lambda g: np.sign(g.mean(0))), "a sign step"),
    ("target_step", stepped(lambda g: np.sign(naive(g).mean(0))), "a sign step"),
    ("target_step", lambda e, g, eps, a: np.clip(e, -eps, eps), "the step is missing"),
    ("target_step", lambda e, g, eps, a: e[::-1], "not the right numbers"),
    ("target_step", stepped(lambda g: naive(g).mean(0)), "0/0"),
    ("target_step", stepped(lambda g: np.divide(g, largest(g), where=largest(g) > 0).mean(0)), "was in memory"),
    ("target_step", without_the_zeros, "still counts"),
    ("target_step", stays_where_one_is_dead, "the others still vote"),
    ("two_claims", lambda p, y, t: None, "not written yet"),
    ("two_claims", lambda p, y, t: np.mean(p == t), "two numbers"),
    ("two_claims", lambda p, y, t: (p == t, p != y), "two answers for each image"),
    ("two_claims", lambda p, y, t: p == t, "an answer for each image"),
    ("two_claims", lambda p, y, t: (away(p, y), np.mean(p == t)), "in the other order"),
    ("two_claims", lambda p, y, t: (np.sum(p == t), np.sum(p != y)), "these are counts"),
    ("two_claims", lambda p, y, t: (100 * np.mean(p == t), 100 * away(p, y)), "in percent"),
    ("two_claims", lambda p, y, t: (np.mean(p[p != y] == t), away(p, y)), "a share of the fooled"),
    ("two_claims", lambda p, y, t: (np.mean(p[p != y] == t), np.mean(p[p != y] != y)), "divided by the fooled"),
    ("two_claims", lambda p, y, t: (np.mean(p == t), np.mean((p != y) & (p != t))), "leaves the target out"),
    ("two_claims", lambda p, y, t: (np.mean(p == t), np.mean(p != t)), "not the target"),
    ("two_claims", lambda p, y, t: (np.mean(p == t), np.mean(p == y)), "still read as y"),
    ("two_claims", lambda p, y, t: (np.mean(p != t), np.mean(p == y)), "of the failures"),
    ("two_claims", lambda p, y, t: (np.mean(p == t), np.mean(p == t)), "both are the share read as the target"),
    ("two_claims", lambda p, y, t: (np.mean(p != y), np.mean(p != y)), "both are the share that is not y"),
    ("two_claims", lambda p, y, t: (np.mean(p == t) * np.mean(p != y), np.mean(p != y)), "multiplies two shares"),
    ("two_claims", lambda p, y, t: (np.mean(p == t), np.mean(p != y)), "nothing read"),
    ("two_claims", lambda p, y, t: (np.mean(p == t), np.mean((p != y) & (p > 0))), "0 is a label, too"),
    ("two_claims", lambda p, y, t: (np.mean(p[p >= 0] == t), np.mean(p[p >= 0] != y)), "left the denominator"),
    ("two_claims", lambda p, y, t: (np.mean(p == 3), away(p, 5)), "use y and y_target"),
    ("two_claims", lambda p, y, t: (np.mean(p == t), away(p, 5)), "use y and y_target"),
    ("two_claims", lambda p, y, t: (np.mean(p == 3), away(p, y)), "use y and y_target"),
    ("foresight", lambda lead, g, x, eps: None, "not written yet"),
    ("foresight", own_noises, "a number for each image"),
    ("foresight", lambda lead, g, x, eps: gain(g, x, eps), "a number for each pixel"),
    ("foresight", lambda lead, g, x, eps: gain(g, x, eps).sum(0), "one number is asked for"),
    ("foresight", lambda lead, g, x, eps: -gain(g, x, eps).sum() / lead.mean(), "a positive share"),
    ("foresight", lambda lead, g, x, eps: lead.mean() / gain(g, x, eps).sum(), "upside down"),
    ("foresight", lambda lead, g, x, eps: gain(g, x, eps).sum(), "divide it by the mean lead"),
    ("foresight", lambda lead, g, x, eps: 1 - gain(g, x, eps).sum() / lead.mean(), "that is left"),
    ("foresight", lambda lead, g, x, eps: own_noises(lead, g, x, eps).mean() / lead.mean(), "its own noise"),
    ("foresight", lambda lead, g, x, eps: np.median(own_noises(lead, g, x, eps) / lead), "its own noise"),
    ("foresight", lambda lead, g, x, eps: np.mean(own_noises(lead, g, x, eps) / lead), "decides alone"),
    ("foresight", lambda lead, g, x, eps: np.mean(gain(g, x, eps).sum() / lead), "decides alone"),
    ("foresight", lambda lead, g, x, eps: eps * np.abs(g.mean(0)).sum() / lead.mean(), "room is forgotten"),
    ("foresight", lambda lead, g, x, eps: min(1, gain(g, x, eps).sum() / lead.mean()), "cut at 1"),
    ("foresight", lambda lead, g, x, eps: lead.mean() / np.abs(g.mean(0)).sum(), "the ε needed"),
    ("foresight", upwards_twice, "a negative number"),
    ("foresight", the_larger_change, "no gain"),
    ("foresight", means_multiplied, "in each image first"),
    (
        "foresight",
        lambda lead, g, x, eps: eps * np.abs(g).sum((1, 2, 3)).mean() / lead.mean(),
        "taken before the mean",
    ),
    (
        "foresight",
        lambda lead, g, x, eps: -(g * moves(x, eps)[0]).mean(0).sum() / lead.mean(),
        "all pixels have got +eps",
    ),
    (
        "foresight",
        lambda lead, g, x, eps: -(g * moves(x, eps)[1]).mean(0).sum() / lead.mean(),
        "all pixels have got −eps",
    ),
    ("foresight", lambda lead, g, x, eps: -gain(-g, x, eps).sum() / lead.mean(), "worse sign"),
    ("foresight", lambda lead, g, x, eps: gain(-g, x, eps).sum() / lead.mean(), "raises the lead most"),
    ("foresight", sign_of_the_mean, "compare the two mean changes"),
    ("foresight", lambda lead, g, x, eps: len(x) * gain(g, x, eps).sum() / lead.mean(), "the sum over the images"),
    ("foresight", lambda lead, g, x, eps: gain(g, x, eps).sum() / lead.sum(), "sum of the leads"),
    ("foresight", lambda lead, g, x, eps: gain(g, x, eps).mean() / lead.mean(), "the mean over the pixels"),
    ("foresight", lambda lead, g, x, eps: gain(g, 1 - x, eps).sum() / lead.mean(), "the rooms were exchanged"),
    ("foresight", lambda lead, g, x, eps: gain(g, x, 1).sum() / lead.mean(), "a pixel moves by eps at most"),
    ("foresight", lambda lead, g, x, eps: gain(g, x, eps).sum() / np.abs(lead).mean(), "negative lead"),
    ("foresight", lambda lead, g, x, eps: gain(g, x, eps).sum() / np.median(lead), "the median of the leads"),
    ("foresight", lambda lead, g, x, eps: gain(g, x, 0.24).sum() / lead.mean(), "take the eps"),
    ("foresight", lambda lead, g, x, eps: gain(g, x, eps).sum() / 0 * lead.mean(), "NaN or infinity"),
]


test_a_right_answer_passes_however_it_is_written, test_a_usual_mistake_gets_its_hint = verdicts(RIGHT, WRONG)


def test_two_hints_each_where_it_helps(capsys):
    for answer, title in (
        (lambda e, g, eps, a: e - a * naive(g).mean(0), "one vote for each image"),
        (lambda e, g, eps, a: np.clip(e - a * naive(g).mean(0), -eps, eps), "an image whose gradient is all zero"),
    ):
        checks.target_step(answer)
        assert f'unfold "Hint: {title}" above' in capsys.readouterr().out


def test_every_hint_that_is_named_stands_in_the_lesson():
    text = "\n".join(c.source for c in nbformat.read(LESSON, 4).cells if c.cell_type == "markdown")
    for check in (checks.target_step, checks.two_claims, checks.foresight, checks.own_target):
        assert f"<summary>{check.__doc__.strip().splitlines()[-1].strip()}</summary>" in text
    assert "<summary>Hint: an image whose gradient is all zero</summary>" in text


# ------------------------------------------------------------------------------ the open exercise
SIDE = np.where(np.random.default_rng(4).random((6, 6, 1)) < 0.5, -1, 1).astype(np.float32)
OTHER = np.where(np.random.default_rng(5).random((6, 6, 1)) < 0.5, -1, 1).astype(np.float32)
EPS = 0.2


def at(*distances):
    """Images that a noise of -distance on their side's pixels, and no smaller one, carries over to the target."""
    return np.float32([0.5 + d * SIDE for d in distances])


def scored(answer, capsys, strength=0.5, learn=(0.05, 0.06, 0.07), among=10, say=True):
    """What is told of a noise, where the course's is so strong and the test images lie between 0.01 and 0.19.

    Class 0 is the source, 1 the target; a third one is where a noise against OTHER leads.
    """
    weights = np.stack([SIDE.ravel(), -SIDE.ravel(), -3 * OTHER.ravel()], 1)
    model = linear(weights, [-SIDE.sum() / 2, SIDE.sum() / 2, 1.5 * OTHER.sum() - 14], SIDE.shape)
    if say and not callable(answer):
        e = answer

        def answer(network, x, y, y_target, eps):
            network(x, [y_target] * len(x))
            return e

    test, course = at(*np.linspace(0.01, 0.19, among)), -strength * EPS * SIDE
    checks.own_target(answer, model, at(*learn), test, course, 0, 1, EPS)
    return capsys.readouterr().out


def with_one_pixel_at_the_fence(strength):
    e = -strength * EPS * SIDE
    e[0, 0] = -EPS * SIDE[0, 0]
    return e


def with_a_tenth_turned(network, x, y, y_target, eps):
    network(x, y)
    e = -eps * SIDE
    e[0] *= -1
    return e


def asked_without_a_clip(network, x, y, y_target, eps):
    network(x + 1, y)
    return -0.3 * eps * SIDE


def asked_as_a_model(network, x, y, y_target, eps):
    return gradient(network, x, y)[1][0]


def asked_for_ever(network, x, y, y_target, eps):
    while True:
        network(x, y)


def test_a_stronger_noise_is_told_beside_the_courses(capsys):
    given = []

    def best(network, x, y, y_target, eps):
        given.extend([x.shape, y.tolist(), y_target, eps])
        assert [part.shape for part in network(x, [y_target] * 3)] == [(3, 3), x.shape]
        return -eps * SIDE

    assert scored(best, capsys) == (
        "[OK] own_target: under yours 10 of 10 unseen images are read as 1, under the course's 5; at least 6 are asked "
        "for; 10 are not read as 0; of the 3 learning images yours leads 3 to the target, with 3 gradients\n"
    )
    assert given == [(3, 6, 6, 1), [0, 0, 0], 1, EPS]


@pytest.mark.parametrize(
    ("answer", "why", "how"),
    [
        (lambda network, x, y, t, eps: None, "not written yet", {}),
        (lambda network, x, y, t, eps: 1 / 0, "ZeroDivisionError", {}),
        (lambda network, x, y, t, eps: CommonNoise(-eps * SIDE, eps, 0, 1, {}, 3), ".noise", {}),
        (lambda network, x, y, t, eps: x - eps * SIDE, "one noise for each image", {}),
        (-EPS * SIDE[..., 0], "an image's shape, (6, 6, 1); found (6, 6)", {}),
        (-2 * EPS * SIDE, "goes beyond eps = 0.2 by 0.2", {}),
        (0 * SIDE, "zero everywhere", {}),
        (lambda network, x, y, t, eps: -eps * SIDE, "not asked for a single gradient", {}),
        (-0.525 * EPS * SIDE, "at least 22 are asked for", {"learn": (0.01, 0.15), "among": 40}),
        (asked_without_a_clip, "outside [0, 1]", {}),
        (asked_as_a_model, "network(images, labels)[1]", {}),
        (asked_for_ever, "4,000 gradients are spent", {}),
        (np.nan * SIDE, "NaN", {}),
        (-0.5 * EPS * SIDE, "the course's own noise", {}),
        (EPS * SIDE, "the step taken off?", {}),
        (-EPS * OTHER, "is every gradient asked for", {}),
        (with_one_pixel_at_the_fence(0.38), "by heart", {}),
        (-0.3 * EPS * SIDE, "take longer steps", {"learn": (0.01, 0.15)}),
        (with_one_pixel_at_the_fence(0.3), "far from ±eps", {"learn": (0.01, 0.15)}),
        (with_a_tenth_turned, "many images agree on", {"strength": 0.9, "learn": (0.01, 0.19)}),
    ],
)
def test_a_noise_that_is_not_stronger_is_told_why(answer, why, how, capsys):
    told = scored(answer, capsys, **how)
    assert told.startswith("[not yet] own_target: ")
    assert why in told
    assert 'unfold "Hint: where to begin"' in told


def test_more_than_all_is_not_asked_for(capsys):
    assert scored(with_one_pixel_at_the_fence(0.97), capsys, strength=1).startswith("[OK] own_target: under yours 10")


def test_the_score_stands_below_the_reason(capsys):
    assert "under yours 0 of 10 unseen images are read as 1, under the course's 5" in scored(EPS * SIDE, capsys)


def test_the_lessons_solution_wins_on_the_small_network(capsys):
    told = scored(solution(LESSON, "my_targeted_noise_solution"), capsys)
    assert told.startswith("[OK] own_target: under yours 10 of 10")


def test_the_noise_function_itself_is_asked_for(capsys):
    assert "give the function itself" in scored(SIDE, capsys, say=False)


def test_a_slow_search_is_stopped_and_told_what_saves_time(monkeypatch, capsys):
    monkeypatch.setitem(checks.own_target.__wrapped__.__globals__, "SECONDS", 0.2)

    def slow(network, x, y, y_target, eps):
        while True:
            time.sleep(0.01)

    assert "several in one call" in scored(slow, capsys)

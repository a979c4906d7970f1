"""The checks of lesson 06: each usual wrong answer gets its own hint, and every right way passes."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
from answers import checked, largest, naive, solution, verdicts, votes
from tiny import linear

from advlib import checks
from advlib.transforms import move, move_back

LESSON = Path(__file__).parents[1] / "notebooks" / "06_noise_that_survives_motion.ipynb"


def solved(name):
    return solution(LESSON, name, move_back=move_back)


def test_each_solution_of_the_lesson_goes_to_its_check():
    assert checked(LESSON) == {
        "rate_when_moved": "my_rate_when_moved_solution",
        "shift": "my_shift_solution",
        "shift_back": "my_shift_back_solution",
        "motion_step": "my_motion_step_solution",
        "own_moving_noise": "my_moving_noise_solution",
    }


# ------------------------------------------------------------------------------ who counts
def successes(clean, attacked, y):
    return (clean == y) & (attacked != y) & (attacked >= 0)


# ------------------------------------------------------------------------------ whole pixels
def shifted(x, down, right):
    "By padding and cutting."
    h, w = x.shape[1:3]
    wide = np.pad(x, ((0, 0), (abs(down), abs(down)), (abs(right), abs(right)), (0, 0)))
    return wide[:, abs(down) - down :, abs(right) - right :][:, :h, :w]


def shifted_by_indices(x, down, right):
    new = np.zeros_like(x)
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            if 0 <= i - down < x.shape[1] and 0 <= j - right < x.shape[2]:
                new[:, i, j] = x[:, i - down, j - right]
    return new


def rolled(x, down, right):
    return np.roll(x, (down, right), (1, 2))


def black_after_a_roll(x, down, right):
    new = rolled(x, down, right)
    rows, columns = np.arange(x.shape[1]) - down, np.arange(x.shape[2]) - right
    new[:, (rows < 0) | (rows >= x.shape[1])] = 0
    new[:, :, (columns < 0) | (columns >= x.shape[2])] = 0
    return new


def naive_slices(x, down, right):
    "Empty where a shift is 0."
    if down < 0 or right < 0:
        return shifted(x, down, right)
    if not (down and right):
        return x[:, :-down, :-right]
    return shifted(x, down, right)


def repeats_the_edge(x, down, right):
    wide = np.pad(x, ((0, 0), (9, 9), (9, 9), (0, 0)), mode="edge")
    return np.roll(wide, (down, right), (1, 2))[:, 9:-9, 9:-9]


def white_comes_in(x, down, right):
    return 1 + shifted(x - 1, down, right)


def stays_where_nothing_comes(x, down, right):
    return np.where(shifted(np.ones_like(x), down, right) > 0, shifted(x, down, right), x)


def cut_by_a_negative_end(x, down, right):
    "As a slice's end that is not kept above 0 cuts it."
    h, w = x.shape[1:3]
    new = np.zeros_like(x)
    new[:, max(0, down) : h + min(0, down), max(0, right) : w + min(0, right)] = x[
        :, max(0, -down) : h - max(0, down), max(0, -right) : w - max(0, right)
    ]
    return new


def shape_of_a_shift_too_far(x, down, right):
    return shifted(x, down, right) if abs(down) < x.shape[1] else x[:, :0]


def in_single_precision(x, down, right):
    return shifted(x.astype(np.float32), down, right)


def by_the_course(x, down, right):
    return move(x, shift=(down, right))


def mean_image(x):
    return np.broadcast_to(x.mean(0), x.shape)


def never_all_black(x, down, right):
    return shifted(x, down, right) if abs(down) < x.shape[1] else x


# ------------------------------------------------------------------------------ a step at several motions
def stepped(change):
    "A step that adds alpha times what this makes of the gradients that were brought back."
    return lambda e, g, m, eps, a: np.clip(e + a * change(move_back(g, **m)), -eps, eps)


def unmoved(change):
    "The same from the gradients, their motions and nothing else."
    return lambda e, g, m, eps, a: np.clip(e + a * votes(change(g, m)).mean(0), -eps, eps)


def one_by_one(e, g, m, eps, alpha):
    step = np.zeros_like(e)
    for i in range(len(g)):
        back = move_back(g[i : i + 1], **{name: values[i] for name, values in m.items()})[0]
        if back.any():
            step += back / np.abs(back).max() / len(g)
    return np.clip(e + alpha * step, -eps, eps)


def in_place(e, g, m, eps, alpha):
    e += alpha * votes(move_back(g, **m)).mean(0)
    return np.clip(e, -eps, eps)


def in_turn(e, g, m, eps, alpha, share=1):
    for one in naive(move_back(g, **m)):
        e = np.clip(e + alpha * one / share, -eps, eps)
    return e


def turned(m):
    return {"angle": -m["angle"], "scale": 1 / m["scale"], "shift": -m["shift"]}


def first(m):
    return {name: values[0] for name, values in m.items()}


def without_the_zeros(e, g, m, eps, alpha):
    back = move_back(g, **m)
    return np.clip(e + alpha * naive(back[back.any((1, 2, 3))]).mean(0), -eps, eps)


def stays_where_one_is_dead(e, g, m, eps, alpha):
    back = move_back(g, **m)
    return e if not back.any((1, 2, 3)).all() else np.clip(e + alpha * naive(back).mean(0), -eps, eps)


def divided_before(e, g, m, eps, alpha):
    return np.clip(e + alpha * move_back(votes(g), **m).mean(0), -eps, eps)


def by_the_size_before(e, g, m, eps, alpha):
    "The same, since the way back is linear."
    return np.clip(e + alpha * (move_back(g, **m) / largest(g)).mean(0), -eps, eps)


def unclipped(e, g, m, eps, alpha):
    return e + alpha * naive(move_back(g, **m)).mean(0)


RIGHT = {
    "rate_when_moved": [
        lambda c, a, y: (successes(c, a, y).sum(), (c == y).sum()),
        lambda c, a, y: [len(y[(c == y) & (a != y) & (a > -1)]), len(y[c == y])],
        solved("my_rate_when_moved_solution"),
    ],
    "shift": [shifted, in_single_precision, shifted_by_indices, black_after_a_roll, solved("my_shift_solution")],
    "shift_back": [
        lambda g, down, right: shifted(g, -down, -right),
        lambda g, down, right: shifted_by_indices(g, -down, -right),
        solved("my_shift_back_solution"),
    ],
    "motion_step": [stepped(lambda g: votes(g).mean(0)), one_by_one, solved("my_motion_step_solution")],
}
WRONG = [
    ("rate_when_moved", lambda c, a, y: None, "not written yet"),
    ("rate_when_moved", lambda c, a, y: successes(c, a, y).mean(), "two counts are asked for"),
    ("rate_when_moved", lambda c, a, y: successes(c, a, y), "an answer for each image"),
    ("rate_when_moved", lambda c, a, y: [4, 7, 13], "two counts are asked for, (misread"),
    ("rate_when_moved", lambda c, a, y: (np.sum(c == y), successes(c, a, y).sum()), "in the other order"),
    ("rate_when_moved", lambda c, a, y: (successes(c, a, y).sum(), len(y)), "the second count is all images"),
    ("rate_when_moved", lambda c, a, y: (np.sum(a != y), len(y)), "leave them out of both"),
    ("rate_when_moved", lambda c, a, y: (np.sum(a != y), np.sum(c == y)), "not among the second"),
    ("rate_when_moved", lambda c, a, y: (np.sum((c == y) & (a == y)), np.sum(c == y)), "still read correctly"),
    ("rate_when_moved", lambda c, a, y: (successes(c, a, y)[c == y].mean(), np.sum(c == y)), "is a share"),
    ("rate_when_moved", lambda c, a, y: (np.sum(a != c), np.sum(c == y)), "no success yet"),
    ("rate_when_moved", lambda c, a, y: (np.sum(a != c), len(y)), "no success yet"),
    ("rate_when_moved", lambda c, a, y: (successes(c, a, y).sum(), np.sum(a != y)), "divided by all that are misread"),
    ("rate_when_moved", lambda c, a, y: (np.sum((c != y) & (a != y)), np.sum(c != y)), "misread before"),
    ("rate_when_moved", lambda c, a, y: (np.sum(c != y), len(y)), "the motion alone"),
    ("rate_when_moved", lambda c, a, y: (np.sum((c == y) & (a != y)), np.sum(c == y)), "nothing read"),
    ("rate_when_moved", lambda c, a, y: (np.sum((c == y) & (a != y) & (a > 0)), np.sum(c == y)), "0 is a label"),
    (
        "rate_when_moved",
        lambda c, a, y: (successes(c, a, y).sum(), np.sum((c == y) & (a >= 0))),
        "left the second count too",
    ),
    (
        "rate_when_moved",
        lambda c, a, y: (successes(c, a, y).sum(), np.sum((c == y) | (c < 0))),
        "cannot be counted",
    ),
    (
        "rate_when_moved",
        lambda c, a, y: (successes(c, a, y).sum(), np.sum(c == y)) if (c == y).any() else (len(y), len(y)),
        "nobody can be counted",
    ),
    ("rate_when_moved", lambda c, a, y: (np.sum(a != y) - np.sum(c != y), np.sum(c == y)), "a difference of two"),
    ("rate_when_moved", lambda c, a, y: (np.sum((c == y) & a != y), np.sum(c == y)), "brackets around each"),
    ("rate_when_moved", lambda c, a, y: (np.sum((c == y) and (a != y)), np.sum(c == y)), "between arrays stands &"),
    ("rate_when_moved", lambda c, a, y: (np.sum(c == y & a != y), np.sum(c == y)), "brackets around each"),
    ("shift", lambda x, d, r: None, "not written yet"),
    ("shift", lambda x, d, r: x[9, d], "(down = 2, right = 1)"),
    ("shift", cut_by_a_negative_end, "counts from behind: max(0, …) around its end, too (down = 7, right = 0)"),
    ("shift", shape_of_a_shift_too_far, "counts from behind"),
    ("shift", lambda x, d, r: shifted(x, d, r) if abs(r) < x.shape[2] else x, "(down = 0, right = 5)"),
    ("shift", by_the_course, "is it move"),
    ("shift", lambda x, d, r: np.stack([move(one[None], shift=(d, r))[0] for one in x]), "is it move"),
    ("shift", lambda x, d, r: -shifted(x, d, r), "changed their sign"),
    ("shift", stays_where_nothing_comes, "begin with np.zeros_like"),
    ("shift", lambda x, d, r: mean_image(shifted(x, d, r)), "a mean over the images"),
    ("shift", lambda x, d, r: x.__setitem__((slice(None), 0), 0) or x, "it changed the array"),
    ("shift", lambda x, d, r: shifted(x, d, r)[0], "keep their shape"),
    ("shift", lambda x, d, r: x[:, d:], "keep their shape"),
    ("shift", naive_slices, "has no rows"),
    ("shift", rolled, "comes in on the other; black"),
    ("shift", lambda x, d, r: shifted(x, -d, -r), "the wrong way: a positive"),
    ("shift", lambda x, d, r: rolled(x, -d, -r), "the wrong way, and"),
    ("shift", lambda x, d, r: shifted(x, r, d), "down and right are exchanged: axis 1"),
    ("shift", lambda x, d, r: rolled(x, r, d), "exchanged, and what leaves"),
    ("shift", lambda x, d, r: shifted(x, -r, -d), "exchanged, and the direction"),
    ("shift", lambda x, d, r: shifted(x, d, -r), "left and right are exchanged"),
    ("shift", lambda x, d, r: shifted(x, -d, r), "up and down are exchanged"),
    ("shift", lambda x, d, r: shifted(x, d, 0), "the columns have not moved"),
    ("shift", lambda x, d, r: shifted(x, 0, r), "the rows have not moved"),
    ("shift", repeats_the_edge, "repeats the edge"),
    ("shift", white_comes_in, "what comes in is 1"),
    ("shift", lambda x, d, r: x, "nothing has moved"),
    ("shift", never_all_black, "an image of 5 rows is black"),
    ("shift", lambda x, d, r: shifted(x, d, r) / 2, "not the right numbers"),
    ("shift", lambda x, d, r: shifted(x, d, r) / len(x), "a mean over the images"),
    ("shift_back", lambda x, d, r: None, "not written yet"),
    ("shift_back", shifted, "once more"),
    ("shift_back", lambda g, d, r: -shifted(g, d, r), "changed their sign"),
    ("shift_back", lambda g, d, r: -shifted(g, -d, -r), "changed their sign"),
    ("shift_back", lambda g, d, r: stays_where_nothing_comes(g, -d, -r), "nobody has seen: its gradient is 0"),
    ("shift_back", lambda g, d, r: shifted(g, -d, -r).mean(0), "a mean over the images"),
    ("shift_back", lambda g, d, r: shifted(g, -d, -r).mean(0, keepdims=True), "a mean over the images"),
    ("shift_back", lambda g, d, r: move_back(g, shift=(d, r)), "is it move"),
    ("shift_back", lambda g, d, r: cut_by_a_negative_end(g, -d, -r), "counts from behind"),
    ("shift_back", lambda g, d, r: rolled(g, -d, -r), "its gradient is 0"),
    ("shift_back", rolled, "the wrong way, and"),
    ("shift_back", lambda g, d, r: shifted(g, -r, -d), "down and right are exchanged: axis 1"),
    ("shift_back", lambda g, d, r: shifted(g, r, d), "exchanged, and the direction"),
    ("shift_back", lambda g, d, r: shifted(g, -d, r), "left and right are exchanged"),
    ("shift_back", lambda g, d, r: shifted(g, d, -r), "up and down are exchanged"),
    ("shift_back", lambda g, d, r: shifted(g, -d, 0), "the columns have not moved"),
    ("shift_back", lambda g, d, r: g, "nothing has moved"),
    ("shift_back", lambda g, d, r: never_all_black(g, -d, -r), "a gradient that comes back"),
    ("motion_step", lambda e, g, m, eps, a: None, "not written yet"),
    ("motion_step", in_place, "it changed the array"),
    ("motion_step", stepped(lambda g: np.divide(g, largest(g), where=largest(g) > 0).mean(0)), "was in memory"),
    ("motion_step", stepped(naive), "one noise for each image"),
    ("motion_step", lambda e, g, m, eps, a: e[0], "old one's shape"),
    ("motion_step", unmoved(lambda g, m: g), "were not brought back"),
    ("motion_step", unmoved(lambda g, m: move(g, **m)), "moved once more"),
    ("motion_step", unmoved(lambda g, m: move(g, **turned(m))), "the other way is near"),
    ("motion_step", unmoved(lambda g, m: move_back(g, **turned(m))), "goes back already"),
    ("motion_step", unmoved(lambda g, m: move_back(g, **first(m))), "each has its own"),
    ("motion_step", divided_before, "the division came first"),
    ("motion_step", by_the_size_before, "the division came first"),
    ("motion_step", stepped(lambda g: -naive(g).mean(0)), "towards the label"),
    ("motion_step", unclipped, "beyond ±eps"),
    ("motion_step", lambda e, g, m, eps, a: np.clip(unclipped(e, g, m, eps, a), 0, 1), "images, not noises"),
    ("motion_step", lambda e, g, m, eps, a: np.clip(unclipped(0, g, m, eps, a), -eps, eps), "forgets the old noise"),
    ("motion_step", lambda e, g, m, eps, a: unclipped(0, g, m, eps, a), "the step alone"),
    ("motion_step", lambda e, g, m, eps, a: np.clip(unclipped(e, g, m, eps, 1), -eps, eps), "alpha is missing"),
    ("motion_step", lambda e, g, m, eps, a: np.clip(unclipped(e, g, m, eps, 8 / 255), -eps, eps), "take the alpha"),
    ("motion_step", lambda e, g, m, eps, a: np.clip(unclipped(e, g, m, eps, a), -0.3, 0.3), "take the eps"),
    ("motion_step", stepped(lambda g: naive(g).sum(0)), "their mean is asked for"),
    ("motion_step", in_turn, "one image after another"),
    ("motion_step", lambda e, g, m, eps, a: in_turn(e, g, m, eps, a, len(g)), "after every vote"),
    *(
        ("motion_step", stepped(lambda g, guard=guard: (g / (largest(g) + guard)).mean(0)), "has lost its vote")
        for guard in (1e-15, 1e-8, 1e-3)
    ),
    ("motion_step", stepped(lambda g: (g / np.maximum(largest(g), 1e-8)).mean(0)), "has lost its vote"),
    ("motion_step", stepped(lambda g: naive(g)[0]), "the first image alone"),
    ("motion_step", stepped(lambda g: naive(g)[-1]), "the last image alone"),
    ("motion_step", stepped(lambda g: naive(g.mean(0, keepdims=True))[0]), "decides alone"),
    ("motion_step", stepped(lambda g: g.mean(0)), "its own largest absolute value"),
    ("motion_step", stepped(lambda g: (g / np.abs(g).max()).mean(0)), "one divisor"),
    ("motion_step", stepped(lambda g: (g / g.max((1, 2, 3), keepdims=True)).mean(0)), "take np.abs before"),
    ("motion_step", stepped(lambda g: np.sign(g).mean(0)), "a sign step"),
    ("motion_step", stepped(lambda g: np.sign(naive(g).mean(0))), "a sign step"),
    ("motion_step", lambda e, g, m, eps, a: e, "the step is missing"),
    ("motion_step", lambda e, g, m, eps, a: e[::-1], "not the right numbers"),
    ("motion_step", stepped(lambda g: naive(g).mean(0)), "0/0"),
    ("motion_step", without_the_zeros, "still counts"),
    ("motion_step", stays_where_one_is_dead, "the others still vote"),
]


test_a_right_answer_passes_however_it_is_written, test_a_usual_mistake_gets_its_hint = verdicts(RIGHT, WRONG)


def test_every_hint_that_is_named_stands_in_the_lesson():
    text = "\n".join(c.source for c in nbformat.read(LESSON, 4).cells if c.cell_type == "markdown")
    for name in (*RIGHT, "own_moving_noise"):
        assert f"<summary>{getattr(checks, name).__doc__.strip().splitlines()[-1].strip()}</summary>" in text
    assert "<summary>Hint: an image whose gradient is all zero</summary>" in text


# ------------------------------------------------------------------------------ the open exercise
SIZE, EPS = 12, 0.2
RINGS = np.hypot(*(np.indices((SIZE, SIZE)) - (SIZE - 1) / 2))[..., None]
DISC = np.float32(RINGS < 3)  # stays where it is, however the image turns; shifted by two pixels it is mostly there


def scored(answer, capsys, strength=0.3, spent=True, learn=(0.05, 0.06, 0.07), test=None, course=DISC):
    """What is told of a noise, where the network reads class 0 until the disc has lost so much of its light."""
    model = linear(
        np.stack([DISC.ravel(), 0 * DISC.ravel()], 1), [-0.4 * DISC.sum(), 0], DISC.shape
    )  # 0 while the mean of the disc is above 0.4
    images = np.float32([(0.4 + d) * np.ones_like(DISC) for d in learn])
    unseen = np.float32([(0.4 + d) * np.ones_like(DISC) for d in (test or np.linspace(0.1, 0.19, 10))])
    if not callable(answer):
        e = np.float32(answer)

        def answer(network, x, y, eps):
            if spent:
                network(x, y)
            return e

    checks.own_moving_noise(
        answer, model, images, unseen, np.float32(-strength * EPS * course * np.ones_like(DISC)), 0, EPS
    )
    return capsys.readouterr().out


def full(sign=-1):
    return sign * EPS * np.ones_like(DISC)


SIGNS = np.where(np.random.default_rng(3).random(DISC.shape) < 0.5, -EPS, EPS)
DOTTED = np.where(DISC > 0, -EPS, SIGNS)  # the disc, and random pixels around it


def asked_without_a_clip(network, x, y, eps):
    network(x + 1, y)
    return -0.1 * eps * DISC


def asked_for_ever(network, x, y, eps):
    while True:
        network(x, y)


def test_a_noise_that_survives_is_told_with_its_counts(capsys):
    told = scored(full(), capsys)
    assert told.startswith("[OK] own_moving_noise: at its worst motion yours fools 10 of 10 unseen images, 100%")
    assert "The lesson's noise fools 0 of 10, 0%, and the course's solution about 70%" in told
    assert told.endswith("Unmoved yours fools 10 of 10, with 3 gradients\n")


@pytest.mark.parametrize(
    ("answer", "why", "how"),
    [
        (lambda network, x, y, eps: None, "not written yet", {}),
        (lambda network, x, y, eps: 1 / 0, "ZeroDivisionError", {}),
        (lambda network, x, y, eps: x - eps, "one noise for each image", {}),
        (full()[..., 0], "an image's shape, (12, 12, 1); found (12, 12)", {}),
        (2 * full(), "goes beyond eps = 0.2 by 0.2", {}),
        (0 * full(), "zero everywhere", {}),
        (full(), "not asked for a single gradient. gradient and motion_step", {"spent": False}),
        (asked_without_a_clip, "outside [0, 1]", {}),
        (asked_for_ever, "4,000 gradients are spent", {}),
        (-0.3 * EPS * DISC, "the lesson's own noise", {}),
        (full(+1), "along the gradient", {}),
        (-0.5 * EPS * DISC, "by heart", {}),
        (-EPS * DISC, "works on images that stand still", {"strength": 0.9, "test": [0.19] * 10, "learn": [0.15]}),
        (-EPS * DISC, "far from ±eps", {"test": np.linspace(0.01, 0.19, 10).tolist()}),
        (DOTTED, "not by enough", {"test": np.linspace(0.01, 0.19, 10).tolist()}),
        (DOTTED, "need not vote", {"test": np.linspace(0.01, 0.13, 10).tolist()}),
        (
            DOTTED,
            "many images agree on",
            {"test": np.linspace(0.02, 0.3, 10).tolist(), "learn": [0.05, 0.25], "course": 1, "strength": 0.9},
        ),
        (-0.7 * EPS * np.ones_like(DISC), "take longer steps", {"learn": (0.15,), "test": [0.11] + 9 * [0.19]}),
    ],
)
def test_a_noise_that_does_not_survive_is_told_why(answer, why, how, capsys):
    told = scored(answer, capsys, **how)
    assert told.startswith("[not yet] own_moving_noise: ")
    assert why in told

"""The checks of lesson 07: each usual wrong answer gets its own hint, and every right way passes."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
from answers import checked, solution, verdicts
from scipy.ndimage import zoom
from tiny import linear

from advlib import checks, transforms

LESSON = Path(__file__).parents[1] / "notebooks" / "07_stop_signs_in_colour.ipynb"


def solved(name):
    return solution(LESSON, name, transforms=transforms)


def test_each_solution_of_the_lesson_goes_to_its_check():
    assert checked(LESSON) == {
        "area_mean": "my_area_mean_solution",
        "by_sign": "my_sign_interval_solution",
        "carry": "my_carry_solution",
        "norms": "my_norms_solution",
        "own_sign_noise": "my_sign_noise_solution",
    }


# ------------------------------------------------------------------------------ an area mean
def blocks(x, k):
    n, h, w, c = x.shape
    return x.reshape(n, h // k, k, w // k, k, c)


def mean(x, k):
    return blocks(x, k).mean((2, 4))


def one_by_one(x, k):
    n, h, w, c = x.shape
    new = np.zeros((n, h // k, w // k, c))
    for i in range(h // k):
        for j in range(w // k):
            new[:, i, j] = x[:, k * i : k * i + k, k * j : k * j + k].mean((1, 2))
    return new


def sum_of_slices(x, k):
    return sum(x[:, i::k, j::k] for i in range(k) for j in range(k)) / k**2


def cut_wrongly(*order, axes):
    "Reshaped with k and the number of blocks in another order."

    def wrong(x, k):
        n, h, w, c = x.shape
        sizes = {"h": h // k, "w": w // k, "k": k}
        return x.reshape(n, *(sizes[o] for o in order), c).mean(axes)

    return wrong


# ------------------------------------------------------------------------------ success by sign
def shares(success, signs):
    return np.array([success[signs == s].mean() for s in np.unique(signs)])


def ends(means, cut=2.5):
    return np.percentile(means, [cut, 100 - cut])


def interval(success, signs, rng):
    p = shares(success, signs)
    return p.mean(), *ends(rng.choice(p, (10_000, len(p))).mean(1))


def in_a_loop(success, signs, rng):
    numbers = np.unique(signs)
    p = {s: success[signs == s].mean() for s in numbers}
    means = [np.mean([p[s] for s in rng.choice(numbers, len(numbers))]) for _ in range(10_000)]
    return [np.mean(list(p.values())), np.quantile(means, 0.025), np.quantile(means, 0.975)]


def resampled(how):
    "Means that the function draws from the shares, in place of the right ones."

    def wrong(success, signs, rng):
        p = shares(success, signs)
        return p.mean(), *ends(how(p, rng))

    return wrong


def photographs(success, signs, rng):
    draws = rng.choice(success, (10_000, len(success)))
    return shares(success, signs).mean(), *ends(draws.mean(1))


def within_signs(success, signs, rng):
    means = np.mean([rng.binomial((signs == s).sum(), success[signs == s].mean(), 10_000) / (signs == s).sum()
                     for s in np.unique(signs)], axis=0)  # fmt: skip
    return shares(success, signs).mean(), *ends(means)


def pooled(success, signs, rng):
    "Whole signs are drawn, and their photographs thrown together."
    numbers = np.unique(signs)
    k, n = (np.array([f(signs == s) for s in numbers]) for f in (lambda rows: success[rows].sum(), np.sum))
    rows = rng.integers(len(numbers), size=(10_000, len(numbers)))
    return shares(success, signs).mean(), *ends(k[rows].sum(1) / n[rows].sum(1))


def as_many_as_photographs(success, signs, rng):
    p = shares(success, signs)
    return p.mean(), *ends(rng.choice(p, (10_000, len(success))).mean(1))


def errors(times):
    def wrong(success, signs, rng):
        p = shares(success, signs)
        d = times * p.std(ddof=1) / np.sqrt(len(p))
        return p.mean(), p.mean() - d, p.mean() + d

    return wrong


def normal(ddof):
    "As many standard deviations of the resampled means to each side."

    def wrong(success, signs, rng):
        p = shares(success, signs)
        means = rng.choice(p, (10_000, len(p))).mean(1)
        return p.mean(), *(p.mean() + np.array([-1.96, 1.96]) * means.std(ddof=ddof))

    return wrong


def in_a_range(success, signs, rng):
    with np.errstate(all="ignore"):
        hits, photos = (np.bincount(signs, w) for w in (success, 0 * success + 1))
        p = hits / photos
    return p.mean(), *ends(rng.choice(p, (1000, len(p))).mean(1))


def changed(change):
    return lambda *given: change(*interval(*given))


# ------------------------------------------------------------------------------ a noise for more pixels
def carried(e, k):
    return np.repeat(np.repeat(e, k, 0), k, 1)


def spread(e, k):
    return np.kron(e, np.ones((k, k, 1)))


def by_index(e, k):
    return e[np.arange(k * e.shape[0])[:, None] // k, np.arange(k * e.shape[1]) // k]


def first_of_each(e, k):
    new = np.zeros((k * e.shape[0], k * e.shape[1], e.shape[2]))
    new[::k, ::k] = e
    return new


def padded(e, k):
    h, w = ((k - 1) * n for n in e.shape[:2])
    return np.pad(e, ((h // 2, h - h // 2), (w // 2, w - w // 2), (0, 0)))


def interpolated(order):
    return lambda e, k: zoom(e, (k, k, 1), order=order, mode="nearest", grid_mode=True)


def measures(e):
    return np.abs(e).max(), np.sqrt(np.mean(e**2)), np.sqrt(np.sum(e**2))


RIGHT = {
    "area_mean": [mean, one_by_one, sum_of_slices, lambda x, k: np.float32(mean(x, k)),
                  solved("my_area_mean_solution")],
    "by_sign": [interval, in_a_loop, solved("my_sign_interval_solution")],
    "carry": [carried, spread, by_index, solved("my_carry_solution")],
    "norms": [measures, lambda e: [np.linalg.norm(e.ravel(), np.inf), (e**2).mean() ** 0.5, np.linalg.norm(e)],
              solved("my_norms_solution")],
}  # fmt: skip
WRONG = [
    ("area_mean", lambda x, k: None, "not written yet"),
    ("area_mean", lambda x, k: x[:, ::k, ::k], "the first pixel of each block"),
    ("area_mean", lambda x, k: x[:, k // 2 :: k, k // 2 :: k], "one pixel out of each block"),
    ("area_mean", lambda x, k: blocks(x, k).mean((2, 4, 5)), "three colours have become one"),
    ("area_mean", lambda x, k: np.repeat(mean(x, k).mean(-1, keepdims=True), x.shape[-1], -1), "one grey"),
    ("area_mean", lambda x, k: mean(x, k).mean(0), "all images have become one"),
    ("area_mean", cut_wrongly("k", "h", "k", "w", axes=(1, 3)), "lie far apart"),
    ("area_mean", cut_wrongly("h", "k", "k", "w", axes=(2, 3)), "the columns are scrambled"),
    ("area_mean", cut_wrongly("k", "h", "w", "k", axes=(1, 4)), "the rows are scrambled"),
    ("area_mean", lambda x, k: blocks(x, k).sum((2, 4)), "the sum of each block"),
    ("area_mean", lambda x, k: blocks(x, k).sum((2, 4)) / k, "divided by k"),
    ("area_mean", lambda x, k: blocks(x, k).max((2, 4)), "the largest pixel"),
    ("area_mean", lambda x, k: np.median(blocks(x, k), (2, 4)), "the median"),
    ("area_mean", lambda x, k: np.rint(255 * mean(x, k)) / 255, "rounded to whole grey levels"),
    ("area_mean", lambda x, k: (255 * mean(x, k)).astype(np.uint8), "grey levels from 0 to 255"),
    ("area_mean", lambda x, k: 255 * mean(x, k), "grey levels from 0 to 255"),
    ("area_mean", lambda x, k: mean(x, k).astype(np.uint8), "every pixel is 0"),
    ("area_mean", lambda x, k: blocks(x, k).mean(2).reshape(x.shape[0], x.shape[1] // k, *x.shape[2:]), "one side"),
    ("area_mean", lambda x, k: np.repeat(np.repeat(mean(x, k), k, 1), k, 2), "becomes a single pixel"),
    ("area_mean", lambda x, k: mean(x, k)[:, :1], "must have shape"),
    ("area_mean", lambda x, k: mean(x, k) ** 2, "not the right numbers"),
    ("area_mean", lambda x, k: blocks(x, 2).mean((2, 4)), "must have shape"),
    ("by_sign", normal(ddof=0), "as far below the mean as above"),
    ("by_sign", lambda s, t, rng: (shares(s, t).mean(), *(ends(rng.choice(shares(s, t), (10_000, 7)).mean(1))
                                   if shares(s, t).mean() > 0.5 else (0.1, 0.5))), "and not here"),
    ("by_sign", lambda s, t, rng: interval(s, t, np.random.default_rng()), "one and the same generator"),
    ("by_sign", lambda s, t, rng: interval(s, t, np.random), "one and the same generator"),
    ("by_sign", in_a_range, "have gaps"),
    ("by_sign", lambda success, signs, rng: None, "not written yet"),
    ("by_sign", lambda success, signs, rng: shares(success, signs).mean(), "three are asked for"),
    ("by_sign", lambda success, signs, rng: shares(success, signs), "the share for each sign"),
    ("by_sign", lambda *given: interval(*given)[1:], "three numbers"),
    ("by_sign", lambda s, t, rng: (s.mean(), *interval(s, t, rng)[1:]), "eight times as much"),
    ("by_sign", changed(lambda m, a, b: (100 * m, 100 * a, 100 * b)), "not per cent"),
    ("by_sign", changed(lambda m, a, b: (m, 100 * a, 100 * b)), "the ends are in per cent"),
    ("by_sign", changed(lambda m, a, b: (1 - m, 1 - b, 1 - a)), "that is not misread"),
    ("by_sign", lambda s, t, rng: (np.median(shares(s, t)), *interval(s, t, rng)[1:]), "the median"),
    ("by_sign", lambda s, t, rng: (np.mean(shares(s, t) > 0), *interval(s, t, rng)[1:]), "have a misread photograph"),
    ("by_sign", lambda s, t, rng: (s.sum(), *interval(s, t, rng)[1:]), "a number of photographs"),
    ("by_sign", changed(lambda m, a, b: (m, b, a)), "in this order"),
    ("by_sign", changed(lambda m, a, b: (m, a - m, b - m)), "how far the ends"),
    ("by_sign", resampled(lambda p, rng: [rng.permutation(p).mean() for _ in range(50)]), "without replacement"),
    ("by_sign", photographs, "the photographs were resampled"),
    ("by_sign", within_signs, "it is the signs that are drawn"),
    ("by_sign", pooled, "one vote"),
    ("by_sign", resampled(lambda p, rng: rng.choice(p, 10_000)), "a single sign"),
    ("by_sign", as_many_as_photographs, "as many signs were drawn as there are photographs"),
    ("by_sign", lambda s, t, rng: (shares(s, t).mean(), *ends(rng.choice(shares(s, t), (10_000, 7)).mean(1), 5)),
     "90 %"),
    ("by_sign", lambda s, t, rng: (shares(s, t).mean(), *ends(rng.choice(shares(s, t), (10_000, 7)).mean(1), 0.5)),
     "99 %"),
    ("by_sign", lambda s, t, rng: (shares(s, t).mean(), *np.percentile(
        rng.choice(shares(s, t), (10_000, 7)).mean(1), [0.025, 0.975])), "from 0 to 100"),
    ("by_sign", errors(1.96), "1.96 standard errors"),
    ("by_sign", errors(1), "one standard error"),
    ("by_sign", lambda s, t, rng: (shares(s, t).mean(), 0.4, 0.5), "and the interval is not"),
    ("by_sign", lambda s, t, rng: interval(s, t, np.random.default_rng(0)), "two different generators"),
    ("by_sign", lambda s, t, rng: interval(s, t, rng) if len(set(t)) > 1 else (0.75, 0, 1), "nothing to resample"),
    ("carry", lambda e, k: None, "not written yet"),
    ("carry", lambda e, k: e, "as many pixels as before"),
    ("carry", lambda e, k: np.repeat(e, k, 0), "one side has grown"),
    ("carry", lambda e, k: np.repeat(e, k, 1), "one side has grown"),
    ("carry", lambda e, k: np.kron(e, np.ones((k, k, k))), "colours now"),
    ("carry", lambda e, k: carried(e, k)[None], "must have shape"),
    ("carry", lambda e, k: carried(e, k) / k**2, "has divided already"),
    ("carry", lambda e, k: carried(e, k) / k, "divided by k: the area mean"),
    ("carry", lambda e, k: carried(e, k) * k**2, "far beyond ε: a mean of equal"),
    ("carry", lambda e, k: carried(e, k) * k, "k times as large: beyond"),
    ("carry", lambda e, k: np.tile(e, (k, k, 1)), "k times in each direction"),
    ("carry", first_of_each, "k · k times too weak"),
    ("carry", lambda e, k: k**2 * first_of_each(e, k), "spread it over the block"),
    ("carry", padded, "in the middle"),
    ("carry", interpolated(1), "linear interpolation"),
    ("carry", interpolated(3), "cubic interpolation"),
    ("carry", lambda e, k: -carried(e, k), "the sign has changed"),
    ("carry", lambda e, k: np.sign(carried(e, k)) * np.abs(e).max(), "pushed to ±ε"),
    ("carry", lambda e, k: np.resize(e, (k * e.shape[0], k * e.shape[1], e.shape[2])), "use np.repeat"),
    ("carry", lambda e, k: carried(e, k)[::-1], "not the right numbers"),
    ("norms", lambda e: None, "not written yet"),
    ("norms", lambda e: measures(e)[:2], "three numbers"),
    ("norms", lambda e: [measures(e)[i] for i in (0, 2, 1)], "are exchanged"),
    ("norms", lambda e: [measures(e)[i] for i in (1, 2, 0)], "in another order"),
    ("norms", lambda e: [measures(e)[i] for i in (1, 0, 2)], "in another order"),
    ("norms", lambda e: [measures(e)[i] for i in (0, 1, 1)], "not of their mean"),
    ("norms", lambda e: [measures(e)[i] for i in (0, 2, 2)], "not of their sum"),
    ("norms", lambda e: (measures(e)[0], np.mean(e**2), np.sum(e**2)), "the square roots are missing"),
    ("norms", lambda e: (measures(e)[0], np.mean(e**2), measures(e)[2]), "RMS: the square root"),
    ("norms", lambda e: (*measures(e)[:2], np.sum(e**2)), "L2: the square root"),
    ("norms", lambda e: (*measures(e)[:2], np.abs(e).sum()), "this is L1"),
    ("norms", lambda e: (measures(e)[0], np.abs(e).mean(), measures(e)[2]), "mean of the absolute values"),
    ("norms", lambda e: (measures(e)[0], e.std(), measures(e)[2]), "standard deviation"),
    ("norms", lambda e: (*measures(e)[:2], np.linalg.norm(e.mean(-1))), "all colours"),
    ("norms", lambda e: np.multiply(measures(e), 255), "in grey levels"),
    ("norms", lambda e: (e.max(), *measures(e)[1:]), "every pixel is dark"),
]  # fmt: skip


test_a_right_answer_passes_however_it_is_written, test_a_usual_mistake_gets_its_hint = verdicts(RIGHT, WRONG)


def test_luck_does_not_decide_who_draws_well(capsys):
    for seed in range(20):
        checks.by_sign(lambda s, t, rng, seed=seed: interval(s, t, np.random.default_rng((seed, rng.integers(2**31)))))
    assert capsys.readouterr().out.count("[OK]") == 20


def test_every_hint_that_is_named_stands_in_the_lesson():
    text = "\n".join(c.source for c in nbformat.read(LESSON, 4).cells if c.cell_type == "markdown")
    for name in (*RIGHT, "own_sign_noise"):
        assert f"<summary>{getattr(checks, name).__doc__.strip().splitlines()[-1].strip()}</summary>" in text
    for title in ("how to draw signs", "it works, and not after a shift or on the other networks"):
        assert f"<summary>Hint: {title}</summary>" in text


# ------------------------------------------------------------------------------ the open exercise
SIZE, EPS = 16, 0.2
ROUND = np.float32(np.hypot(*(np.indices((SIZE, SIZE)) - (SIZE - 1) / 2)) < 4)[..., None]
DISC = np.repeat(ROUND, 3, axis=2)  # stays where it is when shifted by a pixel, nearly
STRIPES = DISC * np.where(np.arange(SIZE) % 2, 1, -1)[:, None].astype(np.float32)  # a shift to the side undoes them
BRIGHT = np.linspace(0.02, 0.19, 10)
SIGNS = np.repeat([3, 8, 5], [5, 3, 2])


def reader(pattern, light=None):
    "Reads class 0 while the image, weighed by a pattern, has more light than a grey of 0.4."
    light = pattern if light is None else light
    return linear(np.stack([pattern.ravel(), 0 * pattern.ravel()], 1), [-0.4 * light.sum(), 0], pattern.shape)


def scored(answer, capsys, models=None, ask=(0, 1, 2), learn=(0.03, 0.06, 0.09), test=BRIGHT, course=-0.3 * EPS * DISC):
    models = models or 3 * [reader(DISC)]
    images, hidden = (np.float32([(0.4 + d) * np.ones_like(DISC) for d in bright]) for bright in (learn, test))
    if not callable(answer):
        e = np.float32(answer)

        def answer(networks, x, y, eps):
            for i in ask:
                networks[i](x, y)
            return e

    checks.own_sign_noise(answer, models, images, hidden, SIGNS, np.float32(course), source=0, eps=EPS)
    return capsys.readouterr().out


FULL = -EPS * np.ones_like(DISC)


def asked_without_a_clip(networks, x, y, eps):
    for network in networks:
        network(x + 1, y)
    return -0.05 * eps * DISC


def asked_for_ever(networks, x, y, eps):
    while True:
        networks[0](x, y)


def asked_at_shifted_images(networks, x, y, eps):
    for network in networks:
        network(transforms.move(x, shift=(0, 1)), y)
    return FULL


def as_one_network(networks, x, y, eps):
    return networks(x, y)


def test_a_noise_that_survives_is_told_with_its_shares(capsys):
    told = scored(FULL, capsys)
    assert told.startswith("[OK] own_sign_noise: after a shift and JPEG yours fools 100% of an unseen sign's")
    assert "the mean over 3 signs on the network where it is lowest (100%, 100%, 100% on the 3)" in told
    assert told.endswith("yours took 9 gradients\n")


def test_each_sign_has_one_vote(capsys):
    """Half of 3, all of 8 and none of 5: a photograph of a sign with many counts less."""
    bright = np.array([0.05, 0.05, 0.15, 0.15, 0.15, 0.05, 0.05, 0.05, 0.15, 0.15])
    told = scored(-0.5 * EPS * np.ones_like(DISC), capsys, test=bright)
    assert "yours fools 47% of" in told  # (2/5 + 1 + 0) / 3


@pytest.mark.parametrize(
    ("answer", "why", "how"),
    [
        (lambda networks, x, y, eps: None, "not written yet", {}),
        (lambda networks, x, y, eps: 1 / 0, "ZeroDivisionError", {}),
        (lambda networks, x, y, eps: 1 / 0, "it was given networks: a list of functions, x: of shape", {}),
        (asked_at_shifted_images, "is each gradient brought back", {"learn": (0.05, 0.06), "test": BRIGHT + 0.3}),
        (as_one_network, "networks[0], networks[1]", {}),
        (lambda networks, x, y, eps: x - eps, "one noise for each image", {}),
        (FULL[..., 0], "an image's shape, (16, 16, 3); found (16, 16)", {}),
        (2 * FULL, "goes beyond eps = 0.2 by 0.2", {}),
        (0 * FULL, "zero everywhere", {}),
        (FULL, "no network was asked for a gradient", {"ask": ()}),
        (asked_without_a_clip, "outside [0, 1]", {}),
        (asked_for_ever, "4,000 gradients are spent", {}),
        (-0.3 * EPS * DISC, "the lesson's own noise", {}),
        (-FULL, "along the gradient", {}),
        (0.05 * FULL, "network 2 was never asked", {"ask": (0, 1)}),
        (-EPS * np.roll(DISC, 8, 1), "more than for another",
         {"models": [reader(np.roll(DISC, 8, 1)), reader(np.roll(DISC, 8, 1)), reader(DISC)]}),
        (0.1 * FULL, "take longer steps", {"learn": (0.01, 0.015), "test": BRIGHT + 0.05}),
        (-EPS * DISC * np.where(np.indices((SIZE, SIZE))[0] > 7, 1, 0)[..., None], "far from ±eps",
         {"learn": (0.05, 0.06, 0.07), "test": BRIGHT + 0.1}),
        (-EPS * (STRIPES + np.where(DISC > 0, 0, 1)), "learn it on shifted images",
         {"models": 3 * [reader(DISC + 5 * STRIPES, DISC)]}),
        (FULL, "get further", {"learn": (0.05, 0.06), "test": BRIGHT + 0.3}),
    ],
)  # fmt: skip
def test_a_noise_that_does_not_survive_is_told_why(answer, why, how, capsys):
    told = scored(answer, capsys, **how)
    assert told.startswith("[not yet] own_sign_noise: ")
    assert why in told

"""The checks of lesson 06: who counts once images have moved, a shift and its transpose, a step at several motions."""

import numpy as np

from .common import DEAD, GUARD, _new_noise, one_dead
from .one_image import unset_shows
from .stand_in import largest
from .trying import Hint, call, check, compare, names

MEAN = "a mean over the images; each image is shifted by itself"
BRACKETS = "put brackets around each comparison, (a == b) & (c != d): & binds more tightly than == and != do"
JOINED = f"`and`, `or` and a == b == c ask for one True or False; between arrays stands &. And {BRACKETS}"


def _called(learners, *given, crash, **more):
    """The learner's answer; where their function stops with a text of ``crash``, what is to be said to it too."""
    try:
        return call(learners, *given, **more)
    except Hint as hint:
        told = [remedy for text, remedy in crash.items() if "it stopped with" in str(hint) and text in str(hint)]
        raise Hint(". ".join([str(hint), *told]), hint.unfold) from None


@check
def rate_when_moved(learners):
    """What was read of moved images, without and with a noise, and the labels to how many are misread of how many.

    Hint: who can be counted
    """
    y = np.array([5, 3, 8, 1, 7, 2, 9, 4, 6, 5, 3, 8, 1])
    clean = np.where(np.arange(13) < 7, y, (y + 2) % 10)  # seven are still read correctly
    attacked = clean.copy()
    attacked[:4] = (y[:4] + 1) % 10  # four of these are then misread
    attacked[7:9] = y[7:9]  # two are mended by the noise
    attacked[9:12] = (y[9:12] + 5) % 10  # three are misread in another way
    found = _called(learners, clean, attacked, y, crash={"truth value of an array": JOINED})
    if found.shape == ():
        raise Hint("one number; two counts are asked for, (how many are misread, of how many), so that nobody has to "
                   "guess the second")  # fmt: skip
    if found.shape == (13,):
        raise Hint("this is an answer for each image; two counts are asked for")
    if found.shape != (2,):
        raise Hint(f"two counts are asked for, (misread, of how many); found shape {found.shape}")
    wrong, changed = np.sum(attacked != y), np.sum(attacked != clean)
    joined = np.sum(((clean == y) & attacked) != y)  # & binds more tightly than !=
    misread = ("the network misreads some of these images when they move, even without a noise; the noise has not "
               "fooled it there: leave them out of both counts")  # fmt: skip
    compare(found, [4, 7], [
        ([7, 4], "in the other order: how many are misread first, then of how many"),
        ([4, 13], "the second count is all images; a network that misreads a moved image already cannot be fooled on "
                  "it: count those that it still reads correctly"),
        ([wrong, 13], misread),
        ([wrong, 7], "the first count holds images that are not among the second: they are misread without a noise"),
        ([3, 7], "the first count is of those still read correctly; the misread ones are asked for"),
        ([4 / 7, 7], "the first number is a share; two counts are asked for"),
        *(([wrong - 6, n], "a difference of two counts: the noise mends some images that the motion spoils, and each "
           "of them hides a success. Ask it of each image: read correctly before, and misread now")
          for n in (7, 13)),
        *(([joined, n], BRACKETS) for n in (7, 13)),
        *(([changed, n], "a reading that has changed is no success yet: two of them changed from wrong to right. "
           "Compare with y") for n in (7, 13)),
        ([4, wrong], "divided by all that are misread; the images that could be fooled are asked for"),
        ([4, 6], "these are the images that were misread before; the others are asked for"),
        ([6, 13], "this is how many the motion alone spoils"),
    ])  # fmt: skip
    y = np.array([0, 0, 7, 7, 7, 4, 4, 4, 0, 7])
    clean = np.array([0, 0, 7, 7, 7, 4, 4, -1, 2, 1])
    attacked = np.array([3, 0, 0, -1, 7, 0, -1, -1, -1, 0])
    found = call(learners, clean, attacked, y, shape=(2,))
    compare(found, [3, 7], [
        ([5, 7], "−1 stands for nothing read; that is no success of the noise"),
        ([1, 7], "0 is a label, too: only −1 stands for nothing read"),
        ([3, 5], "images where nothing was read with the noise on have left the second count too; they could have been "
                 "fooled, and they were not"),
        ([3, 8], "−1 is no label: where nothing was read without the noise, the image cannot be counted"),
    ])  # fmt: skip
    y = np.array([2, 6, 6])
    found = call(learners, y + 1, y + 2, y, shape=(2,))
    compare(found, [0, 0], [([3, 3], "here the network reads no moved image correctly, so nobody can be counted: 0 of "
                                     "0")])  # fmt: skip
    return 3


def _shifted(x, down, right, fill=0.0):
    """Whole pixels; what comes in is black."""
    x = np.asarray(x)
    height, width = x.shape[1:3]
    new = np.full_like(x, fill)
    if abs(down) < height and abs(right) < width:
        to, at = (tuple(slice(max(0, s * d), n + min(0, s * d)) for d, n in ((down, height), (right, width)))
                  for s in (1, -1))  # fmt: skip
        new[:, to[0], to[1]] = x[:, at[0], at[1]]
    return new


def _shift_mistakes(x, down, right, back):
    roll, grid = np.roll(x, (down, right), (1, 2)), np.pad(x, ((0, 0), (9, 9), (9, 9), (0, 0)), mode="edge")
    edge = np.roll(grid, (down, right), (1, 2))[:, 9:-9, 9:-9]
    again = ("this is the shift itself once more; the gradient has to go the other way" if back else
             "the wrong way: a positive shift goes down and to the right")  # fmt: skip
    lost = " What the shift pushed over the edge, nobody has seen: its gradient is 0" if back else ""
    right_one, inside = _shifted(x, down, right), _shifted(np.ones_like(x), down, right)
    every = np.broadcast_to(right_one.mean(0), x.shape)
    kept = lost or " Black, 0, has to come in: begin with np.zeros_like(x)"
    return [
        (_shifted(x, -down, -right), again),
        (roll, f"what leaves on one side comes in on the other; black has to come in.{lost}"),
        (np.roll(x, (-down, -right), (1, 2)), "the wrong way, and what leaves on one side comes in on the other"),
        (_shifted(x, right, down), "down and right are exchanged: axis 1 is the rows, axis 2 the columns"),
        (np.roll(x, (right, down), (1, 2)), "down and right are exchanged, and what leaves comes in on the other side"),
        (_shifted(x, -right, -down), "down and right are exchanged, and the direction is turned"),
        (_shifted(x, down, -right), "left and right are exchanged; up and down are not"),
        (_shifted(x, -down, right), "up and down are exchanged; left and right are not"),
        (_shifted(x, down, 0), "the columns have not moved"),
        (_shifted(x, 0, right), "the rows have not moved"),
        (edge, "what comes in repeats the edge; black, 0, has to come in"),
        *((_shifted(x, down, right, fill), f"what comes in is {fill:g}; black, 0, has to come in") for fill in (1, -1)),
        *((-_shifted(x, s * down, s * right), "the values have changed their sign: it is the direction of the shift "
           "that turns, and each value stays what it is") for s in (1, -1)),
        (np.where(inside > 0, right_one, x), f"where nothing came in, what was there before has stayed.{kept}"),
        *((a, MEAN) for a in (every, right_one / len(x))),
        (x, "nothing has moved"),
    ]  # fmt: skip


def _shift_tests(learners, back):
    """A learner's shift, or its transpose, at several whole shifts."""
    rng = np.random.default_rng(6)
    sign = -1 if back else 1
    for down, right in ((2, 1), (-1, -2), (1, -1), (0, 2), (-2, 0)):
        x = rng.uniform(0.1, 0.9, (3, 5, 4, 1)) - 0.5 * back
        at, to = f"(down = {down}, right = {right})", (sign * down, sign * right)
        found = _called(learners, x, down, right, crash={"": at})
        if 0 in found.shape:
            raise Hint(f"with down = {down} and right = {right} nothing is left: x[:, :-0] has no rows. Where a shift "
                       "is 0, take all of them", "Hint: slices and a shift of 0")  # fmt: skip
        if found.shape != x.shape:
            mean = _shifted(x, *to).mean(0)
            alike = found.size == mean.size and np.allclose(found.ravel(), mean.ravel())
            raise Hint(MEAN if alike else f"the images keep their shape, {x.shape}; found {found.shape} {at}")
        try:
            compare(found, _shifted(x, *to), _shift_mistakes(x, *to, back))
        except Hint as hint:
            raise Hint(f"{hint} {at}", hint.unfold) from None
        if {"move", "move_back"} & {*names(learners)}:
            raise Hint("right, but is it move, or move_back, that does it? Slices alone are asked for")
    for down, right in ((7, 0), (-7, 0), (0, 5), (0, -5)):
        size = f"{x.shape[1]} rows" if down else f"{x.shape[2]} columns"
        behind = (f"shifted by {abs(down + right)} pixels, an image of {size} is black, and so is a gradient that "
                  "comes back. A slice that ends at a negative number counts from behind: max(0, …) around its end, "
                  f"too (down = {down}, right = {right})")  # fmt: skip
        found = _called(learners, x, down, right, crash={"": behind})
        if found.shape != x.shape:
            raise Hint(f"the images keep their shape, {x.shape}; found {found.shape}. {behind}")
        compare(found, 0 * x, [(found, behind)])
    return 9


@check
def shift(learners):
    """Images and a shift by whole pixels to the shifted images; black comes in.

    Hint: slices and a shift of 0
    """
    return _shift_tests(learners, back=False)


@check
def shift_back(learners):
    """The gradient at shifted images to the gradient at the images themselves.

    Hint: whose pixel was it
    """
    return _shift_tests(learners, back=True)


@check
def motion_step(learners):
    """A noise, gradients at images that moved, and how they moved, to the noise after one step of all of them.

    Hint: bring each gradient back
    """
    from ..transforms import move, move_back  # these load TensorFlow, which no other check here needs

    rng = np.random.default_rng(8)
    shape, eps, alpha = (7, 7, 1), 0.2, 0.8
    e = rng.uniform(-0.2, 0.2, shape)
    g = rng.normal(size=(5, *shape)) * np.array([1e-25, 1e-3, 1, 7, 40]).reshape(5, 1, 1, 1)
    motions = {
        "angle": np.array([15.0, -15, 10, -40, 0]),
        "scale": np.array([0.9, 1.1, 1, 0.8, 1.2]),
        "shift": np.array([[2.0, -1], [-1, 0.5], [0, 2], [1, 1], [-1.5, 0]]),
    }

    def given():
        return {name: values.copy() for name, values in motions.items()}

    def clip(a):
        return np.clip(a, -eps, eps)

    def votes(a):
        a = np.asarray(a, float)
        return np.divide(a, largest(a), out=np.zeros_like(a), where=largest(a) > 0)

    turned = {"angle": -motions["angle"], "scale": 1 / motions["scale"], "shift": -motions["shift"]}
    first = {name: values[0] for name, values in motions.items()}
    back = move_back(g, **motions).astype(float)
    mine, mean = votes(back), back.mean(0)
    step = alpha * mine.mean(0)
    in_turn = dict.fromkeys((1, len(g)), e)
    for share in in_turn:
        for vote in mine:
            in_turn[share] = clip(in_turn[share] + alpha * vote / share)
    guards = 10.0 ** np.arange(-20, 1)
    found = _new_noise(learners, e, g, given(), eps, alpha)
    compare(found, clip(e + step), [
        (clip(e + alpha * votes(g).mean(0)), "the gradients were not brought back: they belong to the moved pixels, "
                                             "and the noise lies on the unmoved ones"),
        (clip(e + alpha * votes(move(g, **motions)).mean(0)), "the gradients were moved once more; bring them back, "
                                                              "with move_back"),
        (clip(e + alpha * votes(move(g, **turned)).mean(0)),
         "a motion the other way is near, but between pixels it is not what the gradient asks for: each pixel takes "
         "back what it gave, and that is move_back"),
        (clip(e + alpha * votes(move_back(g, **turned)).mean(0)),
         "the motion was turned round, and move_back goes back already: give it the motion as it was"),
        (clip(e + alpha * votes(move_back(g, **first)).mean(0)), "all gradients were brought back by the first "
                                                                 "image's motion; each has its own"),
        (clip(e + alpha * move_back(votes(g), **motions).astype(float).mean(0)),
         "the division came first; bring the gradient back, and divide it then by its own largest value"),
        (clip(e - step), "towards the label: the loss has to grow, so the step is added"),
        (e + step, "the noise went beyond ±eps: clip it to -eps … eps after the step"),
        (np.clip(e + step, 0, 1), "it is the noise that is clipped, to -eps … eps; images, not noises, live in 0 … 1"),
        (clip(step), "this forgets the old noise: the step starts from e"),
        (step, "this is the step alone: add it to e, and clip"),
        (clip(e + mine.mean(0)), "alpha is missing"),
        (clip(e + alpha * mine.sum(0)), "the votes' sum; their mean is asked for"),
        *((clip(e + value / 255 * mine.mean(0)), f"the right step with α = {value}/255; take the alpha that is given")
          for value in (4, 8)),
        *((np.clip(e + step, -value, value), f"clipped to ±{value}; take the eps that is given")
          for value in (0.15, 0.24, 0.3)),
        (in_turn[1], "a full step for one image after another; here all vote first, and alpha times the mean of their "
                     "votes is one step"),
        (in_turn[len(g)], "the noise was clipped after every vote; there is one step, and one clip after it"),
        *((clip(e + alpha * (back / (largest(back) + guard)).mean(0)), GUARD) for guard in guards),
        *((clip(e + alpha * (back / np.maximum(largest(back), guard)).mean(0)), GUARD) for guard in guards),
        *((clip(e + alpha * mine[i]), f"the {which} image alone has voted; take the mean of all votes")
          for i, which in ((0, "first"), (-1, "last"))),
        (clip(e + alpha * mean / largest(mean)),
         "the mean was taken before the division, so the image with the largest gradient decides alone: divide each "
         "image's gradient by its own largest value first"),
        (clip(e + alpha * mean), "each gradient has to be divided by its own largest absolute value"),
        (clip(e + alpha * (back / np.abs(back).max()).mean(0)),
         "one divisor for all images; each image's gradient is divided by its own largest value"),
        (clip(e + alpha * (back / back.max((1, 2, 3), keepdims=True)).mean(0)),
         "the largest value without its sign: take np.abs before the max"),
        *((clip(e + alpha * value), "a sign step; here a vote is g / max|g|") for value in (
            np.sign(back).mean(0), np.sign(mean), np.sign(mine.mean(0)))),
        (e, "the noise came back as it was; the step is missing"),
    ])  # fmt: skip
    g[1] = 0
    with unset_shows():
        found = call(learners, e, g, given(), eps, alpha, shape=e.shape, nan=Hint(*DEAD))
    mine[1] = 0
    one_dead(found, lambda step: clip(e + step), mine, alpha)
    return 2

"""The checks of lesson 02: a step, its clip, what a file keeps, and a step with a target."""

import re
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np

from .stand_in import Two, largest, network, some_images
from .trying import Hint, by_hand, call, check, compare

BATCH, TABLE = r"\(\d+,\d+,\d+,\d+\)", r"\(\d+,(?!1\))\d+\)"  # shapes in numpy's messages
LEFT = 7.25  # stands for what happened to be in memory


def dead(images, labels):
    """The network, but where all pixels of an image are alike its gradient is zero everywhere."""
    z, g = network(images, labels)
    return Two((z, g * (np.ptp(images, axis=(1, 2, 3), keepdims=True) > 0)))


def left_unset(after, zero):
    """What np.divide leaves of the images without a gradient, where it is told where= but not out=."""
    told = "np.divide(..., where=...) leaves what was in memory where m is 0: give it out=np.zeros_like(g) too"
    return [(after(move * zero), told) for move in (LEFT, 0.1 * LEFT, -LEFT, -0.1 * LEFT)]


@contextmanager
def unset_shows():
    """np.divide(..., where=...) without out= gives LEFT where it sets nothing, never a 0 by luck."""
    divide = np.divide

    def shown(a, b, out=None, *, where=True, **more):
        if out is None and where is not True:
            out = np.full(np.broadcast_shapes(*map(np.shape, (a, b, where))), LEFT, np.result_type(a, b, 1.0))
        return divide(a, b, out, where=where, **more)

    with patch.object(np, "divide", shown), patch.object(np, "true_divide", shown):
        yield


@check
def step(learners):
    """A network, a batch of images, their labels and alpha to the images after one step of equation (1).

    Hint
    """
    x, alpha = some_images(3), 0.1
    read = network(x, [0, 0, 0])[0].argmax(1)
    y = np.array([(read[0] + 1) % 3, read[1], read[2]])  # the first is misread: its prediction is not its label
    g = network(x, y)[1]
    m, guess = largest(g), network(x, read)[1]
    right = x + alpha * g / m
    found = beside_images(learners, "m", network, x, y, alpha, shape=x.shape)
    compare(found, right, [
        (x + alpha * g, "the gradient's own size decides how far it goes: divide by m, the largest of |g|"),
        (x - alpha * g / m.max(), "downhill, and divided by the batch's largest |g|: the attack adds, and every image "
                                  "has its own m"),
        (x + alpha * g / m.max(), "divided by the batch's largest |g|; every image has its own m: "
                                  "max over axis=(1, 2, 3), keepdims=True"),
        (x + alpha * g / np.abs(g).max(0), "max along axis=0 compares images with one another; "
                                           "m is the largest of one image: axis=(1, 2, 3), keepdims=True"),
        *((x + alpha * g / np.abs(g).max(axis, keepdims=True), f"every {part} was divided by its own largest |g|; "
           "one m for an image: axis=(1, 2, 3), keepdims=True") for axis, part in ((3, "pixel"), ((1, 2), "channel"))),
        *((x + alpha * g / np.abs(end((1, 2, 3), keepdims=True)), "m is the largest absolute value: np.abs first, "
           "then max") for end in (g.max, g.min)),
        *((x + alpha * g / by((1, 2, 3), keepdims=True), f"divided by the {by.__name__} of |g|; m is its largest")
          for by in (np.abs(g).mean, np.abs(g).sum)),
        (x + alpha * g / m[:, :, 0, 0], "m, one number per image, was laid along the width; with shape (n, 1, 1, 1), "
                                        "as keepdims=True leaves it, it stands beside images"),
        (x + g / m, "the step is not multiplied by alpha"),
        (x + 10 / 255 * g / m, "the right step with α = 10/255; take the alpha that is given"),
        (x + alpha * x / largest(x), "x was added to itself: the step goes along the gradient, network(...)[1]"),
        (x + alpha * g / np.sqrt(np.square(g).sum((1, 2, 3), keepdims=True)),
         "divided by the gradient's length; m is its largest absolute value"),
        (x + alpha * g.mean(0) / np.abs(g.mean(0)).max(), "the mean over the batch moves all images the same "
                                                          "way; each goes along its own gradient"),
        (x + alpha * np.sign(g), "this is the sign rule: every pixel moves by alpha. Here a pixel moves as far as "
                                 "its gradient is large: g / m"),
        (x - alpha * g / m, "downhill: J falls and the network gets surer. The attack adds"),
        (alpha * g / m, "this is the step alone; give back the images after it, x_adv + ..."),
        (x + alpha * guess / largest(guess), "right, but for the class that the network reads, not for the label: "
                                             "once an image is misread that leads back to its own class"),
        (np.clip(right, 0, 1), "right, and then clipped to [0, 1]; that is the next function's work"),
    ])  # fmt: skip

    def faint(images, labels):
        z, g = network(images, labels)
        return Two((z, 1e-20 * g))

    compare(call(learners, faint, x, y, alpha, shape=x.shape), right, [
        (x, "a gradient of 1e-20 still points somewhere, and here it moved nothing: no + 1e-8 in the denominator, "
            "and no other floor under m"),
    ])  # fmt: skip

    x[1] = 0.5
    g = dead(x, y)[1]
    zero = largest(g) == 0
    right = x + alpha * g / np.where(largest(g) > 0, largest(g), 1)
    nan = Hint("right, until a gradient is all zero: then m is 0, and 0/0 is not a number. "
               "Such an image stays where it is")  # fmt: skip
    with unset_shows():
        found = call(learners, dead, x, y, alpha, shape=x.shape, nan=nan)
    compare(found, right, [
        (x, "one image has a gradient that is all zero, and all three stayed; only that one stays"),
        *left_unset(lambda move: right + move, zero),
        (right + alpha * zero, "right, until a gradient is all zero: such an image stays where it is, "
                                            "and yours moved"),
    ])  # fmt: skip
    return 3


def beside_images(learners, name, *given, shape=None, **how):
    """The learner's answer; where numpy did not lay one number per image along the images, how it does.

    ``how`` is passed on to :func:`trying.call`.
    """
    remedy = (f"{name} holds one number per image: with shape (n, 1, 1, 1) it stands beside images. keepdims=True "
              f"keeps it so, {name}[:, None, None, None] makes it so")  # fmt: skip
    try:
        found = call(learners, *given, **how)
    except Hint as hint:
        if re.search(r"keyword argument 'training'|must be a keras.Model", str(hint)):
            remedy = "network is a function here, no Keras model: call it, network(x_adv, y)"
        elif name == "m" and re.search(rf"AxisError.*dimension 2\b|{BATCH}.*{TABLE}|{TABLE}.*{BATCH}", str(hint)):
            remedy = "network gives the logits first, then the gradients: z, g = network(x_adv, y)"
        elif not re.search(rf"broadcast.*{BATCH}|ambiguous", str(hint)):
            raise
        raise Hint(f"{hint}\n          {remedy}") from None
    if shape is not None and found.shape != shape:
        last = f". {remedy}" if found.ndim == 4 and found.size > np.prod(shape) else ""
        raise Hint(f"the answer must have shape {shape}; found shape {found.shape}{last}")
    return found


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
    noise = x_adv - x
    found = beside_images(learners, "eps", x_adv, x, eps, shape=x.shape)
    around = (f"a pixel moved by {np.abs(noise)[0].max():.2f}, where ε is {eps[0]}: the ball is around x, and around "
              "x_adv everything fits. (Or was it forgotten?)")  # fmt: skip
    compare(found, right, [
        (x_adv, around),
        (np.clip(x_adv, 0, 1), f"every pixel is inside [0, 1], but {around}"),
        (near, f"right inside the ε-ball, but a pixel went to {near.max():.2f}. Equation (2) does not know that "
               "images end at 1; you have to"),
        *((np.clip(np.clip(x, x_adv - ball, x_adv + ball), *ends), "x was clipped to the ball around x_adv; it is the "
           "other way round") for ends in ((0, 1), (-9, 9))),
        *((wrong, "this is the noise; give back the image, x + noise, inside [0, 1]") for wrong in (
            np.clip(noise, -ball, ball), np.clip(np.clip(noise, -ball, ball), 0, 1), right - x, noise)),
        *((wrong, "x_adv itself was clipped to [-ε, ε]; the ball is around x: x - ε … x + ε") for wrong in (
            np.clip(x_adv, -ball, ball), np.clip(x_adv, 0, ball))),
        (np.clip(x + noise * np.minimum(1, ball / largest(noise)), 0, 1),
         "the whole noise was made smaller until it fits; equation (2) moves each pixel alone, and only those outside"),
        *((np.clip(np.where(np.abs(noise) > ball, x, x_adv), low, 1),
           "a pixel that had gone too far went back to x; it goes back to the nearest end, x - ε or x + ε")
          for low in (0, -1)),
        (np.clip(np.clip(x_adv, x - ball / 255, x + ball / 255), 0, 1),
         "ε was divided by 255; it is in the images' own units already, where white is 1"),
        (np.clip(np.clip(x_adv, x * (1 - ball), x * (1 + ball)), 0, 1),
         "the ball was made by multiplying: black could not move at all. Its ends are x - ε and x + ε"),
        (np.clip(near, ball, 1 - ball), "clipped to [ε, 1 - ε] in the end; a pixel lies in [0, 1]"),
        (np.maximum(near, 0), f"no pixel is below 0, but one went to {near.max():.2f}: nothing is whiter than 1"),
        (np.minimum(near, 1), f"no pixel is above 1, but one went to {near.min():.2f}: pixels lie in [0, 1]"),
        (x, "the images came back as they were; x_adv is what is to be clipped"),
        *((np.clip(end, *ends), f"every pixel went to the {which} end: one of the two ends of the ball is x - ε, the "
           "other x + ε") for end, which in ((x - ball, "lower"), (x + ball, "upper")) for ends in ((0, 1), (-9, 9))),
        (np.clip(np.minimum(x_adv, x + ball), 0, 1), "only the upper end is kept: no pixel may go below x - ε either"),
        (np.clip(np.maximum(x_adv, x - ball), 0, 1), "only the lower end is kept: no pixel may go above x + ε either"),
        *((np.clip(np.clip(x_adv, x - one, x + one), 0, 1), f"every image has its own ε, and {one:g} was used for both")
          for one in (eps[0], eps[1], eps.mean())),
    ])  # fmt: skip
    found = call(learners, x_adv, x, np.array([0.0, 1.0]), shape=x.shape)
    compare(found, np.stack([x[0], np.clip(x_adv[1], 0, 1)]))
    return 2


@check
def file_rms(learners):
    """Two batches of files, whole grey levels in uint8, to the RMS of each image's difference, in grey levels.

    Hint
    """
    rng = np.random.default_rng(4)
    file = np.uint8(np.rint(255 * some_images(4)[:3]))
    file_adv = np.uint8(np.clip(file + rng.integers(-38, 39, file.shape), 0, 255))
    e = file_adv.astype(float) - file

    def per_image(e):
        return np.sqrt(np.square(e, dtype=float).mean((1, 2, 3)))

    right, minus = per_image(e), "uint8 has no minus sign: 10 - 12 becomes 254; make it float before you subtract"
    nan = Hint("NaN: the root of something below 0. Square the noise first, then mean, then root; and make it float "
               "before, for int8 is full at 127")  # fmt: skip
    found = call(learners, file_adv, file, nan=nan)
    if found.shape == ():
        if np.isclose(found, right.mean()):
            raise Hint("this is the mean of the three; one number for each image is wanted")
        raise Hint("one number for the whole batch; each image has its own: mean over axis=(1, 2, 3)")
    if found.shape == file.shape:
        raise Hint("one number for each pixel; the mean over axis=(1, 2, 3) leaves one for each image")
    if found.shape != right.shape:
        raise Hint(f"the answer must have shape {right.shape}, one number per image; found {found.shape}: "
                   "the mean goes over height, width and channels, axis=(1, 2, 3)")  # fmt: skip
    wrapped, other, signed = file_adv - file, file - file_adv, np.int8(e)  # |e| is below 128
    squares = [np.sqrt(np.mean(np.square(bytes_), axis=(1, 2, 3))) for bytes_ in (wrapped, wrapped.astype(float))]
    compare(found, right, [
        *((scale * wrong, minus) for scale in (1, 1 / 255) for wrong in (
            *squares, per_image(other), wrapped.mean((1, 2, 3)), np.sqrt(wrapped.mean((1, 2, 3))))),
        (np.sqrt(np.abs(np.square(signed).mean((1, 2, 3)))), "int8 is full at 127, so its squares go wrong from 12 "
                                                             "on: make it float before you square"),
        (right / 255, "right, in the images' own units; asked for are grey levels, 255 from black to white"),
        (255 * right, "multiplied by 255; what a file holds are grey levels already"),
        (right**2, "the mean of the squares is right; its root is missing"),
        (np.sqrt(np.square(e).sum((1, 2, 3))), "a sum, not a mean: it would grow with the number of pixels"),
        (np.abs(e).mean((1, 2, 3)), "the mean of |e|: the root was drawn before the mean. Square, mean, root"),
        (np.abs(e.mean((1, 2, 3))), "the mean was squared: what is brighter and what is darker cancelled. Square, "
                                    "mean, root"),
        (e.std((1, 2, 3)), "this is the standard deviation: it takes the mean off first, and RMS does not"),
        (np.abs(e).max((1, 2, 3)), "this is the largest move of a pixel, which ε bounds already"),
        *((scale * per_image(wrong), "the RMS of the image; equation (5) takes the other image away first")
          for wrong in (file_adv, file) for scale in (1, 1 / 255)),
        (np.rint(right), "the RMS was rounded; only the pixels of a file are whole levels"),
        (right[::-1], "the right numbers in another order: the images come in the order of the answer"),
    ])  # fmt: skip
    most = np.stack([np.zeros_like(file[0]), file[1], np.full_like(file[2], 255)])
    nan = Hint("right for small moves; but int16 is full at 32,767, and 255² is 65,025: make it float before you "
               "square")  # fmt: skip
    compare(call(learners, most, most[::-1].copy(), shape=(3,), nan=nan), [255, 0, 255], [
        (np.sqrt([511, 0, 511]), str(nan)),
    ])  # fmt: skip
    by_hand(learners, {"advlib"})
    return 2


@check
def targeted_step(learners):
    """A network, images under attack, the originals, labels, targets, eps and alpha to one step of equation (3).

    Hint
    """
    x, eps, alpha = some_images(3), 0.12, 0.1
    y = np.add(network(x, [0, 0, 0])[0].argmax(1), [1, 0, 0]) % 3  # the first is misread already
    y_target = (y + 1) % 3
    start = np.clip(x + 0.1 * np.sign(some_images(6)[:3] - 0.5), 0, 1)  # on its way: most pixels near the ball's edge
    g, true, old = network(start, y_target)[1], network(start, y)[1], network(x, y_target)[1]

    def after(step, base=start, eps=eps, around=x):
        return np.clip(np.clip(base + step, around - eps, around + eps), 0, 1)

    down = -alpha * g / largest(g)
    right = after(down)
    found = beside_images(learners, "m", network, start, x, y, y_target, eps, alpha, shape=x.shape)
    guess, both = network(start, network(start, y)[0].argmax(1))[1], g - true
    compare(found, right, [
        *((np.clip(np.clip(x, start + down - eps, start + down + eps), *ends), "clip's arguments are swapped: the "
           "image after the step is clipped, to the ball around x") for ends in ((0, 1), (-9, 9))),
        (after(down, x, around=start), "x was stepped and clipped around x_adv; it is the other way round"),
        (after(eps * down / alpha, eps=alpha), "alpha and eps are swapped: alpha is the step's size, eps the ball's"),
        (after(eps * down / alpha), "the step's size was eps; it is alpha"),
        (after(down, eps=alpha), "the ball's size was alpha; it is eps"),
        (after(down / alpha), "the step is not multiplied by alpha"),
        (after(-alpha * guess / largest(guess)), "downhill for what the network reads: that makes it surer of it. "
                                                 "Equation (3) asks for y_target's gradient"),
        (after(-alpha * both / largest(both)), "the two gradients were mixed; equation (3) takes y_target's alone"),
        (after(-alpha * (g / largest(g) - true / largest(true))), "two steps at once, towards y_target and away from "
                                                                  "y; equation (3) takes the first alone"),
        (after(-alpha * g / g.max((1, 2, 3), keepdims=True)), "m is the largest absolute value: np.abs first"),
        (after(-alpha * g / largest(g)[:, :, 0, 0]), "m, one number per image, was laid along the width; keepdims=True "
                                                     "leaves its shape (n, 1, 1, 1), and it stands beside images"),
        (after(alpha * g / largest(g).max()), "away from the target, and divided by the batch's largest |g|: J(x, "
                                              "y_target) must fall, and every image has its own m"),
        (start, "nothing moved: this is x_adv as it was given"),
        (down, "this is the step alone; give back the images after it, clipped"),
        (after(-down), "away from the target: J(x, y_target) must fall, so the step is taken off"),
        (after(-alpha * true / largest(true)), "downhill for the true label: the network gets surer of the truth. "
                                               "Equation (3) asks for y_target's gradient"),
        (after(alpha * true / largest(true)), "this is equation (1), away from the truth to wherever it leads; "
                                              "equation (3) goes towards y_target"),
        (after(-alpha * old / largest(old)), "the gradient was taken at x; after the first step x_adv is elsewhere"),
        (after(-alpha * old / largest(old), x), "this starts from x again; the next step starts from x_adv"),
        (after(down, x), "right step, but it starts from x again; the next step starts from x_adv"),
        (after(-alpha * g), "right way, but the step is not divided by m"),
        (after(-alpha * g / largest(g).max()), "divided by the batch's largest |g|; every image has its own m"),
        (after(-alpha * np.sign(g)), "this is the sign rule; the paper's step is g / m"),
        (start + down, "right step, but not clipped after it: equation (2), and [0, 1]"),
        (np.clip(start + down, 0, 1), "right step, but a pixel ends further than ε from x: clip around x, not x_adv"),
        (np.clip(start + down, x - eps, x + eps), f"right inside the ε-ball, but a pixel went to "
                                                  f"{np.clip(start + down, x - eps, x + eps).max():.2f}"),
        *((wrong, "this is the noise; give back the images") for wrong in
          (right - x, np.clip(start + down - x, -eps, eps))),
        *((wrong, "the images were clipped to [-ε, ε]; the ball is around x: x - ε … x + ε") for wrong in
          (np.clip(start + down, -eps, eps), np.clip(start + down, 0, eps))),
    ])  # fmt: skip
    compare(call(learners, network, start, x, y, y_target, 0.0, alpha, shape=x.shape), x)

    start[1] = x[1] = 0.5
    g = dead(start, y_target)[1]
    zero = largest(g) == 0
    right = after(-alpha * g / np.where(zero, 1, largest(g)), start, around=x)
    nan = Hint("right, until a gradient is all zero: then m is 0, and 0/0 is not a number. As in exercise 2.1, such an "
               "image stays where it is")  # fmt: skip
    with unset_shows():
        found = call(learners, dead, start, x, y, y_target, eps, alpha, shape=x.shape, nan=nan)
    compare(found, right, [
        (start, "one image has a gradient that is all zero, and all three stayed; only that one stays"),
        *left_unset(lambda move: after(move, right, around=x), zero),
        (after(alpha * zero, right, around=x), "right, until a gradient is all zero: such an image stays where it is, "
                                               "and yours moved"),
    ])  # fmt: skip
    return 3

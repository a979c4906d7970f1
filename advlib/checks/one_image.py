"""The checks of notebook 02: a step, its clip, how strong the noise is, and a step with a target."""

import numpy as np

from .stand_in import Two, largest, network, some_images
from .trying import Hint, call, check, compare


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
    found = call(learners, network, x, y, alpha, shape=x.shape)
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
        (x + alpha * guess / largest(guess), "right, but for the class that the network reads, not for the label: "
                                             "once an image is misread that leads back to its own class"),
        (np.clip(right, 0, 1), "right, and then clipped to [0, 1]; that is the next function's work"),
    ])  # fmt: skip

    def faint(images, labels):
        z, g = network(images, labels)
        return Two((z, 1e-20 * g))

    compare(call(learners, faint, x, y, alpha, shape=x.shape), right, [
        (x, "a gradient of 1e-20 still points somewhere, and here it moved nothing: no + 1e-8 in the denominator"),
    ])  # fmt: skip

    def dead(images, labels):
        z, g = network(images, labels)
        return Two((z, g * np.any(images, axis=(1, 2, 3), keepdims=True)))

    x[1] = 0
    g = dead(x, y)[1]
    right = x + alpha * g / np.where(largest(g) > 0, largest(g), 1)
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
    x, x_adv = some_images(4)[:3], some_images(5)[:3]
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
    x, eps, alpha = some_images(3), 0.12, 0.1
    y = network(x, [0, 0, 0])[0].argmax(1)
    y_target = (y + 1) % 3
    start = np.clip(x + 0.1 * np.sign(some_images(6)[:3] - 0.5), 0, 1)  # on its way: most pixels near the ball's edge
    g, true, old = network(start, y_target)[1], network(start, y)[1], network(x, y_target)[1]

    def after(step, base=start):
        return np.clip(np.clip(base + step, x - eps, x + eps), 0, 1)

    down = -alpha * g / largest(g)
    right = after(down)
    found = call(learners, network, start, x, y, y_target, eps, alpha, shape=x.shape)
    compare(found, right, [
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
        (start + down, "right step, but not clipped: equation (2), and [0, 1]"),
        (np.clip(start + down, 0, 1), "right step, but a pixel ends further than ε from x: clip around x, not x_adv. "
                                   "(Or was it forgotten?)"),
        (np.clip(start + down, x - eps, x + eps), f"right inside the ε-ball, but a pixel went to "
                                                  f"{np.clip(start + down, x - eps, x + eps).max():.2f}"),
        (right - x, "this is the noise; give back the images"),
    ])  # fmt: skip
    compare(call(learners, network, start, x, y, y_target, 0.0, alpha, shape=x.shape), x)
    return 2

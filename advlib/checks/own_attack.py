"""The check of lesson 02's open exercise: an attack of one's own, scored on images that no lesson shows."""

import numpy as np

from .one_image import beside_images
from .stand_in import Two
from .trying import Hint, check

IMAGES, EPS, ALPHA = 100, 0.15, 10 / 255  # what is attacked, and how by the course
BUDGET, LESS = 50, 0.98  # gradients per image; what counts as less


@check
def own_attack(learners, model, dataset):
    """A network, images, labels and eps to attacked images; scored on validation images, beside the course's attack.

    It is beaten by whoever fools as many of the images, with less noise or with fewer gradients.

    Hint
    """
    from ..attack import iterative_attack  # these load TensorFlow, which no other check needs
    from ..gradients import gradient, logits

    x, y = (part[: 3 * IMAGES] for part in dataset.validation)
    rows = np.flatnonzero(logits(model, x).argmax(1) == y)[:IMAGES]
    x, y = x[rows], y[rows]
    _tried(learners, _Counted(gradient, model, 10), x[:10], y[:10], 0.1)  # another eps, so that none is written in

    network = _Counted(gradient, model, len(x))
    found = _tried(learners, network, x, y, EPS)
    course = iterative_attack(model, x, y, eps=EPS, alpha=ALPHA, max_iter=BUDGET)
    before, z, own = logits(model, x), logits(model, found), (np.arange(len(x)), y)
    won, k, n = z.argmax(1) != y, int(course.success.sum()), len(x)
    both = won & course.success
    rms = [float(np.sqrt(np.square(x_adv - x, dtype=float).mean((1, 2, 3)))[both].sum() / max(1, both.sum()))
           for x_adv in (found, course.x_adv)]  # fmt: skip
    spent = [network.spent / n, course.gradients / n]
    table = "".join(f"\n          {who} fools {fooled} of {n}, mean RMS {noise:.4f}, {many:.1f} gradients per image"
                    for who, fooled, noise, many in zip(("yours       ", "the course's"), (won.sum(), k), rms, spent)
                    )  # fmt: skip
    if np.array_equal(found, x):
        raise Hint("the images came back as they were: nothing was attacked" + table)
    if won.sum() < k:
        surer = won.sum() <= 0.1 * k and (z - before)[own].mean() > 0
        why = ("the true class gained: J fell, and an attack goes uphill" if surer else
               "one gradient per image is one step, and the course's takes more" if network.spent <= n else
               "an image that is not fooled yet needs more steps, or longer ones; and each step takes the gradient "
               "where the image is now, for the true label")  # fmt: skip
        raise Hint(f"fewer are fooled than by the course's attack: {why}{table}")
    less, fewer = (mine < LESS * theirs for mine, theirs in (rms, spent))
    if not (less or fewer):
        raise Hint(f"at least as many are fooled, but neither with less noise nor with fewer gradients{table}")
    how = " and ".join(["less noise"] * less + ["fewer gradients"] * fewer)
    return f"beaten, at least as many are fooled with {how} (RMS: of the images that both fool){table}"


class _Counted:
    """The network of the open exercise: logits and gradients, and how many were asked for."""

    def __init__(self, gradient, model, images):
        self.gradient, self.model, self.images, self.spent = gradient, model, images, 0

    def __call__(self, x, y):
        self.spent += len(np.atleast_1d(y))
        if self.spent > BUDGET * self.images:
            raise ValueError(f"{BUDGET} gradients per image are spent ({BUDGET * self.images} in all): an image that "
                             "is fooled needs no more of them; or take longer steps")  # fmt: skip
        try:
            if not np.size(y):  # all are fooled: there is nothing to compute
                return Two((np.empty((0, self.model.output_shape[-1]), np.float32), np.empty_like(x)))
            return Two(self.gradient(self.model, x, y))
        except (TypeError, ValueError) as why:
            raise type(why)(f"in network(x, y), {why}") from None


def _tried(learners, network, x, y, eps):
    """The learner's images, if they are images inside the ε-ball."""
    found = beside_images(learners, "m", network, x, y, eps, shape=x.shape)
    moved = np.abs(found - x).max()
    if found.min() < -1e-5 and np.abs(found).max() <= eps + 1e-5:
        raise Hint("this is the noise; give back the images, x + noise, inside [0, 1]")
    if moved > eps + 1e-5:
        fixed = f": is {EPS} written into your function? It is given eps" if moved <= EPS + 1e-5 else ""
        raise Hint(f"a pixel moved by {moved:.2f}, where ε is {eps}{fixed or ': clip around x after every step'}")
    if found.min() < -1e-5 or found.max() > 1 + 1e-5:
        raise Hint(f"pixels must lie in [0, 1]; found {found.min():.2f} … {found.max():.2f}")
    return np.clip(found, 0, 1).astype(np.float32)

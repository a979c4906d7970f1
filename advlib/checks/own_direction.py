"""The open exercise of lesson 03: an attack along directions of the learner's own, beside the paper's."""

import numpy as np

from .stand_in import largest
from .trying import Hint, call, check

EPS, ALPHA, PATIENCE = np.float32(0.15), np.float32(10 / 255), 200  # the paper's
IMAGES, LESS, STEPS = 40, 0.985, 1.2  # how many are attacked; what counts as less, and as about as many steps


def attacked(model, x, y, way):
    """Equation (1) along ``way(g, x_adv, x)``, divided by its largest entry.

    Returns
    -------
    x_adv : array, like x
    fooled : array of bool, (n,)
    steps : array of int, (n,)
    stuck : array of bool, (n,)
        Not fooled, and in the last step no pixel with the largest entry could move.
    """
    from ..gradients import direction, gradient  # these load TensorFlow, which no other check needs

    x_adv, steps = x.copy(), np.zeros(len(x), int)
    stuck, fooled = np.zeros((2, len(x)), bool)
    for i in range(PATIENCE + 1):
        going = np.flatnonzero(~fooled)
        if not len(going):
            break
        z, g = gradient(model, x_adv[going], y[going])
        wrong = z.argmax(1) != y[going]
        fooled[going] = wrong
        going, g = going[~wrong], g[~wrong]
        if i < PATIENCE and len(going):
            here, start = x_adv[going], x[going]
            d = direction(np.asarray(way(g, here, start), np.float32))
            x_adv[going] = np.clip(np.clip(here + ALPHA * d, start - EPS, start + EPS), 0, 1)
            moved = np.abs(x_adv[going] - here) > 1e-6
            stuck[going] = ~(moved & (np.abs(d) == largest(d))).any((1, 2, 3))
            steps[going] += 1
    return x_adv, fooled, steps, stuck & ~fooled


@check
def own_direction(learners, model, dataset):
    """Gradients, images under attack and originals to directions; the attack along them is scored.

    The images are the first of the validation part that the network reads correctly.  The course is beaten by
    whoever fools as many in about as many steps, with fewer pixels moved or with a smaller RMS.

    Hint
    """
    from ..gradients import direction, gradient, logits

    x, y = (part[: 3 * IMAGES] for part in dataset.validation)
    rows = np.flatnonzero(logits(model, x).argmax(1) == y)[:IMAGES]
    x, y = x[rows], y[rows]

    def theirs(g, x_adv, x):
        return call(learners, g, x_adv, x, shape=g.shape)

    def unit(d):
        return direction(np.asarray(d, np.float32))

    g = gradient(model, x, y)[1]
    d = theirs(g, x, x)
    if not d.any():
        raise Hint("this direction is 0 everywhere: no image would move")
    if ((d * g).sum((1, 2, 3)) < 0).any():
        raise Hint("downhill: along such a direction the loss falls")
    if not all(np.allclose(unit(theirs(g[[i]], x[[i]], x[[i]]))[0], unit(d)[i], atol=1e-3) for i in range(5)):
        raise Hint("an image that comes alone gets another direction: it may depend on this image only. A largest "
                   "value or a sum runs over axis=(1, 2, 3), with keepdims=True")  # fmt: skip
    course, won, course_steps, _ = attacked(model, x, y, lambda g, x_adv, x: g)
    for known, name in (
        (unit(g), "the gradient rule itself"),
        (np.sign(g), "the sign rule, which the lesson has"),
    ):
        if all(np.allclose(unit(theirs(g, at, x)), known, atol=1e-3) for at in (x, course)):
            raise Hint(f"this is {name}. (How large a direction is does not matter: its largest entry is made α)")
    found, fooled, steps, stuck = attacked(model, x, y, theirs)
    both, n = fooled & won, len(x)
    mine, base = (_cost(*cost, both) for cost in ((found - x, steps), (course - x, course_steps)))
    table = "".join(
        f"\n          {who} fools {k} of {n}: {cost['fewer pixels']:.0f} pixels, RMS {cost['a smaller RMS']:.4f}, "
        f"{cost['steps']:.1f} steps"
        for who, k, cost in (("yours       ", fooled.sum(), mine), ("the course's", won.sum(), base))
    )
    if fooled.sum() < won.sum():
        why = (f"in {stuck.sum()} of the others the pixel with the largest entry can move no further, so every step is "
               "wasted on it: set such entries to 0, and let others move" if stuck.sum() > 0.5 * (n - fooled.sum()) else
               "they need more of the pixels that you leave out, or more steps than the 200")  # fmt: skip
        raise Hint(f"fewer are fooled than by the course's rule; {why}{table}")
    better = [name for name in ("fewer pixels", "a smaller RMS") if mine[name] <= LESS * base[name]]
    if not better:
        raise Hint(f"as many are fooled, but neither the pixels nor the RMS are {100 * (1 - LESS):.1f} % below "
                   f"the course's{table}")  # fmt: skip
    slower = mine["steps"] / max(base["steps"], 1)
    if slower > STEPS:
        why = ("Would the gradient rule with half α do the same?" if "a smaller RMS" in better else
               "Some of the pixels that you leave out would save steps.")  # fmt: skip
        raise Hint(f"{' and '.join(better)}, but with {slower:.1f} times as many steps, and {STEPS} times are allowed. "
                   f"{why}{table}")  # fmt: skip
    return f"beaten, as many are fooled with {' and '.join(better)} (means over the images that both fool){table}"


def _cost(e, steps, among):
    """What an attack costs, on average over some of the images; 0 where there are none."""
    e, steps = (part[among] for part in (e, steps))
    if not len(e):
        return {"fewer pixels": 0.0, "a smaller RMS": 0.0, "steps": 0.0}
    return {
        "fewer pixels": float((np.abs(e) > 1.001 / 255).any(3).sum((1, 2)).mean()),
        "a smaller RMS": float(np.sqrt(np.square(e, dtype=float).mean((1, 2, 3))).mean()),
        "steps": float(steps.mean()),
    }

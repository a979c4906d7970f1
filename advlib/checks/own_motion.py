"""The open exercise of lesson 06: a noise of the learner's own, scored at its worst motion on unseen images."""

import numpy as np

from .own_noise import learned, mean_margin
from .trying import Hint, check

LEAST = 0.6  # of the images that count, at the worst motion
NEAR, OURS = 0.4, 0.7  # where the second hint helps; what the course's own way fools, by its seed 0.66 to 0.78
CORNERS = "Hint: it is good at most motions, but not at the worst"


@check
def own_moving_noise(learners, model, learn, test, course, source, eps):
    """A network, images of a class, their labels and eps to one noise; scored at its worst motion, unseen images.

    Hint: where to begin
    """
    from ..gradients import predict  # these load TensorFlow, which no other check needs
    from ..transforms import motion_grid, move

    network, e, largest = learned(learners, model, learn, course, eps, np.full(len(learn), source))
    corners = motion_grid([-15, 15], [0.9, 1.1], [-2, 2])
    motions = [{}, *({name: values[i] for name, values in corners.items()} for i in range(16))]
    could = [predict(model, move(test, **m)) == source for m in motions]

    def fooled(images, e, m):
        return predict(model, move(np.clip(images + e, 0, 1, dtype=np.float32), **m)) != source

    def counts(e):
        """At each motion: how many are fooled, of how many; and the motion with the smallest share."""
        k = np.array([np.sum(fooled(test, e, m) & c) for m, c in zip(motions, could)])
        n = np.array([np.sum(c) for c in could])
        return k, n, int(np.argmin(np.where(n > 0, k / np.maximum(n, 1), 2)))

    (mine, n, worst), (theirs, _, low) = counts(e), counts(course)
    share = mine[worst] / max(n[worst], 1)
    score = (f"at its worst motion yours fools {mine[worst]} of {n[worst]} unseen images, {share:.0%}; at least "
             f"{LEAST:.0%} are asked for. The lesson's noise fools {theirs[low]} of {n[low]}, "
             f"{theirs[low] / max(n[low], 1):.0%}, and the course's solution about {OURS:.0%} of MNIST's 8s. Unmoved "
             f"yours fools {mine[0]} of {n[0]}, with {network.spent:,} gradients")  # fmt: skip
    if np.abs(e - course).mean() < 0.02 * eps:  # rounding alone moves a few of its pixels by more
        raise Hint(f"this is the lesson's own noise\n          {score}")
    if not network.spent:
        raise Hint("network was not asked for a single gradient. gradient and motion_step, as the lesson calls them, "
                   "take the lesson's Keras model, and those gradients are not counted: ask "
                   "network(images, labels)[1], for ten images at once. Is the noise one from elsewhere? Learn one "
                   f"here\n          {score}")  # fmt: skip
    if mine[worst] >= LEAST * n[worst]:
        return score
    own, unfold = np.mean(fooled(learn, e, {})), None
    if mean_margin(model, learn, e, source) > mean_margin(model, learn, 0, source):
        why = ("the network is surer of its images with this noise than without it: the step goes along the gradient, "
               "so that the loss grows")  # fmt: skip
    elif network.outside:
        why = "your gradients were asked outside [0, 1], where no image is: clip x + e, then move"
    elif own > mine[0] / max(n[0], 1) + 0.3:
        why = "it knows its own images by heart and few others: let more images have a say in each step"
    elif mine[0] >= 0.9 * n[0] and mine[worst] * n[low] <= theirs[low] * n[worst]:
        why = ("it works on images that stand still, and at its worst motion no better than the lesson's: does each "
               "step draw new motions, are the gradients those at the moved images, and brought back?")  # fmt: skip
    elif largest < 0.9 * eps:
        why = f"its largest pixel is {largest:.3f}, and {eps:.3f} is allowed: take longer steps, or more of them"
    elif np.abs(e).mean() < 0.6 * eps:
        why = "many of its pixels are far from ±eps: longer steps, more rounds, or steps by the sign"
    elif share >= NEAR:
        why, unfold = ("near: an image that is fooled already need not vote: the second hint says how to weigh the "
                       "votes. Another seed may move the share by several points, too"), CORNERS  # fmt: skip
    elif mine[worst] * n[low] > theirs[low] * n[worst]:
        why = ("better than the lesson's, and not by enough: steps by the sign of the mean vote, long at first and "
               "short in the end, get further")  # fmt: skip
    else:
        why = "steps that many images agree on, each at a motion of its own, get further"
    raise Hint(f"{why}\n          {score}", unfold)

"""The open exercise of lesson 04: a common noise of the learner's own, scored on images that it has not seen."""

import numpy as np

from .stand_in import Two
from .trying import Hint, call, check

BUDGET, MARGIN, SECONDS = 4000, 0.05, 90  # gradients in all; how many more must be fooled; a pure guard
SLOW = "does a loop never end? Or is one image asked for at a time? The network takes several in one call"


@check
def own_noise(learners, model, learn, test, course, source, eps):
    """A network, images of a class, their labels and eps to one noise; scored on unseen images, beside the course's.

    Hint: where to begin
    """
    from ..gradients import predict  # it loads TensorFlow, which no other check needs

    network, e, largest = learned(learners, model, learn, course, eps, np.full(len(learn), source))

    def fooled(images, e):
        return int(np.sum(predict(model, np.clip(images + e, 0, 1, dtype=np.float32)) != source))

    signs = np.random.default_rng(0).choice([-eps, eps], e.shape)
    mine, theirs, blind = (fooled(test, one) for one in (e, course, signs))
    own, clearly = fooled(learn, e), int(np.ceil(MARGIN * len(test)))
    score = (f"yours fools {mine} of {len(test)} unseen images, the course's {theirs}, random ±ε {blind}; of the "
             f"{len(learn)} images it was learned on yours fools {own}, with {network.spent:,} gradients")  # fmt: skip
    if np.abs(e - course).mean() < 0.02 * eps:  # rounding alone moves a few of its pixels by more
        raise Hint(f"this is the course's own noise\n          {score}")
    if not network.spent:
        raise Hint("network was not asked for a single gradient, so this noise was not learned here: is it a larger "
                   "noise cut down to eps, or one from elsewhere? Learn one for eps, from x and through network\n"
                   f"          {score}")  # fmt: skip
    # five in a hundred: luck with these images gives less.  The offline digits' is so strong that nothing is left
    if mine >= min(len(test), theirs + clearly):
        return score
    if mean_margin(model, learn, e, source) > mean_margin(model, learn, 0, source):
        why = ("the network is surer of its images with this noise than without it: the step goes along the gradient, "
               "so that the loss grows")  # fmt: skip
    elif network.outside:
        why = "your gradients were asked outside [0, 1], where no image is: clip x + e before you ask"
    elif own / len(learn) > mine / len(test) + 0.3:
        why = "it knows its own images by heart and few others: let more images have a say in each step"
    elif mine > theirs:
        why = f"that is more, but not clearly: at least {theirs + clearly} are asked for, 5 in a hundred more"
    elif largest < 0.9 * eps:
        why = f"its largest pixel is {largest:.3f}, and {eps:.3f} is allowed: take longer steps, or more of them"
    elif np.abs(e).mean() < 0.75 * eps:
        why = "many of its pixels are far from ±eps: longer steps, more rounds, or steps by the sign"
    else:
        why = "steps that many images agree on, or that shrink towards the end, get further"
    raise Hint(f"{why}\n          {score}")


def learned(learners, model, learn, course, eps, *asked):
    """What the learner's function makes of a network that counts, the images, what is asked and eps.

    Returns the network, the noise and its largest pixel; what is no noise of an image's shape inside ±eps is refused.
    """
    network = _Counted(model)
    try:
        e = call(learners, network, learn, *asked, eps, seconds=SECONDS, slow=SLOW)
    except Hint as hint:
        if "numbers; found object" in str(hint):
            raise Hint("this is the whole record; give back its noise, an array: .noise") from None
        if "must be a keras.Model" in str(hint):
            raise Hint("network is a function here, no Keras model: ask network(images, labels)[1] for the gradients, "
                       "so that they can be counted") from None  # fmt: skip
        raise
    return network, e, largest_pixel(e, learn, course, eps)


def largest_pixel(e, learn, course, eps):
    """Of a learner's noise; what is no noise of an image's shape inside ±eps is refused."""
    if e.shape == learn.shape:
        raise Hint("this is one noise for each image; one noise for all of them is asked for")
    if e.shape != course.shape:
        raise Hint(f"the noise must have an image's shape, {course.shape}; found {e.shape}")
    largest = np.abs(e).max()
    if largest > eps + 1e-6:
        raise Hint(f"its largest pixel goes beyond eps = {eps:g} by {largest - eps:.1g}: clip it to -eps … eps in the "
                   "end")  # fmt: skip
    if not largest:
        raise Hint("the noise is zero everywhere")
    return largest


def mean_margin(model, images, e, label):
    """How far a label's logit is before the largest of the others, with the noise on the images: the mean."""
    from ..gradients import logits

    z = logits(model, np.clip(images + e, 0, 1, dtype=np.float32))
    return float(np.mean(z[:, label] - np.delete(z, label, 1).max(1)))


class _Counted:
    """Logits and gradients of the network, how many were asked for, and whether ever outside [0, 1]."""

    def __init__(self, model):
        self.model, self.spent, self.outside = model, 0, False

    def __call__(self, images, labels):
        from ..gradients import gradient

        try:
            found = gradient(self.model, images, np.atleast_1d(labels))
        except (TypeError, ValueError) as why:
            raise type(why)(f"in network(images, labels), {why}") from None
        self.spent += len(images)
        if self.spent > BUDGET:
            raise ValueError(
                f"the network's {BUDGET:,} gradients are spent; take fewer rounds, or fewer images in each"
            )
        self.outside = self.outside or bool(np.any(np.less(images, -1e-6)) or np.any(np.greater(images, 1 + 1e-6)))
        return Two(found)

"""The open exercise of lesson 04: a common noise of the learner's own, scored on images that it has not seen."""

import numpy as np

from .trying import Hint, call, check


@check
def own_noise(learners, model, learn, test, course, source, eps):
    """A network, images of a class, their labels and eps to one noise; scored on unseen images, beside the course's.

    Hint: where to begin
    """
    from ..gradients import predict  # it loads TensorFlow, which no other check needs

    try:
        e = call(learners, model, learn, np.full(len(learn), source), eps)
    except Hint as hint:
        if "numbers; found object" in str(hint):
            raise Hint("this is the whole record; give back its noise, an array: .noise") from None
        if "it was stopped after" in str(hint):
            raise Hint(f"{hint} Take fewer epochs, or ask for several images' gradients in one call") from None
        raise
    if e.shape == learn.shape:
        raise Hint("this is one noise for each image; one noise for all of them is asked for")
    if e.shape != course.shape:
        raise Hint(f"the noise must have an image's shape, {course.shape}; found {e.shape}")

    def fooled(images, e):
        return int(np.sum(predict(model, np.clip(images + e, 0, 1, dtype=np.float32)) != source))

    largest = np.abs(e).max()
    if largest > eps + 1e-6:
        raise Hint(f"the noise left its fence: its largest pixel is {largest:.3f}, and eps is {eps:.3f}")
    if not largest:
        raise Hint("the noise is zero everywhere")
    signs = np.random.default_rng(0).choice([-eps, eps], e.shape)
    mine, theirs, blind, turned = (fooled(test, one) for one in (e, course, signs, -e))
    own = fooled(learn, e)
    score = (f"yours fools {mine} of {len(test)} unseen images, the course's {theirs}, random ±ε {blind}; of the "
             f"{len(learn)} images it was learned on yours fools {own}")  # fmt: skip
    if np.allclose(e, course, atol=1e-6):
        raise Hint(f"this is the course's own noise\n          {score}")
    if mine > theirs or mine == len(test):  # the offline digits' is so strong that nothing is left
        return score
    if turned > mine:
        why = f"with its sign turned it fools more ({turned}): the step goes along the gradient, so that the loss grows"
    elif own / len(learn) > mine / len(test) + 0.3:
        why = "it knows its own images by heart and few others: let more images have a say in each step"
    elif largest < 0.9 * eps:
        why = f"its largest pixel is {largest:.3f}, and {eps:.3f} is allowed: take longer steps, or more of them"
    elif np.abs(e).mean() < 0.75 * eps:
        why = "many of its pixels are far from the fence: longer steps, more epochs, or steps by the sign"
    else:
        why = "steps that many images agree on, or that shrink towards the end, get further"
    raise Hint(f"{why}\n          {score}")

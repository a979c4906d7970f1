"""The checks of lesson 05: one noise that leads to a chosen label, two claims about it, and what foretells it."""

import numpy as np

from .common import DEAD, GUARD, _new_noise, one_dead
from .one_image import unset_shows
from .own_noise import MARGIN, learned, mean_margin
from .stand_in import largest
from .trying import Hint, call, check, compare


@check
def target_step(learners):
    """A noise and several images' gradients at the target's label to the noise after one step that all of them share.

    Hint: one vote for each image
    """
    rng = np.random.default_rng(5)
    e = rng.uniform(-0.2, 0.2, (3, 4, 1))
    g = rng.normal(size=(5, 3, 4, 1)) * np.array([1e-30, 1e-3, 1, 7, 40]).reshape(5, 1, 1, 1)
    most = np.abs(g).max((1, 2))
    e[1, 1], g[:, 1, 1] = -0.2, most * [[1], [1], [-1], [-1], [-1]]  # clipped after each vote, it goes too far
    e[2, 3], g[:, 2, 3] = 0.1, -most * [[1.4], [1.3], [1.2], [1.4], [1.3]]  # here all agree, and the step exceeds eps
    g[range(5), 0, [0, 1, 2, 3, 0]] = -1.5 * most  # the largest is a negative one, so that abs matters
    eps, alpha = 0.2, 0.25

    def clip(a):
        return np.clip(a, -eps, eps)

    votes, mean = g / largest(g), g.mean(0)
    step = -alpha * votes.mean(0)
    in_turn = dict.fromkeys((1, len(g)), e)
    for share in in_turn:
        for vote in votes:
            in_turn[share] = clip(in_turn[share] - alpha * vote / share)
    guards = 10.0 ** np.arange(-20, 1)
    found = _new_noise(learners, e, g, eps, alpha)
    compare(found, clip(e + step), [
        *((clip(e + value), "away from the target: J has to become smaller at y_target, so the step is taken off")
          for value in (-step, alpha * mean / largest(mean), alpha * mean, alpha * np.sign(mean))),
        *((value, "away from the target, and beyond ±eps: take the step off, then clip") for value in (e - step,)),
        (e + step, "the noise went beyond ±eps: clip it to -eps … eps after the step"),
        (np.clip(e + step, 0, 1), "it is the noise that is clipped, to -eps … eps; images, not noises, live in 0 … 1"),
        (np.clip(e + step, 0, eps), "a noise may be negative too: clip it to -eps … eps, both sides"),
        (clip(e) + step, "the noise was clipped before the step, and the step went beyond ±eps: clip after it"),
        (e + clip(step), "the step was clipped; the noise after the step is what has to stay inside -eps … eps"),
        (clip(e - alpha * votes.mean()), "the mean of all values is one number; the votes' mean is an image: axis=0"),
        (clip(step), "this forgets the old noise: the step starts from e"),
        (step, "this is the step alone: add it to e, and clip"),
        (clip(e - votes.mean(0)), "alpha is missing"),
        (clip(e - alpha * votes.sum(0)), "the votes' sum; their mean is asked for"),
        *((clip(e - value / 255 * votes.mean(0)), f"the right step with α = {value}/255; take the alpha that is given")
          for value in (1, 4, 8)),
        *((np.clip(e + step, -value, value), f"clipped to ±{value}; take the eps that is given")
          for value in (0.15, 0.24, 0.3)),
        (in_turn[1], "a full step for one image after another, as in Algorithm 1; here all images vote first, and "
                     "alpha times the mean of their votes is one step"),
        (in_turn[len(g)], "the noise was clipped after every vote; there is one step, and one clip after it"),
        *((clip(e - alpha * (g / (largest(g) + guard)).mean(0)), GUARD) for guard in guards),
        *((clip(e - alpha * (g / np.maximum(largest(g), guard)).mean(0)), GUARD) for guard in guards),
        (clip(e - alpha * votes[1:].mean(0)), GUARD),
        *((clip(e - alpha * votes[i]), f"the {which} image alone has voted; take the mean of all votes")
          for i, which in ((0, "first"), (-1, "last"))),
        (clip(e - alpha * mean / largest(mean)),
         "the mean was taken before the division, so the image with the largest gradient decides alone: "
         "divide each image's gradient by its own largest value first"),
        (clip(e - alpha * (g / np.abs(g).max()).mean(0)),
         "one divisor for all images; each image's gradient is divided by its own largest value"),
        *((clip(e + sign * alpha * (g / g.max((1, 2, 3), keepdims=True)).mean(0)),
           "the largest value without its sign: take np.abs before the max") for sign in (-1, 1)),
        (clip(e - alpha * mean), "each gradient has to be divided by its own largest absolute value"),
        (clip(e - alpha * np.sign(g).mean(0)), "the mean of signs; here a vote is g / max|g|"),
        *((clip(e - alpha * np.sign(value)), "a sign step; here a vote is g / max|g|") for value in (
            mean, votes.mean(0))),
        (e, "the noise came back as it was; the step is missing"),
    ])  # fmt: skip
    g[1] = 0
    with unset_shows():
        found = call(learners, e, g, eps, alpha, shape=e.shape, nan=Hint(*DEAD))
    votes[1] = 0
    one_dead(found, lambda step: clip(e - step), votes, alpha)
    return 2


@check
def two_claims(learners):
    """What was read, the images' class and the target to two shares: read as the target, and anything but the class.

    Hint: what counts
    """
    prediction, y, y_target = np.array([3, 5, 3, 8, 5, 3, 9, 8, 5, 3, 8, 9]), 5, 3
    read, n = prediction, len(prediction)
    right = np.array([np.mean(read == 3), np.mean(read != 5)])
    nan = Hint("NaN: there is always an image, so divide by how many there are, len(prediction)")
    found = call(learners, prediction, y, y_target, nan=nan)
    if found.shape == (2, n):
        raise Hint("these are two answers for each image; two shares are asked for, the means of both")
    if found.shape == (n,):
        raise Hint("this is an answer for each image; two shares are asked for: their mean, for each of two claims")
    if found.shape != (2,):
        raise Hint(f"two numbers are asked for, (read as the target, anything but y); found shape {found.shape}")
    fooled = np.sum(read != 5)
    compare(found, right, [
        (right[::-1], "in the other order: the share read as the target first, then the share that is not y"),
        (n * right, "these are counts; divide both by how many images there are"),
        (100 * right, "shares lie between 0 and 1; these are in percent"),
        ([4 / fooled, right[1]], "the first is a share of the fooled images; both are shares of all images, so that "
                                 "the two claims can be compared"),
        ([4 / fooled, 1], "both are divided by the fooled images; divide by all of them"),
        ([right[0], right[1] - right[0]], "the second leaves the target out; a 5 that is read as a 3 is no longer a 5 "
                                          "either: it counts in both"),
        ([right[0], np.mean(read != 3)], "the second asks what is not the target; a 5 that stays a 5 is no success. "
                                         "Compare with y"),
        ([right[0], np.mean(read == 5)], "the second is the share that is still read as y; the noise succeeds on the "
                                         "others"),
        (1 - right, "these are the shares of the failures"),
        ([right[0], right[0]], "both are the share read as the target; the second asks for anything but y"),
        ([right[1], right[1]], "both are the share that is not y; the first asks for the target alone"),
        ([right[0] - right[0] * (1 - right[1]), right[1]], "the first multiplies two shares; count the images where "
                                                           "the target is read"),
    ])  # fmt: skip
    prediction, y, y_target = np.array([1, 0, 7, 1, -1, 2, 1, -1, 7, 7]), 7, 1
    found = call(learners, prediction, y, y_target, shape=(2,), nan=nan)
    compare(found, [0.3, 0.5], [
        ([0.3, 0.7], "−1 stands for nothing read, logits that are no numbers; that is no success of the noise: "
                     "count it in neither claim, and leave it among the images"),
        ([0.3, 0.4], "0 is a label, too: only −1 stands for nothing read"),
        *((value, "the images where nothing was read (−1) have left the denominator too; divide by all images")
          for value in ([3 / 8, 5 / 8], [0.3, 5 / 8], [3 / 8, 0.5], [3 / 8, 7 / 8])),
        *(([np.mean(prediction == a), np.mean((prediction != b) & (prediction >= 0))], "class 5 and target 3 were "
           "written down; use y and y_target") for a, b in ((3, 5), (1, 5), (3, 7))),
        *(([np.mean(prediction == a), np.mean(prediction != b)], "class 5 and target 3 were written down; use y and "
           "y_target") for a, b in ((3, 5), (1, 5), (3, 7))),
    ])  # fmt: skip
    nan = Hint("NaN where no image was fooled: 0/0. Both are shares of all images, and there are four")
    compare(call(learners, np.array([7, 7, 7, 7]), 7, 1, shape=(2,), nan=nan), [0, 0])
    return 3


@check
def foresight(learners):
    """Leads, their gradients, images and eps to the share of the mean lead that one noise takes away, to first order.

    Hint: both signs of one pixel
    """
    rng = np.random.default_rng(25)
    n, shape, eps = 5, (3, 4, 1), 0.24
    x = rng.choice([0, 0.1, 0.5, 0.95, 1], (n, *shape))
    g = rng.normal(0.3, 1, (n, *shape)) * rng.choice([-1, 1], shape)  # the images agree in part
    lead = np.array([4.0, 1.5, 0.5, -0.25, 3.0])
    up, down = np.minimum(eps, 1 - x), -np.minimum(eps, x)
    plus, minus = (g * up).mean(0), (g * down).mean(0)
    never = np.minimum(plus, minus) > 0  # neither sign helps: no question of the exercise
    g[:, never] *= -1
    plus, minus = (g * up).mean(0), (g * down).mean(0)
    best, m = np.minimum(plus, minus), lead.mean()
    right = -best.sum() / m
    each = -np.minimum(g * up, g * down).sum((1, 2, 3))
    free = eps * np.abs(g.mean(0)).sum()
    nan = Hint("NaN or infinity: the mean lead is a number above 0 here, so divide by that; nothing else may be 0")
    found = call(learners, lead, g, x, eps, nan=nan)
    if found.shape == (n,):
        raise Hint("this is a number for each image; the noise is common, and one number is asked for: the mean over "
                   "the images is taken before the better sign is chosen")  # fmt: skip
    if found.shape in (shape, g.shape):
        raise Hint("this is a number for each pixel; add them all up, and divide by the mean lead")
    if found.shape != ():
        raise Hint(f"one number is asked for; found shape {found.shape}")
    signed = np.where(g.mean(0) > 0, minus, plus)
    compare(found, right, [
        (-right, "the sign: a noise that lowers the lead takes a positive share of it away"),
        (1 / right, "upside down: what the noise takes away, divided by the mean lead"),
        (-best.sum(), "this is what the noise takes away; divide it by the mean lead"),
        (1 - right, "this is the share of the lead that is left; what is taken away is asked for"),
        *((value / m, "each image has got its own best signs, and so its own noise. One noise has one sign in a pixel: "
           "mean over the images first, then choose") for value in (each.mean(), each.sum())),
        (free / m, "the pixels' room is forgotten: on black, a noise of −eps moves nothing. Use up and down"),
        *((value / m, "the absolute value was taken before the mean, so that images that disagree cannot cancel; and "
           "the pixels' room is forgotten") for value in (eps * np.abs(g).sum((1, 2, 3)).mean(),)),
        *((np.mean(value / lead), "one share for each image, and their mean; an image that hardly leads decides alone. "
           "Divide the whole gain by the mean lead") for value in (each, -best.sum(), eps * np.abs(g).sum((1, 2, 3)))),
        (np.median(each / lead), "each image has got its own noise; one noise has to do for all"),
        *((-value.sum() / m, f"all pixels have got {which}eps; each takes the better of its own two signs")
          for value, which in ((plus, "+"), (minus, "−"))),
        (-np.minimum(plus, -minus).sum() / m, "−eps moves a pixel down, so its move is a negative number"),
        (-np.where(np.abs(plus) > np.abs(minus), plus, minus).sum() / m, "the larger of the two changes was taken; but "
         "a large rise of the lead is no gain"),
        (-(g.mean(0) * np.where(g.mean(0) * up.mean(0) < g.mean(0) * down.mean(0), up.mean(0), down.mean(0))).sum() / m,
         "mean gradient times mean move; multiply in each image first, and take the mean then"),
        (m / np.abs(g.mean(0)).sum(), "this is the ε needed, the forecast above; the share at eps is asked for"),
        (-np.maximum(plus, minus).sum() / m, "the worse sign was taken: the lead has to fall, so the smaller of the "
                                             "two changes is the better one"),
        (np.maximum(plus, minus).sum() / m, "the sign that raises the lead most was taken, and the lead has to "
         "fall; or the rooms were exchanged: +eps can raise a pixel by 1 − x at most, −eps can lower it by x at most"),
        (-signed.sum() / m, "the sign was chosen by the mean gradient, before the pixels' room was looked at; compare "
                            "the two mean changes instead"),
        (-n * best.sum() / m, "the sum over the images; their mean is asked for"),
        (-best.sum() / lead.sum(), "divided by the sum of the leads; by their mean"),
        (-best.mean() / m, "the mean over the pixels; all of them move at once, so add up what each takes away"),
        (-np.minimum((g * (1 - x)).mean(0), (g * -x).mean(0)).sum() / m, "a pixel moves by eps at most, and by its "
                                                                        "room where that is smaller: np.minimum"),
        (-best.sum() / np.abs(lead).mean(), "an image that is ahead no more has a negative lead, and counts as that"),
        (-best.sum() / np.median(lead), "the median of the leads; their mean is asked for"),
    ])  # fmt: skip
    smaller = 0.1
    up, down = np.minimum(smaller, 1 - x), -np.minimum(smaller, x)
    best = np.minimum((g * up).mean(0), (g * down).mean(0))
    compare(call(learners, lead, g, x, smaller, shape=()), -best.sum() / m, [
        (right, "0.24 was written down; take the eps that is given"),
    ])  # fmt: skip
    lead = lead * right / 2  # of this one the noise takes twice as much as there is
    compare(call(learners, lead, g, x, eps, shape=()), 2, [
        (1, "the share was cut at 1; it may be larger, because the noise can take more than the whole lead"),
    ])  # fmt: skip
    return 3


@check
def own_target(learners, model, learn, test, course, source, target, eps):
    """A network, images of a class, their labels, a target and eps to one noise; scored on unseen images.

    Hint: where to begin
    """
    from ..gradients import predict  # it loads TensorFlow, which no other check needs

    network, e, largest = learned(learners, model, learn, course, eps, np.full(len(learn), source), target)

    def read(images, e):
        return predict(model, np.clip(images + e, 0, 1, dtype=np.float32))

    seen = read(test, e)
    mine, theirs, own = (int(np.sum(r == target)) for r in (seen, read(test, course), read(learn, e)))
    away, clearly = int(np.sum(seen != source)), int(np.ceil(MARGIN * len(test)))
    needed = min(len(test), theirs + clearly)  # the offline digits' may be so strong that nothing is left
    score = (f"under yours {mine} of {len(test)} unseen images are read as {target}, under the course's {theirs}; "
             f"at least {needed} are asked for; {away} are not read as {source}; of the {len(learn)} learning images "
             f"yours leads {own} to the target, with {network.spent:,} gradients")  # fmt: skip
    if np.abs(e - course).mean() < 0.02 * eps:  # rounding alone moves a few of its pixels by more
        raise Hint(f"this is the course's own noise\n          {score}")
    if not network.spent:
        raise Hint("network was not asked for a single gradient, so this noise was not learned here: is it one from "
                   f"elsewhere? Learn one for eps, from x and through network\n          {score}")  # fmt: skip
    if mine >= needed:
        return score
    if away > max(2 * mine, len(test) / 2):
        why = (f"many images are no longer read as {source}, and few of these as {target}: is every gradient asked for "
               "at y_target?")  # fmt: skip
    elif mean_margin(model, learn, e, target) < mean_margin(model, learn, 0, target):
        why = ("the target is further off with this noise than without it: is the gradient asked for at y_target, and "
               "the step taken off?")  # fmt: skip
    elif network.outside:
        why = "your gradients were asked outside [0, 1], where no image is: clip x + e before you ask"
    elif own / len(learn) > mine / len(test) + 0.2:
        why = "it knows its own images by heart and few others: let more images have a say in each step"
    elif mine > theirs:
        why = "that is more, but not clearly: 5 in a hundred more are asked for"
    elif largest < 0.9 * eps:
        why = f"its largest pixel is {largest:.3f}, and {eps:.3f} is allowed: take longer steps, or more of them"
    elif np.abs(e).mean() < 0.6 * eps:
        why = "many of its pixels are far from ±eps: longer steps, more rounds, or steps by the sign"
    else:
        why = "steps that many images agree on, or that shrink towards the end, get further"
    raise Hint(f"{why}\n          {score}")

"""The checks of lesson 04 and its in-depth notebooks: one noise for many images, and what it does to a class."""

import numpy as np
from scipy.special import softmax

from .one_image import LEFT, unset_shows
from .stand_in import largest
from .trying import Hint, call, check, compare

GUARD = (
    "the image with the smallest gradient, about 1e-30, has lost its vote: no + 1e-8 in the denominator, and no other "
    "floor. Its gradient is small because the network is sure; it still has a direction"
)


@check
def common_step(learners):
    """A noise and several images' gradients to the noise after one step that all of them share.

    Hint: the largest value of each image
    """
    rng = np.random.default_rng(4)
    e = rng.uniform(-0.2, 0.2, (3, 4, 1))
    g = rng.normal(size=(5, 3, 4, 1)) * np.array([1e-30, 1e-3, 1, 7, 40]).reshape(5, 1, 1, 1)
    most = np.abs(g).max((1, 2))
    e[1, 1], g[:, 1, 1] = 0.2, most * [[1], [1], [-1], [-1], [-1]]  # clipped after each vote, it goes too far
    e[2, 3], g[:, 2, 3] = 0.1, most * [[1.4], [1.3], [1.2], [1.4], [1.3]]  # here all agree, and the step exceeds eps
    g[range(5), 0, [0, 1, 2, 3, 0]] = -1.5 * most  # the largest is a negative one, so that abs matters
    eps, alpha = 0.2, 0.25

    def clip(a):
        return np.clip(a, -eps, eps)

    votes = g / largest(g)
    step = alpha * votes.mean(0)
    in_turn = dict.fromkeys((1, len(g)), e)
    for share in in_turn:
        for vote in votes:
            in_turn[share] = clip(in_turn[share] + alpha * vote / share)
    guards = 10.0 ** np.arange(-20, 1)
    length = np.sqrt(np.square(g / largest(g)).sum((1, 2, 3), keepdims=True)) * largest(g)
    found = _new_noise(learners, e, g, eps, alpha)
    mean = g.mean(0)
    compare(found, clip(e + step), [
        (e + step, "the noise went beyond ±eps: clip it to -eps … eps after the step"),
        (np.clip(e + step, 0, eps), "a noise may be negative too: clip it to -eps … eps, both sides"),
        (clip(e + alpha * votes.mean()), "the mean of all values is one number; the votes' mean is an image: axis=0"),
        (clip(e - step), "the sign: the loss has to grow, so the step goes along the gradient, not against it"),
        (np.clip(e + step, 0, 1), "it is the noise that is clipped, to -eps … eps; images, not noises, live in 0 … 1"),
        (e + clip(step), "the step was clipped; the noise after the step is what has to stay inside -eps … eps"),
        (clip(step), "this forgets the old noise: the step is added to e"),
        (step, "this is the step alone: add it to e, and clip"),
        (clip(e + votes.mean(0)), "alpha is missing"),
        *((clip(e + value / 255 * votes.mean(0)), f"the right step with α = {value}/255; take the alpha that is given")
          for value in (1, 4)),
        *((np.clip(e + step, -value, value), f"clipped to ±{value}; take the eps that is given")
          for value in (0.1, 0.15, 0.24, 0.3)),
        (in_turn[1], "this is Algorithm 1 itself, a full step for one image after another; here all images vote first, "
                     "and alpha times the mean of their votes is one step"),
        (in_turn[len(g)], "the noise was clipped after every vote; there is one step, and one clip after it"),
        (clip(e + alpha * votes.sum(0)), "the votes' sum; their mean is asked for"),
        *((clip(e + alpha * (g / (largest(g) + guard)).mean(0)), GUARD) for guard in guards),
        *((clip(e + alpha * (g / np.maximum(largest(g), guard)).mean(0)), GUARD) for guard in guards),
        (clip(e + alpha * votes[1:].mean(0)), GUARD),
        *((clip(e + alpha * votes[i]), f"the {which} image alone has voted; take the mean of all votes")
          for i, which in ((0, "first"), (-1, "last"))),
        (clip(e + alpha * mean / largest(mean)),
         "the mean was taken before the division, so the image with the largest gradient decides alone: "
         "divide each image's gradient by its own largest value first"),
        (clip(e + alpha * (g / np.abs(g).max()).mean(0)),
         "one divisor for all images; each image's gradient is divided by its own largest value"),
        (clip(e + alpha * (g / g.max((1, 2, 3), keepdims=True)).mean(0)),
         "the largest value without its sign: take np.abs before the max"),
        (clip(e + alpha * votes.mean(0) / largest(votes.mean(0))),
         "the mean of the votes was divided by its largest value once more; the step is alpha times the mean itself"),
        (clip(e + alpha * (g / length).mean(0)), "each gradient was divided by its length; divide by its largest |g|"),
        (clip(e + alpha * (g / np.abs(g).mean((1, 2, 3), keepdims=True)).mean(0)),
         "each gradient was divided by the mean of |g|; divide by its largest"),
        (clip(e + alpha * (g / np.abs(g).max(0)).mean(0)),
         "max along axis=0 compares images with one another; the largest of one image is max over axis=(1, 2, 3)"),
        (clip(e + alpha * np.median(votes, 0)), "the median of the votes; their mean is asked for"),
        (e, "the noise came back as it was; the step is missing"),
        (clip(e + alpha * mean), "each gradient has to be divided by its own largest absolute value"),
        (clip(e + alpha * np.sign(g).mean(0)), "the mean of signs; here a vote is g / max|g|"),
        (clip(e + alpha * np.sign(mean)), "a sign step; here a vote is g / max|g|"),
    ])  # fmt: skip
    g[1] = 0
    with unset_shows():
        found = call(learners, e, g, eps, alpha, shape=e.shape, nan=Hint(*DEAD))
    votes[1] = 0
    one_dead(found, lambda step: clip(e + step), votes, alpha)
    return 2


DEAD = ("NaN when one image's gradient is all zero: 0/0; divide only where the largest is above 0",
        "Hint: an image whose gradient is all zero")  # fmt: skip


def one_dead(found, after, votes, alpha):
    """Compare a noise with what ``after`` makes of the step, where one of five images has a vote that is all zero."""
    for left in (alpha * LEFT / 5, LEFT / 5, alpha * LEFT, LEFT):
        if np.allclose(found, after(alpha * votes.mean(0) + left)):
            raise Hint("np.divide(..., where=...) leaves what was in memory where b is 0: give it out=np.zeros_like(a) "
                       "too", DEAD[1])  # fmt: skip
    compare(found, after(alpha * votes.mean(0)), [
        (after(alpha * votes.sum(0) / 4), "an image whose gradient is zero has no wish, and still counts: 5, not 4"),
        (after(0), "one image has a gradient that is all zero, and the noise stayed as it was; the others still vote"),
    ])  # fmt: skip


def _new_noise(learners, e, g, *given):
    """The learner's answer, of the noise's shape; where one number per image does not lie beside it, how it can."""
    try:
        found = call(learners, e, g, *given)
    except Hint as hint:
        if "could not be broadcast" not in str(hint):
            raise
        raise Hint(f"{hint}\n          one number per image stands beside images with shape (n, 1, 1, 1): "
                   "keepdims=True keeps it so") from None  # fmt: skip
    if found.shape == g.shape:
        raise Hint("this is one noise for each image; the noise is common: take the mean of the votes over axis 0")
    if found.shape == (*e.shape[:2], len(g)):
        raise Hint("numpy laid the five largest values along the channels; with shape (n, 1, 1, 1), by keepdims=True, "
                   "they stand beside the images")  # fmt: skip
    if found.shape != e.shape:
        raise Hint(f"the new noise must have the old one's shape, {e.shape}; found {found.shape}")
    return found


@check
def class_success(learners):
    """Predictions and true labels to ten shares: how many of each class are misread.

    Hint: one class
    """
    rng = np.random.default_rng(4)
    y = rng.permutation(np.repeat(np.arange(10), np.arange(3, 13)))
    prediction = np.where(rng.random(len(y)) < 0.6, rng.integers(0, 10, len(y)), y)
    prediction[[np.flatnonzero(y == c)[0] for c in range(10)]] = (np.arange(10) + 7) % 10  # none without a mistake
    wrong = prediction != y
    n, read = np.bincount(y), np.bincount(prediction, minlength=10)
    right = np.array([wrong[y == c].mean() for c in range(10)])
    found = call(learners, prediction, y, nan=Hint("NaN, which is what the mean of no image at all gives. The classes "
                                                   "are 0 … 9, and y says which images are of class c"))  # fmt: skip
    if found.shape == ():
        if np.isclose(found, 1 - wrong.mean()):
            raise Hint("this is the share read correctly, of all classes together")
        raise Hint("this is the share of all images together; one share for each of the ten classes is asked for")
    if found.shape == (10, 10):
        raise Hint("this says what each class is read as, a table of ten by ten; one share for each class is asked for")
    if found.shape == y.shape:
        raise Hint("this is an answer for each image; one share for each of the ten classes is asked for")
    if found.shape != (10,):
        raise Hint(f"the answer must have shape (10,), one share per class; found {found.shape}")
    with np.errstate(all="ignore"):
        by_prediction = np.array([wrong[prediction == c].mean() for c in range(10)])
    compare(found, right, [
        (1 - right, "these are the shares read correctly; the noise succeeds where the network misreads"),
        (right * n, "these are counts; divide each by how many images its class has"),
        (n - right * n, "these are counts, and of the images read correctly; a share of the misread ones is asked for"),
        (right * n / len(y), "each count is divided by all images; divide by how many images its own class has"),
        (right * n / wrong.sum(), "this is each class's share of all mistakes: it says where the mistakes are, and a "
                                  "large class has more of them. Divide by how many images the class itself has"),
        (right * n / n.mean(), "divided by the mean class size; the classes are not equally large"),
        (right * n / read, "divided by how often each class was read; divide by how many images it has, y == c"),
        (100 * right, "shares lie between 0 and 1; these are in percent"),
        *((value, "grouped by what the network read; group by the true label y") for value in (
            by_prediction, 1 - by_prediction)),
        *((value, "this is how often each class is read, and y is not used; count where prediction and y differ")
          for value in (read / len(y), read / n, 1 - read / n)),
        *((np.bincount(prediction[wrong], minlength=10) / many, "the labels read by mistake were counted; count the "
           "true labels of the misread images") for many in (wrong.sum(), n, len(y), 1)),
        ([wrong[y != c].mean() for c in range(10)], "these are the images of all other classes: y == c, not y != c"),
        ([prediction[y == c].mean() for c in range(10)], "this is the mean of the labels that were read; ask how often "
                                                         "they differ from c"),
        *(([np.mean(prediction[y == c] != one) for c in range(10)], f"each label that was read is compared with {one}; "
           "compare it with c, the class of the images") for one in range(10)),
        *(([np.mean(prediction[y == one] != c) for c in range(10)], f"the images of class {one} were taken each time; "
           "take those of class c") for one in range(10)),
        *((np.full(10, right[one]), f"every class has the share of class {one}; put c in its place")
          for one in range(10)),
        (np.full(10, wrong.mean()), "every class has the share of all images; pick out the class's images first"),
    ])  # fmt: skip
    prediction = np.where((y == 4) | (y == 9), y, prediction)
    right[[4, 9]] = 0
    zeros = Hint("right, as long as every class has a misread image; here 4 and 9 have none. np.unique leaves them out "
                 "and np.bincount stops at the largest label that it meets: minlength=10 keeps all ten")  # fmt: skip
    try:
        found = call(learners, prediction, y, shape=(10,))
    except Hint:
        raise zeros from None
    compare(found, right)
    return 2


@check
def dominant_label(learners):
    """Predictions for the noisy images of one class to the wrong label read most, and its share of the fooled.

    Hint: only the fooled ones
    """
    prediction = np.repeat([4, 1, 3, 5, 6, 8, 9], [2, 1, 6, 8, 2, 5, 3])
    prediction[1:] = np.random.default_rng(4).permutation(prediction[1:])  # the first is neither frequent nor rare
    fooled = prediction[prediction != 5]
    found = call(learners, prediction, 5)
    if found.shape == ():
        raise Hint(f"two numbers are asked for, the label and its share; found {found}")
    if found.shape != (2,):
        raise Hint(f"two numbers are asked for, the label and its share; found shape {found.shape}")
    place = "is a place in np.unique's list, not the label that stands there"
    compare(found, [3, 6 / 19], [
        ([5, 8 / 27], "the 5s that are still read as 5 were not fooled: leave the true label out"),
        ([5, 8 / 19], "the 5s that are still read as 5 were not fooled: leave the true label out"),
        ([3, 6 / 27], "the right label, but its share is asked among the fooled images, not among all"),
        ([3, 6], "the right label; a share is asked for, not a count"),
        ([3, 600 / 19], "the right label; the share lies between 0 and 1, this is in percent"),
        ([3, 19 / 27], "the right label; this is how many were fooled at all"),
        ([3, 6 / 8], "the right label; its count was divided by those that were not fooled"),
        ([6 / 19, 3], "the other way round: the label first, then its share"),
        ([9, 3 / 19], "this is the largest label; the most frequent one is asked for: argmax of the counts"),
        ([1, 1 / 19], "this is the wrong label read least; the most frequent one is asked for"),
        *(([label, share], "argmin finds the smallest count, and argmax the largest; the most frequent is asked for")
          for label, share in ((0, 0), (0, 6 / 19), (0, 1 / 19))),
        *(([4, share], "this is the first label that comes; the most frequent one is asked for: count them")
          for share in (2 / 19, 2 / 27)),
        *(([value(fooled), share], f"this is the {value.__name__} of the labels. They are names here, no quantities: "
           "count how often each of them was read") for value in (np.median, np.mean) for share in (
               np.mean(fooled == value(fooled)), np.mean(prediction == value(fooled)), 6 / 19)),
        ([8, 5 / 19], "this is the second most frequent of the wrong labels; the most frequent one is asked for"),
        ([1, 6 / 19], f"the share is right; 1 {place}"),
        *(([3, share], f"3 {place}; leave out the true label") for share in (8 / 27, 8 / 19)),
        *(([label, 6 / 19], "the share is right, its label is not: give back the label that this share was read as")
          for label in range(10)),
    ])  # fmt: skip
    found = call(learners, np.array([0, 0, 1, 1, 1]), 0, shape=(2,))
    compare(found, [1, 1], [
        ([1, 0.6], "it works for the 5s only: use y"),
        *(([0, share], "right while most images resist: here the true label is not the one read most often, so the "
                       "second of the list is not the wrong one. Leave the true label out first")
          for share in (2 / 3, 2 / 5)),
    ])  # fmt: skip
    return 2


@check
def shuffled(learners):
    """A noise and a seed to a noise that has the same pixels in other places.

    Hint: one long row
    """
    e = np.random.default_rng(4).normal(size=(8, 9, 1))
    try:
        found = call(learners, e, 3)
    except Hint as hint:
        if "it changed the array" in str(hint):
            raise Hint("it changed the array that it was given: rng.shuffle works in place. Work on a copy, e.copy(), "
                       "and on all pixels as one long row") from None  # fmt: skip
        raise
    if found.shape == (e.size,):
        raise Hint("the pixels lie in one long row; reshape(e.shape) makes a picture of them again")
    if found.shape != e.shape:
        raise Hint(f"the answer must have the noise's shape, {e.shape}; found {found.shape}")
    if not np.array_equal(np.sort(found, None), np.sort(e, None)):
        if np.array_equal(np.sort(np.abs(found), None), np.sort(np.abs(e), None)):
            raise Hint("some pixels have changed their sign; they only change their places")
        if np.isin(found, e).all():
            raise Hint("some pixels were drawn twice, and others never; every pixel is used once: permutation, or "
                       "replace=False")  # fmt: skip
        raise Hint("these are other values; the shuffled noise has the pixels of e itself, each of them once")
    if np.array_equal(found, e):
        raise Hint("every pixel is still in its place")
    if np.array_equal(found.ravel(), np.sort(e, None)) or np.array_equal(found.ravel(), np.sort(e, None)[::-1]):
        raise Hint("the pixels were sorted; a shuffled noise has them in random order")
    if any(np.array_equal(found, turned) for turned in _turned(e)):
        raise Hint("the noise was turned or shifted, and its shape is still there; put the pixels in random places")
    for rows, new, old, how in (("row", found, e, "rng.permutation(e) and rng.shuffle(e) move"),
                                ("column", found.swapaxes(0, 1), e.swapaxes(0, 1), "axis=1 moves them")):  # fmt: skip
        if all(any(np.array_equal(line, before) for before in old) for line in new):
            raise Hint(f"whole {rows}s were moved, and inside each {rows} the shape is still there: {how} along one "
                       "axis alone")  # fmt: skip
    anywhere = "any pixel may go anywhere: shuffle all of them as one long row"
    for rows, axis in (("row", 1), ("column", 0)):
        if np.array_equal(np.sort(found, axis), np.sort(e, axis)):
            raise Hint(f"every pixel stayed in its {rows}; {anywhere}")
    was = np.argsort(e, None)[np.searchsorted(np.sort(e, None), found[..., 0])]  # where each pixel stood
    row, column = np.divmod(was, e.shape[1])
    mates = [len(np.unique(line)) == 1 for lines in (row, column, row.T, column.T) for line in lines]
    together = np.array([all(mates[:8]), all(mates[8:16]), all(mates[16:25]), all(mates[25:])])
    if together[0] and together[3]:
        raise Hint(f"rows and columns were moved as wholes, one axis after the other; {anywhere}")
    if together.any():
        raise Hint(f"all pixels of a {'row' if together[[0, 2]].any() else 'column'} stayed together; {anywhere}")
    if _still_neighbours(was) > 0.2:
        raise Hint(f"many pixels have kept their neighbours, so whole pieces of the noise were moved; {anywhere}")
    if np.array_equal(found, call(learners, e, 4)):
        raise Hint("another seed gives the same noise: rng = np.random.default_rng(seed), and shuffle with rng")
    if not np.array_equal(found, call(learners, e, 3)):
        raise Hint(
            "the same seed gives another noise each time: rng = np.random.default_rng(seed), inside the function"
        )
    return 3


def _still_neighbours(was):
    """The share of the pixels side by side, or one below the other, that were so before; was: where each stood."""
    far = was.shape[1]  # from a pixel to the one below it
    apart = np.concatenate([np.diff(was, axis=0), np.diff(was, axis=1)], axis=None)
    return np.isin(np.abs(apart), (1, far)).mean()


def _turned(e):
    "All that mirrors, transposing and np.roll can make of it."
    yield from (e[::-1], e[:, ::-1], e[::-1, ::-1])
    yield from (e.ravel("F").reshape(e.shape), e.reshape(e.shape[1], e.shape[0], 1).swapaxes(0, 1))
    yield from _rolled(e)


def _rolled(e):
    "All that np.roll can make of it."
    along_both = [np.roll(e, (i, j), (0, 1)) for i in range(e.shape[0]) for j in range(e.shape[1])]
    return along_both + [np.roll(e, i) for i in range(e.size)]


@check
def margin(learners):
    """Logits and true labels to one margin per image: the true logit minus the largest other one.

    Hint: leaving the true class out
    """
    z = np.array([[2.0, 0.5, -1, 0], [-3, 1.5, 4, 1], [-1, -2, -6, -4], [0, 0, 3, 7], [1, 2.5, 1.5, -2]])
    y = np.array([0, 1, 2, 3, 1])
    rows = np.arange(len(z))
    true, own = z[rows, y], np.arange(4) == y[:, None]
    others = np.where(own, -np.inf, z)
    right = true - others.max(1)
    try:
        found = call(learners, z, y)
    except Hint as hint:
        for words, why in (
            ("zero-size", "np.delete takes the same columns out of every row; each image has a column of its own"),
            ("shapes (4,) (5,)", "y holds one label for each image, a row of five; y[:, None] makes a column of it, "
                                 "which stands beside the four classes"),
            ("shapes (5,) (4,)", "beside the four classes y stands as a column, y[:, None]; and the largest of each "
                                 "image, one for each row, is max(axis=1)"),
            ("broadcast", "the largest of each image is wanted, one for each row: max(axis=1)"),
        ):
            if words in str(hint):
                raise Hint(f"{hint}\n          {why}") from None
        raise
    if found.shape == ():
        raise Hint("one margin for each image is asked for; found a single number")
    if found.shape == (len(z), len(z)):
        raise Hint("z[:, y] takes the columns y out of every row, n times n numbers; z[np.arange(n), y] takes one "
                   "out of each row")  # fmt: skip
    if found.shape == z.shape:
        raise Hint("this has a number for each class; one margin for each image is asked for, shape (n,)")
    if found.shape != right.shape:
        raise Hint(f"the answer must have shape {right.shape}, one margin per image; found {found.shape}")
    ordered, p = np.sort(z, axis=1), softmax(z, axis=1)
    compare(found, right, [
        (-right, "the sign: the margin is above 0 while the image is read correctly"),
        (true - z.max(1), "the true class is among the others: leave it out before you take the largest"),
        (ordered[:, -1] - ordered[:, -2], "the largest minus the second, whatever the true label: y has to be used"),
        (np.abs(right), "a margin has a sign: it is negative where the image is misread"),
        (np.maximum(right, 0), "a margin below 0 is wanted too: it says how badly the image is misread"),
        (true - ordered[:, -2], "the second largest is the largest other one only while the image is read correctly"),
        (true - (z.sum(1) - true) / 3, "the mean of the others; the largest of them decides what the network reads"),
        (true - z.mean(1), "the mean of all logits; the largest of the others decides what the network reads"),
        (true - np.where(own, np.inf, z).min(1), "the smallest of the others; the largest decides what is read"),
        (true, "this is the true logit alone; subtract the largest other one"),
        (others.max(1), "this is the largest other logit alone; subtract it from the true one"),
        *((true - value, "one maximum for all images together; each image has its own: max(axis=1)")
          for value in (others.max(), z.max())),
        *((z[rows, 0] - value, "the logit of class 0 was taken for the true one; use y") for value in (
            z[:, 1:].max(1), others.max(1))),
        (true - np.where(own, 0, z).max(1),
         "the true logit was replaced by 0, and 0 is large where all logits are negative: use -np.inf"),
        *((value, "this is the margin of probabilities; the logits' is asked for") for value in (
            p[rows, y] - np.where(own, 0, p).max(1), np.log(p[rows, y]) - np.log(1 - p[rows, y]))),
        (z.argmax(1) == y, "this says whether the image is read correctly; the margin says by how much"),
        (others.argmax(1), "this is the label of the largest other logit; its value is asked for: max, not argmax"),
        (true - others.argmax(1), "argmax gives the label of the largest other logit; its value is asked for: max"),
    ])  # fmt: skip
    found = call(learners, z - 2e6, y, shape=right.shape)
    if (found < right - 1e5).any():
        raise Hint("right, until all logits are far below 0: here they are 2,000,000 lower, and the number in the true "
                   "logit's place is the largest. Nothing is below -np.inf")  # fmt: skip
    compare(found, right)
    return 2

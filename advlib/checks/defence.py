"""The checks of lesson 08: how far a noise carries, the gradient through a blur, and the bounds of a dense layer."""

import numpy as np

from .trying import Hint, call, check, compare


# ------------------------------------------------------------------------------ 8.1
def _readings(seed, n=240):
    """Labels, and what two networks read without noise, and the second with a noise and with random pixels."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, n)

    def misread(share):
        return np.where(rng.random(n) < share, (y + rng.integers(1, 10, n)) % 10, y)

    home, away, noisy, blind = (misread(share) for share in (0.22, 0.31, 0.55, 0.14))
    return home, away, noisy, blind, y


def _shares(among, noisy, blind, y):
    return np.array([np.mean(noisy[among] != y[among]), np.mean(blind[among] != y[among]), among.sum()])


@check
def transfer_rate(learners):
    """Readings by two networks, with and without noise, to the share that carries over, its control, and how many.

    Hint: who can be counted
    """
    for seed in (1, 2):
        home, away, noisy, blind, y = _readings(seed)
        given, everyone = (home, away, noisy, blind, y), np.ones(len(y), bool)
        both = (home == y) & (away == y)
        right = noise, control, n = _shares(both, noisy, blind, y)
        found = call(learners, *given, nan=Hint("a share is 0/0, NaN: is any image counted?"))
        if found.shape == () or found.shape == (2,):
            raise Hint("three numbers are asked for: the share that the noise fools, the share that random pixels "
                       f"fool, and how many images were counted; found shape {found.shape}")  # fmt: skip
        if found.shape != (3,):
            raise Hint(f"three numbers are asked for; found shape {found.shape}")
        told = "a share of the images is asked for, "
        compare(found, right, [
            (_shares(everyone, noisy, blind, y), "counted over all images: one that a network misreads without noise "
                                                 "says nothing about the noise. Keep those that both networks read"),
            (_shares(home == y, noisy, blind, y), "counted over the images that the first network reads; some of them "
                                                  "the second misreads without any noise. Both must read them"),
            (_shares(away == y, noisy, blind, y), "counted over the images that the second network reads; on the "
                                                  "others of the first there was nothing to make a noise from. Both "
                                                  "must read them"),
            (_shares((home == y) | (away == y), noisy, blind, y), "counted over the images that one of the two "
                                                                  "networks reads: & asks for both, | for either"),
            (_shares(home == away, noisy, blind, y), "counted over the images in which both networks read the same; "
                                                     "they may be wrong together. Compare both with y"),
            (_shares(both & (blind == y), noisy, blind, y), "the images that random pixels fool were left out. They "
                                                            "are the control: tell their share beside the other"),
            ([noise - control, control, n], "the control was subtracted from the first number; tell both, so that "
                                            "the reader can subtract"),
            ([noise, noise - control, n], "the second number is a difference; the control's own share is asked for"),
            ([control, noise, n], "the first two numbers are exchanged: the noise comes first, then random pixels"),
            ([noise, control, len(y)], "the third number is how many images there are; how many were counted?"),
            ([noise, np.mean(blind != y), n], "the noise is right, but random pixels were counted over all images: "
                                              "the control needs the same ones"),
            ([np.mean(noisy != y), control, n], "random pixels are right, but the noise was counted over all images"),
            ([noise, 0, n], "the control is 0: what does the second network read with random pixels?"),
            ([noise, noise, n], "the second number is the first again; `blind` has what random pixels do"),
            ([noise * n, control * n, n], f"{told}and these are numbers of images"),
            ([100 * noise, 100 * control, n], f"{told}between 0 and 1, and these are per cent"),
            ([1 - noise, 1 - control, n], "these are the shares that are still read correctly; what is misread?"),
            ([np.sum(both & (noisy != y)) / len(y), np.sum(both & (blind != y)) / len(y), n],
             "the right images are counted and divided by all; divide by how many were counted"),
            ([np.mean(noisy[both] != away[both]), control, n], "compare with y"),
            ([*_shares(both, home, blind, y)[:2], n], "the first number is about `home`, which was read without "
                                                      "noise; `noisy` has what the noise does"),
        ])  # fmt: skip
    return 2


# ------------------------------------------------------------------------------ 8.2
PARTS = 1 / 2, 1 / 3, 1 / 6  # of the pixel itself, and of the two to its left


def _moved(x, by, axis=2):
    """Along an axis by so many pixels; what comes in is 0."""
    new, n = np.zeros_like(x), x.shape[axis]
    into = [slice(None)] * 4
    out = [slice(None)] * 4
    into[axis] = slice(max(by, 0), n + min(by, 0))
    out[axis] = slice(max(-by, 0), n - max(by, 0))
    new[tuple(into)] = x[tuple(out)]
    return new


def _smear(x, way=1, axis=2, move=_moved):
    return sum(part * move(x, way * i, axis) for i, part in enumerate(PARTS))


@check
def through_blur(learners):
    """A network's gradient, images and labels to the gradient of what the network makes of smeared images.

    Hint: who sees this pixel
    """
    rng = np.random.default_rng(8)
    for shape in ((3, 4, 7, 1), (2, 6, 5, 1)):
        x, y = rng.uniform(0, 1, shape), rng.integers(0, 10, shape[0])
        slope, bend, own = rng.normal(size=shape[1:]), rng.normal(size=shape[1:]), rng.normal(size=(10, *shape[1:]))

        def network(images, labels, slope=slope, bend=bend, own=own):
            images = np.asarray(images, float)
            labels = np.broadcast_to(labels, len(images))
            return slope + bend * images**2 + own[labels]

        try:
            found = call(learners, network, x, y)
        except Hint as hint:
            if "keras.Model" in str(hint):
                raise Hint("`network` is already the gradient: call network(images, labels), as it is; advlib's "
                           "gradient(…) would want a model") from None  # fmt: skip
            raise
        if found.shape != shape:
            raise Hint(f"a gradient has the shape of the images, {shape}; found {found.shape}")
        g, bare, rows = network(_smear(x), y), network(x, y), network(_smear(x, axis=1), y)
        right = _smear(g, -1)
        largest = np.abs(right).max((1, 2, 3), keepdims=True)
        compare(found, right, [
            (bare, "this is the network's gradient at the sharp image, as if there were no smear: the attack that "
                   "does not know the defence"),
            (g, "the gradient is taken at the smeared image, which is right, but it is a gradient by the smeared "
                "pixels: bring it back to the sharp ones"),
            (_smear(bare, -1), "brought back rightly, but asked at the sharp image: the network sees smear(x)"),
            (_smear(g), "smeared once more, in the same direction. Going back, a pixel collects from those at its "
                        "*right*, which have seen it: the transpose"),
            (_smear(bare), "asked at the sharp image, and smeared in the same direction: the network sees smear(x), "
                           "and going back a pixel collects from its right"),
            (_smear(network(_smear(_smear(x)), y), -1), "the image was smeared twice before it was shown"),
            (_smear(network(_smear(x, -1), y), -1), "the image was smeared to the wrong side: the network sees "
                                                    "smear(x)"),
            (_smear(right, -1), "brought back twice"),
            (_smear(right), "brought back, and smeared again: one of the two is too many"),
            *((a, "the edge is wrong: what leaves the picture at one side must not come in at the other, as np.roll "
                  "does") for a in (_smear(g, -1, move=np.roll), _smear(network(_smear(x, move=np.roll), y), -1),
                                    _smear(network(_smear(x, move=np.roll), y), -1, move=np.roll))),
            *((a, "along the rows, axis 1; the smear runs along axis 2")
              for a in (_smear(g, -1, 1), _smear(rows, -1, 1), _smear(rows, -1))),
            (sum(part * _moved(g, -i) for i, part in enumerate(PARTS[::-1])), "the weights are in the wrong order: "
             "the pixel's own is 1/2"),
            (sum(_moved(g, -i) for i in range(3)) / 3, "the weights are not all alike: 1/2, 1/3, 1/6"),
            (sum(_moved(g, -i) for i in range(3)), "the weights 1/2, 1/3, 1/6 are missing"),
            (PARTS[0] * g, "only the pixel's own half; it is also seen by the two pixels to its right"),
            *((right - part * _moved(g, -i), f"a pixel is seen in three places, and {place} is missing")
              for i, (part, place) in enumerate(zip(PARTS, ("its own, with 1/2,", "the next one, j + 1, with 1/3,",
                                                            "the one after the next, j + 2, with 1/6,")))),
            (-right, "the sign is turned round: the attack would make the network surer"),
            (np.sign(right), "this is the sign; the gradient itself is asked for"),
            (right / largest, "divided by its largest value; the gradient itself is asked for"),
            (np.broadcast_to(right.mean(0), shape), "one gradient for all images; each has its own"),
        ])  # fmt: skip
    return 2


# ------------------------------------------------------------------------------ 8.3
def _relu(values):
    return np.maximum(values, 0)


def _outputs(low, high, W, b, rng):
    """What the layer gives for values between low and high: the corners of many units, and random ones."""
    corners = [np.where(s * W[:, j] > 0, high, low) for j in range(W.shape[1]) for s in (-1, 1)]
    between = [low + rng.random(low.shape) * (high - low) for _ in range(20)]
    return np.stack([_relu(v @ W + b) for v in (*corners, *between)])


@check
def interval_layer(learners):
    """The least and the most of each input, weights and biases to the least and the most of each unit after ReLU.

    Hint: the middle and the radius
    """
    if "through" in getattr(getattr(learners, "__code__", None), "co_names", ()):
        raise Hint("bounds.through does the whole layer; write with low, high, W and b what it does")
    rng = np.random.default_rng(15)
    for inputs, units in ((5, 4), (2, 2), (6, 3)):
        middle, radius = rng.uniform(0, 1, (3, inputs)), rng.uniform(0.05, 0.4, (3, inputs))
        low, high = middle - radius, middle + radius
        W, b = rng.normal(0, 1, (inputs, units)), rng.normal(0.2, 0.5, units)
        right = np.stack([_relu(middle @ W + b + s * (radius @ np.abs(W))) for s in (-1, 1)])
        found = call(learners, low, high, W, b)
        if found.shape == right.shape[1:]:
            raise Hint("one array; two are asked for, low and high: return low, high")
        if found.shape != right.shape:
            raise Hint(f"low and high must each have shape {right.shape[1:]}, a row for each image and a column for "
                       f"each unit; found {found.shape}")  # fmt: skip
        if np.allclose(found, right, rtol=1e-5, atol=1e-5):
            continue
        _explain(found, right, low, high, W, b)
    point = rng.uniform(0, 1, (2, 5))
    W, b = rng.normal(size=(5, 3)), rng.normal(size=3)
    exact = np.stack([_relu(point @ W + b)] * 2)
    compare(call(learners, point, point, W, b, shape=(2, 2, 3)), exact, [
        (exact + 1, "where low and high are the same, so are the bounds: what the layer makes of the value")
    ])  # fmt: skip
    return 4


def _explain(found, right, low, high, W, b):
    """What is wrong with bounds of a layer: a usual mistake by name, else a value that they leave out."""
    middle, radius, size = (low + high) / 2, (high - low) / 2, np.abs(W)
    up, down = np.maximum(W, 0), np.minimum(W, 0)

    def around(m, r, after=_relu):
        return np.stack([after(m - r), after(m + r)])

    by_ends, m, r = np.stack([low, high]) @ W + b, middle @ W + b, radius @ size
    half = "radius = (high − low)/2: the whole width was taken for it, so that the bounds are twice as wide as need be"
    mistakes = [
        *((a, "low @ W and high @ W, or radius @ W, as if every weight were positive. Through a negative weight the "
              "unit falls as its input rises, so that the bounds cross: the radius goes through |W|")
          for a in (_relu(by_ends), by_ends, around(m, radius @ W))),
        *((a, "ReLU of the middle before the radius: it comes last, of middle − radius and of middle + radius")
          for a in (around(_relu(m), r), around(_relu(m), r, lambda v: v))),
        *((a, "low @ W and high @ W, sorted, or |radius @ W|: in such a product weights of opposite sign cancel. "
              "The least of a unit takes the low of some inputs and the high of others, by the sign of each weight: "
              "radius @ |W|") for a in (_relu(np.sort(by_ends, axis=0)), np.sort(by_ends, axis=0))),
        (around(m, radius @ W, lambda v: v), "the radius goes through |W|, not through W, and ReLU follows"),
        (around(m, r, lambda v: v), "ReLU is missing: the layer ends with it"),
        (np.stack([m - r, _relu(m + r)]), "ReLU is missing on low"),
        (np.stack([_relu(m - r), m + r]), "ReLU is missing on high"),
        (right[::-1], "low and high are exchanged: return low, high"),
        *((a, "the bias belongs to the middle alone: it moves both ends by the same, and makes nothing wider")
          for a in (around(m, r + b), around(m - b, r + b), around(m, r + np.abs(b)), around(m - b, r + np.abs(b)),
                    around(m - b, np.abs(radius @ W + b)), around(m, np.abs(radius @ W + b)))),
        (around(m - b, r), "the bias is missing: it moves both ends"),
        (around(m + b, r), "the bias was added twice: once to each end, or once to the middle"),
        (np.stack([_relu(m - b - r) + b, _relu(m - b + r) + b]), "ReLU comes last: after W and after the bias"),
        (around(middle @ size + b, r), "the middle goes through W as any value does; |W| is for the radius alone"),
        (around(m, 2 * r), half),
        (around(low @ W + b, r), "the middle is (low + high)/2; the lower end was taken for it"),
        (around(high @ W + b, r), "the middle is (low + high)/2; the upper end was taken for it"),
        (around(m, r / 2), "the radius is halved twice"),
        (np.stack([_relu(high @ down + low @ up), _relu(low @ down + high @ up)]), "the bias is missing"),
        (np.stack([_relu(low @ down + high @ up + b), _relu(high @ down + low @ up + b)]),
         "low and high are exchanged: the least takes `high` where the weight is negative"),
        (around(m, np.sqrt(radius**2 @ W**2)), "the root of a sum of squares is how random noise adds up; the worst "
                                               "noise adds up straight"),
    ]  # fmt: skip
    for wrong, hint in mistakes:
        if np.allclose(found, wrong, rtol=1e-5, atol=1e-5):
            raise Hint(hint)
    if (found[0] > found[1] + 1e-6).any():
        raise Hint("somewhere low is above high: the radius must not be negative. It goes through |W|")
    seen = _outputs(low, high, W, b, np.random.default_rng(0))
    outside = np.maximum(found[0] - seen, seen - found[1])
    if outside.max() > 1e-6:
        at = np.unravel_index(outside.argmax(), outside.shape)
        ends = f"{found[0][at[1:]]:.3f} to {found[1][at[1:]]:.3f}"
        raise Hint(f"not sound: for some inputs between low and high unit {at[2]} of image {at[1]} gives "
                   f"{seen[at]:.3f}, and your bounds there are {ends}")  # fmt: skip
    wide = np.max((found[1] - found[0]) - (right[1] - right[0]))
    raise Hint(f"sound, but up to {wide:.2f} wider than need be: no value is left out, and less would be proved. Are "
               "the middle and the radius exact, (low + high)/2 and (high − low)/2?")  # fmt: skip

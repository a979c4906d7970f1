"""Noise for one image at a time: equations (1) to (3) of the paper, the sign rule, and the controls."""

import math
import numbers
import weakref
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from tqdm.auto import tqdm

from .backend import tf
from .cnn import logits


@dataclass(frozen=True)
class Attack:
    """What an attack did to each image, in the order of the input.

    Attributes
    ----------
    x_adv : array of float32, (n, height, width, channels)
        The images after the attack, inside the bounds.
    noise : array of float32, like x_adv
        x_adv - x; with ``clip="noise"`` the noise before the image was clipped, as the 2017 script kept it.
    success : array of bool, (n,)
        Untargeted: the prediction is not y.  Targeted: it is y_target.  Either with the confidence asked for.
    already_wrong : array of bool, (n,)
        The network misread the image before anything was done to it.
    n_iter : array of int, (n,)
        Steps taken.
    prediction, confidence : arrays, (n,)
        The class that the network reads in x_adv (-1 where its logits are not finite), and its probability.
    stalled : array of bool, (n,)
        The gradient was exactly zero (or not finite), so that no step could be taken: never a success.
    gradients : int
        Gradients computed, over all images.
    """

    x_adv: np.ndarray
    noise: np.ndarray
    success: np.ndarray
    already_wrong: np.ndarray
    n_iter: np.ndarray
    prediction: np.ndarray
    confidence: np.ndarray
    stalled: np.ndarray
    gradients: int

    def __repr__(self):
        return (
            f"Attack(images={len(self.success)}, success={self.success.sum()}, "
            f"already_wrong={self.already_wrong.sum()}, stalled={self.stalled.sum()}, "
            f"gradients={self.gradients})"
        )


def iterative_attack(
    model,
    x,
    y,
    *,
    eps,
    alpha,
    max_iter=200,
    rule="gradient",
    y_target=None,
    confidence=None,
    stop=True,
    bounds=(0.0, 1.0),
    clip="image",
    batch_size=64,
    progress=False,
):
    """Step along the gradient, image by image, until the network misreads: equations (1) and (3).

    Parameters
    ----------
    model : keras.Model
        Ends in logits.  Used in evaluation mode, never changed.
    x : array of float, (n, height, width, channels)
        Images inside ``bounds``.
    y : array of int, (n,)
        Their true labels.
    eps : float
        No pixel may end further than this from where it began (equation 2).  0 changes nothing.
    alpha : float
        Size of a step: the pixel with the largest gradient moves by alpha (every pixel, by the sign rule).
    max_iter : int
        Steps at most.
    rule : {"gradient", "sign"}
        The paper's g / max|g|, or the sign of g (Kurakin et al., 2016).
    y_target : int or array of int, optional
        What the network should read instead, equation (3).
    confidence : float, optional
        Go on until the wrong (or wanted) class has at least this probability.
    stop : bool
        Stop each image at its success.  False: all steps for every image.
    bounds : (float, float)
        The range of a pixel.
    clip : {"image", "noise"}
        "image": the image is clipped after every step to the ε-ball and to the bounds, equation (1).
        "noise": the noise is kept in [-eps, eps] and only what the network sees is clipped to the bounds, as
        in the 2017 script; the paper's RMS of 0.063 is of that noise.
    batch_size : int
        Images worked on at once; new ones enter as fooled ones leave.  Changes the results by rounding alone.
    progress : bool
        Show a bar that counts images done.

    Returns
    -------
    Attack

    Raises
    ------
    ValueError, TypeError
        A value that makes no sense; the message names it and the remedy.
    """
    check_number("alpha", alpha, above=0)
    check_count("max_iter", max_iter)
    check_count("batch_size", batch_size, least=1)
    check_choice("rule", rule, ("gradient", "sign"))
    check_choice("clip", clip, ("image", "noise"))
    if confidence is not None:
        check_number("confidence", confidence, above=0, most=1)
    x, y, y_target = check_images(model, x, y, y_target, eps, bounds)
    low, high = bounds
    n = len(x)
    goal, uphill = (y, 1) if y_target is None else (y_target, -1)

    def reached(prediction, sure, rows):
        wanted = None if y_target is None else y_target[rows]
        return worked(prediction, y[rows], wanted) & (sure >= (confidence or 0))

    x_adv, noise = x.copy(), np.zeros_like(x)
    last = np.zeros((n, model.output_shape[-1]), np.float32)  # each image's latest logits
    before = np.full(n, -1)  # what the network read before anything was done
    n_iter, gradients = np.zeros(n, int), 0
    stalled = np.zeros(n, bool)
    idle = eps == 0 or max_iter == 0  # no step to take: every image counts as exhausted
    going, firmness = np.ones(n, bool), np.zeros(n)
    with tqdm(total=n, initial=n if idle else 0, desc="attack", unit="image", disable=not progress) as bar:
        # Everyone's first step; then the images that the network read most surely go first: they take the most steps,
        # and started last they would end in half-empty batches.
        for limit in () if idle else (1, max_iter):
            queue = np.flatnonzero(going & (n_iter < limit))
            queue = queue[np.argsort(-firmness[queue], kind="stable")]
            active = queue[:0]
            while len(active) or len(queue):
                free = batch_size - len(active)
                active, queue = np.concatenate([active, queue[:free]]), queue[free:]
                z, g = gradient(model, x_adv[active], goal[active])
                gradients += len(active)
                last[active] = z
                prediction, sure = read(z)
                if limit == 1:
                    before[active], firmness[active] = prediction, sure

                done = reached(prediction, sure, active)
                usable = np.isfinite(z).all(1) & np.isfinite(g).all((1, 2, 3)) & g.any((1, 2, 3))
                stalled[active[~usable & ~done]] = True
                go = usable & ~done if stop else usable
                going[active[~go]] = False
                rows = active[go]
                step = uphill * np.float32(alpha) * direction(g[go], rule)
                if clip == "image":
                    near = np.clip(x_adv[rows] + step, x[rows] - np.float32(eps), x[rows] + np.float32(eps))
                    x_adv[rows] = np.clip(near, low, high)
                else:
                    noise[rows] = np.clip(noise[rows] + step, -np.float32(eps), np.float32(eps))
                    x_adv[rows] = np.clip(x[rows] + noise[rows], low, high)
                n_iter[rows] += 1
                active = rows[n_iter[rows] < limit]
                bar.update(np.sum(~go) + np.sum(n_iter[rows] == max_iter))

    rows = np.flatnonzero(going)  # the image after its last step is tested too
    last[rows] = logits(model, x_adv[rows], batch_size)
    prediction, sure = read(last)
    if idle:
        before = prediction
    return Attack(
        x_adv=x_adv,
        noise=x_adv - x if clip == "image" else noise,
        success=reached(prediction, sure, np.arange(n)),
        already_wrong=(before >= 0) & (before != y),
        n_iter=n_iter,
        prediction=prediction,
        confidence=sure,
        stalled=stalled,
        gradients=gradients,
    )


def fgsm(model, x, y, *, eps, y_target=None, bounds=(0.0, 1.0)):
    """One step of size eps along the gradient's sign (Goodfellow et al., 2015).

    Parameters and errors are those of :func:`iterative_attack`.

    Returns
    -------
    Attack
    """
    check_number("eps", eps, least=0)
    return iterative_attack(
        model, x, y, eps=eps, alpha=eps or 1.0, max_iter=1, rule="sign", y_target=y_target, stop=False,
        bounds=bounds,
    )  # fmt: skip


def random_noise(x, *, eps, seed=0, bounds=(0.0, 1.0)):
    """The control: every pixel moved by +eps or -eps at random, then clipped to the bounds.

    Before the clipping its RMS is eps, so it serves as a control of equal ε and of equal RMS.

    Parameters
    ----------
    x : array of float, (n, height, width, channels)
    eps : float or array, (n,)
        One size for all images, or one for each.
    seed : int
    bounds : (float, float)
        The range of a pixel.

    Returns
    -------
    array of float32, like x

    Raises
    ------
    ValueError, TypeError
        A size below 0, or images outside the bounds; the message names what was found and the remedy.
    """
    for one in np.ravel(eps).tolist():
        check_number("eps", one, least=0)
    x = check_pixels(x, np.shape(x)[1:], bounds)
    size = np.asarray(eps, np.float32).reshape(-1, 1, 1, 1)
    flips = np.random.default_rng(seed).choice(np.float32([-1, 1]), x.shape)
    return np.clip(x + size * flips, *bounds, dtype=np.float32)


# --------------------------------------------------------------------------- the gradient
_gradients = weakref.WeakKeyDictionary()


def _matmul_gradient(op, upstream):
    """The gradient of a matrix product, without a transposed copy of its weights.

    TensorFlow multiplies the upstream gradient by the transposed weights, and reorders all of them to do so:
    for a few images that takes longer than the rest of the network.  (A Bᵀ)ᵀ = B Aᵀ needs no such copy.
    """
    a, b = op.inputs
    turned_a, turned_b = op.get_attr("transpose_a"), op.get_attr("transpose_b")
    for_a = tf.matmul(b, upstream, transpose_a=turned_b, transpose_b=True)  # transposed
    for_b = tf.matmul(a, upstream, transpose_a=not turned_a)
    return for_a if turned_a else tf.transpose(for_a), tf.transpose(for_b) if turned_b else for_b


with suppress(KeyError):  # there already, where this module is loaded again
    tf.RegisterGradient("AdvlibMatMul")(_matmul_gradient)


def gradient(model, x, y):
    """Logits, and the gradient of each image's cross-entropy J(x, y) with respect to its pixels.

    Parameters
    ----------
    model : keras.Model
        Ends in logits.
    x : array of float32, (n, height, width, channels)
    y : array of int, (n,)

    Returns
    -------
    logits : array of float32, (n, classes)
    gradient : array of float32, like x
    """
    if model not in _gradients:
        # a reference back to the model would keep it, and this function, alive for ever
        ref = weakref.ref(model)

        @tf.function(
            input_signature=[
                tf.TensorSpec((None, *model.input_shape[1:]), tf.float32),
                tf.TensorSpec((None,), tf.int64),
            ]
        )
        def compute(images, labels):
            with tf.compat.v1.get_default_graph().gradient_override_map({"MatMul": "AdvlibMatMul"}):
                z = ref()(images, training=False)
            # the sum, never the mean: an image's gradient must not depend on its neighbours
            loss = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, z))
            # zero, not None, where nothing leads from the pixels to the logits: such an image is stalled
            return z, tf.gradients(loss, images, unconnected_gradients="zero")[0]

        _gradients[model] = compute.get_concrete_function()  # traced here, once, for batches of every size
    z, g = _gradients[model](tf.constant(x, tf.float32), tf.constant(np.asarray(y, np.int64)))
    return z.numpy(), g.numpy()


def direction(gradient, rule):
    """The gradient divided by its largest absolute value, image by image; or its sign.

    There is no guard in the denominator: a gradient of 1e-29 still points the right way.  Where all of it is
    zero it stays zero.

    Parameters
    ----------
    gradient : array of float32, (n, height, width, channels)
    rule : {"gradient", "sign"}

    Returns
    -------
    array of float32, like gradient, in [-1, 1]
    """
    if rule == "sign":
        return np.sign(gradient)
    largest = np.abs(gradient).max((1, 2, 3), keepdims=True)
    return np.divide(gradient, largest, out=np.zeros_like(gradient), where=largest > 0)


def worked(prediction, y, y_target=None):
    """Whether each reading is a success: not y, or y_target where one is asked for; never where nothing was read."""
    return (prediction != y if y_target is None else prediction == y_target) & (prediction >= 0)


def read(z):
    """The class that logits name, and its probability; -1 and 0 where they are not finite.

    Parameters
    ----------
    z : array, (n, classes)

    Returns
    -------
    prediction : array of int, (n,)
    confidence : array of float, (n,)
    """
    finite = np.isfinite(z).all(1)
    prediction = np.where(finite, z.argmax(1), -1)
    sure = softmax(np.where(finite[:, None], z, 0).astype(np.float64), axis=1).max(1)
    return prediction, np.where(finite, sure, 0)


# ----------------------------------------------------------------- what makes no sense is refused
def check_number(name, value, *, above=None, least=None, most=None):
    """Refuse what is not a finite number in the range."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number; found {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite; found {value}")
    if above is not None and not value > above:
        raise ValueError(f"{name} must be above {above}; found {value}")
    if least is not None and value < least:
        raise ValueError(f"{name} must be at least {least}; found {value}")
    if most is not None and value > most:
        raise ValueError(f"{name} must be at most {most}; found {value}")


def check_count(name, value, least=0):
    """Refuse what is not a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number; found {value!r}")
    check_number(name, value, least=least)


def check_choice(name, value, choices):
    """Refuse a word that is not among the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; found {value!r}")


def check_images(model, x, y, y_target, eps, bounds):
    """Refuse images, labels and a model that do not fit; return them as float32 and int64.

    Returns
    -------
    x : array of float32, (n, height, width, channels)
    y : array of int64, (n,)
    y_target : array of int64, (n,), or None
    """
    check_number("eps", eps, least=0)
    # None where a model has no shape, or a list of them
    shape, out = (getattr(model, name, None) for name in ("input_shape", "output_shape"))
    if not (isinstance(shape, tuple) and len(shape) == 4):
        raise TypeError(
            "the model must be a keras.Model that reads (n, height, width, channels), its first layer "
            f"keras.Input; found {model!r}, which reads {shape}"
        )
    if not (isinstance(out, tuple) and len(out) == 2 and out[1] >= 2):
        raise ValueError(f"the model must give logits (n, classes), of two classes or more; it gives {out}")
    x = check_pixels(x, shape[1:], bounds)
    y = check_labels("y", y, len(x), out[1])
    if y_target is not None:
        y_target = np.asarray(y_target)
        if y_target.ndim == 0:
            y_target = np.full(len(x), y_target)
        y_target = check_labels("y_target", y_target, len(x), out[1])
        same = np.flatnonzero(y_target == y)
        if len(same):
            raise ValueError(
                f"y_target must differ from y; both are {y[same[0]]} for image {same[0]} "
                f"({len(same)} such images): leave those images out"
            )
    # on random images too: the logits of a single image may lie in [0, 1] and add up to 1 by chance
    some = np.random.default_rng(0).uniform(*bounds, (8, *shape[1:]))
    z = logits(model, np.concatenate([x[:8], some]))
    if np.all((z >= 0) & (z <= 1)) and np.allclose(z.sum(1), 1, atol=1e-4):
        raise ValueError(
            "the model must give logits; it gives probabilities, whose cross-entropy has hardly any gradient "
            "left where the network is sure: build it again without its last softmax, and carry the weights "
            "over with new.set_weights(model.get_weights())"
        )
    return x, y, y_target


def check_pixels(x, shape, bounds):
    """Refuse images, ``(n, *shape)``, that are not floats inside the bounds; return them as float32."""
    if np.shape(bounds) != (2,):
        raise TypeError(f"bounds must be a pair (low, high); found {bounds!r}")
    low, high = bounds
    check_number("bounds[0]", low)
    check_number("bounds[1]", high, above=low)
    x = np.asarray(x)
    if x.dtype.kind not in "fiu":
        raise TypeError(f"x must be an array of floats; found {x.dtype}")
    if x.shape[1:] != shape:
        remedy = ""
        if x.shape == shape:
            remedy = f": for one image, give x[None], shape {(1, *shape)}"
        elif (*x.shape[1:], 1) == shape:
            remedy = f": give x[..., None], shape {(*x.shape, 1)}"
        raise ValueError(f"x must have shape (n, {', '.join(map(str, shape))}); found {x.shape}{remedy}")
    found = f"{x.min():.8g} … {x.max():.8g} ({x.dtype})" if x.size else str(x.dtype)
    bytes_like = x.size and (low, high) == (0, 1) and x.min() >= 0 and 2 <= x.max() <= 255
    if x.dtype.kind != "f":
        remedy = "divide by 255" if bytes_like else 'make it x.astype("float32")'
        raise TypeError(f"x must be floats in [{low:g}, {high:g}]; found {found}: {remedy}")
    if not np.isfinite(x).all():
        bad = np.unique(np.argwhere(~np.isfinite(x))[:, 0])
        raise ValueError(f"x must be finite; found NaN or infinity in {len(bad)} images, first {bad[0]}")
    x = x.astype(np.float32, copy=False)
    if x.size and (x.min() < low or x.max() > high):
        remedy = "divide by 255" if bytes_like else "scale or clip it, or give its range as bounds"
        raise ValueError(f"x must lie in [{low:g}, {high:g}]; found {found}: {remedy}")
    return x


def check_labels(name, labels, n, classes):
    """Refuse labels that are not n whole numbers below ``classes``; return them as int64."""
    labels = np.asarray(labels)
    if labels.shape != (n,):
        remedies = {(n, 1): f": give {name}.ravel()", (n, classes): f": one-hot labels, give {name}.argmax(1)"}
        raise ValueError(
            f"{name} must have one label per image, shape ({n},); found {labels.shape}" + remedies.get(labels.shape, "")
        )
    if labels.dtype.kind not in "iu" and n:
        raise TypeError(f'{name} must be whole numbers; found {labels.dtype}: make it {name}.astype("int64")')
    if n and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(f"{name} must lie in 0 … {classes - 1}; found {labels.min()} … {labels.max()}")
    return labels.astype(np.int64)

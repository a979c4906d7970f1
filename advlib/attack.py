"""Noise for one image at a time: equations (1) to (3) of the paper, the sign rule, and the controls."""

from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from .gradients import Interrupted, check_model, direction, gradient, logits, read
from .inputs import (
    check_bounds,
    check_choice,
    check_count,
    check_eps,
    check_labels,
    check_number,
    check_pixels,
    check_targets,
)
from .metrics import worked
from .resume import kept


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


@kept
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
    Interrupted
        A KeyboardInterrupt whose ``partial`` is the Attack as far as it got.
    """
    check_model(model)
    check_number("alpha", alpha, above=0)
    check_count("max_iter", max_iter)
    check_count("batch_size", batch_size, least=1)
    check_choice("rule", rule, ("gradient", "sign"))
    check_choice("clip", clip, ("image", "noise"))
    if confidence is not None:
        check_number("confidence", confidence, above=0, most=1)
    x = check_pixels(x, model.input_shape[1:], bounds)
    classes = model.output_shape[-1]
    y = check_labels("y", y, len(x), classes)
    y_target = check_targets(y_target, y, classes)
    check_eps(eps, bounds)
    low, high = bounds
    n = len(x)
    goal, uphill = (y, 1) if y_target is None else (y_target, -1)

    def reached(prediction, sure, rows):
        wanted = None if y_target is None else y_target[rows]
        return worked(prediction, y[rows], wanted) & (sure >= (confidence or 0))

    x_adv, noise = x.copy(), np.zeros_like(x)
    last = np.zeros((n, classes), np.float32)  # each image's latest logits
    before = np.full(n, -1)  # what the network read before anything was done
    n_iter, gradients = np.zeros(n, int), 0
    stalled = np.zeros(n, bool)
    idle = eps == 0 or max_iter == 0  # no step to take: every image counts as exhausted
    going, firmness = np.ones(n, bool), np.zeros(n)

    def result():
        rows = np.flatnonzero(going)  # the image after its last step is tested too
        last[rows] = logits(model, x_adv[rows], batch_size)
        prediction, sure = read(last)
        wrong = np.where(n_iter == 0, prediction, before)  # also of images that had no gradient
        return Attack(
            x_adv=x_adv,
            noise=x_adv - x if clip == "image" else noise,
            success=reached(prediction, sure, np.arange(n)),
            already_wrong=(wrong >= 0) & (wrong != y),
            n_iter=n_iter,
            prediction=prediction,
            confidence=sure,
            stalled=stalled,
            gradients=gradients,
        )

    try:
        with tqdm(total=n, initial=n if idle else 0, desc="attack", unit="image", disable=not progress) as bar:
            # Everyone's first step; then the images that the network read most surely go first: they take the most
            # steps, and started last they would end in half-empty batches.
            for limit in () if idle else (1, max_iter):
                queue = np.flatnonzero(going & (n_iter < limit))
                if stop:  # else all take as many steps
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
    except KeyboardInterrupt:
        raise Interrupted(f"{gradients} gradients for {n} images", result()) from None
    return result()


def fgsm(model, x, y, *, eps, y_target=None, bounds=(0.0, 1.0)):
    """One step of size eps along the gradient's sign (Goodfellow et al., 2015).

    Parameters and errors are those of :func:`iterative_attack`.

    Returns
    -------
    Attack
    """
    check_bounds(bounds)
    check_eps(eps, bounds)
    return iterative_attack(
        model, x, y, eps=eps, alpha=eps or 1.0, max_iter=1, rule="sign", y_target=y_target, stop=False,
        bounds=bounds,
    )  # fmt: skip


@kept
def box_attack(model, x, y, low, high, *, max_iter=60, restarts=2, targets=2, seed=0, batch_size=250):
    """Search a box, pixel by pixel from low to high, for an image that is misread: the course's strongest search.

    Sign steps along the exact direction that begin as wide as half the box and grow smaller, with a quarter of the
    step before (as APGD of Croce and Hein, 2020): first from x, then from random places, then towards the likeliest
    other classes.  An ε-ball is the box from ``clip(x - eps, 0, 1)`` to ``clip(x + eps, 0, 1)``; behind a layer that
    never falls, it is the box between what the layer makes of those two.

    Parameters
    ----------
    model : keras.Model
        Ends in logits.
    x, low, high : arrays of float, (n, height, width, channels)
        ``low <= x <= high``.
    y : array of int, (n,)
    max_iter : int
        Steps of each attempt.
    restarts : int
        Attempts without a target; the first begins at x.
    targets : int
        Attempts with one.
    seed : int
        Of the random places.
    batch_size : int

    Returns
    -------
    x_adv : array of float32, like x
        The image that was misread where there is one, else x.
    success : array of bool, (n,)
        Where False, none was found; there may be one all the same.

    Raises
    ------
    ValueError, TypeError
        Images or labels that do not fit, or an image outside its box.
    """
    for name, count in ("max_iter", max_iter), ("restarts", restarts), ("targets", targets), ("seed", seed):
        check_count(name, count)
    low, x, high = (np.asarray(a, np.float32) for a in (low, x, high))
    if not (low.shape == x.shape == high.shape and (low <= x).all() and (x <= high).all()):
        raise ValueError(
            f"low <= x <= high must hold, pixel by pixel; found shapes {low.shape}, {x.shape}, {high.shape}"
        )
    z = logits(model, x, batch_size)
    y = check_labels("y", y, len(x), z.shape[1])
    likeliest = np.argsort(-np.where(np.arange(z.shape[1]) == y[:, None], -np.inf, z), axis=1)
    x_adv, success, rng = x.copy(), worked(read(z)[0], y), np.random.default_rng(seed)
    for attempt in range(restarts + min(targets, z.shape[1] - 1)):
        rows = np.flatnonzero(~success)
        begin = low[rows] + rng.random(x[rows].shape, np.float32) * (high[rows] - low[rows])
        goal = y[rows] if attempt < restarts else likeliest[rows, attempt - restarts]
        begin = x[rows] if attempt in (0, restarts) else begin
        uphill = 1 if attempt < restarts else -1
        for i in range(0, len(rows), batch_size):
            some = slice(i, i + batch_size)
            found, fooled = _descend(model, begin[some], y[rows[some]], low[rows[some]], high[rows[some]],
                                     goal[some], uphill, max_iter)  # fmt: skip
            x_adv[rows[some][fooled]] = found[fooled]
            success[rows[some]] |= fooled
    return x_adv, success


def _descend(model, x, y, low, high, goal, uphill, max_iter):
    """One attempt of :func:`box_attack`; images that are misread leave the batch."""
    x, before, fooled, rows = x.copy(), x, np.zeros(len(x), bool), np.arange(len(x))
    for t in range(max_iter + 1):
        z, g = gradient(model, x[rows], goal[rows])
        wrong = worked(read(z)[0], y[rows])
        fooled[rows[wrong]] = True
        rows, g = rows[~wrong], np.nan_to_num(g[~wrong], posinf=0, neginf=0)
        if t == max_iter or not len(rows):
            return x, fooled
        size = np.float32(uphill * (0.01 + (1 - t / max_iter) ** 1.5) / 2)
        step = np.clip(x[rows] + size * (high[rows] - low[rows]) * np.sign(g), low[rows], high[rows]) - x[rows]
        if t:
            step = 0.75 * step + 0.25 * (x[rows] - before[rows])
        before = x.copy()
        x[rows] = np.clip(x[rows] + step, low[rows], high[rows])


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
    check_bounds(bounds)
    for one in np.ravel(eps).tolist():
        check_eps(one, bounds)
    check_count("seed", seed)
    shape = np.shape(x)
    if len(shape) != 4:
        remedy = {2: ": for one image, give x[None, ..., None]", 3: ": give x[..., None] (many) or x[None] (one image)"}
        raise ValueError(f"x must have shape (n, height, width, channels); found {shape}{remedy.get(len(shape), '')}")
    x = check_pixels(x, shape[1:], bounds)
    if np.shape(eps) not in ((), (len(x),)):
        raise ValueError(f"eps must be one number, or one per image, shape ({len(x)},); found shape {np.shape(eps)}")
    size = np.asarray(eps, np.float32).reshape(-1, 1, 1, 1)
    flips = np.random.default_rng(seed).choice(np.float32([-1, 1]), x.shape)
    return np.clip(x + size * flips, *bounds, dtype=np.float32)

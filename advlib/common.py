"""One noise for many images: Algorithm 1 of the paper."""

import warnings
from dataclasses import dataclass, field

import numpy as np
from tqdm.auto import tqdm

from .attack import (
    check_choice,
    check_count,
    check_images,
    check_labels,
    check_number,
    check_pixels,
    direction,
    gradient,
    read,
    worked,
)
from .cnn import logits
from .metrics import Rate


@dataclass(frozen=True)
class CommonNoise:
    """A noise, and how it came about.

    Attributes
    ----------
    noise : array of float32, (height, width, channels)
        In [-eps, eps].
    eps : float
    source : int
        The class it was learned on.
    y_target : int or None
        What the network should read instead, if that was asked for.
    history : dict of arrays, one entry an epoch
        "success": share of the learning images on which the noise worked when their turn came, before the
        step on them; "rms"; "noise": the noise at the end of the epoch.
    learned_on : int
        Images of the class that it was learned on.
    bounds : (float, float)
    learned : frozenset of bytes
        The learning images themselves, by which they are recognised.
    """

    noise: np.ndarray = field(repr=False)
    eps: float
    source: int
    y_target: int | None
    history: dict = field(repr=False)
    learned_on: int
    bounds: tuple = (0.0, 1.0)
    learned: frozenset = field(default=frozenset(), repr=False)

    def apply(self, x):
        """The images with the noise on them, clipped to the bounds: what the network sees.

        Parameters
        ----------
        x : array of float, (n, height, width, channels)
            Images inside the bounds.

        Returns
        -------
        array of float32, like x

        Raises
        ------
        ValueError, TypeError
            Images of another shape or range; the message names what was found and the remedy.
        """
        x = check_pixels(x, self.noise.shape, self.bounds)
        return np.clip(x + self.noise, *self.bounds, dtype=np.float32)

    def success_rate(self, model, x):
        """How many images of its class the noise fools, or leads to its target; says if it was learned on them.

        Parameters
        ----------
        model : keras.Model
            Ends in logits; any network, not only the one that the noise was learned on.
        x : array of float, (n, height, width, channels)
            Images of the class ``source``.

        Returns
        -------
        metrics.Rate
            Prints ``…; 20 of them its own learning images`` where x holds any: what a noise does there proves little.
        """
        seen = self.apply(x)
        hit = worked(read(logits(model, seen))[0], self.source, self.y_target)
        known = sum(image.tobytes() in self.learned for image in np.asarray(x, np.float32))
        return Rate(int(hit.sum()), len(seen), known)


def common_noise(
    model,
    x,
    y,
    *,
    eps,
    alpha=1 / 255,
    epochs=25,
    rule="gradient",
    source=None,
    y_target=None,
    bounds=(0.0, 1.0),
    progress=False,
):
    """Learn one noise that fools the network on a whole class: Algorithm 1.

    e = 0; for each epoch, for each image of the class in the given order: e := Clip(e + α g / max|g|), with g
    the gradient at clip(x + e, bounds).  Several noises are learned side by side, a row of the batch each;
    each takes its own images one at a time, as it would alone.

    Parameters
    ----------
    model : keras.Model
        Ends in logits.
    x : array of float, (n, height, width, channels)
        Learning images inside ``bounds``.
    y : array of int, (n,)
        Their labels; of one class, unless ``source`` says which to take.
    eps : float or sequence of float
        The noise stays in [-eps, eps].  Several: a noise for each.
    alpha, rule : as in :func:`attack.iterative_attack`
    epochs : int
        Passes over the images.
    source : int or sequence of int, optional
        The class, or classes, to learn on.  Pairs up with several ``eps`` (numpy's broadcasting).
    y_target : int or sequence of int, optional
        What the network should read instead.
    progress : bool

    Returns
    -------
    CommonNoise, or a list of them where several were asked for
        An interrupted call returns what was learned so far, with a warning.

    Raises
    ------
    ValueError, TypeError
        A value that makes no sense; the message names it and the remedy.
    """
    check_number("alpha", alpha, above=0)
    check_count("epochs", epochs, least=1)
    check_choice("rule", rule, ("gradient", "sign"))
    x, y, _ = check_images(model, x, y, None, 0, bounds)
    if not len(x):
        raise ValueError("there is no image to learn on; x is empty")
    if source is None:
        classes = np.unique(y)
        if len(classes) > 1:
            raise ValueError(
                f"y holds {len(classes)} classes ({', '.join(map(str, classes))}) where one is meant: "
                "choose one with x[y == c], or say which with source="
            )
        source = classes[0]
    targets = -1 if y_target is None else y_target
    several = any(np.ndim(v) for v in (eps, source, targets))
    try:
        E, S, T = (np.atleast_1d(v) for v in np.broadcast_arrays(eps, source, targets))
    except ValueError:
        lengths = ", ".join(str(np.size(v)) for v in (eps, source, targets))
        raise ValueError(f"eps, source and y_target must each be one or equally many; found {lengths}") from None
    if not len(E):
        raise ValueError("there is no noise to learn; eps, source or y_target is empty")
    for e in E.tolist():
        check_number("eps", e, least=0)
    S = check_labels("source", S, len(E), model.output_shape[1])
    missing = np.setdiff1d(S, y)
    if len(missing):
        raise ValueError(f"there is no image of class {missing[0]} to learn on; y holds {np.unique(y)}")
    if y_target is not None:
        T = check_labels("y_target", T, len(E), model.output_shape[1])
        if np.any(T == S):
            raise ValueError(
                f"y_target must differ from the class learned on; both are {S[T == S][0]}: leave that pair out"
            )

    rows = [np.flatnonzero(y == s) for s in S]  # each noise's images, in order
    sizes = np.array([len(r) for r in rows])
    limit = E.astype(np.float32)[:, None, None, None]
    goal, uphill = (S, 1) if y_target is None else (T, -1)
    noise = np.zeros((len(E), *x.shape[1:]), np.float32)
    hits = np.zeros((len(E), epochs), int)
    kept = np.zeros((epochs, *noise.shape), np.float32)
    t = 0
    try:
        with tqdm(total=epochs * sizes.max(), desc="common noise", unit="step", disable=not progress) as bar:
            for t in range(epochs * sizes.max()):
                k = np.flatnonzero(t < epochs * sizes)  # a smaller class is through sooner
                epoch, i = np.divmod(t, sizes[k])
                image = x[[rows[a][b] for a, b in zip(k, i)]]
                z, g = gradient(model, np.clip(image + noise[k], *bounds, dtype=np.float32), goal[k])
                hits[k, epoch] += worked(read(z)[0], S[k], None if y_target is None else T[k])
                g = np.where(np.isfinite(g).all((1, 2, 3), keepdims=True), g, 0)
                step = uphill * np.float32(alpha) * direction(g, rule)
                noise[k] = np.clip(noise[k] + step, -limit[k], limit[k])
                kept[epoch, k] = noise[k]
                bar.update()
            t += 1
    except KeyboardInterrupt:
        seen = t // sizes.max()
        warnings.warn(f"interrupted: the largest class has been seen for {seen} of {epochs} epochs", stacklevel=2)
    found = []
    own = {s: frozenset(image.tobytes() for image in x[y == s]) for s in np.unique(S)}
    for k in range(len(E)):
        full = min(epochs, t // sizes[k])
        history = {
            "success": hits[k, :full] / sizes[k],
            "rms": np.sqrt(np.mean(np.square(kept[:full, k], dtype=np.float64), axis=(1, 2, 3))),
            "noise": kept[:full, k],
        }
        target = None if y_target is None else int(T[k])
        learned = {"learned_on": int(sizes[k]), "learned": own[S[k]], "history": history}
        found.append(CommonNoise(noise[k], float(E[k]), int(S[k]), target, bounds=tuple(bounds), **learned))
    return found if several else found[0]

"""One noise for many images: Algorithm 1 of the paper."""

from dataclasses import dataclass, field

import numpy as np
from tqdm.auto import tqdm

from .gradients import Interrupted, check_model, direction, gradient, predict, read
from .inputs import check_choice, check_count, check_eps, check_labels, check_number, check_pixels, check_targets
from .metrics import Rate, rms, worked
from .resume import kept
from .transforms import move, move_back


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

    def success_rate(self, model, x, y):
        """How many of the images the noise fools, or leads to its target; says if it was learned on any of them.

        Parameters
        ----------
        model : keras.Model
            Ends in logits; any network, not only the one that the noise was learned on.
        x : array of float, (n, height, width, channels)
        y : array of int, (n,)
            Their labels: an image that is read as its own class was not fooled, whatever the noise was made for.

        Returns
        -------
        metrics.Rate
            Prints ``…; 20 of them its own learning images`` where x holds any: what a noise does there proves little.

        Raises
        ------
        ValueError, TypeError
            Images or labels that do not fit; or labels that are the noise's target.
        """
        check_model(model, "logits")
        noisy = self.apply(x)
        y = check_labels("y", y, len(noisy), model.output_shape[-1])
        check_targets(self.y_target, y, model.output_shape[-1])
        prediction = predict(model, noisy)
        known = sum(image.tobytes() in self.learned for image in np.asarray(x, np.float32))
        return Rate(int(worked(prediction, y, self.y_target).sum()), len(y), known)


@kept
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
    transform=None,
    seed=0,
    bounds=(0.0, 1.0),
    progress=False,
):
    """Learn one noise that fools the network on a whole class: Algorithm 1.

    e = 0; for each epoch, for each image of the class in the given order: e := Clip(e + α g / max|g|), with g
    the gradient at clip(x + e, bounds).  Several noises are learned side by side, a row of the batch each;
    each takes its own images one at a time, as it would alone.

    With ``transform`` each step draws a motion m, and g is the gradient at move(clip(x + e, bounds), m), brought
    back by m's transpose: expectation over transformations (Athalye et al., 2018), one draw a step.

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
    transform : callable, optional
        From a numpy Generator to one motion, a dict of :func:`transforms.move`'s arguments, such as
        :func:`transforms.random_motion`.  Noises that are learned side by side meet the same motions.
    seed : int
        Of those draws.
    progress : bool

    Returns
    -------
    CommonNoise, or a list of them where several were asked for

    Raises
    ------
    ValueError, TypeError
        A value that makes no sense; the message names it and the remedy.
    Interrupted
        A KeyboardInterrupt whose ``partial`` is what was learned so far, with the history of the full epochs.
    """
    check_model(model)
    check_number("alpha", alpha, above=0)
    check_count("epochs", epochs, least=1)
    check_choice("rule", rule, ("gradient", "sign"))
    if not (transform is None or callable(transform)):
        raise TypeError(f"transform must be a function, such as transforms.random_motion; found {transform!r}")
    x = check_pixels(x, model.input_shape[1:], bounds)
    classes = model.output_shape[-1]
    y = check_labels("y", y, len(x), classes)
    if not len(x):
        raise ValueError("there is no image to learn on; x is empty")
    if source is None:
        there = np.unique(y)
        if len(there) > 1:
            raise ValueError(
                f"y holds {len(there)} classes ({', '.join(map(str, there))}) where one is meant: "
                "choose one with x[y == c], or say which with source="
            )
        source = there[0]
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
        check_eps(e, bounds)
    S = check_labels("source", S, len(E), classes)
    missing = np.setdiff1d(S, y)
    if len(missing):
        raise ValueError(f"there is no image of class {missing[0]} to learn on; y holds {np.unique(y)}")
    T = None if y_target is None else check_targets(T, S, classes, "source", "noise")

    rows = [np.flatnonzero(y == s) for s in S]  # each noise's images, in order
    sizes = np.array([len(r) for r in rows])
    limit = E.astype(np.float32)[:, None, None, None]
    goal, uphill = (S, 1) if T is None else (T, -1)
    noise = np.zeros((len(E), *x.shape[1:]), np.float32)
    rng = np.random.default_rng(seed)
    hits = np.zeros(len(E), int)  # of the epoch that is under way
    shares, kept = [[] for _ in E], [[] for _ in E]  # of the full ones

    def result():
        own = {s: frozenset(image.tobytes() for image in x[y == s]) for s in np.unique(S)}
        found = []
        for k in range(len(E)):
            after = np.array(kept[k], np.float32).reshape(-1, *x.shape[1:])
            history = {"success": np.array(shares[k], float), "rms": rms(after), "noise": after}
            learned = {"learned_on": int(sizes[k]), "learned": own[S[k]], "history": history}
            target = None if T is None else int(T[k])
            found.append(CommonNoise(noise[k], float(E[k]), int(S[k]), target, bounds=tuple(bounds), **learned))
        return found if several else found[0]

    steps, t = epochs * sizes.max(), 0
    try:
        with tqdm(total=steps, desc="common noise", unit="step", disable=not progress) as bar:
            for t in range(steps):
                k = np.flatnonzero(t < epochs * sizes)  # a smaller class is through sooner
                i = t % sizes[k]
                image = x[[rows[a][b] for a, b in zip(k, i)]]
                noisy = np.clip(image + noise[k], *bounds, dtype=np.float32)
                if transform is None:
                    z, g = gradient(model, noisy, goal[k])
                else:
                    motion = transform(rng)
                    z, g = gradient(model, move(noisy, **motion), goal[k])
                    g = move_back(g, **motion)
                hits[k] += worked(read(z)[0], S[k], None if T is None else T[k])
                g = np.where(np.isfinite(g).all((1, 2, 3), keepdims=True), g, 0)
                step = uphill * np.float32(alpha) * direction(g, rule)
                noise[k] = np.clip(noise[k] + step, -limit[k], limit[k])
                for over in k[i == sizes[k] - 1]:
                    kept[over].append(noise[over].copy())
                    shares[over].append(hits[over] / sizes[over])
                    hits[over] = 0
                bar.update()
    except KeyboardInterrupt:
        raise Interrupted(f"step {t} of {steps}", result()) from None
    return result()

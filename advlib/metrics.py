"""How strong a noise is, and how often it works: every rate with its count and its interval."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, t

from .inputs import check_batch, check_count


def rms(noise):
    """Root mean square of each image's noise, equation (4).

    Parameters
    ----------
    noise : array, (n, height, width, channels)
        In the images' own units: 1 is the step from black to white.

    Returns
    -------
    array, (n,)

    Raises
    ------
    ValueError
        Another shape.
    """
    check_batch("noise", noise)
    return np.sqrt(np.mean(np.square(noise, dtype=np.float64), axis=(1, 2, 3)))


def eight_bits(x):
    """Images as a file keeps them: each pixel rounded to the nearest of the 256 grey levels 0/255 … 255/255.

    Parameters
    ----------
    x : array, (n, height, width, channels)
        In [0, 1].

    Returns
    -------
    array of float32, like x
    """
    return np.rint(np.multiply(x, 255, dtype=np.float32)) / np.float32(255)


def worked(prediction, y, y_target=None):
    """Whether each reading is a success: not y, or y_target where one is asked for; never where nothing was read.

    Parameters
    ----------
    prediction : array of int, (n,)
        -1 where nothing was read.
    y, y_target : int, or array of int, (n,)

    Returns
    -------
    array of bool, (n,)
    """
    return (prediction != y if y_target is None else prediction == y_target) & (prediction >= 0)


@dataclass(frozen=True)
class Rate:
    """k successes out of n, with a 95 % Wilson interval; prints as ``98.6 % [98.3, 98.8] (9857/10000)``.

    ``learned`` of the n are images that the noise was made from: where there are any, the text says so.
    """

    k: int
    n: int
    learned: int = 0

    def __post_init__(self):
        for name, count in (("k", self.k), ("n", self.n), ("learned", self.learned)):
            check_count(name, count)
        if max(self.k, self.learned) > self.n:
            raise ValueError(f"k successes of n, {self.learned} of them learned: found k = {self.k} and n = {self.n}")

    @property
    def value(self):
        return self.k / self.n if self.n else float("nan")

    @property
    def interval(self):
        """Wilson (1927), JASA 22: (low, high); (nan, nan) where n is 0."""
        if not self.n:
            return float("nan"), float("nan")
        return tuple(map(float, binomtest(self.k, self.n).proportion_ci(method="wilson")))

    def __str__(self):
        if not self.n:
            return "– (0/0)"
        low, high = (100 * end for end in self.interval)
        own = f"; {self.learned} of them its own learning images" if self.learned else ""
        return f"{100 * self.value:.1f} % [{low:.1f}, {high:.1f}] ({self.k}/{self.n}{own})"


def one_more(values):
    """Where one more value of the same kind would lie, in 95 of 100 cases: the prediction interval.

    mean ± t s √(1 + 1/n), with t of Student's distribution with n - 1 degrees of freedom (Hahn and Meeker, 1991).

    Parameters
    ----------
    values : sequence of float, (n,)
        At least two, drawn alike: what networks gave that differ in their seed alone.

    Returns
    -------
    (float, float)

    Raises
    ------
    ValueError
        Fewer than two values: they say nothing of how far one lies from another.
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"a prediction needs two values or more; found {n}")
    reach = t.ppf(0.975, n - 1) * np.std(values, ddof=1) * np.sqrt(1 + 1 / n)
    return float(np.mean(values) - reach), float(np.mean(values) + reach)


def success_rate(success, among=None):
    """The share of True, as a Rate.

    Parameters
    ----------
    success : array of bool, (n,)
    among : array of bool, (n,), optional
        Count only these, for example the images that were read correctly before.
    """
    success = np.asarray(success)
    if success.dtype != bool or success.ndim != 1:
        raise ValueError(f"success must be one True or False per image; found {success.dtype}, shape {success.shape}")
    if among is not None:
        among = np.asarray(among)
        if among.dtype != bool or among.shape != success.shape:
            raise ValueError(
                f"among must be one True or False per image, shape {success.shape}; "
                f"found {among.dtype}, shape {among.shape}"
            )
        success = success[among]
    return Rate(int(success.sum()), len(success))

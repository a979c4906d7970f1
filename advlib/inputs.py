"""What makes no sense is refused, in the user's words: the value found, and the remedy."""

import math
import numbers

import numpy as np


def check_number(name, value, *, above=None, least=None, most=None):
    """Refuse what is not a number in the range, or not one in single precision."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number; found {value!r}")
    with np.errstate(over="ignore"):
        single = float(np.float32(value))
    if not math.isfinite(single):
        raise ValueError(f"{name} must be finite in single precision; found {value}")
    if above is not None and not (value > above and single > above):
        raise ValueError(f"{name} must be above {above} in single precision; found {value}")
    if least is not None and value < least:
        raise ValueError(f"{name} must be at least {least}; found {value}")
    if most is not None and value > most:
        raise ValueError(f"{name} must be at most {most}; found {value}")


def check_count(name, value, least=0):
    """Refuse what is not a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number; found {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}; found {value}")


def check_choice(name, value, choices):
    """Refuse a word that is not among the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; found {value!r}")


def check_bounds(bounds):
    """Refuse what is not a pair (low, high)."""
    if np.shape(bounds) != (2,):
        raise TypeError(f"bounds must be a pair (low, high); found {bounds!r}")
    low, high = bounds
    check_number("bounds[0]", low)
    check_number("bounds[1]", high, above=low)
    check_number("bounds[1] - bounds[0]", float(high) - float(low))


def check_eps(eps, bounds):
    """Refuse an ε that is below 0 or larger than the range of a pixel."""
    check_number("eps", eps, least=0)
    span = float(bounds[1]) - float(bounds[0])
    if eps > span:
        levels = f": in grey levels? give {eps:g}/255" if span == 1 and eps <= 255 else ""
        raise ValueError(f"eps must be at most {span:g}, the range of a pixel; found {eps:g}{levels}")


def check_shape(x, shape):
    """Refuse what is not an array of numbers of shape ``(n, *shape)``; return it as an array."""
    x = np.asarray(x)
    if x.dtype.kind not in "fiu":
        raise TypeError(f"x must be an array of floats; found {x.dtype}")
    if x.ndim == 4 and x.shape[1:] == shape:
        return x
    remedy = ""
    if x.shape == shape:
        remedy = f": for one image, give x[None], shape {(1, *shape)}"
    elif x.ndim and (*x.shape[1:], 1) == shape:
        remedy = f": give x[..., None], shape {(*x.shape, 1)}"
    elif (*x.shape, 1) == shape:
        remedy = f": for one image, give x[None, ..., None], shape {(1, *shape)}"
    elif x.ndim == 2 and x.shape[1] == np.prod(shape):
        remedy = f": give x.reshape(-1, {', '.join(map(str, shape))})"
    raise ValueError(f"x must have shape (n, {', '.join(map(str, shape))}); found {x.shape}{remedy}")


def check_batch(name, a):
    """Refuse what is not of shape (n, height, width, channels)."""
    if np.ndim(a) != 4:
        remedy = f": for one image, give {name}[None]" if np.ndim(a) == 3 else ""
        raise ValueError(f"the {name} must have shape (n, height, width, channels); found {np.shape(a)}{remedy}")


def check_pixels(x, shape, bounds):
    """Refuse images, ``(n, *shape)``, that are not floats inside the bounds; return them as float32."""
    check_bounds(bounds)
    low, high = bounds
    x = check_shape(x, shape)
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
        if n == 1:
            remedies[()] = f": for one image, give [{name}]"
        raise ValueError(
            f"{name} must have one label per image, shape ({n},); found {labels.shape}" + remedies.get(labels.shape, "")
        )
    if labels.dtype.kind not in "iu" and n:
        raise TypeError(f'{name} must be whole numbers; found {labels.dtype}: make it {name}.astype("int64")')
    if n and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(f"{name} must lie in 0 … {classes - 1}; found {labels.min()} … {labels.max()}")
    return labels.astype(np.int64, copy=False)


def check_targets(y_target, y, classes, name="y", row="image"):
    """Refuse targets that are no labels, or a row's own; return one for each image as int64, or None for None."""
    if y_target is None:
        return None
    y_target = np.asarray(y_target)
    if y_target.ndim == 0:
        y_target = np.full(len(y), y_target)
    y_target = check_labels("y_target", y_target, len(y), classes)
    same = np.flatnonzero(y_target == y)
    if len(same):
        raise ValueError(
            f"y_target must differ from {name}; both are {y[same[0]]} for {row} {same[0]} "
            f"({len(same)} such {row}s): leave those {row}s out"
        )
    return y_target

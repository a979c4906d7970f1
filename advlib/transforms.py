"""What happens to an image on its way: it is turned, rescaled and shifted, compressed, and seen from a distance.

Also what a gradient at the moved image says of the one before.
"""

import functools
import io

import numpy as np
from PIL import Image

from .backend import keras, tf
from .inputs import check_batch, check_count, check_number, check_pixels

LIMITS = {"angle": {}, "scale": {"least": 0.1, "most": 10}, "shift": {}}


def move(x, angle=0, scale=1, shift=(0, 0)):
    """Images turned and rescaled about their middle, then shifted.

    The pixel o of the result is read at R(−angle) (o − middle − shift) / scale + middle, between pixels by bilinear
    interpolation (Keras's); what comes in from outside is 0.  As ``scipy.ndimage.affine_transform`` does it with
    ``order=1, mode="grid-constant"``.  Where nothing moves the same bits come back.

    Parameters
    ----------
    x : array of float, (n, height, width, channels)
    angle : float, or (n,)
        Degrees, counter-clockwise as one sees the picture.
    scale : float, or (n,)
        Above 1 is larger; from 0.1 to 10.
    shift : pair of float, or (n, 2)
        Pixels down and to the right.

    Returns
    -------
    array of float32, like x

    Raises
    ------
    ValueError, TypeError
        Images or motions that make no sense; the message names what was found and the remedy.
    """
    x, matrix = _checked(x, angle, scale, shift)
    if not x.size:
        return x
    (a, b, c), (d, e, f) = matrix.transpose(1, 2, 0)
    by_column = np.stack([e, d, f, b, a, c, 0 * a, 0 * a], 1).astype(np.float32)  # Keras: the column before the row
    return keras.ops.image.affine_transform(x, by_column, data_format="channels_last").numpy()


def move_back(g, angle=0, scale=1, shift=(0, 0)):
    """From the gradient at the moved images to the gradient at the images themselves.

    The transpose of :func:`move`, which is linear: Σ g · move(x) = Σ move_back(g) · x.  Each pixel takes back what it
    gave to its neighbours, with the same weights.  That is not the reverse motion, which TensorFlow registers as the
    gradient of the resampling behind Keras's ``affine_transform``.

    Parameters, result and errors are those of :func:`move`.
    """
    g, matrix = _checked(g, angle, scale, shift)
    if not g.size:
        return g
    n, height, width, channels = g.shape
    read_at = matrix[:, :, :2] @ np.indices((height, width)).reshape(2, -1) + matrix[:, :, 2:]
    read_at = tf.constant(read_at.reshape(n, 2, height, width), tf.float32)
    planes = [_transposed(height, width)(g[..., channel], read_at).numpy() for channel in range(channels)]
    return np.stack(planes, axis=-1)


def random_motion(rng, n=None, *, angle=15, scale=0.1, shift=2):
    """A motion drawn uniformly from a box about standing still; or n of them.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int, optional
    angle : float
        The angle is from −angle to angle, in degrees.
    scale : float
        The scale is from 1 − scale to 1 + scale.
    shift : float
        Both shifts are from −shift to shift, in pixels.

    Returns
    -------
    dict
        The arguments of :func:`move`.
    """
    one = () if n is None else (n,)
    return {
        "angle": rng.uniform(-angle, angle, one),
        "scale": rng.uniform(1 - scale, 1 + scale, one),
        "shift": rng.uniform(-shift, shift, (*one, 2)),
    }


def motion_grid(angles, scales, shifts):
    """Each combination of an angle, a scale, a shift down and a shift to the right.

    Parameters
    ----------
    angles, scales, shifts : sequence of float
        As :func:`move` understands them; ``shifts`` serves both directions.

    Returns
    -------
    dict
        The arguments of :func:`move`, an entry for each combination; the shift to the right changes fastest.
    """
    angle, scale, down, right = (v.ravel() for v in np.meshgrid(angles, scales, shifts, shifts, indexing="ij"))
    return {"angle": angle, "scale": scale, "shift": np.stack([down, right], axis=1)}


def shifted(x, rng, most=1):
    """Images shifted by whole pixels, each its own way: what a training is varied by.

    Parameters
    ----------
    x : array, (n, height, width, channels)
    rng : numpy.random.Generator
    most : int
        A shift is from −most to most, down and to the right; pixels at the border are repeated.

    Returns
    -------
    array like x
    """
    n, height, width, _ = x.shape
    wide = np.pad(x, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    corners = rng.integers(0, 2 * most + 1, (n, 2))
    return np.stack([one[i : i + height, k : k + width] for one, (i, k) in zip(wide, corners, strict=True)])


def jpeg(x, quality):
    """Images as they come back from a JPEG file of this quality (Pillow's).

    Parameters
    ----------
    x : array of float, (n, height, width, 1 or 3), in [0, 1]
    quality : int
        1 to 95; Pillow's own is 75.

    Returns
    -------
    array of float32, like x
    """
    check_count("quality", quality, least=1)

    def again(image):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        return Image.open(file)

    return _each(x, again)


def from_afar(x, size):
    """Images seen with so few pixels on a side, and enlarged again to what they had.

    Each small pixel is the mean of those that it covers (Pillow's BOX); between small pixels the enlargement is
    smooth (BICUBIC).

    Parameters
    ----------
    x : array of float, (n, height, width, 1 or 3), in [0, 1]
    size : int

    Returns
    -------
    array of float32, like x
    """
    check_count("size", size, least=1)
    return _each(x, lambda image: image.resize((size, size), Image.BOX).resize(image.size, Image.BICUBIC))


def _each(x, changed):
    """What becomes of each image, as Pillow has them: of whole grey levels."""
    check_batch("images", x)
    x = check_pixels(x, np.shape(x)[1:], (0, 1))
    kept = np.rint(255 * x).astype(np.uint8)
    seen = [np.asarray(changed(Image.fromarray(image[..., 0] if image.shape[2] == 1 else image))) for image in kept]
    return np.reshape(seen, x.shape).astype(np.float32) / np.float32(255)


def _checked(x, angle, scale, shift):
    """The images as float32; and for each the matrix and offset, (2, 3), from its pixels to where they are read."""
    x = np.asarray(x)
    check_batch("images", x)
    if x.dtype.kind != "f":
        raise TypeError(f'x must be an array of floats; found {x.dtype}: divide by 255, or make it x.astype("float32")')
    n, given = len(x), []
    for name, value, one in ("angle", angle, ()), ("scale", scale, ()), ("shift", shift, (2,)):
        value = np.asarray(value)
        if value.dtype.kind not in "fiu":
            raise TypeError(f"{name} must be numbers; found {value.dtype}")
        if value.shape not in (one, (n, *one)):
            what = "a pair (down, right)" if one else "one number"
            raise ValueError(f"{name} must be {what}, or one for each image, {(n, *one)}; found shape {value.shape}")
        for number in np.unique(value).tolist():
            check_number(name, number, **LIMITS[name])
        given.append(np.broadcast_to(value, (n, *one)).astype(float))
    angle, scale, shift = given
    turn = np.deg2rad(angle)
    rotation = np.stack([np.cos(turn), np.sin(turn), -np.sin(turn), np.cos(turn)], 1).reshape(n, 2, 2)
    linear = rotation / scale[:, None, None]
    middle = (np.array(x.shape[1:3]) - 1) / 2
    offset = middle - np.einsum("nij,nj->ni", linear, middle + shift)
    return x.astype(np.float32, copy=False), np.concatenate([linear, offset[..., None]], axis=2)


@functools.cache
def _transposed(height, width):
    """The transpose for planes of one size, traced once."""
    planes, places = tf.TensorSpec((None, height, width)), tf.TensorSpec((None, 2, height, width))

    @tf.function(input_signature=[planes, places])
    def transpose(g, read_at):
        x = tf.zeros_like(g)  # the motion is linear, so its gradient is the same everywhere
        moved = tf.vectorized_map(lambda one: keras.ops.image.map_coordinates(*one, order=1), (x, read_at))
        return tf.convert_to_tensor(tf.gradients(moved, x, grad_ys=g)[0])

    return transpose

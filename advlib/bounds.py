"""What no noise can change: bounds by interval arithmetic (Gowal et al., 2018)."""

import numpy as np

from .backend import keras, tf
from .gradients import _graph, _images, check_model
from .inputs import check_count, check_eps, check_labels, check_pixels

ROUNDING = 1e-3  # of a margin: logits reach 50, and in double precision the margins move by less than a hundredth of it
LINEAR = ("Conv2D", "Dense")
RISING = ("Rescaling", "ReLU", "MaxPooling2D", "AveragePooling2D", "Flatten", "Dropout", "InputLayer")
ops = keras.ops


def through(layer, low, high):
    """What a layer makes of everything between two batches of images, or of values.

    A linear layer W v + b moves the middle as it moves any value, and the radius by at most |W|:

        W (low + high)/2 + b ± |W| (high − low)/2.

    ReLU, pooling and the like never fall where their input rises: they take the bounds as they are.

    Parameters
    ----------
    layer : keras.layers.Layer
    low, high : tensors, (n, ...)

    Returns
    -------
    low, high : tensors, (n, ...)
        Equations (6) to (8) of Gowal et al.
    """
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return layer(low), layer(high)

    def linear(values, weights):
        return ops.matmul(values, weights) if weights.ndim == 2 else layer.convolution_op(values, weights)

    middle = linear((low + high) / 2, kernel) + _bias(layer)
    radius = linear((high - low) / 2, ops.abs(kernel))
    return layer.activation(middle - radius), layer.activation(middle + radius)


def _bias(layer):
    return 0.0 if layer.bias is None else layer.bias


def margins(model, x, y, eps):
    """What the label's logit is ahead of each other one, at the least, whatever noise of size eps there is.

    The last layer is not bounded by itself: z_y − z_j is one linear function of the values before it, with the
    weights w_y − w_j, and its own bound is tighter than that of two logits which do not know of each other.

    Parameters
    ----------
    model : keras.Sequential
        Ends in a dense layer without activation.
    x : tensor, (n, height, width, channels)
    y : tensor of int, (n,)
    eps : float or tensor

    Returns
    -------
    tensor, (n, classes)
        0 in the label's own column.  An image whose other entries are all above 0 is proved.
    """
    low, high = ops.clip(x - eps, 0, 1), ops.clip(x + eps, 0, 1)
    for layer in model.layers[:-1]:
        low, high = through(layer, low, high)
    weights, bias = model.layers[-1].kernel, _bias(model.layers[-1])
    own = ops.one_hot(y, weights.shape[1])
    z = ops.matmul((low + high) / 2, weights) + bias
    ahead = ops.sum(own * z, axis=1, keepdims=True) - z
    apart = ops.abs(weights[:, :, None] - weights[:, None, :])  # of each pair of classes
    radius = ops.tensordot((high - low) / 2, apart, 1)
    return ahead - ops.einsum("nij,ni->nj", radius, own)


def certified(model, x, y, eps, batch_size=500):
    """The images that the network reads correctly, and that no noise of this size makes it misread.

    Whichever the noise: of one image, common, towards a target, of a method that nobody has found yet.  Only the
    pixels' size is bounded: an image that is moved or turned is not covered.

    Parameters
    ----------
    model : keras.Sequential
        Of convolutions, dense layers, ReLU, pooling and the like; ends in logits.
    x : array of float, (n, height, width, channels), in [0, 1]
    y : array of int, (n,)
    eps : float
    batch_size : int
        Only a matter of memory.

    Returns
    -------
    array of bool, (n,)
        Where False, nothing is known: a noise may exist or not.

    Raises
    ------
    ValueError, TypeError
        Images, labels or an ε that do not fit, or a network with a layer that this arithmetic does not bound.
    """
    check_model(model, "logits")
    check_bounded(model)
    x = check_pixels(x, model.input_shape[1:], (0, 1))
    y = check_labels("y", y, len(x), model.output_shape[-1])
    check_eps(eps, (0, 1))
    check_count("batch_size", batch_size, least=1)
    compute, proved = _graph(model, _margins_graph), np.zeros(len(x), bool)
    for i in range(0, len(x), batch_size):
        rows = slice(i, i + batch_size)
        least = compute(tf.constant(x[rows]), tf.constant(y[rows]), tf.constant(eps, tf.float32)).numpy()
        proved[rows] = np.sum(least > ROUNDING, axis=1) == least.shape[1] - 1
    return proved


def check_bounded(model):
    """Refuse a network with a layer that :func:`through` does not bound, by the layer's name."""
    known = [*LINEAR, *RISING]
    layers = model.layers if isinstance(model, keras.Sequential) else [model]
    for layer in layers:
        kind, last = type(layer).__name__, layer is layers[-1]
        activation = getattr(layer, "activation", keras.activations.linear)
        allowed = [keras.activations.linear] if last else [keras.activations.linear, keras.activations.relu]
        falls = kind == "Rescaling" and np.min(layer.scale) < 0
        if kind not in known or (kind in LINEAR and activation not in allowed) or falls:
            raise TypeError(
                f"bounds know Sequential networks of {', '.join(known)}, with ReLU or no activation; found the "
                f"{kind} {layer.name!r}: leave such a layer out, or write what it makes of an interval"
            )
    if type(layers[-1]).__name__ != "Dense":
        raise TypeError(f"the last layer must be Dense, for the differences of its logits; found {layers[-1].name!r}")


def _margins_graph(ref):
    signature = [_images(ref()), tf.TensorSpec((None,), tf.int64), tf.TensorSpec((), tf.float32)]
    return tf.function(lambda x, y, eps: margins(ref(), x, y, eps), input_signature=signature)

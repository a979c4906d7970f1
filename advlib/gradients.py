"""What a network reads, and which way each pixel would have to move for it to read something else."""

import numbers
import weakref
from contextlib import suppress

import numpy as np
from scipy.special import softmax

from .backend import keras, tf
from .inputs import check_batch, check_choice, check_count, check_labels, check_shape


class Interrupted(KeyboardInterrupt):
    """Long work was interrupted; ``partial`` is what it had found until then, and no result."""

    def __init__(self, done, partial):
        super().__init__(
            f"interrupted: {done}.  That much is kept, in sys.last_value.partial (of an except clause: why.partial)"
        )
        self.partial = partial


def logits(model, x, batch_size=100):
    """The network's logits, in evaluation mode.

    Parameters
    ----------
    model : keras.Model
    x : array of numbers, (n, height, width, channels)
    batch_size : int
        Only a matter of memory.

    Returns
    -------
    array of float32, (n, classes)

    Raises
    ------
    ValueError, TypeError
        Images or a model that do not fit; the message names what was found and the remedy.
    """
    compute = _graph(model, _logits_graph)
    x = check_shape(x, model.input_shape[1:])
    check_count("batch_size", batch_size, least=1)
    starts = range(0, len(x), batch_size)
    parts = [compute(tf.constant(x[i : i + batch_size], tf.float32)).numpy() for i in starts]
    return np.concatenate(parts) if parts else np.empty((0, model.output_shape[-1]), np.float32)


def predict(model, x):
    """What the network reads in each image; -1 where its logits are not finite.

    Parameters and errors are those of :func:`logits`.

    Returns
    -------
    array of int, (n,)
    """
    return read(logits(model, x))[0]


def accuracy(model, x, y):
    """The share of images that are read correctly, as a float.

    Parameters
    ----------
    model : keras.Model
    x : array of numbers, (n, height, width, channels)
    y : array of int, (n,)

    Raises
    ------
    ValueError, TypeError
        Images, labels or a model that do not fit.
    """
    check_model(model, "logits")
    x = check_shape(x, model.input_shape[1:])
    y = check_labels("y", y, len(x), model.output_shape[-1])
    return float(np.mean(predict(model, x) == y))


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


def gradient(model, x, y):
    """Logits, and the gradient of each image's L = log Σ exp z_k − z_y, the sum over the classes k other than y.

    L is the soft logit margin of Ding et al. (MMA training, 2020).  With the label's probability p_y the
    cross-entropy J = −log p_y is log(1 + exp L), so

        ∇J = (1 − p_y) ∇L:

    both point the same way, for equation (1) and for (3), and both rules of a step ask for no more.  But in
    float32 ∇J is (p_y − 1) ∇z_y plus small terms, and where the network is sure, p_y − 1 keeps few digits or none.
    In ∇L nothing cancels.

    Parameters
    ----------
    model : keras.Model
        Ends in logits.
    x : array of numbers, (n, height, width, channels)
    y : array of int, (n,)

    Returns
    -------
    logits : array of float32, (n, classes)
    gradient : array of float32, like x

    Raises
    ------
    ValueError, TypeError
        Images, labels or a model that do not fit; the message names what was found and the remedy.
    """
    compute = _graph(model, _gradient_graph)
    x = check_shape(x, model.input_shape[1:])
    y = check_labels("y", y, len(x), model.output_shape[-1])
    if not len(x):  # TensorFlow's convolutions stop at these
        return np.zeros((0, model.output_shape[-1]), np.float32), np.zeros(x.shape, np.float32)
    z, g = compute(tf.constant(x, tf.float32), tf.constant(y))
    return z.numpy(), g.numpy()


def direction(gradient, rule="gradient"):
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

    Raises
    ------
    ValueError
        Another rule or another shape.
    """
    check_choice("rule", rule, ("gradient", "sign"))
    check_batch("gradient", gradient)
    if rule == "sign":
        return np.sign(gradient)
    largest = np.abs(gradient).max((1, 2, 3), keepdims=True)
    return np.divide(gradient, largest, out=np.zeros_like(gradient), where=largest > 0)


# ------------------------------------------------------------------------ the network as a graph
_traced = weakref.WeakKeyDictionary()  # model to {what made it: (what it was traced from, the graph)}


def check_model(model, kind="gradient"):
    """Refuse what is not a Keras model of single precision that reads images of one size and ends in logits.

    Where only ``"logits"`` are asked for, probabilities will do.
    """
    _graph(model, {"logits": _logits_graph, "gradient": _gradient_graph}[kind])


def _graph(model, make):
    """The network's logits, logits and gradient, or what else a function makes of it, traced once for all batches.

    A graph reads the weights as they are.  Where anything else of the model has changed it is traced anew.
    """
    known = _traced.get(model, {}) if isinstance(model, keras.Model) else {}
    if make not in known or not _unchanged(model, *known[make][0]):
        _check_kind(model)
        if make is _gradient_graph:
            _refuse_probabilities(model)
        # a reference back to the model would keep it, and its graphs, alive for ever
        graph = make(weakref.ref(model))
        # traced here: TensorFlow takes five networks for one that is traced again and again, and warns
        graph = graph.get_concrete_function()
        known = _traced.setdefault(model, {})
        known[make] = _state(model), graph
    return known[make][1]


def _logits_graph(ref):
    return tf.function(lambda x: ref()(x, training=False), input_signature=[_images(ref())])


def _gradient_graph(ref):
    @tf.function(input_signature=[_images(ref()), tf.TensorSpec((None,), tf.int64)])
    def compute(x, y):
        with tf.compat.v1.get_default_graph().gradient_override_map({"MatMul": "AdvlibMatMul"}):
            z = ref()(x, training=False)
        own = tf.one_hot(y, z.shape[-1])
        others = tf.nn.softmax(tf.where(own > 0, -np.inf, z))
        # ∇L = Σ others_k ∇z_k − ∇z_y, of each image: summed, never a mean, so that no image depends on its neighbours;
        # zero, not None, where nothing leads from the pixels to the logits: such an image is stalled
        return z, tf.gradients(z, x, grad_ys=others - own, unconnected_gradients="zero")[0]

    return compute


def _images(model):
    return tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)


def _parts(model):
    """What a graph depends on besides the weights: the layers, and whatever each of them is set to."""
    return [part for layer in model._flatten_layers() for part in (layer, *vars(layer).values())]


def _state(model):
    """The parts by address, and a list that fills when one of them is gone: the next may get its address."""
    parts, gone, held = _parts(model), [], []
    for part in parts:
        if isinstance(part, (str, numbers.Number, tuple)):
            held.append(part)
        else:  # what refers back to the model must not keep it alive
            with suppress(TypeError):
                held.append(weakref.ref(part, gone.append))
    return list(map(id, parts)), gone, held


def _unchanged(model, addresses, gone, _held):
    return not gone and addresses == list(map(id, _parts(model)))


def _check_kind(model):
    # None where a model has no shape, or a list of them
    shape, out = (getattr(model, name, None) for name in ("input_shape", "output_shape"))
    if not (isinstance(model, keras.Model) and isinstance(shape, tuple) and len(shape) == 4):
        raise TypeError(
            "the model must be a keras.Model that reads (n, height, width, channels), its first layer "
            f"keras.Input; found {model!r}, which reads {shape}"
        )
    if None in shape[1:]:
        raise TypeError(f"the model must say how large its images are, in its keras.Input; it reads {shape}")
    if not (isinstance(out, tuple) and len(out) == 2 and (out[1] or 0) >= 2):
        raise ValueError(f"the model must give logits (n, classes), of two classes or more; it gives {out}")
    for layer in model._flatten_layers():
        # these compute nothing of their own, whatever the policy was that they were made under
        idle = type(layer).__name__ in ("Sequential", "Functional", "InputLayer")
        if layer.compute_dtype != "float32" and not idle:
            raise TypeError(
                f"the model must compute in float32; its layer {layer.name!r} computes in {layer.compute_dtype}, in "
                'which small gradients are 0: keras.config.set_dtype_policy("float32"), build it again, and carry the '
                "weights over with new.set_weights(model.get_weights())"
            )


def _refuse_probabilities(model):
    # on several random images: the logits of a single image may lie in [0, 1] and add up to 1 by chance
    some = np.random.default_rng(0).random((8, *model.input_shape[1:]), np.float32)
    z = logits(model, some)
    if np.all((z >= 0) & (z <= 1)) and np.allclose(z.sum(1), 1, atol=1e-4):
        raise ValueError(
            "the model must give logits; it gives probabilities, of which hardly any gradient is left where the "
            "network is sure: build it again without its last softmax, and carry the weights over with "
            "new.set_weights(model.get_weights())"
        )


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

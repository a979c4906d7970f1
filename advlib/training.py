"""Training: section II of the paper, from a checkpoint where one is there."""

import hashlib
import json
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from . import resume
from .backend import keras, tf
from .files import DataError, arrays, replacing
from .gradients import accuracy
from .inputs import check_count, check_number

ELSEWHERE = "give the checkpoint another name, or move this file away to start anew"
OWN = 200  # batches from one checkpoint of the full run's to the next: notebooks time shorter trainings


def train(
    model,
    dataset,
    *,
    iterations=20_000,
    batch_size=50,
    learning_rate=1e-4,
    falling=False,
    augment=None,
    loss=None,
    seed=0,
    evaluate_at=(),
    watch=None,
    checkpoint=None,
    save_every=500,
    progress=True,
):
    """Train with Adam on cross-entropy, as section II of the paper.

    Batch i depends on the seed and i alone, so an interrupted training that goes on from its checkpoint
    ends with the same weights as one that was never interrupted.

    Parameters
    ----------
    model : keras.Model
        Ends in logits.  Changed in place.
    dataset : Dataset
        Learned on ``dataset.train``; ``dataset.validation`` only measures.
    iterations, batch_size, learning_rate : int, int, float
        20,000 batches of 50; the learning rate is the 2017 script's, the paper names none.
    falling : bool
        The learning rate falls to 0 along half a cosine.
    augment : function of (images, np.random.Generator), optional
        What is learned in place of the images of a batch.
    loss : function of (model, images, labels, i), optional
        What is minimised in place of the mean cross-entropy; i is the number of the batch, as a float tensor.  What
        it keeps from batch to batch are tf.Variables, named in its attribute ``variables``.
    seed : int
        Decides the order of the images.
    evaluate_at : iterable of int
        Iterations before which the accuracy on the validation images is measured; the end always is.
    watch : function of the model, optional
        The array that it returns is kept at each evaluation, for example the first filters.
    checkpoint : path, optional
        File to go on from if it is there, and to save to every ``save_every`` iterations.  It goes on only where
        the model begins with the same weights, and learns the same images with the same settings.  A full run
        (``course.py paper``) gives those that have none one of their own, as long as it lasts.
    progress : bool

    Returns
    -------
    dict
        "loss": one value a batch; "iteration", "accuracy" and "watched": one an evaluation.

    Raises
    ------
    ValueError, TypeError
        The checkpoint belongs to another training, or to a longer one, or was not measured at ``evaluate_at``; or a
        setting makes no sense.
    DataError
        The checkpoint is damaged, or is no checkpoint.
    """
    images, labels = dataset.train
    check_count("iterations", iterations)
    check_number("learning_rate", learning_rate, least=0)
    check_count("seed", seed)
    check_count("save_every", save_every, least=1)
    if not 1 <= batch_size <= len(images):
        raise ValueError(f"batch_size must lie in 1 … {len(images)}; found {batch_size}")
    check_count("batch_size", batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, iterations) if falling else learning_rate
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build(model.trainable_variables)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function(reduce_retracing=True)
    def step(x, y, i):
        with tf.GradientTape() as tape:
            value = loss(model, x, y, i) if loss else cross_entropy(y, model(x, training=True))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(value, weights), weights)
        return value

    state = [*model.variables, *optimizer.variables, *getattr(loss, "variables", ())]
    history = {"loss": [], "iteration": [], "accuracy": [], "watched": []}
    if watch:
        _array(watch(model))  # what cannot be kept is refused before the training, not after it
    evaluate_at, own, began = {*evaluate_at, iterations}, checkpoint is None, resume.clock()
    if checkpoint or resume.FOLDER:
        settings = {
            "images a batch": int(batch_size), "learning rate": float(learning_rate), "order of the images": int(seed),
            "falling over": int(iterations) if falling else None, "augment": getattr(augment, "__name__", None),
            "loss": getattr(loss, "__qualname__", None),
            "images": _digest([images, labels]), "first weights": _digest(v.numpy() for v in state),
            "shapes": [list(v.shape) for v in state],
        }  # fmt: skip
        if own:
            checkpoint = resume.place(train, settings, model, iterations, evaluate_at, loss, augment, watch)
            save_every = OWN
    if checkpoint and Path(checkpoint).exists():
        with suppress(*[DataError] * own):  # a damaged one of the full run's is as good as none
            _resume(checkpoint, settings, state, history, iterations, evaluate_at)
    done = len(history["loss"])
    bar = tqdm(total=iterations, initial=done, desc="training", unit="batch", disable=not progress)
    with bar:
        for i in range(done, iterations + 1):
            if i in evaluate_at and i not in history["iteration"]:
                history["iteration"].append(i)
                history["accuracy"].append(accuracy(model, *dataset.validation))
                history["watched"].append(_array(watch(model)) if watch else None)
                bar.set_postfix(validation=f"{history['accuracy'][-1]:.2%}")
            if checkpoint and i > done and (i % save_every == 0 or (i == iterations and not own)):
                _save_checkpoint(checkpoint, settings | {"seconds": resume.clock() - began}, state, history)
            if i < iterations:
                rows = _batch(len(images), batch_size, seed, i)
                x = augment(images[rows], np.random.default_rng((seed, 1, i))) if augment else images[rows]
                history["loss"].append(float(step(x, labels[rows], np.float32(i))))
                bar.update()
    return history


@lru_cache(maxsize=2)
def _order(n, seed, epoch):
    return np.random.default_rng((seed, epoch)).permutation(n)


def _batch(n, size, seed, i):
    """Rows of batch i: every epoch in a new order, each image at most once an epoch."""
    epoch, k = divmod(i, n // size)
    return _order(n, seed, epoch)[k * size : (k + 1) * size]


def _array(watched):
    try:
        kept = np.asarray(watched)
    except ValueError:  # a list of arrays of several shapes
        kept = np.empty(0, object)
    if kept.dtype.kind not in "biuf":
        raise TypeError(
            "watch must return an array of numbers, of one shape each time; "
            f"found {type(watched).__name__} ({kept.dtype})"
        )
    return kept


def _digest(parts):
    """SHA-256 over the bytes of arrays."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part))
    return digest.hexdigest()


def _save_checkpoint(path, settings, state, history):
    watched = [w for w in history["watched"] if w is not None]
    with replacing(path) as part, open(part, "wb") as file:
        np.savez(
            file, settings=json.dumps(settings), watched=watched,
            **{key: history[key] for key in ("loss", "iteration", "accuracy")},
            **{f"state_{k}": v.numpy() for k, v in enumerate(state)},
        )  # fmt: skip


def _resume(path, settings, state, history, iterations, evaluate_at):
    names = ["watched", "loss", "iteration", "accuracy", *(f"state_{k}" for k in range(len(state)))]
    # by itself: the checkpoint of another network may lack the rest
    found = json.loads(str(arrays(path, ELSEWHERE, ["settings"])["settings"]))
    for what, expected in settings.items():
        if found.get(what) != expected:
            there, here = (str(value)[:12] for value in (found.get(what), expected))  # of a digest, its beginning
            raise ValueError(
                f"{path} is the checkpoint of another training: {what} {there} there, {here} here: {ELSEWHERE}"
            )
    saved = arrays(path, ELSEWHERE, names)
    done = len(saved["loss"])
    if done > iterations:
        raise ValueError(f"{path} has {done} iterations already, more than {iterations}: {ELSEWHERE}")
    passed = [i for i in sorted(evaluate_at) if i in range(done) and i not in saved["iteration"]]
    if passed:
        raise ValueError(f"{path} is past iteration {passed[0]}, and nothing was measured there: {ELSEWHERE}")
    resume.spent(found.get("seconds", 0))
    for k, variable in enumerate(state):
        variable.assign(saved[f"state_{k}"])
    for key in ("loss", "iteration", "accuracy"):
        history[key] = saved[key].tolist()
    history["watched"] = list(saved["watched"]) or [None] * len(history["iteration"])

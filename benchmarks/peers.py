"""The same attack by this course and by its peers, each behind one call: ``attack(x, y)`` returns the images.

Every one takes the same step, is as it is shipped, and has had a first call before the clock starts.  The peers know
the sign rule; the gradient rule takes them a subclass or a replaced function of a few lines.
"""

from unittest import mock

import numpy as np
import tensorflow as tf

from advlib import iterative_attack
from advlib.backend import keras

EPS, ALPHA, STEPS, BATCH = 0.15, 10 / 255, 200, 250


def largest_one(gradient):
    """The gradient rule: each image's gradient over its largest entry; 0 stays 0."""
    return tf.math.divide_no_nan(gradient, tf.reduce_max(tf.abs(gradient), (1, 2, 3), keepdims=True))


def in_batches(attack):
    def whole(x, y):
        parts = range(0, len(x), BATCH)
        return np.concatenate([attack(x[k : k + BATCH], y[k : k + BATCH]) for k in parts])

    return whole


def ours(model, rule, steps=STEPS):
    def attack(x, y):
        attack.done = iterative_attack(model, x, y, eps=EPS, alpha=ALPHA, max_iter=steps, rule=rule)
        return attack.done.x_adv

    return attack


def classifier(model):
    """The network as ART wants it."""
    from art.estimators.classification import TensorFlowV2Classifier

    return TensorFlowV2Classifier(
        model, nb_classes=model.output_shape[1], input_shape=model.input_shape[1:], clip_values=(0, 1),
        loss_object=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )  # fmt: skip


def art(model, rule, steps=STEPS):
    from art.attacks.evasion.projected_gradient_descent.projected_gradient_descent_tensorflow_v2 import (
        ProjectedGradientDescentTensorFlowV2 as Sign,
    )

    class Gradient(Sign):
        def _compute_perturbation(self, x, y, mask, *momentum):
            return largest_one(self.estimator.loss_gradient(x, y))

    made = {"sign": Sign, "gradient": Gradient}[rule](
        classifier(model), eps=EPS, eps_step=ALPHA, max_iter=steps, batch_size=BATCH, verbose=False
    )
    return lambda x, y: made.generate(x, y)


def foolbox(model, rule, steps=STEPS):
    import eagerpy
    import foolbox

    class Gradient(foolbox.attacks.LinfBasicIterativeAttack):
        def normalize(self, gradients, *, x, bounds):
            return eagerpy.astensor(largest_one(gradients.raw))

    kind = {"sign": foolbox.attacks.LinfBasicIterativeAttack, "gradient": Gradient}[rule]
    made = kind(abs_stepsize=ALPHA, steps=steps, random_start=False)
    seen = foolbox.TensorFlowModel(model, bounds=(0, 1))
    # Foolbox stops at int32 labels
    return in_batches(lambda x, y: made(seen, tf.constant(x), tf.constant(y, tf.int64), epsilons=EPS)[1].numpy())


def cleverhans(model, rule, steps=STEPS):
    from cleverhans.tf2.attacks.projected_gradient_descent import projected_gradient_descent

    def attack(x, y):
        given = tf.constant(x), EPS, ALPHA, steps, np.inf
        return projected_gradient_descent(model, *given, clip_min=0, clip_max=1, y=tf.constant(y, tf.int64)).numpy()

    if rule == "sign":
        return in_batches(attack)
    linear = "cleverhans.tf2.attacks.fast_gradient_method.optimize_linear"
    return in_batches(mock.patch(linear, lambda gradient, eps, norm: eps * largest_one(gradient))(attack))


PEERS = {"ART": art, "Foolbox": foolbox, "CleverHans": cleverhans}

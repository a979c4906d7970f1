"""What tells a learner what is wrong with their function: checks.step(my_step).

A file for each notebook; all of them try a function in the same way, that of trying.py.
"""

from ..environment import environment
from .common import class_success, common_step, dominant_label, margin, shuffled
from .gradient_vs_sign import best_step, interval, l0, mcnemar
from .motion import motion_step, rate_when_moved, shift, shift_back
from .motions import split_half
from .one_image import clip, file_rms, step, targeted_step
from .own_attack import own_attack
from .own_direction import own_direction
from .own_motion import own_moving_noise
from .own_noise import own_noise
from .own_sign_noise import own_sign_noise
from .pairs import concordance
from .price import cover
from .resolution import coarse_share, slope_interval
from .signs import area_mean, by_sign, carry, norms
from .start_here import grey_levels
from .target import foresight, own_target, target_step, two_claims
from .the_cnn import accuracy, count_parameters, cross_entropy, learning_rate, softmax

__all__ = [
    "accuracy", "area_mean", "best_step", "by_sign", "carry", "class_success", "clip", "coarse_share", "common_step",
    "concordance", "count_parameters", "cover", "cross_entropy", "dominant_label", "environment", "file_rms",
    "foresight", "grey_levels", "interval", "l0", "learning_rate", "margin", "mcnemar", "motion_step", "norms",
    "own_attack", "own_direction", "own_moving_noise", "own_noise", "own_sign_noise", "own_target", "rate_when_moved",
    "shift", "shift_back", "shuffled", "slope_interval", "softmax", "split_half", "step", "target_step",
    "targeted_step", "two_claims",
]  # fmt: skip

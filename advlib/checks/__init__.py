"""What tells a learner what is wrong with their function: checks.step(my_step).

A file for each notebook; all of them try a function in the same way, that of trying.py.
"""

from ..environment import environment
from .certificate import linear_eps
from .common import class_success, common_step, dominant_label, margin, shuffled
from .defence import interval_layer, through_blur, transfer_rate
from .elsewhere import at_equal_success
from .gradient_vs_sign import best_step, interval, l0, mcnemar
from .motion import motion_step, rate_when_moved, shift, shift_back
from .motions import split_half
from .one_image import clip, file_rms, step, targeted_step
from .own_attack import own_attack
from .own_certificate import own_certificate
from .own_direction import own_direction
from .own_motion import own_moving_noise
from .own_noise import own_noise
from .own_sign_noise import own_sign_noise
from .pairs import concordance
from .pretending import worst_case
from .price import cover
from .resolution import coarse_share, slope_interval
from .signs import area_mean, by_sign, carry, norms
from .start_here import grey_levels
from .target import foresight, own_target, target_step, two_claims
from .the_cnn import accuracy, count_parameters, cross_entropy, learning_rate, softmax

__all__ = [
    "accuracy", "area_mean", "at_equal_success", "best_step", "by_sign", "carry", "class_success", "clip",
    "coarse_share", "common_step", "concordance", "count_parameters", "cover", "cross_entropy", "dominant_label",
    "environment", "file_rms", "foresight", "grey_levels", "interval", "interval_layer", "l0", "learning_rate",
    "linear_eps", "margin", "mcnemar", "motion_step", "norms", "own_attack", "own_certificate", "own_direction",
    "own_moving_noise", "own_noise", "own_sign_noise", "own_target", "rate_when_moved", "shift", "shift_back",
    "shuffled", "slope_interval", "softmax", "split_half", "step", "target_step", "targeted_step", "through_blur",
    "transfer_rate", "two_claims", "worst_case",
]  # fmt: skip

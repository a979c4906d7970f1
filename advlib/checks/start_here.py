"""The check of notebook 00."""

import numpy as np

from .trying import call, check, compare


@check
def grey_levels(learners):
    """ε, where 1 is the step from black to white, in steps of the 256 grey levels.

    Hint
    """
    eps = 0.1234567  # so that rounding shows
    found = call(learners, eps, shape=())
    compare(found, 255 * eps, [
        (eps / 255, "divided, where there is to multiply: a grey level is less than the whole step to white"),
        (256 * eps, "256 levels have 255 steps between them, as five fingers have four gaps"),
        *[(round(255 * eps, places), "right, but rounded; leave that to whoever prints it") for places in range(4)],
        (100 * eps, "this is in percent; white is 255"),
        (eps, "this is ε as it came"),
        (256 * eps - 1, "256 levels have 255 steps between them: 255 times ε, and nothing to subtract"),
        (255 * (1 - eps), "this is how far it is still to white; ε is the way from black"),
        (eps / 256, "divided, where there is to multiply: a grey level is less than the whole step to white"),
        (np.ceil(255 * eps), "right, but rounded up; leave rounding to whoever prints it"),
        (1 / (255 * eps), "upside down: this is how often ε fits into one grey level"),
        (255 * eps / 2, "halved: ε is the distance to one side, up or down"),
    ])  # fmt: skip
    grid = np.array([0.0, 0.1, 1.0])
    compare(call(learners, grid, shape=grid.shape), 255 * grid)
    return 2

"""The check of what goes in depth after lesson 08: how a noise does elsewhere at equal success at home."""

import numpy as np

from .trying import Hint, call, check, compare

HOME = np.array([0.03, 0.11, 0.36, 0.62, 0.97])
AWAY = np.array([0.01, 0.02, 0.06, 0.15, 0.41])
CONTROL = np.array([0.0, 0.004, 0.013, 0.034, 0.09])


@check
def at_equal_success(learners):
    """Success at home, elsewhere and of random noise to what the noise adds elsewhere at a given success at home.

    Hint: a line from point to point
    """
    goal, beyond = 0.5, AWAY - CONTROL
    nearest, above = np.abs(HOME - goal).argmin(), np.searchsorted(HOME, goal)
    right = np.interp(goal, HOME, beyond)
    away, control = np.interp(goal, HOME, AWAY), np.interp(goal, HOME, CONTROL)
    no_control = "the random noise was not subtracted: what it does is no success of the learned noise"
    other_eps = "the random noise of another ε was subtracted: it has to be as large as the noise itself"
    point = "this is one of the measured points; between two of them the curve is a straight line"
    swapped = "this is how much is misread at home where the other network reaches the goal; it is asked the other way"
    mistakes = [
        (away, no_control),
        (control, "this is the random noise alone; it is to be subtracted from what the noise does elsewhere"),
        (-right, "the wrong way round: the random noise is subtracted from the learned one"),
        (np.interp(goal, AWAY, HOME), swapped),
        (np.interp(goal, beyond, HOME), swapped),
        *((away - wrong, other_eps) for wrong in (CONTROL.mean(), CONTROL.max(), CONTROL[nearest], CONTROL[above],
                                                  CONTROL[above - 1])),
        *((AWAY[i] - wrong, point) for i in (nearest, above, above - 1) for wrong in (0, CONTROL[i], control)),
        ((beyond[above - 1] + beyond[above]) / 2, "the goal does not lie halfway between its neighbours; weigh them by "
                                                  "how near each one is to it"),
        (np.interp(goal, HOME - CONTROL, beyond), "the goal is the success at home as it was counted; the random noise "
                                                  "is subtracted from the other network's alone"),
        (right / goal, "this was divided by the success at home; the share of all images is asked for"),
        (away / goal, "this is the share of the success at home; the share of all images beyond the random noise is "
                      "asked for"),
        (right / (1 - control), "the random noise is only subtracted here; nothing is divided by what it leaves"),
        (100 * right, "these are percent; a share between 0 and 1 is asked for"),
        (beyond.mean(), "this is the mean over all ε, wherever the goal lies"),
        (beyond[-1], "this is the last point of the list, wherever the goal lies"),
        (np.interp(goal, HOME, np.arange(len(HOME))), "this is the place in the list; what the noise does there is "
                                                      "asked for"),
        (np.polyval(np.polyfit(HOME, beyond, 1), goal), "one straight line through all points misses most of them; "
                                                        "draw one from each point to the next"),
        (goal, "this is the goal itself; what the noise does elsewhere is asked for"),
    ]  # fmt: skip
    found = call(learners, goal, HOME, AWAY, CONTROL)
    if found.shape != ():
        raise Hint(f"one share is wanted, where the success at home is {goal}; found shape {found.shape}")
    compare(found, right, mistakes)
    for order in (np.array([3, 0, 4, 2, 1]), np.arange(5)[::-1]):
        parts = [part[order] for part in (HOME, AWAY, CONTROL)]
        try:
            compare(call(learners, goal, *parts, shape=()), right)
        except Hint as hint:
            raise Hint("right, as long as the ε come in rising order; they may come in any order, and np.interp then "
                       f"gives nonsense without a word ({hint})") from None  # fmt: skip
    for other in (0.07, 0.3, 0.8, HOME[2]):
        wanted = np.interp(other, HOME, beyond)
        compare(call(learners, other, HOME, AWAY, CONTROL, shape=()), wanted, [
            (right, f"right for a goal of {goal}, but for {other:g} it gives the same: use the goal"),
            (np.interp(other, HOME, AWAY) - control, other_eps),
        ])  # fmt: skip
    worse, less = AWAY - 0.2 * HOME, np.interp(goal, HOME, beyond - 0.2 * HOME)
    compare(call(learners, goal, HOME, worse, CONTROL, shape=()), less, [
        (0, "random noise may do more than the learned one; then the difference is below 0, and is worth knowing"),
        (-less, "random noise may do more than the learned one; then the difference is below 0: no absolute value"),
    ])  # fmt: skip
    return 8

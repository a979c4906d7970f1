"""The check of what goes in depth after lesson 05: how often a forecast puts two pairs in the right order."""

import numpy as np

from .trying import Hint, call, check, compare


def _signs(a):
    return np.sign(a[:, None] - a)


def _right(forecast, success):
    """The share of twos in the right order; where the forecasts are equal, one half."""
    true = _signs(success)
    return (1 + (_signs(forecast) * true)[true != 0].mean()) / 2


@check
def concordance(learners):
    """Forecasts and successes of several pairs to the share of twos that the forecast puts in the right order.

    Hint: all twos at once
    """
    forecast = np.array([1.0, 1.5, -2.5, -3.0, 0.0, 0.0, -3.0, -1.5, 3.0])
    success = np.array([0.07, 0.67, 0.2, 0.6, 0.6, 0.6, 0.34, 0.6, 0.8])
    n, told, true = len(success), _signs(forecast), _signs(success)
    up = np.triu(np.ones((n, n), bool), 1)  # each two once
    differ, half, product = true != 0, np.abs(told) == 0, told * true
    in_list = np.sign(np.diff(forecast)) * np.sign(np.diff(success))
    rise = np.argsort(success, kind="stable")
    right = _right(forecast, success)
    found = call(learners, forecast, success)
    if found.shape != ():
        raise Hint(f"one share is wanted; found shape {found.shape}: count over all twos")
    won, said = (product > 0)[differ], ~half[differ]
    twos = differ[up].sum()
    mistakes = [
        (won.mean(), "where the two forecasts are equal, it names no pair: count one half, not nothing"),
        ((product >= 0)[differ].mean(), "where the two forecasts are equal, it names no pair: count one half, not one"),
        (won[said].mean(), "the twos with equal forecasts were left out; they count one half each"),
        ((1 + product[up].mean()) / 2, "twos of equal success were counted; nobody can name the easier of them"),
        ((product > 0)[up].mean(), "twos of equal success belong not in the number that you divide by"),
        ((told == true)[up].mean(), "twos of equal success were counted; nobody can name the easier of them"),
        ((told == true).mean(), "each pair was compared with itself as well, and twos of equal success counted"),
        ((1 + product.mean()) / 2, "each pair was compared with itself as well, and twos of equal success counted"),
        ((product > 0).mean(), "divided by all n·n: leave out each pair with itself, and twos of equal success"),
        (1 - right, "the wrong way round: a larger forecast says that the pair succeeds more often"),
        (2 * right - 1, "this runs from -1 to 1, right minus wrong; the share of right ones is asked for"),
        (right / 2, "each two was divided by twice: count every two once above and once below the line"),
        (right * twos, "this is a count; divide by the number of twos whose success differs"),
        (2 * right * twos, "this is a count; divide by the number of twos whose success differs"),
        (won.sum() / 2, "this is a count; divide by the number of twos whose success differs"),
        ((in_list[np.diff(success) != 0].mean() + 1) / 2, "only neighbours in the list were compared; take every two"),
        ((in_list > 0).mean(), "only neighbours in the list were compared; take every two"),
        ((np.diff(forecast[rise]) > 0).mean(), "only neighbours in the order of success were compared; take every two"),
        (np.corrcoef(forecast, success)[0, 1], "this is a correlation; the share of twos in the right order is asked "
                                               "for"),
        (_spearman(forecast, success), "this is Spearman's ρ; the share of twos in the right order is asked for"),
    ]  # fmt: skip
    compare(found, right, mistakes)
    try:
        compare(call(learners, np.sign(forecast) * forecast**4, success, shape=()), right)
    except Hint as hint:
        raise Hint("right, but not for forecasts on another scale: only which of two is larger may count "
                   f"({hint})") from None  # fmt: skip
    compare(call(learners, -forecast, success, shape=()), 1 - right, [
        (right, "right, but for a forecast turned round it gives the same: a wrong order counts nothing"),
        (max(right, 1 - right), "right, but for a forecast turned round it gives the same: a wrong order counts "
                                "nothing"),
    ])  # fmt: skip
    try:
        compare(call(learners, np.ones(n), success, shape=()), 0.5)
    except Hint as hint:
        raise Hint(f"right, until all forecasts are equal: then every two counts one half ({hint})") from None
    compare(call(learners, np.array([-3.0, 0.5, 2.0]), np.array([0.1, 0.9, 0.3]), shape=()), 2 / 3)
    return 5


def _spearman(a, b):
    from scipy.stats import spearmanr

    return spearmanr(a, b)[0]

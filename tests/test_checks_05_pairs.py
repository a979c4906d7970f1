"""The check of which pairs succeed (05, in depth): each usual wrong answer gets its own hint, right ways pass."""

import numpy as np
import pytest
from scipy.stats import kendalltau, pearsonr, spearmanr

from advlib import checks


def signs(a):
    return np.sign(a[:, None] - a)


def concordance(forecast, success):
    true = signs(success)
    return (1 + (signs(forecast) * true)[true != 0].mean()) / 2


def by_loops(forecast, success):
    right = twos = 0
    for i in range(len(success)):
        for j in range(i):
            if success[i] != success[j]:
                twos += 1
                if forecast[i] == forecast[j]:
                    right += 0.5
                else:
                    right += (forecast[i] > forecast[j]) == (success[i] > success[j])
    return right / twos


def by_comparing(forecast, success):
    easier = success[:, None] > success
    ahead, level = forecast[:, None] > forecast, forecast[:, None] == forecast
    return (ahead[easier].sum() + level[easier].sum() / 2) / easier.sum()


@pytest.mark.parametrize("answer", [concordance, by_loops, by_comparing])
def test_right_answers_pass(answer, capsys):
    checks.concordance(answer)
    assert capsys.readouterr().out == "[OK] concordance: right, in 5 tests\n"


def of_sign_products(count):
    "An answer from the products of the two signs, and whether the successes differ."

    def answer(forecast, success):
        told, true = signs(forecast), signs(success)
        return count(told, true, true != 0)

    return answer


def once(told, true, differ):
    up = np.triu(np.ones(told.shape, bool), 1)
    return told[up], true[up], differ[up]


def values(forecast, success):
    return forecast, success


def in_place(forecast, success):
    forecast -= forecast.mean()
    return concordance(forecast, success)


def at_least_half(forecast, success):
    return max(concordance(forecast, success), concordance(-forecast, success))


def one_where_all_are_level(forecast, success):
    if np.ptp(forecast) == 0:
        return 0.0
    return concordance(forecast, success)


def in_order(forecast, success):
    rise = np.argsort(success, kind="stable")
    return np.mean(np.diff(forecast[rise]) > 0)


def neighbours(forecast, success):
    return np.mean(np.sign(np.diff(forecast)) * np.sign(np.diff(success)) > 0)


WRONG = [
    (lambda forecast, success: None, "not written yet"),
    (lambda forecast, success: forecast > success, "one share is wanted"),
    (values, "one share is wanted"),
    (in_place, "it changed the array"),
    (of_sign_products(lambda f, s, d: (f * s > 0)[d].mean()), "count one half, not nothing"),
    (of_sign_products(lambda f, s, d: (f * s >= 0)[d].mean()), "count one half, not one"),
    (of_sign_products(lambda f, s, d: (f == s)[d & (f != 0)].mean()), "were left out; they count one half each"),
    (of_sign_products(lambda f, s, d: (1 + (once(f, s, d)[0] * once(f, s, d)[1]).mean()) / 2),
     "twos of equal success were counted; nobody"),
    (of_sign_products(lambda f, s, d: (once(f, s, d)[0] == once(f, s, d)[1]).mean()),
     "twos of equal success were counted; nobody"),
    (of_sign_products(lambda f, s, d: (once(f, s, d)[0] * once(f, s, d)[1] > 0).mean()),
     "belong not in the number that you divide by"),
    (of_sign_products(lambda f, s, d: (1 + (f * s).mean()) / 2), "compared with itself as well"),
    (of_sign_products(lambda f, s, d: (f == s).mean()), "compared with itself as well"),
    (of_sign_products(lambda f, s, d: (f * s > 0).mean()), "divided by all n·n"),
    (of_sign_products(lambda f, s, d: (1 - (f * s)[d].mean()) / 2), "the wrong way round"),
    (of_sign_products(lambda f, s, d: (f * s)[d].mean()), "this runs from -1 to 1"),
    (lambda f, s: concordance(f, s) / 2, "each two was divided by twice"),
    (lambda f, s: concordance(f, s) * (signs(s) > 0).sum(), "this is a count"),
    (lambda f, s: concordance(f, s) * (signs(s) != 0).sum(), "this is a count"),
    (neighbours, "only neighbours in the list"),
    (in_order, "only neighbours in the order of success"),
    (lambda f, s: pearsonr(f, s)[0], "this is a correlation"),
    (lambda f, s: spearmanr(f, s)[0], "this is Spearman's ρ"),
    (at_least_half, "a wrong order counts nothing"),
    (one_where_all_are_level, "until all forecasts are equal"),
    (lambda f, s: (1 + kendalltau(f, s, variant="b")[0]) / 2, "not the right numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "hint"), WRONG)
def test_wrong_answers_get_their_hint(answer, hint, capsys):
    checks.concordance(answer)
    out = capsys.readouterr().out
    assert out.startswith("[not yet] concordance: ")
    assert hint in out
    assert 'unfold "Hint: all twos at once"' in out


def test_right_only_on_one_scale(capsys):
    def answer(forecast, success):  # what is far ahead is right, what is only a little ahead is level
        gap = forecast[:, None] - forecast
        told = np.where(np.abs(gap) > 50, 0, np.sign(gap))
        true = signs(success)
        return (1 + (told * true)[true != 0].mean()) / 2

    checks.concordance(answer)
    assert "not for forecasts on another scale" in capsys.readouterr().out

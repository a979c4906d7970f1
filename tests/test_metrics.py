"""Noise strength and success rates against values computed by hand or published."""

import math

import numpy as np
import pytest

from advlib.metrics import Rate, eight_bits, one_more, rms, success_rate, worked


def test_rms_by_hand():
    noise = np.zeros((3, 2, 2, 1), np.float32)
    noise[1] = 0.15  # ±eps everywhere has an RMS of eps
    noise[2, 0, 0] = -0.3  # one pixel in four
    assert rms(noise) == pytest.approx([0, 0.15, 0.15])
    assert rms(np.concatenate([noise, -noise], axis=3)) == pytest.approx([0, 0.15, 0.15])


def test_rms_of_bytes_does_not_overflow():
    assert rms(np.full((1, 2, 2, 1), 200, np.uint8)) == pytest.approx([200])


def test_rms_of_many_small_values_keeps_its_digits():
    assert rms(np.full((1, 1000, 1000, 1), 1e-3, np.float32))[0] == pytest.approx(1e-3, rel=1e-7)


def test_rms_of_another_shape_says_what_to_give():
    with pytest.raises(ValueError, match=r"\(n, height, width, channels\); found \(2, 2, 1\): for one .*noise\[None\]"):
        rms(np.zeros((2, 2, 1)))


def test_worked():
    prediction, y = np.array([0, 1, 2, -1]), np.array([0, 0, 0, 0])
    assert worked(prediction, y).tolist() == [False, True, True, False]
    assert worked(prediction, y, 2).tolist() == [False, False, True, False]
    assert worked(prediction, y, np.array([1, 1, 1, 1])).tolist() == [False, True, False, False]
    assert worked(prediction, 1).tolist() == [True, False, True, False]


def test_eight_bits_keeps_what_a_file_held_and_rounds_the_rest():
    levels = np.divide(np.arange(256, dtype=np.uint8), 255, dtype=np.float32)  # as advlib.data converts bytes
    assert np.array_equal(eight_bits(levels), levels)
    assert eight_bits(levels).dtype == np.float32
    assert eight_bits([0.4 / 255, 0.6 / 255, 0.999, 1]) * 255 == pytest.approx([0, 1, 255, 255])


# Newcombe (1998), Statistics in Medicine 17:857, Table I, method 3
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)
    ],
)  # fmt: skip
def test_interval_is_the_published_wilson_interval(k, n, low, high):
    assert Rate(k, n).interval == pytest.approx((low, high), abs=5e-5)


def test_interval_of_none_and_of_all():
    z2 = 1.959964**2
    assert Rate(0, 10).interval == pytest.approx((0, z2 / (10 + z2)), abs=1e-6)
    assert Rate(10, 10).interval == pytest.approx((10 / (10 + z2), 1), abs=1e-6)


def test_rate_prints_its_count_and_its_interval():
    assert str(Rate(9857, 10000)) == "98.6 % [98.3, 98.8] (9857/10000)"
    assert str(Rate(0, 10)) == "0.0 % [0.0, 27.8] (0/10)"
    assert str(Rate(10, 10)) == "100.0 % [72.2, 100.0] (10/10)"


def test_rate_says_where_learning_images_were_counted():
    assert str(Rate(17, 20, 20)) == "85.0 % [64.0, 94.8] (17/20; 20 of them its own learning images)"


def test_rate_of_nothing_is_not_a_number():
    nothing = Rate(0, 0)
    assert math.isnan(nothing.value)
    assert all(map(math.isnan, nothing.interval))
    assert str(nothing) == "– (0/0)"


def test_rate_refuses_more_successes_than_trials():
    with pytest.raises(ValueError, match="found k = 3 and n = 2"):
        Rate(3, 2)


@pytest.mark.parametrize(
    ("counts", "error"), [((-1, 2), ValueError), ((1, 2, 3), ValueError), ((1.0, 2), TypeError), ((True, 2), TypeError)]
)
def test_rate_refuses_what_is_no_count(counts, error):
    with pytest.raises(error, match="found"):
        Rate(*counts)


def test_success_rate_counts_among_those_named():
    success = np.array([True, True, False, False, True])
    read_correctly = np.array([True, False, True, False, True])
    assert success_rate(success) == Rate(3, 5)
    assert success_rate(list(success), list(read_correctly)) == Rate(2, 3)
    assert success_rate(success, ~success) == Rate(0, 2)
    assert success_rate(np.zeros(0, bool)) == Rate(0, 0)


@pytest.mark.parametrize(
    ("success", "found"),
    [
        ([1, 0], r"int64, shape \(2,\)"),
        ([[True], [False]], r"bool, shape \(2, 1\)"),
        (True, r"bool, shape \(\)"),
    ],
)
def test_success_must_be_one_truth_value_an_image(success, found):
    with pytest.raises(ValueError, match=f"one True or False per image; found {found}"):
        success_rate(success)


@pytest.mark.parametrize("among", [[0, 1], [True], [[True, True]]])  # indices are not a mask
def test_among_must_match(among):
    with pytest.raises(ValueError, match=r"among must be one True or False per image, shape \(2,\); found"):
        success_rate([True, False], among)


# Student's t at 0.975 is 12.706 with one degree of freedom and 2.2622 with nine
@pytest.mark.parametrize(
    ("values", "reach"),
    [([0.0, 2.0], 12.706 * np.sqrt(2) * np.sqrt(1.5)), (list(range(10)), 2.2622 * np.sqrt(55 / 6) * np.sqrt(1.1))],
)
def test_where_one_more_value_would_lie(values, reach):
    middle = np.mean(values)
    assert one_more(values) == pytest.approx((middle - reach, middle + reach), rel=1e-4)


def test_ninety_five_of_a_hundred_lie_there():
    draws = np.random.default_rng(0).normal(3, 2, (4000, 11))
    ends = np.array([one_more(ten) for ten in draws[:, :10]])
    inside = (ends[:, 0] <= draws[:, 10]) & (draws[:, 10] <= ends[:, 1])
    assert abs(inside.mean() - 0.95) < 5 * np.sqrt(0.95 * 0.05 / 4000)


@pytest.mark.parametrize("values", [[], [0.5]])
def test_one_value_says_nothing_of_the_next(values):
    with pytest.raises(ValueError, match=f"two values or more; found {len(values)}"):
        one_more(values)

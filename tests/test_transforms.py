"""Motions: against scipy, against finite differences, and where the answer is known without computing."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from advlib.transforms import from_afar, jpeg, motion_grid, move, move_back, random_motion, shifted

UNIT = 2.0**-24  # half a step between numbers near 1 in single precision


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def motions(rng, n):
    return {"angle": rng.uniform(-180, 180, n), "scale": rng.uniform(0.5, 2, n), "shift": rng.uniform(-5, 5, (n, 2))}


def by_scipy(x, angle, scale, shift):
    out, middle = np.empty(x.shape), (np.array(x.shape[1:3]) - 1) / 2
    for i, turn in enumerate(np.deg2rad(angle)):
        matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) / scale[i]
        offset = middle - matrix @ (middle + shift[i])
        for c in range(x.shape[-1]):
            plane = x[i, ..., c].astype(float)
            out[i, ..., c] = ndimage.affine_transform(plane, matrix, offset, order=1, mode="grid-constant")
    return out


@pytest.mark.parametrize("shape", [(28, 28, 1), (64, 64, 3), (5, 9, 2)])
def test_equals_scipys_resampling(shape, rng):
    """Where a pixel is read is a sum of two products and an offset, numbers of at most 4 sides (scale ≥ 0.5 and shifts
    of 5 keep them there), in eight roundings; one pixel further the picture changes by at most 1, in two directions."""
    x, given = rng.random((60, *shape), np.float32), motions(rng, 60)
    tolerance = 2 * 8 * 4 * max(shape) * UNIT
    np.testing.assert_allclose(move(x, **given), by_scipy(x, **given), rtol=0, atol=tolerance)


@pytest.mark.parametrize("shape", [(28, 28, 1), (9, 5, 3)])
def test_going_back_is_the_transpose(shape, rng):
    x, g = rng.standard_normal((2, 60, *shape), np.float32)
    given = motions(rng, 60)
    forth = (g.astype(float) * move(x, **given)).sum((1, 2, 3))
    back = (move_back(g, **given).astype(float) * x).sum((1, 2, 3))
    # each coordinate's roundings, as above, times what a pixel changes by where x has no bounds
    step = 2 * np.abs(x).max() * 2 * 8 * 4 * max(shape) * UNIT
    assert (np.abs(forth - back) <= step * np.abs(g).sum((1, 2, 3))).all()


def test_the_gradient_by_finite_differences(rng):
    x, g = rng.random((2, 20, 9, 7, 2), np.float32)
    given, toward = motions(rng, 20), rng.standard_normal(x.shape).astype(np.float32)
    ends = [(g.astype(float) * move(x + step * toward, **given)).sum() for step in np.float32([-0.5, 0.5])]
    slope = (move_back(g, **given).astype(float) * toward).sum()
    assert slope == pytest.approx(ends[1] - ends[0], rel=1e-4, abs=1e-2)  # linear: the step may be long


@pytest.mark.parametrize("moved", [move, move_back])
def test_what_does_not_move_keeps_its_bits(moved, rng):
    x = rng.standard_normal((7, 28, 28, 1)).astype(np.float32)
    assert moved(x).tobytes() == x.tobytes()
    assert moved(x, np.zeros(7), np.ones(7), np.zeros((7, 2))).tobytes() == x.tobytes()


def test_whole_pixels_and_quarter_turns(rng):
    x = rng.random((4, 28, 28, 1), np.float32)
    shifted = move(x, shift=(2, -1))
    assert (shifted[:, 2:, :-1] == x[:, :-2, 1:]).all()
    assert not shifted[:, :2].any()  # black comes in
    assert not shifted[:, :, -1:].any()
    np.testing.assert_allclose(move(x, angle=90), np.rot90(x, 1, (1, 2)), rtol=0, atol=2 * 8 * 4 * 28 * UNIT)


def test_larger_is_larger():
    x = np.zeros((1, 29, 29, 1), np.float32)
    x[0, 10:19, 10:19] = 1  # nine pixels about the middle
    assert move(x, scale=2).sum() == pytest.approx(18**2)  # seventeen, and half of one at each end
    assert move(x, scale=0.5).sum() == pytest.approx(5**2)  # every other one


@pytest.mark.parametrize("moved", [move, move_back])
def test_an_image_does_not_depend_on_its_batch(moved, rng):
    x, given = rng.random((30, 28, 28, 1), np.float32), motions(rng, 30)
    whole = moved(x, **given)
    for i in (0, 7):
        alone = moved(x[i : i + 1], **{name: value[i : i + 1] for name, value in given.items()})
        assert alone.tobytes() == whole[i : i + 1].tobytes()
    assert moved(x[:0]).shape == (0, 28, 28, 1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"angle": "5"}, "angle must be numbers"),
        ({"angle": True}, "angle must be numbers"),
        ({"angle": [1, 2]}, "angle must be one number, or one for each image"),
        ({"angle": np.nan}, "angle must be finite"),
        ({"scale": 0}, "scale must be at least 0.1"),
        ({"scale": 11}, "scale must be at most 10"),
        ({"shift": 1}, "shift must be a pair"),
        ({"shift": (1, np.inf)}, "shift must be finite"),
        ({"x": np.zeros((28, 28, 1), np.float32)}, "for one image"),
        ({"x": np.zeros((1, 28, 28, 1), np.uint8)}, "divide by 255"),
    ],
)
def test_what_makes_no_sense_is_refused(given, words):
    for moved in (move, move_back):
        with pytest.raises((ValueError, TypeError), match=words):
            moved(*[given.get("x", np.zeros((3, 28, 28, 1), np.float32))],
                  **{name: value for name, value in given.items() if name != "x"})  # fmt: skip


def test_random_motions_fill_their_box(rng):
    many = random_motion(rng, 2000, angle=20, scale=0.2, shift=3)
    for values, middle, most in (many["angle"], 0, 20), (many["scale"], 1, 0.2), (many["shift"], 0, 3):
        assert np.abs(values - middle).max() <= most
        assert np.abs(values - middle).max() > 0.99 * most
        assert np.std(values) == pytest.approx(most / 3**0.5, rel=0.05)  # uniform
    assert np.abs(np.corrcoef(np.column_stack([*many.values()]).T) - np.eye(4)).max() < 0.1
    x = rng.random((4, 9, 9, 1), np.float32)
    assert move(x, **random_motion(rng)).shape == move(x, **random_motion(rng, 4)).shape == x.shape
    still = random_motion(rng, angle=0, scale=0, shift=0)
    assert (move(x, **still) == x).all()


def test_a_grid_holds_each_combination_once():
    cells = motion_grid([-15, 0, 15], [0.9, 1.1], [-2, 0])
    rows = list(zip(cells["angle"], cells["scale"], *cells["shift"].T))
    assert rows == [(a, s, d, r) for a in (-15, 0, 15) for s in (0.9, 1.1) for d in (-2, 0) for r in (-2, 0)]


# ------------------------------------------------------------------------------------------- compressed, and from afar
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_keeps_an_even_grey_and_loses_more_at_a_lower_quality(channels, rng):
    """Of an even block only the mean is kept, which JPEG divides by its quantum: at 95 that is 2 of 8 steps a level."""
    even = np.full((2, 16, 16, channels), 100 / 255, np.float32)
    assert np.abs(255 * jpeg(even, 95) - 100).max() <= 1
    x = rng.random((3, 32, 32, channels), np.float32)
    lost = [np.abs(jpeg(x, quality) - x).mean() for quality in (95, 75, 30)]
    assert lost == sorted(lost)
    assert lost[0] > 0


def test_jpeg_is_pillows(rng):
    x = rng.integers(0, 256, (1, 24, 24, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(x[0]).save(file, "JPEG", quality=75)
    expected = np.asarray(Image.open(file), np.float32) / np.float32(255)
    assert np.array_equal(jpeg(x / np.float32(255), 75)[0], expected)


def test_from_afar_a_block_is_its_mean():
    """Blocks of 4×4: a distance at which each is one pixel changes nothing of their means, but all in them."""
    x = np.zeros((1, 16, 16, 1), np.float32)
    x[0, ::2] = 1
    assert np.array_equal(255 * from_afar(x, 4), np.full(x.shape, 128))  # 127.5, rounded up
    assert np.array_equal(from_afar(x, 16), x)
    assert from_afar(np.zeros((2, 8, 8, 3), np.float32), 1).shape == (2, 8, 8, 3)


@pytest.mark.parametrize("seen", [lambda x: jpeg(x, 75), lambda x: from_afar(x, 4)])
def test_images_through_pillow_are_checked(seen, rng):
    with pytest.raises(ValueError, match=r"found 0 … 255 .*: divide by 255"):
        seen(np.float32([0, 255]).reshape(1, 1, 2, 1))
    with pytest.raises(ValueError, match=r"must have shape \(n, height, width, channels\).*give images\[None\]"):
        seen(rng.random((8, 8, 3), np.float32))
    x = rng.random((2, 8, 8, 3), np.float32)
    before = x.copy()
    assert seen(x).dtype == np.float32
    assert np.array_equal(x, before)
    assert seen(x[:0]).shape == (0, 8, 8, 3)


@pytest.mark.parametrize(("seen", "value"), [(jpeg, 0), (jpeg, 7.5), (from_afar, 0), (from_afar, True)])
def test_quality_and_size_are_checked(seen, value):
    with pytest.raises((ValueError, TypeError), match=f"must be .*; found {value}"):
        seen(np.zeros((1, 8, 8, 1), np.float32), value)


def test_shifted_images_are_the_image_somewhere_else():
    """Each by one of the nine shifts; all of them come up; the border is repeated."""
    image = np.arange(1, 26, dtype=np.float32).reshape(5, 5, 1)
    found = shifted(np.repeat(image[None], 200, 0), np.random.default_rng(0))
    wide = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    nine = {wide[i : i + 5, k : k + 5].tobytes() for i in range(3) for k in range(3)}
    assert {one.tobytes() for one in found} == nine
    assert np.array_equal(shifted(found, np.random.default_rng(0), most=0), found)

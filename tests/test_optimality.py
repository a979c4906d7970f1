"""benchmarks/optimality.py: AttackBench's measure by hand, its search, and what is counted."""

import numpy as np
import pytest
import tiny

from advlib import predict

NEVER = np.inf


@pytest.fixture(scope="module")
def part(bench):
    return bench.optimality


def scored(part, **found):
    return part.scores({name: np.array(far, float) for name, far in found.items()})


def test_a_curve_by_hand(part):
    """Four images; the best curve is 1 until 1, 3/4 until 2, 1/2 until 3, 1/4 until 4: 2.5, of at most 4."""
    found = scored(part, best=[1, 2, 3, 4], late=[2, 3, 4, NEVER], beyond=[9, 9, 9, 9], nothing=[NEVER] * 4)
    assert found["best"] == {"optimality": 1, "area": 2.5, "best": 1}
    assert found["late"] == {"optimality": pytest.approx((4 - 3.25) / (4 - 2.5)), "area": 3.25, "best": 0}
    for name in ("beyond", "nothing"):
        assert found[name] == {"optimality": 0, "area": 4, "best": 0}


def test_an_image_misread_from_the_start_has_distance_0(part):
    """The curve begins at 3/4, an attack that finds nothing has 3/4 of the box, and the image is nobody's merit."""
    found = scored(part, best=[0, 1, 2, 4], nothing=[0, NEVER, NEVER, NEVER])
    assert found["best"] == {"optimality": 1, "area": pytest.approx(7 / 4), "best": 1}
    assert found["nothing"] == {"optimality": 0, "area": pytest.approx(3), "best": 0}


def test_the_best_is_taken_image_by_image_and_a_tie_counts_for_both(part):
    found = scored(part, a=[1, 2, 4, 4], b=[2, 1, 4, 4])
    assert found["a"] == found["b"] == {"optimality": pytest.approx((4 - 2.75) / (4 - 2.5)), "area": 2.75, "best": 0.75}


def test_an_image_that_no_attack_fools_is_the_best_of_none(part):
    found = scored(part, a=[1, 2, NEVER], b=[2, 2, NEVER])
    assert found["a"] == {"optimality": 1, "area": pytest.approx(5 / 3), "best": pytest.approx(2 / 3)}
    assert found["b"]["best"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("far", [[0, 0], [0.5, 0.5], [0, 0.5], [NEVER, NEVER]])
def test_where_there_is_no_area_one_is_told(part, far):
    with pytest.raises(ValueError, match="take more images"):
        scored(part, a=far, b=far)


def ball(price, least, reach=None):
    """An attack that works from an ε on, ``least`` for each label, and then moves a pixel by ε, or as far as reach."""

    def attack(x, y, eps, nearest, seed):
        far = eps if reach is None else np.array(reach)[y]
        return x + np.float32(far).reshape(-1, 1, 1, 1), eps >= np.array(least)[y], np.full(len(x), price)

    attack.most = price
    return attack


def test_the_search_doubles_until_it_works_and_ends_with_the_gradients(part):
    x, y = np.zeros((3, 1, 1, 1), np.float32), np.arange(3)
    attack = ball(10, [0.1, 0.5, 2.0], reach=[0.1, 0.5, 2.0])
    far, gradients, tried = part.smallest(attack, x, y, budget=45)
    np.testing.assert_allclose(far, [0.1, 0.5, NEVER], rtol=1e-6)  # the distance, not the ε, which was 0.15 and 0.6
    assert gradients.tolist() == [40, 40, 40]
    assert tried.tolist() == [4, 4, 4]


def test_the_search_halves_what_lies_between_failure_and_success(part):
    x, y, least = np.zeros((4, 1, 1, 1), np.float32), np.arange(4), np.array([0.01, 0.1, 0.37, 0.9])
    far, gradients, tried = part.smallest(ball(1, least), x, y)
    np.testing.assert_allclose(far, least, atol=1e-5)
    assert (far > least - 1e-7).all()
    assert (gradients == tried).all()
    assert (tried <= part.ROUNDS).all()


@pytest.mark.parametrize("onwards", [True, False])
def test_ours_finds_the_smallest_noise_of_a_linear_network(part, monkeypatch, onwards):
    """Where no pixel meets a bound, the lead w·x + b falls by ε ‖w‖₁ at most, so that it takes lead / ‖w‖₁."""
    rng = np.random.default_rng(0)
    w = rng.normal(0, 1, (16, 2)) * [1, 0]
    model = tiny.linear(w, [0, 0], (4, 4, 1))
    x = rng.uniform(0.4, 0.6, (30, 4, 4, 1)).astype(np.float32)
    lead = (x.reshape(30, 16) @ w)[:, 0]
    y = np.where(lead > 0, 0, 1)
    asked, real = [], part.gradient
    monkeypatch.setattr(part, "gradient", lambda model, x, goal: asked.append(len(x)) or real(model, x, goal))
    far, gradients, _ = part.smallest(part.ours(model, onwards), x, y)
    np.testing.assert_allclose(far, np.abs(lead) / np.abs(w).sum(), atol=2e-3)
    assert gradients.sum() == sum(asked) > 0
    assert gradients.max() <= part.BUDGET


def test_what_ours_finds_is_misread_and_as_far_as_it_says(part):
    model, x = tiny.convolutional(), tiny.images(12)
    y = predict(model, x)
    eps = np.linspace(0.01, 0.3, 12)
    x_adv, worked, gradients = part.ours(model)(x, y, eps, x, 0)
    assert worked.any()
    assert not worked.all()
    assert (predict(model, x_adv)[worked] != y[worked]).all()
    assert (part.distance(x_adv, x) <= eps + 1e-6).all()
    assert (gradients[~worked] == part.STEPS + 1).all()


def test_the_page_shows_what_was_measured(bench):
    report = bench.report
    shown = report.BESIDE.read_text("utf-8").partition(report.BEGIN)[2].partition(report.END)[0]
    assert shown.strip() == report.nearness(report.load()["optimality"]).strip()


def test_the_table_and_the_line(bench, tmp_path, monkeypatch):
    row = {"name": "advlib", "optimality": 0.99, "area": 0.08, "best": 0.75, "median": 0.0812, "missed": 0,
           "gradients": 250.4, "forwards": 19.8, "seconds": 10.0}  # fmt: skip
    slow = row | {"name": "B", "optimality": 0.5, "missed": 2, "seconds": 25.0}
    found = {"images": 500, "budget": 300, "steps": 20, "forward": 0.3,
             "networks": {"0": [row, slow], "1": [row, slow]}}  # fmt: skip
    packages = {"pyautoattack": "0.2.0", "torch": "2.13.0", "foolbox": "3.3.4"}
    part = {"measured": found, "packages": packages, "cpu": "a chip", "cores": 2, "date": "2026-01-02"}
    report = bench.report
    monkeypatch.setattr(report, "BESIDE", tmp_path / "beside.md")
    report.BESIDE.write_text(f"before\n{report.BEGIN}old\n{report.END}\nafter\n", "utf-8")
    report.write({"optimality": part})
    text = report.BESIDE.read_text("utf-8")
    assert text.startswith(f"before\n{report.BEGIN}\n| network")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "| 0 | advlib | 0.990 | 0.0800 | 75% | 0.0812 | 250 | 20 | 1 |" in text
    assert "| 1 | B | 0.500 | 0.0800 | 75% | 0.0812 | 250 | 20 | 2.5 |" in text
    assert "an image; 4 not fooled" in text
    assert "a chip, 2 cores, 2026-01-02; pyautoattack 0.2.0, torch 2.13.0, foolbox 3.3.4." in text
    ((name, line),) = report.notes({"optimality": part})
    assert name == "optimality"
    assert "advlib 0.990, 0.990; B 0.500, 0.500." in line

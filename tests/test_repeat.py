"""Repeating the ledger's claims: what is asked again is what is stored, and a number that has moved is found."""

import dataclasses
import importlib.util

import numpy as np
import pytest

from advlib import cnn, data, ledger, results
from advlib.metrics import Rate

spec = importlib.util.spec_from_file_location("repeat", data.ROOT / "tools" / "repeat.py")
repeat = importlib.util.module_from_spec(spec)
spec.loader.exec_module(repeat)


@pytest.fixture(scope="module")
def rows():
    return ledger.rows()


def test_every_measured_claim_is_compared_and_holds_against_itself(rows):
    lines = list(repeat.compared(rows, rows))
    assert [line["claim"] for line in lines] == [row.claim for row in rows if row.kind != "setting"]
    assert len(lines) >= 25
    assert all(line["holds"] for line in lines)


@pytest.mark.parametrize(
    ("claim", "network", "moved"),
    [("section II, accuracy", 1, 6), ("section III, success at ε = 0.15", 2, 21), ("Figure 2, ε = 0.20", 0, 18),
     ("Figure 5, the 3s", 1, 4), ("Figure 3, ε = 0.20", 0, 0.0021), ("Figure 4, the 3s", 2, 0.0006)],
)  # fmt: skip
def test_a_number_that_has_moved_is_found(rows, claim, network, moved):
    (place,) = (i for i, row in enumerate(rows) if row.claim == claim)
    ours = list(rows[place].ours)
    was = ours[network]
    ours[network] = Rate(was.k - moved, was.n) if isinstance(was, Rate) else was - moved
    now = [*rows]
    now[place] = dataclasses.replace(rows[place], ours=tuple(ours))
    assert [line["claim"] for line in repeat.compared(rows, now) if not line["holds"]] == [claim]


def test_the_stored_noises_come_in_the_order_of_their_classes_and_sizes():
    mnist = data.load("mnist")
    if not mnist.published:
        pytest.skip("the stored noises were made for MNIST, which is not on this machine")
    net, noises = cnn.load("mnist", 1), repeat.stored(1)
    assert len(noises) == 26
    stored = {(row["ε"], row["class"]): row for part in ("figure_2_3", "figure_4_5")
              for row in results.load(ledger.STORED)[part] if row["network"] == 1}  # fmt: skip
    for noise in noises[::5]:
        assert np.abs(noise.noise).max() == pytest.approx(noise.eps, rel=1e-3)
        found, then = repeat.judged(net, mnist, noise), stored[noise.eps, noise.source]
        assert abs(found["k"] - then["k"]) <= 3
        assert found["rms"] == pytest.approx(then["rms"], abs=5e-4)

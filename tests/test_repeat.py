"""Repeating the ledger's claims: what is asked again is what is stored, and a number that has moved is found."""

import dataclasses
import importlib.util
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from advlib import cnn, data, ledger, results
from advlib.metrics import Rate

spec = importlib.util.spec_from_file_location("repeat", data.ROOT / "tools" / "repeat.py")
repeat = importlib.util.module_from_spec(spec)
spec.loader.exec_module(repeat)


@pytest.fixture(scope="module")
def rows():
    return ledger.rows()


def of(rows, seed):
    """As one network's own measurement gives them."""
    return [row if row.kind == "setting" else dataclasses.replace(row, ours=row.ours[seed : seed + 1]) for row in rows]


def test_every_measured_claim_is_compared_and_holds_against_itself(rows):
    measured = [row.claim for row in rows if row.kind != "setting"]
    assert len(measured) >= 25
    for seed in ledger.SEEDS:
        lines = list(repeat.compared(rows, of(rows, seed), seed))
        assert [line["claim"] for line in lines] == measured
        assert all(line["as stored"] for line in lines)


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
    lines = repeat.compared(rows, of(now, network), network)
    assert [line["claim"] for line in lines if not line["as stored"]] == [claim]


def test_the_independent_check_that_is_kept_is_of_what_is_stored(rows):
    """After new results it says nothing, and somebody has to repeat them."""
    kept = pd.read_csv(data.ROOT / "data" / "independent_check.csv")
    for seed in ledger.SEEDS:
        told = kept[kept["network"] == seed].reset_index()
        lines = pd.DataFrame(repeat.compared(rows, of(rows, seed), seed))
        assert list(told["claim"]) == list(lines["claim"])
        assert list(told["stored"]) == list(lines["stored"].astype(float))
        apart = [repeat.allowed(row, seed) for row in rows if row.kind != "setting"]
        assert (abs(told["stored"] - told["now"]) <= np.add(apart, 1e-4)).all()  # both are rounded to four digits


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


@pytest.fixture
def quick(rows, monkeypatch, tmp_path):
    """Networks that give what is stored, at once; and where it is written."""
    monkeypatch.setattr(repeat, "WRITTEN", tmp_path / "_repeat" / "claims.csv")
    monkeypatch.setattr(repeat, "again", lambda seed, mnist: seed)
    monkeypatch.setattr(repeat.data, "load", lambda name: SimpleNamespace(published=True))
    monkeypatch.setattr(repeat.ledger, "rows", lambda seed=None: rows if seed is None else of(rows, seed))
    return repeat.WRITTEN


def test_what_is_measured_is_printed_and_written(quick, capsys):
    assert repeat.main() == 0
    assert "55 of 55 measured claims came out as stored" in capsys.readouterr().out
    written = pd.read_csv(quick)
    assert len(written) == 165
    assert set(written["network"]) == {0, 1, 2}
    assert written["as stored"].all()


def test_an_interruption_loses_no_network_that_is_done(quick, monkeypatch, capsys):
    def interrupted(seed, mnist):
        if seed == repeat.ORDER[-1]:
            raise KeyboardInterrupt
        return seed

    monkeypatch.setattr(repeat, "again", interrupted)
    with pytest.raises(SystemExit, match=f"interrupted at network {repeat.ORDER[-1]}; what the others gave is in"):
        repeat.main()
    assert "Network 1, stored and now" in capsys.readouterr().out
    assert len(pd.read_csv(quick)) == 110

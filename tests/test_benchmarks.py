"""benchmarks/: what they compare is the same attack, and README shows what was measured."""

import importlib.util
import sys

import numpy as np
import pytest
import tiny

from advlib import cnn, common_noise, data

FOLDER = data.ROOT / "benchmarks"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench", FOLDER / "bench.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(FOLDER), *sys.path])
        spec.loader.exec_module(module)
    return module


def test_the_plain_loop_is_algorithm_1(bench):
    model, x, y = tiny.convolutional(), tiny.images(4), np.zeros(4, int)
    *_, (seconds, e) = bench.plain(model, x, y, eps=0.2, epochs=3)
    assert seconds > 0
    np.testing.assert_allclose(e, common_noise(model, x, y, eps=0.2, epochs=3).noise, atol=1e-5)


def test_a_gradient_of_table_1_costs_what_its_layers_multiply(bench):
    forward = 28 * 28 * 25 * 32 + 14 * 14 * 25 * 32 * 64 + 7 * 7 * 64 * 1024 + 1024 * 10
    assert bench.flops(cnn.build()) == 4 * forward


def test_readme_shows_what_was_measured(bench):
    report = bench.report
    readme = report.README.read_text("utf-8")
    shown = readme.partition(report.BEGIN)[2].partition(report.END)[0]
    assert shown.strip() == report.table(report.load()).strip()


def test_a_peer_that_failed_is_told_and_the_others_stand(bench):
    rows = [
        {"name": name, "rule": rule, "k": 8, "seconds": 1.0, **({"ratio": 31.4159} if name == "B" else {})}
        for name in ("advlib", "B") for rule in ("sign", "gradient")
    ] + [{"name": "C", "rule": rule, "failed": "no such module"} for rule in ("sign", "gradient")]  # fmt: skip
    part = {"measured": {"images": 10, "steps": 200, "rows": rows}, "packages": {"b": "1.0"}}
    part |= {"cpu": "a chip", "cores": 2, "date": "2026-01-02"}
    lines = bench.report.table({"peers": part}).splitlines()
    assert lines[2:5] == [
        "| advlib | 80.0% | 1 | 80.0% | 1 |",
        "| B | 80.0% | 31.4 | 80.0% | 31.4 |",
        "| C | did not run | – | did not run | – |",
    ]
    assert "a chip, 2 cores, 2026-01-02; b 1.0" in lines[-1]

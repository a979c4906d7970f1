"""The checks as a package: found by name as before, and known before TensorFlow is."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import course
from advlib import checks, gradient
from advlib.backend import keras
from advlib.checks import stand_in, trying

ROOT = Path(__file__).parents[1]


def test_every_check_that_a_notebook_calls_is_there():
    called = set()
    for path in course.notebooks():
        for cell in nbformat.read(path, 4).cells:
            called |= set(re.findall(r"\bchecks\.(\w+)\(", cell.source))
    assert {"step", "environment"} <= called
    assert called <= set(checks.__all__)
    assert all(callable(getattr(checks, name)) for name in checks.__all__)


def test_the_checks_come_without_tensorflow():
    program = (
        "import sys\n"
        "from advlib import checks\n"
        "checks.step(lambda network, x_adv, y, alpha: network(x_adv, y)[0])\n"
        "print(sorted(name for name in sys.modules if name in ('tensorflow', 'keras', 'advlib.backend', 'advlib.cnn')))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    said, loaded = done.stdout.splitlines()[0], done.stdout.splitlines()[-1]
    assert said.startswith("[not yet] step: ")
    assert loaded == "[]"


def test_the_verdict_on_the_courses_own_solution_is_folded_and_headed(monkeypatch, capsys):
    def step_solution(network, x_adv, y, alpha):
        return "<b>"

    def step(network, x_adv, y, alpha):
        return "<b>"

    shown = []
    monkeypatch.setattr(trying, "display", lambda bundle, raw: shown.append(bundle))
    monkeypatch.delenv("ADVLIB_PAGE", raising=False)
    checks.step(step)
    said = capsys.readouterr().out
    assert said.startswith("[not yet] step: ")
    checks.step(step_solution)
    assert not capsys.readouterr().out  # nothing that could be taken for the learner's
    (bundle,) = shown
    assert bundle["text/plain"] == f"Solution: {said.strip()}"
    assert bundle["text/html"].startswith("<details><summary>Solution</summary><pre>[not yet] step: ")
    assert "<b>" not in bundle["text/html"]
    monkeypatch.setenv("ADVLIB_PAGE", "1")
    checks.step(step_solution)
    assert [*shown[1]] == ["text/plain"]  # there the whole cell is folded


@pytest.mark.parametrize("label", [[0, 1, 2], [0, 1], 0, [0.0, 1.0, 2.0], [0, 1, 3], [[0], [1], [2]]])
@pytest.mark.parametrize("of", [lambda x: x, lambda x: x[0], lambda x: x[..., 0], lambda x: x.reshape(3, -1)])
def test_the_network_that_stands_in_says_what_the_real_one_says(of, label):
    model = keras.Sequential([keras.layers.Input((2, 3, 2)), keras.layers.Flatten(), keras.layers.Dense(3)])
    x = of(stand_in.some_images(3))
    try:
        gradient(model, x, label)
    except (TypeError, ValueError) as refused:
        with pytest.raises(type(refused), match=re.escape(f"in network(x, y), {refused}")):
            stand_in.network(x, label)
    else:
        z, g = stand_in.network(x, label)
        assert (z.shape, g.shape) == ((3, 3), x.shape)

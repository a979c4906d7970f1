"""The checks of notebooks 00 and 01: each usual wrong answer gets its own hint, and every right way passes."""

import functools
import inspect
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import scipy.special

from advlib import checks
from advlib.checks import trying

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def told(capsys, check, function):
    check(function)
    return capsys.readouterr().out


# --------------------------------------------------------------------------------------------- right answers
def grey_levels(eps):
    return 255 * eps


def grey_levels_as_array(eps):
    return np.asarray(eps, np.float32) * 255


def count_parameters(kernel, inputs, outputs):
    return outputs * (kernel**2 * inputs + 1)


def count_one_by_one(kernel, inputs, outputs):
    weights = np.zeros((kernel, kernel, inputs, outputs))
    return weights.size + np.zeros(outputs).size


def softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def softmax_row_by_row(z):
    rows = []
    for row in z:
        powers = np.exp(row - max(row))
        rows.append(list(powers / sum(powers)))
    return rows


def softmax_by_logarithm(z):
    return np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])


def cross_entropy(z, y):
    return -np.log(softmax(z)[np.arange(len(z)), y])


def cross_entropy_by_one_hot(z, y):
    return -(np.eye(z.shape[1])[y] * np.log(softmax(z))).sum(axis=1)


def cross_entropy_image_by_image(z, y):
    return [np.log(np.sum(np.exp(row))) - row[label] for row, label in zip(z, y)]


def accuracy(z, y):
    return np.mean(np.argmax(z, axis=1) == y)


def accuracy_by_counting(z, y):
    right = 0
    for row, label in zip(z, y):
        right += list(row).index(max(row)) == label
    return right / len(y)


RIGHT = [
    (checks.grey_levels, grey_levels),
    (checks.grey_levels, grey_levels_as_array),
    (checks.count_parameters, count_parameters),
    (checks.count_parameters, count_one_by_one),
    (checks.softmax, softmax),
    (checks.softmax, softmax_row_by_row),
    (checks.softmax, softmax_by_logarithm),
    (checks.softmax, lambda z: scipy.special.softmax(z, axis=1)),
    (checks.cross_entropy, cross_entropy),
    (checks.cross_entropy, cross_entropy_by_one_hot),
    (checks.cross_entropy, cross_entropy_image_by_image),
    (checks.accuracy, accuracy),
    (checks.accuracy, accuracy_by_counting),
]


@pytest.mark.parametrize(("check", "function"), RIGHT)
def test_a_right_answer_passes(capsys, check, function):
    assert re.fullmatch(rf"\[OK\] {check.__name__}: right, in \d tests\n", told(capsys, check, function))


# ------------------------------------------------------------------------------ usual mistakes, each with its hint
def changes_its_input(z):
    z -= z.max(axis=1, keepdims=True)
    return softmax(z)


def logs(z):
    return np.log(softmax(z))


def pick(values, y):
    return values[np.arange(len(y)), y]


powers = np.exp
WRONG = [
    (checks.grey_levels, lambda eps: eps / 255, "multiply"),
    (checks.grey_levels, lambda eps: 256 * eps, "255 steps between them"),
    (checks.grey_levels, lambda eps: round(255 * eps), "rounded"),
    (checks.grey_levels, lambda eps: np.floor(255 * eps), "rounded"),
    (checks.grey_levels, lambda eps: 100 * eps, "percent"),
    (checks.grey_levels, lambda eps: eps, "as it came"),
    (checks.grey_levels, lambda eps: 255 * eps + 1, "expected 38.25, found 39.25"),
    (checks.grey_levels, lambda eps: 255 * float(eps), "TypeError"),
    (checks.grey_levels, lambda eps: [255 * eps], "must be one number; found shape (1,)"),
    (checks.count_parameters, lambda k, i, o: k * k * i * o, "adds a bias"),
    (checks.count_parameters, lambda k, i, o: k * k * i * o + 1, "as many as outputs"),
    (checks.count_parameters, lambda k, i, o: (k * k * o + 1) * i, "not for each input"),
    (checks.count_parameters, lambda k, i, o: (k * k + 1) * i * o, "not one for each input"),
    (checks.count_parameters, lambda k, i, o: k * i * o + o, "a filter is a square"),
    (checks.count_parameters, lambda k, i, o: k * k * o + o, "every input channel"),
    (checks.count_parameters, lambda k, i, o: k * k * i + 1, "this is one filter"),
    (checks.count_parameters, lambda k, i, o: 51264, "expected 832"),
    (checks.count_parameters, lambda k, i, o: 832, "expected 5.126e+04"),
    (checks.softmax, powers, "divide by the row's sum"),
    (checks.softmax, lambda z: powers(z) / powers(z).sum(), "all rows together"),
    (checks.softmax, lambda z: powers(z) / powers(z).sum(0), "the columns sum to 1"),
    (checks.softmax, lambda z: z / z.sum(1, keepdims=True), "no exponential"),
    (checks.softmax, lambda z: powers(z) / powers(z).max(1, keepdims=True), "by the largest"),
    (checks.softmax, logs, "logarithms"),
    (checks.softmax, lambda z: powers(z) / powers(z).sum(1, keepdims=True), "exp(1000)"),
    (checks.softmax, lambda z: softmax(z)[:, ::-1], "not the right numbers"),
    (checks.softmax, lambda z: powers(z - z.max()) / powers(z - z.max()).sum(1, keepdims=True), "own largest"),
    (checks.softmax, lambda z: powers(z) / powers(z).sum(1), "ValueError"),
    (checks.softmax, lambda z: softmax(z)[0], "must have shape (2, 3); found shape (3,)"),
    (checks.softmax, changes_its_input, "it changed the array"),
    (checks.cross_entropy, lambda z, y: cross_entropy(z, y).mean(), "the mean comes later"),
    (checks.cross_entropy, lambda z, y: cross_entropy(z, y).sum(), "the sum comes later"),
    (checks.cross_entropy, lambda z, y: -cross_entropy(z, y), "the sign"),
    (checks.cross_entropy, lambda z, y: -logs(z).max(1), "likes best"),
    (checks.cross_entropy, lambda z, y: logs(z).max(1), "sign is wrong too"),
    (checks.cross_entropy, lambda z, y: -pick(z, y), "these are logits"),
    (checks.cross_entropy, lambda z, y: pick(softmax(z), y), "minus their logarithm"),
    (checks.cross_entropy, lambda z, y: 1 - pick(softmax(z), y), "1 - p"),
    (checks.cross_entropy, lambda z, y: -np.log2(pick(softmax(z), y)), "base 2"),
    (checks.cross_entropy, lambda z, y: -np.log10(pick(softmax(z), y)), "base 10"),
    (checks.cross_entropy, lambda z, y: -np.log(pick(scipy.special.softmax(z), y)), "each image has its own"),
    (checks.cross_entropy, lambda z, y: -logs(z).sum(1), "the sum over the classes"),
    (checks.cross_entropy, lambda z, y: -pick(np.log(softmax(z.T).T), y), "over the images"),
    (checks.cross_entropy, lambda z, y: cross_entropy(softmax(z), y), "twice"),
    (checks.cross_entropy, lambda z, y: -(y * logs(z)).sum(1), "no ones and zeros"),
    (checks.cross_entropy, lambda z, y: -logs(z).mean(1), "mean over the classes"),
    (checks.cross_entropy, lambda z, y: -logs(z)[:, y], "pick the true one's"),
    (checks.cross_entropy, lambda z, y: -logs(z), "pick the true one's"),
    (checks.cross_entropy, lambda z, y: -np.log(pick(z, y)), "NaN or infinity"),
    (checks.cross_entropy, lambda z, y: cross_entropy(z, y)[:2], "must have shape (3,)"),
    (checks.cross_entropy, lambda z, y: -logs(z)[range(3), [0, 2, 1]], "must have shape (4,)"),
    (checks.accuracy, lambda z, y: z.argmax(1) == y, "is their mean"),
    (checks.accuracy, lambda z, y: (z.argmax(1) == y).sum(), "divide by how many"),
    (checks.accuracy, lambda z, y: 100 * accuracy(z, y), "percent"),
    (checks.accuracy, lambda z, y: (z.argmax(0) == y).mean(), "a row is an image"),
    (checks.accuracy, lambda z, y: (z.argmax() == y).mean(), "a row is an image"),
    (checks.accuracy, lambda z, y: 1 - accuracy(z, y), "share of mistakes"),
    (checks.accuracy, lambda z, y: (z.argmax(1) == y).sum() // len(y), "rounds down"),
    (checks.accuracy, lambda z, y: (z.max(1) == y).mean(), "the place of the largest logit"),
    (checks.accuracy, lambda z, y: (z.argmax(1) == y).sum() / 5, "divided by 5"),
    (checks.accuracy, lambda z, y: z.argmax(1)[:2], "must be one number"),
]


@pytest.mark.parametrize(("check", "function", "hint"), WRONG)
def test_a_wrong_answer_gets_its_hint(capsys, check, function, hint):
    text = told(capsys, check, function)
    assert text.startswith(f"[not yet] {check.__name__}: ")
    assert hint in text
    assert '\n          Help: unfold "Hint' in text


CHECKS = [checks.grey_levels, checks.count_parameters, checks.softmax, checks.cross_entropy, checks.accuracy]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_stub_is_not_written_yet(capsys, check):
    def not_implemented(*_):
        raise NotImplementedError

    for stub in (lambda *_: ..., lambda *_: None, not_implemented):
        assert "not written yet" in told(capsys, check, stub)
    assert "give the function itself" in told(capsys, check, 0.5)


def test_an_error_in_the_learners_code_is_told_with_its_line_and_the_shapes(capsys):
    def mine(z):
        powers = np.exp(z)
        return powers / powers.sum(axis=1)

    text = told(capsys, checks.softmax, mine)
    assert "it stopped with ValueError: operands could not be broadcast" in text
    assert "in its line 3; it was given z: of shape (2, 3)" in text


# -------------------------------------------------------------------------------------- what the notebooks say
def sources(name):
    return [cell.source for cell in nbformat.read(NOTEBOOKS / name, 4).cells]


def test_an_error_in_what_has_no_lines_of_its_own_is_told_too(capsys):
    assert "it stopped with TypeError" in told(capsys, checks.softmax, np.add)

    def mine(z, wrong):
        return z / wrong

    text = told(capsys, checks.softmax, functools.partial(mine, wrong="1"))
    assert "in its line 2; it was given z: of shape (2, 3)" in text


def test_a_loop_that_never_ends_is_stopped(capsys, monkeypatch):
    monkeypatch.setattr(trying, "SECONDS", 0.3)

    def mine(z):
        while True:
            pass

    assert "stopped after 0.3 seconds: does a loop never end?" in told(capsys, checks.softmax, mine)


def test_a_learners_own_interrupt_and_exit(capsys):
    def interrupted(z):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checks.softmax(interrupted)
    assert "it stopped with SystemExit: enough" in told(capsys, checks.softmax, lambda z: sys.exit("enough"))


def test_large_logits_have_a_hint_of_their_own(capsys):
    said = told(capsys, checks.softmax, lambda z: powers(z) / powers(z).sum(1, keepdims=True))
    assert 'Help: unfold "Hint: large logits" above your function.' in said


NAMES = ["00_start_here", "01_the_cnn", "02_fool_one_image", "03_gradient_vs_sign", "04_common_noise"]


@pytest.mark.parametrize("name", NAMES)
def test_the_hints_that_the_checks_speak_of_are_there(name):
    text = "\n".join(sources(f"{name}.ipynb"))
    used = {getattr(checks, check) for check in re.findall(r"checks\.(\w+)\(my_", text)}
    assert used
    for check in used:
        own = inspect.getdoc(check).splitlines()[-1]
        others = re.findall(r'"(Hint: [^"]+)"', inspect.getsource(check.__wrapped__))
        assert own.startswith("Hint")
        for title in (own, *others):
            assert f"<summary>{title}</summary>" in text


def test_the_map_in_00_has_every_notebook_with_its_minutes():
    text = "\n".join(sources("00_start_here.ipynb"))
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        row = re.search(rf"\({path.name}\).*", text)
        line = re.search(r"\*\*Minutes\*\*(.*)", sources(path.name)[1])[1]
        columns = " | ".join(re.findall(r"\d+", line))
        assert row, f"00_start_here's map has no row for {path.name}"
        assert row[0].endswith(f"| {columns} |"), f"{path.name}: its card says | {columns} |"

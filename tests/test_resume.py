"""What a full run keeps: given back to the same call, to no other one, and never when it was interrupted or damaged."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
from small import interrupting, network, train

from advlib import attack, common, defences, results, resume, training
from advlib.backend import keras, tf
from advlib.gradients import Interrupted, predict

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A full run's folder, in which also what takes no time is kept."""
    monkeypatch.setattr(resume, "FOLDER", str(tmp_path / "kept"))
    monkeypatch.setattr(resume, "LEAST", 0)
    again()
    return tmp_path / "kept"


def again():
    """The next process."""
    resume._asked.clear()


def name(*what):
    """The name of what comes of these things, as a new process finds it."""
    again()
    path = resume.place(*what)
    return path and path.name


CALLS = []  # what was computed
DOES = {"x": lambda x: x + 1}


@resume.kept
def counted(x, **how):
    CALLS.append(x)
    return DOES["x"](x)


@pytest.fixture
def computed(folder, monkeypatch):
    """What was computed, and a way to have something else computed."""
    CALLS.clear()
    return lambda does: monkeypatch.setitem(DOES, "x", does)


def test_the_same_call_is_computed_once(computed, folder):
    first = counted(np.arange(3), k=1)
    assert len([*folder.iterdir()]) == 1
    again()
    assert np.array_equal(counted(np.arange(3), k=1), first)
    assert len(CALLS) == 1


def test_outside_of_a_full_run_nothing_is_kept(computed, folder, monkeypatch):
    monkeypatch.setattr(resume, "FOLDER", None)
    assert [counted(1), counted(1), CALLS] == [2, 2, [1, 1]]
    assert not folder.exists()


def test_one_run_computes_a_call_as_often_as_it_makes_it(computed):
    """Else the best of three times were that of reading a file; and what rests on a global variable were wrong."""
    drawn = iter(range(10))
    computed(lambda x: next(drawn))
    assert [counted(1) for _ in range(3)] == [0, 1, 2]
    again()
    assert [counted(1) for _ in range(4)] == [0, 1, 2, 3]


def test_what_takes_no_time_is_not_kept(computed, folder, monkeypatch):
    monkeypatch.setattr(resume, "LEAST", 3600)
    assert counted(1) == 2
    assert not folder.exists()


@pytest.mark.parametrize(
    "damage",
    [lambda old: b"", lambda old: old[:-5], lambda old: old[::-1],
     lambda old: old[:30] + bytes([old[30] ^ 1]) + old[31:]],
    ids=["empty", "cut off", "something else", "a bit turned"],
)  # fmt: skip
def test_a_damaged_file_is_computed_anew_and_written_again(damage, computed, folder):
    counted(1)
    (file,) = folder.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    for _ in range(2):
        again()
        assert counted(1) == 2
    assert CALLS == [1, 1]


def test_what_cannot_be_told_apart_or_written_is_computed_every_time(computed, folder):
    """And nothing breaks."""
    for does, x in (id, sys.stdout), (lambda x: (row for row in [x]), 1):
        computed(does)
        CALLS.clear()
        for _ in range(2):
            again()
            counted(x)
        assert [x, x] == CALLS
    assert not folder.exists()
    folder.write_text("a file, where the folder is to be")
    assert counted(2) is not None


# ------------------------------------------------------------------------------------ what another call is
def plus(n):
    return lambda x: x + n


def by_ten(x):
    return [x * 10 for _ in {"a", "b"}]


def by_eleven(x):
    return [x * 11 for _ in {"a", "b"}]


OTHERS = {
    "an entry of an array": (np.zeros(9), np.eye(9)[0]),
    "the kind of number": (np.zeros(9), np.zeros(9, np.float32)),
    "the shape": (np.zeros((2, 3)), np.zeros((3, 2))),
    "the weights": (network(0), network(1)),
    "the layers, at the same weights": tuple(
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, kind, kernel_initializer="ones")])
        for kind in ("relu", "tanh")
    ),
    "a function's code": (by_ten, by_eleven),
    "what a function has about it": (plus(1), plus(2)),
    "what a partial function is given": (functools.partial(by_ten, 1), functools.partial(by_ten, 2)),
    "the function behind a cache": (functools.cache(by_ten), functools.cache(by_eleven)),
    "the function behind a graph": (tf.function(by_ten), tf.function(by_eleven)),
    "a loss": (defences.adversarial(0.3, 10), defences.adversarial(0.2, 10)),
    "a generator's list": ((x for x in [1]), (x for x in [2])),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_another_argument_is_another_call(what, folder):
    one, other = OTHERS[what]
    assert name(one) is not None
    assert name(one) == name(one) != name(other)


def test_how_an_array_lies_in_memory_is_nothing(folder):
    a = np.arange(6.0).reshape(2, 3)
    assert name(a) == name(a.T.copy().T) == name(a[::1])


def test_a_notebooks_function_is_another_one_when_a_cell_above_has_changed(folder, monkeypatch):
    def names(*cells):
        monkeypatch.setattr(sys.modules["__main__"], "In", ["", *cells], raising=False)
        return name(mine), name(Mine), name(row for row in [1]), name(by_ten)

    def mine():
        pass

    class Mine:
        pass

    mine.__module__ = Mine.__module__ = "__main__"
    before, same, after = names("eps = 0.1", "mine()"), names("eps = 0.1", "mine()"), names("eps = 0.2", "mine()")
    assert before == same
    assert [a == b for a, b in zip(before, after)] == [False, False, False, True]


ELSEWHERE = """
import sys
sys.path.insert(0, {tests!r})
from advlib.backend import keras
made = [keras.layers.Dense(2) for _ in range(3)]  # Keras numbers its layers
import small, test_resume
from advlib import resume
resume.FOLDER = "kept"
things = [small.network(), test_resume.by_ten, frozenset(["a", "b", "c"]), {{"b": 1, "a": 2}}]
print(*(resume.place(thing).name for thing in things))
"""


def test_another_process_finds_the_same_names(folder):
    """With other numbers for Keras's layers, and another order of sets."""
    script = ELSEWHERE.format(tests=str(ROOT / "tests"))
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": "7"}, check=True,
        stdout=subprocess.PIPE, text=True,
    ).stdout.split()  # fmt: skip
    assert told == [name(network()), name(by_ten), name(frozenset("abc")), name({"b": 1, "a": 2})]


# ------------------------------------------------------------------------------------ the course's long work
@pytest.fixture(scope="module")
def net():
    return tiny.convolutional()


@pytest.fixture(scope="module")
def x():
    return tiny.images(12)


@pytest.fixture(scope="module")
def y(net, x):
    return predict(net, x)


def works(net, x, y):
    """The three searches, by the module that computes their gradients."""
    how = {"eps": 0.2, "alpha": 0.05}
    return {
        "attack": lambda: attack.iterative_attack(net, x, y, **how, max_iter=3),
        "common": lambda: common.common_noise(net, x, y, source=[y[0]] * 2, **{**how, "eps": [0.1, 0.2]}, epochs=2),
        "box": lambda: attack.box_attack(net, x, y, np.maximum(x - 0.1, 0), np.minimum(x + 0.1, 1), max_iter=3),
    }


def alike(a, b):
    """Whether two results are the same, whatever they are made of."""
    return name(a) == name(b)


@pytest.mark.parametrize("which", ["attack", "common", "box"])
def test_a_search_is_given_back_whole_and_an_interrupted_one_is_not_kept(which, net, x, y, folder, monkeypatch):
    work, module = works(net, x, y)[which], common if which == "common" else attack
    with monkeypatch.context() as patch:
        patch.setattr(module, "gradient", interrupting(module.gradient, 1))
        with pytest.raises(KeyboardInterrupt) as why:
            work()
    assert isinstance(why.value, Interrupted) == (which != "box")
    assert not folder.exists()
    again()
    found = work()
    monkeypatch.setattr(module, "gradient", interrupting(module.gradient, 0))  # whoever computes is interrupted
    again()
    given = work()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert alike(given, found)


def test_a_search_with_another_network_is_another_search(net, x, y, folder):
    works(net, x, y)["attack"]()
    other = keras.models.clone_model(net)
    other.set_weights([w + np.float32(1e-3) for w in net.get_weights()])
    again()
    works(other, x, y)["attack"]()
    assert len([*folder.iterdir()]) == 2


SETTINGS = {"evaluate_at": [0, 4, 7], "watch": lambda model: model.get_weights()[0]}


@pytest.fixture
def often(folder, monkeypatch):
    monkeypatch.setattr(training, "OWN", 3)
    return folder


def test_an_interrupted_training_goes_on_with_the_same_weights(often, monkeypatch):
    expected = network()
    told = train(expected, 12, **SETTINGS)
    (file,) = often.iterdir()
    file.unlink()
    again()
    with monkeypatch.context() as patch:
        patch.setattr(training, "_batch", interrupting(training._batch, 8))
        with pytest.raises(KeyboardInterrupt):
            train(network(), 12, **SETTINGS)
    again()
    model = network()
    monkeypatch.setattr(training, "_batch", interrupting(training._batch, 12 - 6))
    found = train(model, 12, **SETTINGS)
    assert [w.tobytes() for w in model.get_weights()] == [w.tobytes() for w in expected.get_weights()]
    assert alike(found, told)


def dropping(share):
    """The network with another layer, and the same weights."""

    def again(layer):
        config = layer.get_config()
        return layer.from_config(config | ({"rate": share} if "rate" in config else {}))

    return keras.models.clone_model(network(), clone_function=again)


def kernel(model):
    return model.get_weights()[2]


def test_each_training_has_a_checkpoint_of_its_own(often, monkeypatch):
    """Those that a later training might go on from by mistake."""

    def asked(*what):
        raise LookupError(place(*what).name)

    def name_of(model, **settings):
        again()
        with pytest.raises(LookupError) as why:
            train(model, **{"iterations": 12} | SETTINGS | settings)
        return str(why.value)

    place = resume.place
    monkeypatch.setattr(resume, "place", asked)
    changes = [
        {"iterations": 15}, {"evaluate_at": [0, 5]}, {"seed": 1}, {"falling": True}, {"watch": kernel},
        *({"loss": defences.bounded(eps, 5)} for eps in (0.1, 0.2)), *({"augment": f} for f in (by_ten, by_eleven)),
    ]  # fmt: skip
    names = [name_of(model) for model in (network(0), network(1), dropping(0.4))]
    names += [name_of(network(0), **change) for change in changes]
    assert len({*names}) == len(names)
    assert name_of(network(0)) == names[0]


def test_a_damaged_checkpoint_of_the_runs_own_begins_anew(often):
    expected = network()
    train(expected, 12)
    (file,) = often.iterdir()
    file.write_bytes(file.read_bytes()[:500])
    again()
    model = network()
    train(model, 12)
    assert [w.tobytes() for w in model.get_weights()] == [w.tobytes() for w in expected.get_weights()]


def test_a_short_training_is_not_kept(folder):
    """A notebook times such ones."""
    assert training.OWN > 120
    train(network(), 12)
    assert not folder.exists()


# ------------------------------------------------------------------------------------ a study, and its times
@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(results, "SCALE", "paper")
    monkeypatch.setattr(resume, "_times", {})
    return results.study("02", SimpleNamespace(published=True))


@pytest.fixture
def seconds(monkeypatch):
    """A clock that is moved by hand."""
    now = [0.0]
    monkeypatch.setattr(resume.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(resume, "_before", 0.0)
    monkeypatch.setattr(resume, "_last", 0.0)

    def pass_(by):
        now[0] += by
        return by

    return pass_


def test_a_generator_that_is_kept_is_not_run_again(study, folder):
    def rows():
        again()
        study.keep("attacks", ({"k": k, "run": CALLS.append(k)} for k in (1, 2)))

    CALLS.clear()
    rows()
    first = study["attacks"]
    rows()
    assert CALLS == [1, 2]
    assert study["attacks"] == first == results.load("02")["attacks"]
    assert [row["k"] for row in first] == [1, 2]


def test_without_a_full_run_a_generator_is_a_list_of_rows(study):
    study.keep("attacks", ({"k": k} for k in (1, 2)))
    assert study.mine["attacks"] == [{"k": 1}, {"k": 2}]


def test_an_experiments_time_is_that_of_its_work_whenever_it_was_done(study, computed, folder, seconds):
    """The second run is given the 100 seconds of the attack back, and counts them."""

    def notebook():
        again()
        seconds(3)
        study.keep("one", [{"k": counted(1)}])
        seconds(5)
        study.keep("two", [{"k": 2}])
        seconds(2)
        study.keep("one", [{"k": 3}])
        return json.loads((folder / "times.json").read_text())

    computed(lambda x: seconds(100))
    told = notebook()
    assert told == {"02": {"one": 105, "two": 5}}
    resume._times.clear()
    assert notebook() == told
    assert CALLS == [1]


def test_a_trainings_time_is_counted_when_it_goes_on(often, seconds, monkeypatch):
    honest = training._batch
    monkeypatch.setattr(training, "_batch", lambda *how: (seconds(10), honest(*how))[1])
    train(network(), 12)
    assert resume.clock() == 120
    again()
    train(network(), 12)
    assert resume.clock() == 120 + 120


def test_elsewhere_it_costs_no_import():
    """The data need no TensorFlow."""
    script = "import sys\nfrom advlib import data, resume\nprint('tensorflow' in sys.modules, 'joblib' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    assert told.stdout.split() == ["False", "False"]

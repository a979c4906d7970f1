"""The network in the reader's browser: its numbers are Python's, in Chromium and in Firefox, opened from the disk.

The reference is Table I in NumPy, in double precision.  Chromium and Firefox compute in a worker, from the files that
the build writes.
"""

import hashlib
import json
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from answering import ROOT, answered, packed, unpacked
from numpy.lib.stride_tricks import sliding_window_view

from advlib import cnn, data, iterative_attack, metrics

sys.path.insert(0, str(ROOT / "site"))
from live import build

LIVE = ROOT / "site" / "live"
EPS, ALPHA, STEPS = 61 / 255, 10 / 255, 60
OFF_GRID = {"sign": 1.3 / 255, "gradient": 7.3 / 255}  # steps after which no pixel has a whole grey level
DIGITS, ATTACKED, ROUNDED, SEEN = 1000, 100, 20, 10
HOWS = [(rule, aimed) for rule in ("sign", "gradient") for aimed in (False, True)]


# ------------------------------------------------------------------------------------ the reference
def windows(images):
    """The 5×5 around each place, with zeros around the image: (n, height, width, channels, 5, 5)."""
    return sliding_window_view(np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0))), (5, 5), axis=(1, 2))


@dataclass
class Reference:
    """Table I in double precision; of level pixels in a pooling window the first counts."""

    weights: list

    def convolved(self, images, kernel):
        return np.tensordot(windows(images), kernel, ((4, 5, 3), (0, 1, 2)))

    def pooled(self, images):
        """The largest of each 2×2, and which it is: the first that is as large, but for rounding."""
        n, height, width, channels = images.shape
        cells = images.reshape(n, height // 2, 2, width // 2, 2, channels).transpose(0, 1, 3, 2, 4, 5)
        cells = cells.reshape(n, height // 2, width // 2, 4, channels)
        most = cells.max(3, keepdims=True)
        return most[:, :, :, 0], np.argmax(cells >= most - 1e-12 * np.abs(most), axis=3)

    def unpooled(self, slope, which):
        n, height, width, channels = slope.shape
        cells = np.where(np.arange(4)[:, None] == which[:, :, :, None], slope[:, :, :, None], 0)
        cells = cells.reshape(n, height, width, 2, 2, channels).transpose(0, 1, 3, 2, 4, 5)
        return cells.reshape(n, 2 * height, 2 * width, channels)

    def __call__(self, x, y=None):
        """Logits, and the gradient of L = log Σ exp z_k − z_y over the other classes where there are labels."""
        k1, b1, k2, b2, w1, c1, w2, c2 = self.weights
        x = np.asarray(x, np.float64).reshape(-1, 28, 28, 1)
        first, which1 = self.pooled(self.convolved(x, k1) + b1)
        second, which2 = self.pooled(self.convolved(np.maximum(first, 0), k2) + b2)
        flat = np.maximum(second, 0).reshape(len(x), -1)
        hidden = flat @ w1 + c1
        z = np.maximum(hidden, 0) @ w2 + c2
        if y is None:
            return z
        own = np.arange(10) == np.asarray(y)[:, None]
        others = np.where(own, -np.inf, z)
        seed = np.exp(others - others.max(1, keepdims=True))
        seed = seed / seed.sum(1, keepdims=True) - own
        back = ((seed @ w2.T * (hidden > 0)) @ w1.T).reshape(second.shape) * (second > 0)
        back = self.convolved(self.unpooled(back, which2), k2[::-1, ::-1].transpose(0, 1, 3, 2)) * (first > 0)
        return z, self.convolved(self.unpooled(back, which1), k1[::-1, ::-1].transpose(0, 1, 3, 2)).reshape(-1, 784)

    def by_parts(self, x, y=None):
        """The same, a hundred images at a time; without labels there are no gradients."""
        rows = [slice(i, i + 100) for i in range(0, max(1, len(x)), 100)]
        parts = [(self(x[some]),) if y is None else self(x[some], y[some]) for some in rows]
        return tuple(np.concatenate(part) for part in zip(*parts))

    def scaled(self, factor):
        """With logits that are so many times as large."""
        return Reference([*self.weights[:6], self.weights[6] * factor, self.weights[7] * factor])

    def attacked(self, x, y, rule, aimed=False, eps=EPS, alpha=ALPHA, steps=STEPS, see=metrics.eight_bits):
        """The loop, written out, for many images: what each had become after 0, 1, … steps, and how many it took.

        An image stops where it is fooled as ``see`` makes it.
        """
        goal, uphill = ((y + 1) % 10, -1) if aimed else (y, 1)
        x = x.astype(np.float32)
        eps = np.reshape(eps, (-1, 1)).astype(np.float32)
        images, n_iter, going = [x.copy()], np.zeros(len(x), int), np.arange(len(x))
        for step in range(steps + 1):
            read = self.by_parts(see(images[-1][going]))[0].argmax(1)
            going = going[read != goal[going] if aimed else read == goal[going]]
            if step == steps or not len(going):
                break
            g = self.by_parts(images[-1][going], goal[going])[1].astype(np.float32)
            way = np.sign(g) if rule == "sign" else g / np.abs(g).max(1, keepdims=True)
            limits = (x - eps)[going], (x + eps)[going]
            images.append(images[-1].copy())
            images[-1][going] = np.clip(np.clip(images[-1][going] + np.float32(uphill * alpha) * way, *limits), 0, 1)
            n_iter[going] += 1
        images += images[-1:] * (steps + 1 - len(images))
        return images, n_iter


def test_reference_has_the_slope_of_its_loss(reference):
    """Where there is one: a black background has ties, at which the loss has a kink."""
    rng = np.random.default_rng(0)
    x, y = rng.random((3, 784)), np.arange(3)
    g = reference(x, y)[1]

    def loss(x):
        z = reference(x)
        own = np.arange(10) == y[:, None]
        return np.log(np.exp(np.where(own, -np.inf, z)).sum(1)) - z[own]

    way = rng.standard_normal(x.shape) * 1e-8
    moved = loss(x + way) - loss(x - way)
    assert np.allclose(moved, 2 * (g * way).sum(1), rtol=1e-4)


# ------------------------------------------------------------------------------------ what is asked
@pytest.fixture(scope="module")
def weights():
    return [np.float64(w) for w in cnn.load("mnist").get_weights()]


@pytest.fixture(scope="module")
def reference(weights):
    return Reference(weights)


@pytest.fixture(scope="module")
def digits():
    x, y = (part[:DIGITS] for part in data.load("mnist").test)
    return x.reshape(len(x), 784), y


@pytest.fixture(scope="module")
def expected(reference, digits):
    return reference.by_parts(*digits)


@pytest.fixture(scope="module")
def sure(expected, digits):
    """The digits of which a network with doubled logits is as sure as 1 − p = 1e-12, about."""
    z, y = expected[0], digits[1]
    own = np.arange(10) == y[:, None]
    loss = np.log(np.exp(np.where(own, -np.inf, z)).sum(1)) - z[own]
    return np.argsort(np.abs(2 * loss - np.log(1e-12)))[:10]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the build writes, and beside it the page that asks."""
    folder = tmp_path_factory.mktemp("live")
    noise = np.random.default_rng(0).uniform(-1, 1, (10, 16, 28, 28, 1))
    eps = np.linspace(0.15, 0.3, 16)
    np.savez(folder / "noises.npz", noise=(noise * eps[:, None, None, None]).astype(np.float16), eps=eps)
    build.write(folder / "live", folder / "noises.npz")
    return folder


def gradients(digits, rows, scale=1):
    x, y = digits
    return {"kind": "gradients", "images": packed(x[rows]), "y": y[rows].tolist(), "scale": scale}


def attacks(digits, n, rule, aimed, keep=SEEN, **how):
    x, y = (part[:n] for part in digits)
    task = {"kind": "attacks", "images": packed(x), "y": y.tolist(), "keep": keep}
    how = {"rule": rule, "eps": EPS, "alpha": ALPHA, "steps": STEPS, "eightBits": False} | how
    return task | {"how": how} | ({"target": ((y + 1) % 10).tolist()} if aimed else {})


def in_8_bits(digits, n, rule):
    return attacks(digits, n, rule, False, keep=0, eightBits=True, alpha=OFF_GRID[rule])


def asked(browser, folder, tasks, engine="engine.js"):
    """What an engine finds, in a worker of this browser."""
    suite = (Path(__file__).parent / "engine_answers.js").read_text(encoding="utf-8")
    whole = np.frombuffer(build.network(), np.uint8)
    job = {"suite": suite, "weights": packed(whole), "tasks": tasks}
    (folder / "job.js").write_text(f"var JOB = {json.dumps(job)};", "utf-8")
    shutil.copy(folder / "live" / "engine.js", folder / "engine.js")
    return answered(browser, folder, [engine, "job.js"], ASK)


ASK = """
const address = URL.createObjectURL(new Blob([`${engine};${JOB.suite}`])), found = JOB.tasks.map(() => null);
let next = 0;
async function one() {
  const worker = new Worker(address), ask = (message) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(message);
  });
  await ask({ weights: JOB.weights });
  while (next < found.length) {
    const i = next++;
    found[i] = await ask({ task: JOB.tasks[i] });
  }
}
await Promise.all([one(), one()]);  // as most machines have two processors at least
return found;"""


@pytest.fixture(scope="module")
def firefox():
    found = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
    if found is None:
        pytest.skip("no Firefox on the PATH: apt-get install firefox-esr")
    return found


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def found(browser, folder, digits, sure):
    """All that is asked of a browser, in one go."""
    tasks = {
        "gradients": gradients(digits, slice(None)),
        "sure": gradients(digits, sure, scale=2),
        **{how: attacks(digits, ATTACKED, *how) for how in HOWS},
        **{("8 bits", rule): in_8_bits(digits, ROUNDED, rule) for rule in ("sign", "gradient")},
    }
    return dict(zip(tasks, asked(browser, folder, list(tasks.values()))))


@pytest.fixture(scope="module")
def in_double_precision(reference, digits):
    """Each of the attacks with the reference's gradients, once for both browsers."""
    x, y = (part[:ATTACKED] for part in digits)
    return cache(lambda rule, aimed: reference.attacked(x, y, rule, aimed, see=np.asarray))


@pytest.fixture(scope="module")
def rounded_steps(reference, digits):
    """How many steps it takes until an image in whole grey levels is fooled."""
    x, y = (part[:ROUNDED] for part in digits)
    return cache(lambda rule: reference.attacked(x, y, rule, alpha=OFF_GRID[rule])[1])


@pytest.fixture(scope="module")
def in_python(digits):
    """Each of the attacks by the course's own function, in single precision."""
    x, y = (part[:ATTACKED] for part in digits)
    model, images = cnn.load("mnist"), x.reshape(-1, 28, 28, 1)

    def attacked(rule, aimed, steps):
        target = (y + 1) % 10 if aimed else None
        return iterative_attack(model, images, y, eps=EPS, alpha=ALPHA, max_iter=steps, rule=rule, y_target=target)

    return cache(attacked)


# ------------------------------------------------------------------------------------ the numbers
def unlike(found, z, g):
    """What of the logits and gradients differs from the reference's, in words; nothing where all is right."""
    ours_z, ours = unpacked(found["z"], *z.shape), unpacked(found["g"], *g.shape)
    most = np.abs(g).max(1, keepdims=True)
    signs = (np.sign(ours) != np.sign(g)) & (np.abs(g) > 1e-6 * most)
    told = {
        "logits": np.abs(ours_z - z).max() > 1e-4,
        "gradient": (np.abs(ours - g) / most).max() > 5e-5,  # of each image's largest
        "signs": signs.any(),
    }
    return [name for name, bad in told.items() if bad]


def test_logits_and_gradients_are_those_of_double_precision(found, expected):
    assert not unlike(found["gradients"], *expected)
    alone = unpacked(found["gradients"]["alone"], -1, 10)
    assert (alone == unpacked(found["gradients"]["z"], -1, 10)[: len(alone)]).all(), "a reading without a gradient"


def test_a_network_that_is_sure_still_has_a_gradient(found, reference, digits, sure):
    x, y = (part[sure] for part in digits)
    z, g = reference.scaled(2)(x, y)
    rest = -np.expm1(z - z.max(1, keepdims=True) - np.log(np.exp(z - z.max(1, keepdims=True)).sum(1, keepdims=True)))
    assert (rest.min(1) > 1e-14).all()
    assert (rest.min(1) < 1e-10).all()
    assert (np.abs(g).max(1) > 1e-3).all()
    assert not unlike(found["sure"], z, g)


@pytest.mark.parametrize(("rule", "aimed"), HOWS)
def test_attacks_are_those_of_double_precision(found, in_double_precision, rule, aimed):
    ours, (images, n_iter) = unpacked(found[rule, aimed]["images"], -1, SEEN + 1, 784), in_double_precision(rule, aimed)
    for step in range(SEEN + 1):
        far = np.abs(ours[:, step] - images[step]).max(1) > 1e-3
        assert not far.any(), (step, np.flatnonzero(far))
    assert found[rule, aimed]["steps"] == n_iter.tolist()


@pytest.mark.parametrize(("rule", "aimed"), HOWS)
def test_attacks_are_those_of_the_course(found, in_python, rule, aimed):
    """Single precision takes another branch now and then, and a few images part from those of double precision."""
    answer, theirs = found[rule, aimed], in_python(rule, aimed, STEPS)
    same = np.array(answer["steps"]) == theirs.n_iter
    assert same.sum() >= 0.98 * len(same), np.flatnonzero(~same)
    assert (np.array(answer["fooled"]) == theirs.success)[same].all()
    assert not any(answer["stalled"])
    ours = unpacked(answer["images"], -1, SEEN + 1, 784)
    for step, least in (1, 1.0), (3, 0.98), (SEEN, 0.95):
        near = np.abs(ours[:, step] - in_python(rule, aimed, step).x_adv.reshape(-1, 784)).max(1) <= 1e-3
        assert near.mean() >= least, (step, np.flatnonzero(~near))


# ------------------------------------------------------------------------------------ eight bits
def half_done(found, reference, digits, steps):
    """What is wrong with attacks in whole grey levels: nothing, where all is right."""
    n = len(found["steps"])
    x, y = (part[:n] for part in digits)
    last, levels = unpacked(found["last"], n, 784), unpacked(found["bytes"], n, 784)
    if not np.array_equal(last, levels / np.float32(255)):
        return ["not in whole grey levels"]
    z = reference(last)
    told = {
        "its reading": np.abs(unpacked(found["z"], n, 10) - z).max() > 1e-4,
        "its verdict": found["fooled"] != (z.argmax(1) != y).tolist(),
        "outside ε": np.abs(last - x).max() > EPS + 1e-6,
        "its step": found["steps"] != steps[:n].tolist(),
    }
    return [name for name, bad in told.items() if bad]


@pytest.mark.parametrize("rule", ["sign", "gradient"])
def test_verdicts_are_on_whole_grey_levels(found, reference, digits, rounded_steps, rule):
    assert not half_done(found["8 bits", rule], reference, digits, rounded_steps(rule))


def test_some_of_these_attacks_die_in_8_bits(reference, digits, rounded_steps):
    x, y = (part[:ROUNDED] for part in digits)
    unrounded = reference.attacked(x, y, "sign", alpha=OFF_GRID["sign"], see=np.asarray)[1]
    assert (rounded_steps("sign") > unrounded).any()


def test_bytes_round_as_numpy(browser, folder):
    values = np.concatenate([
        np.random.default_rng(0).random(10_000), np.arange(256) / 255, (np.arange(255) + 0.5) / 255, [0, 1],
    ]).astype(np.float32)  # fmt: skip
    (answer,) = asked(browser, folder, [{"kind": "bytes", "values": packed(values)}])
    assert np.array_equal(unpacked(answer["bytes"]) / np.float32(255), metrics.eight_bits(values))


def test_smallest_tries_every_level(chromium, folder, reference, digits):
    x, y = (part[:2] for part in digits)
    how = {"rule": "sign", "alpha": ALPHA, "steps": 5}
    task = {"kind": "smallest", "images": packed(x), "y": y.tolist(), "how": how}
    found, none = asked(chromium, folder, [task, {**task, "how": how | {"most": 3}}])
    for i, level in enumerate(found["levels"]):
        tried = np.arange(level + 1)
        many = np.tile(x[i], (level + 1, 1)), np.tile(y[i], level + 1)
        images, _ = reference.attacked(*many, "sign", eps=tried / 255, steps=5)
        fooled = reference.by_parts(metrics.eight_bits(images[-1]))[0].argmax(1) != y[i]
        assert (fooled == (tried == level)).all()
        assert found["tried"][i] == list(range(level + 1))
    last = unpacked(found["last"], -1, 784)
    assert (reference(last).argmax(1) != y).all()
    assert (np.rint(np.abs(last - x) * 255).max(1) == found["levels"]).all()
    assert none["levels"] == [None] * 2
    assert none["tried"] == [list(range(4))] * 2


# ------------------------------------------------------------------------------------ what must not pass
MUTANTS = {
    "the last of equal maxima": ("if (sums[f] > out[at + f])", "if (sums[f] >= out[at + f] && sums[f] > 0)"),
    "p − 1": (
        "softmax(z.map((value, k) => (k === y ? -Infinity : value)));", "softmax(z); const rest = seed[y];",
        "seed[y] = -1;", "seed[y] = rest - 1;",
    ),
    "a kernel that is not flipped": ("(tap * filters + on[k])", "((24 - tap) * filters + on[k])"),
    "no rounding": ("Float32Array.from(toBytes(x), (level) => level / 255)", "Float32Array.from(x)"),
}  # fmt: skip


@pytest.mark.parametrize("mutant", [None, *MUTANTS])
def test_mutants_are_caught(chromium, folder, reference, expected, digits, sure, rounded_steps, mutant):
    text = (LIVE / "engine.js").read_text(encoding="utf-8")
    changes = MUTANTS.get(mutant, ())
    for old, new in zip(changes[::2], changes[1::2]):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "mutant.js").write_text(text, "utf-8")
    few = slice(30)
    tasks = [
        gradients(digits, few),
        gradients(digits, sure, scale=2),
        in_8_bits(digits, 5, "gradient"),
    ]
    plain, scaled, rounded = asked(chromium, folder, tasks, "mutant.js")
    x, y = (part[sure] for part in digits)
    told = {
        "gradients": unlike(plain, *(part[few] for part in expected)),
        "sure": unlike(scaled, *reference.scaled(2)(x, y)),
        "8 bits": half_done(rounded, reference, digits, rounded_steps("gradient")),
    }
    assert any(told.values()) == bool(mutant), told


# ------------------------------------------------------------------------------------ the client
@pytest.fixture(scope="module")
def facts(browser, folder, digits):
    digit = {"pixels": digits[0][0].tolist(), "y": int(digits[1][0])}
    (folder / "digit.js").write_text(f"var DIGIT = {json.dumps(digit)};", "utf-8")
    shutil.copy(Path(__file__).parent / "client_answers.js", folder)
    scripts = [f"live/{name}.js" for name in ("live-data", "engine", "client", "noises")]
    scripts += sorted(f"live/{path.name}" for path in (folder / "live").glob("weights-*.js"))
    return answered(browser, folder, [*scripts, "digit.js", "client_answers.js"], "return facts(DIGIT);")


@pytest.mark.parametrize("where", ["worker", "main"])
def test_client(facts, reference, digits, where):
    x, y = digits[0][0], digits[1][0]
    found = facts[where]
    assert found["where"] == where
    assert found["sha256"] == hashlib.sha256(build.network()).hexdigest()

    end = found["end"]
    image = np.array(end["bytes"], np.float32) / np.float32(255)
    z = reference(image)[0]
    assert np.allclose(end["x_adv"], image, atol=1e-7)
    assert np.allclose(end["noise"], image - x, atol=1e-6)
    assert np.allclose(end["z"], z, atol=1e-4)
    assert np.allclose(end["p"], np.exp(z - z.max()) / np.exp(z - z.max()).sum(), atol=1e-4)
    assert end["rms"] == pytest.approx(metrics.rms((image - x).reshape(1, 28, 28, 1))[0], rel=1e-5)
    assert end["label"] == z.argmax()
    assert end["fooled"] == (z.argmax() != y)
    assert [end["step"]] == reference.attacked(x[None], digits[1][:1], "sign")[1]
    assert not end["stalled"]

    assert [step["step"] for step in found["steps"]] == list(range(end["step"]))
    assert all(sum(step["p"]) == pytest.approx(1) for step in found["steps"])
    first, again, after = found["reads"]
    assert first == again
    assert first["label"] == reference(x)[0].argmax()
    assert np.allclose(after["z"], z, atol=1e-4)

    assert found["stale"] == found["cancelled"] == "STALE"
    assert found["newer"]["label"] == (y + 1) % 10
    smallest = found["smallest"]
    assert smallest["fooled"]
    assert np.abs(np.array(smallest["bytes"]) - np.rint(255 * x)).max() == smallest["level"]
    assert found["tried"] == list(range(smallest["level"] + 1))
    assert found["damaged"] == ["Damaged"] * 4


def test_without_a_worker_it_computes_on_the_page(facts, reference, digits):
    assert facts["without"] == [["main", int(reference(digits[0][:1]).argmax())]] * 3


def test_noises_come_as_they_went(facts, folder):
    with np.load(folder / "noises.npz") as file:
        noise, eps = np.float64(file["noise"][5]).reshape(16, 784), file["eps"]
    found = np.array(facts["noises"])
    assert (np.abs(found - noise).max(1) <= eps / 253).all()
    assert (np.abs(found).max(1) <= eps + 1e-7).all()


# ------------------------------------------------------------------------------------ the build
def test_the_page_has_the_shipped_network(folder):
    shipped = b"".join(np.asarray(w, "<f2").tobytes() for w in cnn.load("mnist").get_weights())
    assert build.network() == shipped
    head = json.loads((folder / "live" / "live-data.js").read_text().removeprefix("var LIVE = ").rstrip(";\n"))
    pieces = sorted((folder / "live").glob("weights-*.js"))
    assert head["sha256"] == hashlib.sha256(shipped).hexdigest()
    assert head["count"] == len(pieces)
    assert max(path.stat().st_size for path in pieces) < 6e5


def test_scripts_are_small_and_ask_for_nothing():
    texts = [(LIVE / name).read_text(encoding="utf-8") for name in ("engine.js", "client.js")]
    assert sum(len(text.encode()) for text in texts) <= 20_480
    for text in texts:
        assert not any(word in text for word in ("fetch(", "import ", "XMLHttpRequest", "eval(", "Function(", "http"))

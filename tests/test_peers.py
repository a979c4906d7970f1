"""FGSM, and BIM that never stops, equal those of ART and Foolbox.

The peers' results are stored beside a small network's weights (make_peer_arrays.py made them); where the extra
``peers`` is installed they are computed anew as well.
"""

import make_peer_arrays as peers
import numpy as np
import pytest

from advlib.attack import fgsm, iterative_attack
from advlib.gradients import predict


@pytest.fixture(scope="module")
def stored():
    with np.load(peers.STORED, allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def model(stored):
    model = peers.network()
    model.set_weights([stored[f"w{k}"] for k in range(6)])
    return model


@pytest.fixture(scope="module")
def ours(model, stored):
    x, y, y_target = (stored[k] for k in ("x", "y", "y_target"))
    bim = {"eps": peers.EPS, "alpha": peers.ALPHA, "max_iter": peers.STEPS, "rule": "sign", "stop": False}
    return {
        "fgsm": fgsm(model, x, y, eps=peers.EPS),
        "bim": iterative_attack(model, x, y, **bim),
        "targeted": iterative_attack(model, x, y, y_target=y_target, **bim),
    }


@pytest.mark.parametrize("peer", ["art", "foolbox"])
def test_fgsm_is_equal_to_the_last_bit(stored, ours, peer):
    assert np.array_equal(ours["fgsm"].x_adv, stored[f"{peer}_fgsm"])
    assert np.abs(ours["fgsm"].noise).max() > 0.14


@pytest.mark.parametrize("peer", ["art", "foolbox"])
@pytest.mark.parametrize("kind", ["bim", "targeted"])
def test_bim_is_equal_but_for_rounding(stored, ours, peer, kind):
    # After each step the peers go from the image to its noise and back, x + clip(x_adv - x): two roundings more than
    # ours, each of at most half the last digit of a white pixel.  One sign that differed would show as 2 ALPHA.
    theirs = stored[f"{peer}_{kind}"]
    assert np.abs(ours[kind].x_adv - theirs).max() <= peers.STEPS * 2 * 2.0**-25
    assert np.mean(ours[kind].x_adv == theirs) > 0.99


@pytest.mark.parametrize("kind", ["fgsm", "bim", "targeted"])
def test_the_same_images_are_fooled(model, stored, ours, kind):
    read = predict(model, stored[f"art_{kind}"])
    hit = read == stored["y_target"] if kind == "targeted" else read != stored["y"]
    assert np.array_equal(ours[kind].success, hit)
    assert hit.any()
    assert ours[kind].already_wrong.tolist() == [True, False, False, False] * 4
    assert ours[kind].gradients == 16 * (1 if kind == "fgsm" else peers.STEPS)


@pytest.mark.parametrize(("peer", "module"), [("art", "art.attacks.evasion"), ("foolbox", "foolbox")])
def test_what_is_stored_is_what_the_peer_gives(model, stored, peer, module):
    pytest.importorskip(module, reason=f"{peer} is not installed: pip install -e '.[peers]'")
    asked = [stored[k] for k in ("x", "y", "y_target")]
    for kind, x_adv in {"art": peers.by_art, "foolbox": peers.by_foolbox}[peer](model, *asked).items():
        assert np.abs(x_adv - stored[f"{peer}_{kind}"]).max() <= peers.STEPS * 2 * 2.0**-25

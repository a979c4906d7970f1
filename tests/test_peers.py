"""FGSM, and BIM that never stops, equal those of ART and Foolbox.

The peers' results are stored beside a small network's weights; with the extra ``peers`` installed they are
computed anew as well.
"""

from importlib.util import find_spec

import make_peer_arrays as peers
import numpy as np
import pytest

from advlib import cnn
from advlib.attack import fgsm, iterative_attack


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

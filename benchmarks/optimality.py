"""How near an attack comes to the smallest noise that is known: AttackBench's optimality, at equal gradients.

AttackBench (Cinà et al., AAAI 2025, doi:10.1609/aaai.v39i3.32263) compares attacks by the smallest distance at which
each fools each image, within so many calls of the network.  The robustness curve ρ(ε) of an attack is the share of the
images whose distance is above ε.  The best distances are each image's smallest of all attacks; their curve reaches 0 at
ε₀.  With A(a) and A(best), the areas under the two curves from 0 to ε₀ (its equation 4), the optimality of attack a
(equation 5) is

    (ρ(0) ε₀ − A(a)) / (ρ(0) ε₀ − A(best)),

1 for an attack that is the best on every image, 0 for one that finds nothing up to ε₀.  An image that is misread from
the start has the distance 0, so that ρ(0) is the accuracy.

As there, an attack of fixed ε is called with one ε after another (:func:`smallest`), and of all the images about which
it asks the network, on the way as well, the nearest that is misread counts.
"""

import time
from functools import partial
from unittest import mock

import direction
import numpy as np
import peers

from advlib import box_attack, gradient, logits, predict
from advlib.backend import tf

BUDGET, STEPS, FIRST, ROUNDS = 300, 30, 0.15, 20  # gradients of an image, steps at an ε, the first ε, ε at most


def area(distances, end):
    """Under the robustness curve from 0 to end.  The curve is a stair: this is the mean distance, end at most."""
    return float(np.mean(np.minimum(distances, end)))


def scores(found):
    """Each attack's optimality, area, and share of the images read correctly on which no attack found less.

    An image that was misread from the start has the distance 0, one that was not fooled an infinite one.
    """
    best = np.min(list(found.values()), axis=0)
    right = best > 0
    end = float(np.max(best, initial=0, where=np.isfinite(best)))
    nothing, most = float(np.mean(right)) * end, area(best, end)
    if nothing <= most:
        raise ValueError(f"every best distance is 0 or {end:g}, and no area is left between them: take more images")
    return {
        name: {"optimality": (nothing - area(far, end)) / (nothing - most), "area": area(far, end),
               "best": float(np.mean((np.isfinite(far) & (far <= best))[right]))}
        for name, far in found.items()
    }  # fmt: skip


def distance(x_adv, x):
    """In L∞, image by image."""
    return np.abs(x_adv - x).max((1, 2, 3)).astype(float)


def smallest(attack, x, y, budget=BUDGET):
    """Each image's smallest distance, the gradients that it took, and how many ε were tried: AttackBench's search.

    From FIRST on, ε is doubled until the attack works; then it lies half way between the largest ε that failed and the
    smallest distance that worked.  An image leaves where what is left of its gradients might not last for another ε.
    """
    n, nearest = len(x), x.copy()
    low, high, eps = np.zeros(n), np.full(n, np.inf), np.full(n, FIRST)
    gradients, tried = np.zeros(n, int), np.zeros(n, int)
    for seed in range(ROUNDS):
        rows = np.flatnonzero(gradients + attack.most <= budget)
        if not len(rows):
            break
        x_adv, worked, asked = attack(x[rows], y[rows], eps[rows], nearest[rows], seed)
        gradients[rows] += asked
        tried[rows] += 1
        low[rows[~worked]] = eps[rows[~worked]]
        rows, x_adv = rows[worked], x_adv[worked]
        nearest[rows], high[rows] = x_adv, distance(x_adv, x[rows])
        eps = np.where(np.isfinite(high), (low + high) / 2, np.minimum(2 * low, 1))
    return high, gradients, tried


class Counted:
    """``advlib.gradient``, counting for each image how often it is asked; who is misread does not come again."""

    def __init__(self, model, x, y):
        self.y, self.left = y, np.flatnonzero(predict(model, x) == y)
        self.gradients = np.zeros(len(y), int)

    def __call__(self, model, x, goal):
        z, g = gradient(model, x, goal)
        self.gradients[self.left] += 1
        self.left = self.left[z.argmax(1) == self.y[self.left]]
        return z, g


def ours(model, onwards=True):
    """``box_attack`` in each image's ε-ball, without restarts; onwards from the nearest image that works."""

    def attack(x, y, eps, nearest, seed):
        size = np.float32(eps)[:, None, None, None]
        low, high = np.clip(x - size, 0, 1), np.clip(x + size, 0, 1)
        begin = np.clip(nearest, low, high) if onwards else x
        counted = Counted(model, begin, y)
        with mock.patch("advlib.attack.gradient", counted):
            x_adv, worked = box_attack(
                model, begin, y, low, high, max_iter=STEPS, restarts=1, targets=0, batch_size=len(x)
            )
        return x_adv, worked, counted.gradients

    attack.most = STEPS + 1
    return attack


def apgd(model):
    """The authors' APGD (Croce and Hein, 2020) on the cross-entropy; ε may be a tensor, one number for each image."""
    import torch
    from pyautoattack.autopgd_base import APGDAttack

    torch.set_num_threads(1)  # TensorFlow has the cores; a second pool of threads makes both slower

    class Watched:
        """The network as APGD asks it; of what is misread the nearest is kept."""

        def __init__(self, x, y):
            self.x, self.y = x, y
            self.nearest, self.found, self.gradients = x.copy(), np.full(len(x), np.inf), 0

        def predict(self, x):
            return torch.from_numpy(logits(model, x.numpy()))

        def get_logits_loss_grad_xent(self, x, y):
            images = x.detach().numpy()
            z, g = direction.LOSSES["cross-entropy"](model, images, self.y)
            self.gradients += 1
            far = np.where(z.argmax(1) != self.y, distance(images, self.x), np.inf)
            nearer = far < self.found
            self.nearest[nearer], self.found[nearer] = images[nearer], far[nearer]
            z = torch.from_numpy(z)
            return z, torch.nn.functional.cross_entropy(z, y, reduction="none"), torch.from_numpy(g)

    def attack(x, y, eps, nearest, seed):
        watched, size = Watched(x, y), torch.from_numpy(np.float32(eps)[:, None, None, None])
        made = APGDAttack(watched, n_iter=STEPS, eps=size, seed=seed, is_tf_model=True, device="cpu")
        made.perturb(torch.from_numpy(x), torch.from_numpy(np.int64(y)))
        return watched.nearest, np.isfinite(watched.found), watched.gradients

    attack.most = STEPS + 1
    return attack


def fmn(model):
    """Foolbox's FMN (Pintor et al., 2021), which looks for the smallest noise itself, as many steps as gradients."""
    import foolbox

    seen = foolbox.TensorFlowModel(model, bounds=(0, 1))
    made = foolbox.attacks.LInfFMNAttack(steps=BUDGET)

    @peers.in_batches
    def run(x, y):
        return made(seen, tf.constant(x), tf.constant(y, tf.int64), epsilons=None)[0].numpy()

    def attack(x, y):
        far = distance(run(x, y), x)  # 0 where it found nothing
        return np.where(far > 0, far, np.inf), np.full(len(x), BUDGET), np.ones(len(x))

    return attack


def attacks(model):
    """By name: images that are read correctly, and labels, to distances, gradients and forward passes alone."""
    return {
        "advlib": partial(smallest, ours(model)),
        "advlib, each ε from the image itself": partial(smallest, ours(model, onwards=False)),
        "APGD": partial(smallest, apgd(model)),
        "FMN": fmn(model),
    }


def against(model, x, y):
    """A row for each attack."""
    right = predict(model, x) == y
    x, y, found, rows = x[right], y[right], {}, []
    for name, attack in attacks(model).items():
        attack(x[:2], y[:2])  # traces the graphs
        began = time.process_time()
        far, gradients, forwards = attack(x, y)
        seconds = time.process_time() - began
        found[name] = np.zeros(len(right))
        found[name][right] = far.round(6)  # what is below that is float32's
        rows.append({
            "name": name, "seconds": seconds, "gradients": float(gradients.mean()), "forwards": float(forwards.mean()),
            "median": float(np.median(far)), "missed": int(np.isinf(far).sum()),
        })  # fmt: skip
        print(rows[-1], flush=True)
    return [row | score for row, score in zip(rows, scores(found).values())]


def forward(model, x, y):
    """What a forward pass alone costs, in gradients."""

    def took(work):
        began = time.process_time()
        for k in range(0, len(x), peers.BATCH):
            work(x[k : k + peers.BATCH], y[k : k + peers.BATCH])
        return time.process_time() - began

    return took(lambda x, _: logits(model, x)) / took(lambda x, y: gradient(model, x, y))


def measure(models, mnist, n):
    """Processor seconds of all threads, which other work on the machine hardly moves."""
    x, y = (part[:n] for part in mnist.test)
    networks = {name: against(model, x, y) for name, model in models.items()}
    price = forward(next(iter(models.values())), x, y)
    return {"images": len(x), "budget": BUDGET, "steps": STEPS, "forward": price, "networks": networks}

"""The check of lesson 02's open exercise: an attack of one's own, scored on images that no lesson shows."""

from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np

from .one_image import beside_images
from .stand_in import Two
from .trying import Hint, check

IMAGES, EPS, ALPHA = 100, 0.15, 10 / 255  # what is attacked, and how by the paper
BUDGET = 50  # gradients per image
LESS, SAME = 0.98, 1.001  # what counts as less, and as no more
SECONDS = 60
SLOW = "either a loop never ends, or one image at a time is asked for, or images that are fooled already"
ASK = "use network(x_adv, y), which counts; not gradient, logits, predict or iterative_attack"


def attack_to_beat(model, dataset):
    """Print what the paper's loop does on the images of the open exercise."""
    x, y = _unseen(model, dataset)
    paper = _papers_loop(model, x, y)
    fooled = paper.success
    print(_score("the paper's loop", fooled, _rms(paper.x_adv, x)[fooled], paper.gradients, "it fools"))


@check
def own_attack(learners, model, dataset):
    """A network, images, labels and eps to attacked images; scored on validation images, beside the paper's loop.

    It is beaten by whoever fools as many of the images with less noise and no more gradients, or with fewer gradients
    and no more noise.  Longer or shorter steps alone only trade one for the other.

    Hint
    """
    from ..gradients import logits  # it loads TensorFlow, which no other check needs

    x, y = _unseen(model, dataset)
    _tried(learners, model, x[:10], y[:10], 0.1)  # another eps, so that none is written in
    found, asked = _tried(learners, model, x, y, EPS)
    paper = _papers_loop(model, x, y)
    before, z, own = logits(model, x), logits(model, found), (np.arange(len(x)), y)
    won, k = z.argmax(1) != y, paper.success.sum()
    both = won & paper.success
    noises = [_rms(x_adv, x)[both] for x_adv in (found, paper.x_adv)]
    gradients = [asked, paper.gradients]
    scores = zip(("yours           ", "the paper's loop"), (won, paper.success), noises, gradients)
    table = "".join(f"\n          {_score(*score, 'both fool')}" for score in scores)
    if np.array_equal(found, x):
        raise Hint("the images came back as they were: nothing was attacked" + table)
    if won.sum() < k:
        surer = won.sum() <= 0.1 * k and (z - before)[own].mean() > 0
        why = ("the true class gained: J fell, and an attack goes uphill" if surer else
               "one gradient per image is one step, and the paper's loop takes more" if asked <= len(x) else
               "an image that is not fooled yet needs more steps, or longer ones; and each step takes the gradient "
               "where the image is now, for the true label")  # fmt: skip
        raise Hint(f"fewer are fooled than by the paper's loop: {why}{table}")
    pairs = [noise.sum() for noise in noises], gradients
    (less, more), (fewer, further) = ((bool(a < LESS * b), bool(a > SAME * b)) for a, b in pairs)
    in_noise = "noise (mean RMS {:.4f} against {:.4f})".format(*(noise.sum() / max(1, both.sum()) for noise in noises))
    in_gradients = "gradients ({:.1f} against {:.1f} per image)".format(*(spent / len(x) for spent in gradients))
    if less and further:
        raise Hint(f"less {in_noise}, but more {in_gradients}: shorter steps alone trade one for the other{table}")
    if fewer and more:
        raise Hint(f"fewer {in_gradients}, but more {in_noise}: longer steps alone trade one for the other{table}")
    if not (less or fewer):
        raise Hint(f"at least as many are fooled, but neither with less noise nor with fewer gradients{table}")
    how = " and ".join([f"less {in_noise}"] * less + [f"fewer {in_gradients}"] * fewer)
    return f"beaten: at least as many are fooled, with {how}{table}"


def _unseen(model, dataset):
    """The first validation images that the network reads correctly, and their labels."""
    from ..gradients import logits

    x, y = (part[: 3 * IMAGES] for part in dataset.validation)
    rows = np.flatnonzero(logits(model, x).argmax(1) == y)[:IMAGES]
    return x[rows], y[rows]


def _papers_loop(model, x, y):
    from ..attack import iterative_attack

    return iterative_attack(model, x, y, eps=EPS, alpha=ALPHA, max_iter=BUDGET)


def _rms(x_adv, x):
    return np.sqrt(np.square(x_adv - x, dtype=float).mean((1, 2, 3)))


def _score(who, fooled, noise, gradients, whose):
    strength = f", mean RMS {noise.mean():.4f} (of the images that {whose})" if len(noise) else ""
    spent = gradients / len(fooled)
    return f"{who} fools {fooled.sum()} of {len(fooled)}, {spent:.1f} gradients per image{strength}"


class _Counted:
    """The network of the open exercise: logits and gradients, and how many were asked for."""

    def __init__(self, model, images):
        self.model, self.images, self.spent, self.at_work = model, images, 0, False

    def __call__(self, x, y):
        from ..gradients import gradient

        self.spent += len(np.atleast_1d(y))
        if self.spent > BUDGET * self.images:
            raise ValueError(f"{BUDGET} gradients per image are spent ({BUDGET * self.images} in all): an image that "
                             "is fooled needs no more of them; or take longer steps")  # fmt: skip
        self.at_work = True
        try:
            if not np.size(y):  # all are fooled: there is nothing to compute
                return Two((np.empty((0, self.model.output_shape[-1]), np.float32), np.empty_like(x)))
            return Two(gradient(self.model, x, y))
        except (TypeError, ValueError) as why:
            raise type(why)(f"in network(x, y), {why}") from None
        finally:
            self.at_work = False

    @contextmanager
    def alone(self):
        """Nobody else may ask the model meanwhile: neither the package's functions nor a call of the model itself."""
        from .. import gradients

        def guarded(ask):
            def ask_or_refuse(model, *args, **more):
                if model is self.model and not self.at_work:
                    raise PermissionError(f"the network was asked where nobody counts: {ASK}")
                return ask(model, *args, **more)

            return ask_or_refuse

        kind = type(self.model)
        doors = (gradients, "_graph"), (kind, "__call__"), (kind, "predict"), (kind, "predict_on_batch")
        with ExitStack() as closed:
            for owner, name in doors:
                closed.enter_context(patch.object(owner, name, guarded(getattr(owner, name))))
            yield self


def _tried(learners, model, x, y, eps):
    """The learner's images, if they are images inside the ε-ball; and how many gradients they took."""
    with _Counted(model, len(x)).alone() as network:
        found = beside_images(learners, "m", network, x, y, eps, shape=x.shape, seconds=SECONDS, slow=SLOW)
    moved = np.abs(found - x).max()
    if found.min() < -1e-5 and np.abs(found).max() <= eps + 1e-5:
        raise Hint("this is the noise; give back the images, x + noise, inside [0, 1]")
    if moved > eps + 1e-5:
        fixed = f": is {EPS} written into your function? It is given eps" if moved <= EPS + 1e-5 else ""
        raise Hint(f"a pixel moved by {moved:.2f}, where ε is {eps}{fixed or ': clip around x after every step'}")
    if found.min() < -1e-5 or found.max() > 1 + 1e-5:
        raise Hint(f"pixels must lie in [0, 1]; found {found.min():.2f} … {found.max():.2f}")
    if not network.spent and moved:
        raise Hint(f"the images were changed without asking `network`: {ASK}")
    return np.clip(found, 0, 1).astype(np.float32), network.spent

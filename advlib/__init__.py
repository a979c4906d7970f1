"""The helper of the common-noise course: what a notebook has built in the open, tested, batched, fast.

    from advlib import data, cnn, iterative_attack, fgsm, common_noise, rms, success_rate

Nothing is imported before it is asked for: TensorFlow takes seconds, and the data need none of it.
"""

from importlib import import_module

__version__ = "0.1.0"
_HOME = {
    "logits": "gradients",
    "predict": "gradients",
    "gradient": "gradients",
    "direction": "gradients",
    "iterative_attack": "attack",
    "fgsm": "attack",
    "box_attack": "attack",
    "random_noise": "attack",
    "common_noise": "common",
    "rms": "metrics",
    "success_rate": "metrics",
    "by_scale": "results",
    "kept": "resume",
    "start": "opening",
}
_MODULES = (
    "attack", "bounds", "checks", "cnn", "common", "data", "defences", "gradients", "metrics", "plots", "results",
    "transforms", "widgets",
)  # fmt: skip
__all__ = [*_HOME, *_MODULES]


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"advlib has no {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return __all__

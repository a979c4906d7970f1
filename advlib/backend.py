"""TensorFlow and Keras, imported without their start-up chatter on stderr.

TensorFlow writes to file descriptor 2 from C++ before any Python setting reaches it, and Jupyter copies
that descriptor into the cell, so the descriptor itself is closed off while TensorFlow is first touched.
"""

import contextlib
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextlib.contextmanager
def _quiet_stderr():
    sys.stderr.flush()
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


with _quiet_stderr():
    import keras
    import tensorflow as tf

    tf.config.list_physical_devices()
    tf.constant(0) + 0

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"advlib needs Keras's TensorFlow backend; found {keras.backend.backend()!r}: "
        "set KERAS_BACKEND=tensorflow before Keras is imported, and restart the kernel"
    )
# The course's numbers are those of single precision, and of (n, height, width, channels): of a network of its own
# these two decide for what Keras does beside the layers, whatever keras.json says.
keras.config.set_floatx("float32")
keras.config.set_image_data_format("channels_last")
__all__ = ["keras", "tf"]

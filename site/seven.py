"""The front page's slider: a seven drawn on the live page, under noise that is chosen for it and under random noise."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.special import softmax

SEVEN = Path(__file__).parent / "live" / "seven.png"  # as the live page saves it
LEVELS = range(0, 86, 6)  # of 255


@cache
def slider():
    """The slider as HTML."""
    # with them comes TensorFlow, which takes seconds
    from advlib import cnn, fgsm, logits, plots, random_noise, widgets

    network = cnn.load("mnist")
    seven = np.asarray(Image.open(SEVEN), np.float32)[None, :, :, None] / 255
    rows = {}
    for eps in (level / 255 for level in LEVELS):
        noisy = fgsm(network, seven, [7], eps=eps).x_adv, random_noise(seven, eps=eps)
        rows[eps] = [(image[0], softmax(logits(network, image)[0])) for image in noisy]

    def render(noise):
        fig, axes = plots.figure(2, 2, 4.6, 3.6, width_ratios=(2, 3))
        for (left, right), kind, (image, p) in zip(axes, ("chosen", "random"), rows[noise]):
            plots.draw_image(left, image, f"{kind} noise")
            plots.draw_probabilities(right, p, 7, title=f"read as {p.argmax()}")
        return fig

    def describe(noise):
        chosen, random = (f"{p.argmax()} ({p.max():.0%})" for _, p in rows[noise])
        at = f"ε = {plots.eps_text(noise)}"
        return f"{at}.  With the chosen noise the network reads {chosen}, with random noise {random}."

    alt = "A drawn 7 twice, one below the other, each under noise; beside it ten bars, one a digit."
    return widgets.Explorer(render, describe, alt=alt, noise={plots.eps_text(eps): eps for eps in rows}).page()

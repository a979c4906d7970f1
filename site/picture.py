"""Draw README's picture: python site/picture.py"""

from pathlib import Path

import numpy as np

from advlib import cnn, data, iterative_attack, plots

network = cnn.load("mnist", 0)
images, labels = data.load("mnist").test
rows = [np.flatnonzero(labels == c)[0] for c in (7, 2, 1, 0, 4, 9)]  # each the first of its class
attack = iterative_attack(network, images[rows], labels[rows], eps=0.15, alpha=10 / 255)

fig, axes = plots.figure(3, len(rows), height=5.2, width=9)
for k, column in enumerate(axes.T):
    plots.draw_image(column[0], images[rows[k]], f"read as {labels[rows[k]]}")
    plots.draw_noise(column[1], attack.noise[k])
    plots.draw_image(column[2], attack.x_adv[k], f"read as {attack.prediction[k]}")
Path(__file__).with_name("picture.png").write_bytes(plots.png(fig))
print(attack.success, attack.confidence.round(2), np.abs(attack.noise).max())

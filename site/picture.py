"""Draw the picture that the preview of a link shows, and the pages' icon: python site/picture.py"""

from pathlib import Path

import matplotlib.colors
import numpy as np
from PIL import Image

from advlib import cnn, data, iterative_attack, plots

SITE = Path(__file__).parent
network = cnn.load("mnist", 0)
images, labels = data.load("mnist").test
seven = np.flatnonzero(labels == 7)[0]
attack = iterative_attack(network, images[[seven]], labels[[seven]], eps=0.15, alpha=10 / 255)
print(attack.success, attack.confidence.round(2), np.abs(attack.noise).max())

fig, axes = plots.figure(1, 3, height=6.3, width=12)  # as previews are cut
fig.get_layout_engine().set(rect=(0.03, 0.02, 0.94, 0.78), wspace=0.06)
fig.text(0.5, 0.86, "Fool a neural network with a little noise", fontsize=34, fontweight="bold", ha="center")
plots.draw_image(axes[0], images[seven])
plots.draw_noise(axes[1], attack.noise[0])
plots.draw_image(axes[2], attack.x_adv[0])
for ax, words in zip(axes, ("This is a seven.", "Add this noise:", "the network reads a nine.")):
    ax.set_title(words, fontsize=20, pad=12)
fig.savefig(SITE / "static" / "preview.png", dpi=100)

# the seven, and red or blue where its noise is strong
digit, noise = images[seven][5:, 3:26], attack.noise[0][5:, 3:26]
colours = np.where(noise > 0, matplotlib.colors.to_rgb(plots.ORANGE), matplotlib.colors.to_rgb(plots.SKY))
icon = np.where((np.abs(noise) > 0.1) & (digit < 0.5), colours, digit)
Image.fromarray(np.uint8(255 * icon)).resize((92, 92), Image.Resampling.NEAREST).save(SITE / "static" / "favicon.png")

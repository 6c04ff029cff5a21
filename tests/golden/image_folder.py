"""Writes image_folder.txt and the files in image_folder/: small images in several formats, and their pixels by Pillow.

    pip install pillow==12.0.0 numpy
    python tests/golden/image_folder.py

A line is the name of a file with a shape, and the pixels of the image in this shape: one channel after another, row by row. Images
are resized with the filter BILINEAR. Pillow 13 sometimes resizes the height first, which changes pixels by at most 1.
"""

import os
import sys

# Prevent an import of random.py from this folder instead of Python's module.
sys.path.pop(0)

import numpy as np
import PIL
from PIL import Image

FOLDER = os.path.dirname(os.path.abspath(__file__))
HEIGHT, WIDTH = 9, 11
SHAPES = [(3, HEIGHT, WIDTH), (1, HEIGHT, WIDTH), (3, 4, 5), (1, 14, 20), (1, HEIGHT, 6)]

rng = np.random.RandomState(10)


def colours(height=HEIGHT, width=WIDTH):
    """Returns a random image whose neighbouring pixels are similar, as in a photo."""
    coarse = rng.randint(0, 256, (height // 3 + 2, width // 3 + 2, 4)).astype(np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.BICUBIC)


def save(name, image, shapes=SHAPES, **settings):
    path = os.path.join(FOLDER, "image_folder", name)
    image.save(path, **settings)
    for channels, height, width in shapes:
        converted = Image.open(path).convert("L" if channels == 1 else "RGB")
        pixels = np.asarray(converted.resize((width, height), Image.BILINEAR)).reshape(height, width, channels)
        values = " ".join(str(value) for value in pixels.transpose(2, 0, 1).ravel())
        lines.append(f"{name}:{channels}x{height}x{width} {values}")


os.makedirs(os.path.join(FOLDER, "image_folder"), exist_ok=True)
lines = [f"# Pillow {PIL.__version__}"]

photo = colours()
save("rgb.png", photo.convert("RGB"))
save("grey.png", photo.convert("L"))
save("alpha.png", photo)
save("grey_alpha.png", photo.convert("LA"))
save("palette.png", photo.convert("RGB").quantize(16))
save("bits.png", photo.convert("1"))
save("rgb.bmp", photo.convert("RGB"))
save("grey.bmp", photo.convert("L"))
save("rgb.ppm", photo.convert("RGB"))
save("grey.pgm", photo.convert("L"))
save("palette.gif", photo.convert("RGB").quantize(16))
save("rgb.webp", photo.convert("RGB"), lossless=True)
save("alpha.webp", photo, lossless=True, exact=True)

y, x = np.mgrid[:120, :150]
large = np.stack([x * y // 7 % 256, x * x // 50 % 256, y], axis=2).astype(np.uint8)
save("large.png", Image.fromarray(large), [(3, 7, 5), (1, 119, 3), (1, 1, 1), (1, 2, 151)])

photo = colours(21, 27)
shapes = [(3, 21, 27), (1, 21, 27), (3, 8, 9)]
save("grey.jpg", photo.convert("L"), [(1, 21, 27), (1, 8, 9)], quality=90)
save("full.jpg", photo.convert("RGB"), shapes, quality=90, subsampling=0)
save("half.jpg", photo.convert("RGB"), shapes, quality=90, subsampling=2)
save("progressive.jpg", photo.convert("RGB"), shapes, quality=90, subsampling=1, progressive=True)

with open(os.path.join(FOLDER, "image_folder.txt"), "w") as file:
    file.write("\n".join(lines) + "\n")

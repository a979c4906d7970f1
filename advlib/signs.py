"""Twelve classes of traffic signs out of the benchmark's three archives: python3 course.py signs writes their file.

The German Traffic Sign Recognition Benchmark: J. Stallkamp, M. Schlipsing, J. Salmen and C. Igel, "The German Traffic
Sign Recognition Benchmark: a multi-class classification competition", IJCNN 2011.  Free to use; please cite it.
"""

import contextlib
import csv
import io
import os
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from . import data, download
from .files import DataError, replacing, verified

ADDRESS = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"
ARCHIVES = {  # MD5, as published; what comes out of them is verified by SHA-256
    "GTSRB_Final_Training_Images.zip": "f33fd80ac59bff73c82d25ab499e03a3",
    "GTSRB_Final_Test_Images.zip": "c7e4e6327067d32654124b0fe9e82185",
    "GTSRB_Final_Test_GT.zip": "fe31e9c9270bbcd7b84b7f21a9d9d9e5",
}
SIDE = 64  # pixels; a sign whose box is smaller is left out, so nothing is enlarged
# Training photographs come in tracks of one physical sign.  All tracks of all 43 classes are numbered through, without
# the two exceptions below; here is the number of each class's first.
FIRST = {1: 7, 2: 81, 4: 203, 9: 440, 11: 555, 12: 599, 13: 669, 14: 741, 18: 838, 23: 921, 25: 947, 38: 1198}
LEFT_OUT = (14, 23)  # a class and its track: the same photographs are in the test set
SAME_SIGN = (9, 40)  # shows the sign of the track before it, and has its number


def make():
    """Write the file of the signs, from the archives; those that are not on this machine are downloaded.

    An archive is looked for where the data files are, and in ``data/cache``; it is downloaded to there.  A download
    that was interrupted goes on where it was.

    Returns
    -------
    path
        Of ``gtsrb12_64px.npz``, in ``data/``, or where it was already.

    Raises
    ------
    DataError
        A file is damaged: it is named, and was neither used nor changed.  Or this Pillow resizes in another way.
    OSError
        The download failed.  What had come is kept.
    """
    found = data.find(data.SIGNS_NPZ)
    if found:
        data.verified(found, data.SIGNS)
        return found
    arrays = rows(*map(archive, ARCHIVES))
    for key, wanted in data.SIGNS.items():
        if other := data.unlike(arrays[key], *wanted):
            raise DataError(
                f"the archives are the published ones, and yet {key} {other}: Pillow {version('pillow')} may resize "
                "otherwise than the one in requirements.lock: install that one; nothing was written"
            )
    with replacing(data.writable() / data.SIGNS_NPZ) as part, open(part, "wb") as file:
        np.savez_compressed(file, **arrays)
    return data.writable() / data.SIGNS_NPZ


def archive(name):
    """The path of one of the three archives, verified; it is downloaded where it is not on this machine."""
    path = data.find(name) or data.writable() / "cache" / name
    if not os.path.lexists(path):
        _download(name, path)
    remedy = "move it away or delete it, and call this again; it was not used and not changed"
    verified(path, ARCHIVES[name], remedy, "MD5")
    return path


def _download(name, path):
    """Go on where an earlier call was interrupted; what has come is at its place only when it is whole.

    Two processes at once do no harm: they write the same bytes to the same places.
    """
    part = path.with_name(f"{name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    if not _whole(part, name):
        part.touch()
        with open(part, "r+b") as file:
            _go_on(ADDRESS + name, name, file)
    if _whole(part, name):
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            os.replace(part, path)
    elif not path.exists():
        part.unlink(missing_ok=True)
        raise OSError(f"what came from {ADDRESS}{name} is not the published file and was removed: try again")


def _go_on(url, name, file):
    """Write what is missing behind what a file holds."""
    start = file.seek(0, os.SEEK_END)
    try:
        for piece in download.pieces(url, name, start):
            file.write(piece)
        if start and file.tell() == start:
            raise OSError("nothing came that was not there already")
    except OSError as why:
        if getattr(why.__cause__, "code", None) != 416:  # the server has no byte more: then it is judged as it is
            raise OSError(f"{url}: {why}; what has come is kept, and the next call goes on from there") from why


def _whole(part, name):
    try:
        verified(part, ARCHIVES[name], "", "MD5")
    except DataError:
        return False
    return True


def rows(training, test, truth):
    """The arrays of the twelve classes, in the order of the paths when classes are written without zeros in front.

    Parameters
    ----------
    training, test, truth : path
        The archives of the training images, of the test images, and of the test images' boxes and classes.

    Returns
    -------
    dict
        Images uint8, (n, 64, 64, 3), in [0, 255]; labels uint8, the benchmark's numbers; groups int16.
    """
    with zipfile.ZipFile(training) as images, zipfile.ZipFile(test) as others, zipfile.ZipFile(truth) as boxes:
        found = [sign for name in images.namelist() if name.endswith(".csv") for sign in _large(images, name)]
        learned = sorted(found, key=lambda sign: (str(sign[0]), sign[1]))
        learned = [sign for sign in learned if (sign[0], _track(sign)) != LEFT_OUT]
        tested = sorted(_large(boxes, "GT-final_test.csv"), key=lambda sign: sign[1])
        bar = tqdm(total=len(learned) + len(tested), unit=" signs", desc="Cropping")
        with bar:
            return {
                "x_train": _crops(images, "GTSRB/Final_Training/Images/{0:05}/{1}", learned, bar),
                "y_train": np.array([kind for kind, _, _ in learned], np.uint8),
                "group_train": np.array([_group(sign) for sign in learned], np.int16),
                "x_test": _crops(others, "GTSRB/Final_Test/Images/{1}", tested, bar),
                "y_test": np.array([kind for kind, _, _ in tested], np.uint8),
            }


def _large(packed, table):
    """Class, file name and box of each sign in a table that is of one of the classes, and large enough."""
    for line in csv.DictReader(io.StringIO(packed.read(table).decode()), delimiter=";"):
        kind, left, top, right, bottom = (int(line[k]) for k in ("ClassId", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2"))
        if kind in data.CLASSES and min(right - left, bottom - top) >= SIDE:
            yield kind, line["Filename"], (left, top, right, bottom)


def _track(sign):
    return int(sign[1].split("_")[0])  # 00023_00029.ppm: the 30th photograph of track 23


def _group(sign):
    kind, track = sign[0], _track(sign)
    later = any(kind == exception[0] and track >= exception[1] for exception in (LEFT_OUT, SAME_SIGN))
    return FIRST[kind] + track - later


def _crops(packed, where, signs, bar):
    """Cut to the box, which ends before its right and bottom, and resized."""
    crops = np.empty((len(signs), SIDE, SIDE, 3), np.uint8)
    for crop, (kind, name, box) in zip(crops, signs):
        with packed.open(where.format(kind, name)) as file, Image.open(file) as image:
            crop[:] = np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box))
        bar.update()
    return crops


if __name__ == "__main__":  # python3 course.py signs
    try:
        print(f"The signs are in {make()}.  The archives in {Path(data.writable(), 'cache')} are needed no more.")
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; what has come is kept, and the next call goes on from there")
    except (DataError, OSError) as problem:
        sys.exit(str(problem))

"""The traffic signs are the published ones: downloaded, cut out of the archives, verified, split by physical sign."""

import contextlib
import hashlib
import http.server
import io
import re
import subprocess
import sys
import threading
import time
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rights import open_to_all, somebody_else
from small import listed, npz, without_data

from advlib import data, download, files, opening, signs

ROOT = Path(data.ROOT)
REAL = data.find(data.SIGNS_NPZ)  # before the tests hide it
SAMPLE = next((place for place in data.places() if (place / "gtsrb_official_layout_sample").is_dir()), None)
TRAINING, TEST, TRUTH = signs.ARCHIVES
HEAD = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"


def ppm(width, height, seed):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)).save(file, "PPM")
    return file.getvalue()


def packed(contents):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file.getvalue()


# class, file name, width, height, left, top, right, bottom (which are outside the box)
LEARN = [
    (2, "00000_00000.ppm", 80, 80, 5, 6, 70, 71),
    (9, "00039_00000.ppm", 80, 80, 5, 5, 69, 69),
    (9, "00040_00000.ppm", 80, 80, 5, 5, 69, 69),
    (9, "00041_00000.ppm", 80, 80, 5, 5, 70, 70),
    (14, "00022_00001.ppm", 80, 90, 3, 4, 75, 85),
    (14, "00022_00000.ppm", 80, 90, 3, 4, 75, 85),  # before the other
    (14, "00023_00000.ppm", 80, 80, 5, 5, 70, 70),  # in the test set too
    (14, "00024_00000.ppm", 80, 80, 5, 5, 70, 70),
    (18, "00000_00000.ppm", 80, 80, 5, 5, 68, 75),  # a pixel too narrow
    (18, "00001_00000.ppm", 80, 80, 0, 0, 64, 64),
    (18, "00001_00001.ppm", 90, 80, 10, 10, 80, 73),  # a pixel too low
    (17, "00000_00000.ppm", 80, 80, 5, 5, 70, 70),  # of another class
]
ASK = [
    (14, "00007.ppm", 99, 99, 9, 9, 88, 90),
    (1, "00003.ppm", 70, 70, 1, 1, 65, 65),
    (1, "00002.ppm", 70, 70, 9, 9, 60, 60),
]


def table(lines):
    return "\r\n".join([HEAD, *(";".join(map(str, (*line[1:], line[0]))) for line in lines)]) + "\r\n"


def official(learn=LEARN, ask=ASK):
    """Three small archives of the official layout, their files in no order."""
    images = {f"GTSRB/Final_Training/Images/{k:05}/{name}": ppm(w, h, i) for i, (k, name, w, h, *_) in enumerate(learn)}
    tables = {
        f"GTSRB/Final_Training/Images/{k:05}/GT-{k:05}.csv": table([line for line in learn if line[0] == k])
        for k in {line[0] for line in learn}
    }
    tested = {f"GTSRB/Final_Test/Images/{name}": ppm(w, h, 99 + i) for i, (_, name, w, h, *_) in enumerate(ask)}
    return {TRAINING: packed(images | tables), TEST: packed(tested), TRUTH: packed({"GT-final_test.csv": table(ask)})}


ARCHIVES = official()


def cut(archive, path, box):
    """With nothing of advlib: the published way to cut one sign."""
    with zipfile.ZipFile(io.BytesIO(ARCHIVES[archive])) as z, z.open(path) as file:
        return np.array(Image.open(file).resize((64, 64), Image.Resampling.BICUBIC, box=box))


def put(folder, archives=ARCHIVES):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in archives.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in archives]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return signs.rows(*put(tmp_path_factory.mktemp("archives")))


def as_published(arrays):
    """What data.SIGNS is for the signs."""
    return {
        k: (a.shape, hashlib.sha256(a).hexdigest(), *([] if a.dtype == "uint8" else [str(a.dtype)]))
        for k, a in arrays.items()
    }


@pytest.fixture
def nowhere(tmp_path, made, monkeypatch):
    return hide(tmp_path, made, monkeypatch)


@pytest.fixture
def public(made, monkeypatch):
    with open_to_all() as folder:
        yield hide(folder, made, monkeypatch)


def hide(folder, made, monkeypatch):
    """A checkout on a machine without data or network, where the small archives count as published."""
    without_data(folder, monkeypatch)
    monkeypatch.setattr(data, "SIGNS", as_published(made))
    monkeypatch.setattr(signs, "ARCHIVES", {k: hashlib.md5(a).hexdigest() for k, a in ARCHIVES.items()})
    monkeypatch.setattr(signs, "ADDRESS", "http://127.0.0.1:9/")  # nobody listens there
    return folder


def cache(folder):
    return folder / "checkout" / "data" / "cache"


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(download.urllib.request, "urlopen", lambda *_, **__: pytest.fail("a download began"))


# ------------------------------------------------------------------------------ the published signs
@pytest.fixture
def real(monkeypatch):
    if REAL is None:
        pytest.skip(f"{data.SIGNS_NPZ} is in none of {', '.join(map(str, data.places()))}")
    monkeypatch.delenv("ADVLIB_DATASET", raising=False)
    return REAL


@pytest.mark.parametrize("size", [16, 32, 64])
def test_each_size_is_the_area_mean_of_the_published_pixels(size, real):
    found = data.load("signs", size=size)
    assert (found.name, found.published) == ("signs", True)
    with np.load(real, allow_pickle=False) as file:
        published = file["x_test"]
    for (images, labels), n in zip((found.train, found.validation, found.test), (2132, 542, 841), strict=True):
        assert (images.shape, images.dtype) == ((n, size, size, 3), np.float32)
        assert (labels.shape, labels.dtype) == ((n,), np.int64)
        assert 0 <= images.min() < 0.05 < 0.95 < images.max() <= 1
        assert set(labels) == set(range(12))
    k = 64 // size
    exact = [Fraction(int(published[i, :k, -k:, 1].sum()), 255 * k * k) for i in range(50)]
    assert found.test[0][:50, 0, -1, 1].tolist() == [np.float32(float(f)) for f in exact]
    if size == 64:
        assert np.array_equal(np.rint(found.test[0] * 255), published)


def test_labels_have_the_names_of_the_signs(real):
    found = data.load("signs", size=16)
    with np.load(real, allow_pickle=False) as file:
        numbers = file["y_test"]
    assert [found.class_names[c] for c in found.test[1]] == [data.CLASSES[number] for number in numbers]
    assert found.class_names[7] == "Stop"
    assert np.bincount(found.test[1]).tolist() == [73, 67, 40, 47, 85, 107, 120, 62, 60, 30, 105, 45]


def test_no_physical_sign_is_on_both_sides(real):
    found = data.load("signs", size=16)
    learned, held = found.groups("train"), found.groups("validation")
    assert (len(learned), len(held)) == (2132, 542)
    assert not set(learned) & set(held)
    assert (len(set(learned)), len(set(held))) == (368, 98)
    for c in range(12):
        of_class = len(set(learned[found.train[1] == c])), len(set(held[found.validation[1] == c]))
        assert of_class[1] == -(-sum(of_class) // data.ONE_IN), found.class_names[c]


def test_no_photograph_is_in_two_parts(real):
    found = data.load("signs", size=64)
    parts = [{image.tobytes() for image in getattr(found, part)[0]} for part in ("train", "validation", "test")]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 3515


@pytest.mark.parametrize("key", data.SIGNS)
def test_one_value_altered_is_refused(key, real, tmp_path, monkeypatch):
    with np.load(real, allow_pickle=False) as file:
        arrays = {name: file[name] for name in data.SIGNS}
    arrays[key].flat[1] ^= 1
    path = tmp_path / data.SIGNS_NPZ
    path.write_bytes(altered := npz(arrays, np.savez))
    monkeypatch.setenv("ADVLIB_DATA", str(tmp_path))
    with pytest.raises(
        data.DataError, match=rf"gtsrb12_64px\.npz is damaged: {key} has SHA-256 \w{{12}}…, not \w{{12}}…"
    ):
        data.load("signs")
    assert path.read_bytes() == altered


def test_the_same_bytes_of_another_type_are_refused(tmp_path):
    arrays = {"group_train": np.arange(4, dtype=np.int16), "y_train": np.arange(4, dtype=np.uint8)}
    path = tmp_path / data.SIGNS_NPZ
    path.write_bytes(npz(arrays | {"group_train": arrays["group_train"].view(np.uint16)}))
    with pytest.raises(data.DataError, match=r"group_train is uint16 \(4,\), not int16 \(4,\): move it away"):
        data.verified(path, as_published(arrays))


# ---------------------------------------------------------------------------- out of the archives
@pytest.mark.skipif(SAMPLE is None or REAL is None, reason="the sample archives are in no shared/data")
def test_the_official_layouts_sample_gives_the_published_rows():
    found = signs.rows(*(SAMPLE / "gtsrb_official_layout_sample" / name for name in signs.ARCHIVES))
    rows = {"train": [1232, 1238, 1242, 1248], "test": [1, 3, 4, 7, 8, 13, 17, 18, 24, 34]}
    with np.load(REAL, allow_pickle=False) as file:
        for key in data.SIGNS:
            expected = file[key][rows[key.split("_")[1]]]
            assert found[key].dtype == expected.dtype
            assert np.array_equal(found[key], expected), key


@pytest.mark.skipif(REAL is None, reason="the signs are not here")
def test_the_published_rows_are_in_the_order_of_the_builder():
    """Classes as text: 1, 11, 12, …, 2, …; within one, by the track; each track's number lies in its class's range."""
    with np.load(REAL, allow_pickle=False) as file:
        kinds, groups = file["y_train"].tolist(), file["group_train"].tolist()
    order = list(zip(map(str, kinds), groups))
    assert order == sorted(order)
    ends = dict(zip(signs.FIRST, [*list(signs.FIRST.values())[1:], 1267]))
    assert all(signs.FIRST[kind] <= group < ends[kind] for kind, group in zip(kinds, groups))


def test_the_right_photographs_in_the_right_order(made):
    assert made["y_train"].tolist() == [14, 14, 14, 18, 2, 9, 9, 9]
    assert made["group_train"].tolist() == [763, 763, 764, 839, 81, 479, 479, 480]
    assert made["y_test"].tolist() == [1, 14]
    assert {key: str(a.dtype) for key, a in made.items() if a.dtype != np.uint8} == {"group_train": "int16"}


def test_cut_to_the_box_and_resized_as_published(made):
    expected = [
        cut(TRAINING, "GTSRB/Final_Training/Images/00014/00022_00000.ppm", (3, 4, 75, 85)),
        cut(TRAINING, "GTSRB/Final_Training/Images/00014/00022_00001.ppm", (3, 4, 75, 85)),
    ]
    assert np.array_equal(made["x_train"][:2], expected)
    assert np.array_equal(made["x_test"][1], cut(TEST, "GTSRB/Final_Test/Images/00007.ppm", (9, 9, 88, 90)))
    # 64×64 is only cut, its right and bottom being outside
    with zipfile.ZipFile(io.BytesIO(ARCHIVES[TEST])) as z, z.open("GTSRB/Final_Test/Images/00003.ppm") as file:
        assert np.array_equal(made["x_test"][0], np.array(Image.open(file))[1:65, 1:65])


def test_made_from_archives_that_are_here(nowhere, made, no_network, capsys):
    put(nowhere / "shared" / "data")
    before = listed(nowhere)
    path = signs.make()
    assert path == nowhere / "checkout" / "data" / data.SIGNS_NPZ
    assert listed(nowhere) == sorted([*before, f"checkout/data/{data.SIGNS_NPZ}"])
    assert re.search(r"Cropping: 100%.*10/10", capsys.readouterr().err)
    found = data.load("signs", size=64)
    assert found.published
    assert np.array_equal(np.rint(found.test[0] * 255), made["x_test"])
    stamp = path.stat().st_mtime_ns
    assert signs.make() == path
    assert path.stat().st_mtime_ns == stamp  # made once


def turned(content):
    """One bit of it."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGE = {
    "truncated": lambda a: a[: len(a) // 2],
    "a byte short": lambda a: a[:-1],
    "a byte more": lambda a: a + b"\0",
    "one bit": turned,
    "empty": lambda a: b"",
    "a web page": lambda a: b"<html>404 not found</html>",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", signs.ARCHIVES)
@pytest.mark.parametrize("place", ["shared/data", "checkout/data/cache"])
def test_a_damaged_archive_is_named_and_left_alone(place, name, damage, nowhere, no_network):
    altered = DAMAGE[damage](ARCHIVES[name])
    put(nowhere / place, ARCHIVES | {name: altered})
    before = listed(nowhere)
    with pytest.raises(
        data.DataError, match=r"is not the published file: MD5 \w{12}…, not \w{12}…: move it away"
    ) as why:
        signs.make()
    assert str(nowhere / place / name) in str(why.value)
    assert (nowhere / place / name).read_bytes() == altered
    assert listed(nowhere) == before


def test_a_folder_with_an_archives_name_is_refused(nowhere, no_network):
    (cache(nowhere) / TEST).mkdir(parents=True)
    put(nowhere / "shared" / "data", {k: ARCHIVES[k] for k in (TRAINING, TRUTH)})
    with pytest.raises(data.DataError, match="is a folder, where a file is expected: move it away"):
        signs.make()


def test_a_damaged_file_of_signs_is_refused_and_not_made_anew(nowhere, no_network):
    put(nowhere / "shared" / "data")
    path = nowhere / "checkout" / "data" / data.SIGNS_NPZ
    path.write_bytes(b"PK half a file")
    for ask in (signs.make, lambda: data.load("signs")):
        with pytest.raises(
            data.DataError, match=r"gtsrb12_64px\.npz cannot be read as arrays .*: move it away or delete"
        ):
            ask()
    assert path.read_bytes() == b"PK half a file"


def test_what_is_not_the_published_signs_is_not_written(nowhere, monkeypatch, no_network):
    """Another Pillow may compute otherwise."""
    put(nowhere / "shared" / "data")
    before = listed(nowhere)
    crops = signs._crops
    monkeypatch.setattr(signs, "_crops", lambda *args: crops(*args) ^ 1)
    with pytest.raises(
        data.DataError, match=r"x_train has SHA-256 .*: Pillow [\d.]+ may resize otherwise .*nothing was"
    ):
        signs.make()
    assert listed(nowhere) == before


def test_interrupted_while_it_is_written_leaves_nothing(nowhere, monkeypatch, no_network):
    put(nowhere / "shared" / "data")
    before = listed(nowhere)

    def interrupted(file, **_):
        file.write(b"PK half a file")
        raise KeyboardInterrupt

    monkeypatch.setattr(signs.np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        signs.make()
    assert listed(nowhere) == before


# -------------------------------------------------------------------------------------- downloads
@pytest.fixture
def server(nowhere, monkeypatch):
    """In place of the internet; ``asked`` are its requests, ``most`` bytes of a file are sent, then it hangs up."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name, wanted = self.path.strip("/"), self.headers.get("Range")
            here.asked.append((name, wanted))
            body, start = here.files[name], 0
            if wanted and here.ranges:
                start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
                if start >= len(body):
                    self.send_error(416)
                    return
            self.send_response(206 if start else here.status)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            with contextlib.suppress(OSError):  # given up
                here.send(self.wfile, body[start:][: here.most])

        def log_message(self, *_):
            pass

    here = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.files, here.asked, here.ranges, here.status, here.most = dict(ARCHIVES), [], True, 200, None
    here.send = lambda file, content: file.write(content)
    threading.Thread(target=here.serve_forever, daemon=True).start()
    monkeypatch.setattr(signs, "ADDRESS", f"http://127.0.0.1:{here.server_port}/")
    yield here
    here.shutdown()
    here.server_close()


def test_downloaded_once_with_a_progress_bar(server, nowhere, capsys):
    path = signs.make()
    assert [(cache(nowhere) / name).read_bytes() for name in ARCHIVES] == list(ARCHIVES.values())
    assert len(listed(nowhere)) == 4
    shown = capsys.readouterr().err
    assert all(f"Downloading {name}: 100%" in shown for name in ARCHIVES)
    path.unlink()
    signs.make()
    assert server.asked == [(name, None) for name in ARCHIVES]


def test_a_download_that_was_cut_goes_on_where_it_was(server, nowhere):
    server.most = 20_000
    with pytest.raises(
        OSError, match=r"Images\.zip: the connection broke off [\d,]+ bytes before the end; what has come is"
    ):
        signs.make()
    assert (cache(nowhere) / f"{TRAINING}.part").read_bytes() == ARCHIVES[TRAINING][:20_000]
    server.most = None
    assert data.verified(signs.make(), data.SIGNS)
    assert server.asked[:2] == [(TRAINING, None), (TRAINING, "bytes=20000-")]
    assert not list(cache(nowhere).glob("*.part"))


def test_a_download_that_was_interrupted_goes_on_where_it_was(server, nowhere, monkeypatch):
    whole = download.pieces

    def interrupted(*args):
        for piece in whole(*args):
            yield piece
            raise KeyboardInterrupt

    monkeypatch.setattr(download, "pieces", interrupted)
    with pytest.raises(KeyboardInterrupt):
        signs.make()
    come = (cache(nowhere) / f"{TRAINING}.part").read_bytes()
    assert come == ARCHIVES[TRAINING][: len(come)] != b""
    monkeypatch.setattr(download, "pieces", whole)
    assert data.verified(signs.make(), data.SIGNS)
    assert server.asked[1] == (TRAINING, f"bytes={len(come)}-")


KILLED = """
from pathlib import Path
from advlib import data, download, signs
data.ROOT, data.DATA = Path(root), Path(root) / "data"
signs.ADDRESS, signs.ARCHIVES = address, archives
signs.make()
"""


def test_a_kernel_killed_in_mid_download(server, nowhere):
    def slowly(file, content):
        for i in range(0, len(content), 10_000):
            file.write(content[i : i + 10_000])
            time.sleep(0.3)

    server.send = slowly
    names = {"root": str(data.ROOT), "address": signs.ADDRESS, "archives": signs.ARCHIVES}
    script = "".join(f"{key} = {value!r}\n" for key, value in names.items()) + KILLED
    kernel = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.DEVNULL)
    part, end = cache(nowhere) / f"{TRAINING}.part", time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 20_000) and time.monotonic() < end:
        time.sleep(0.05)
    kernel.kill()
    kernel.wait()
    come = part.read_bytes()
    assert 20_000 < len(come) < len(ARCHIVES[TRAINING])
    assert come == ARCHIVES[TRAINING][: len(come)]
    server.send = lambda file, content: file.write(content)
    assert data.verified(signs.make(), data.SIGNS)
    assert server.asked[1] == (TRAINING, f"bytes={len(come)}-")


def begun(folder, content, name=TRAINING):
    cache(folder).mkdir(exist_ok=True)
    (cache(folder) / f"{name}.part").write_bytes(content)


def test_a_server_that_sends_the_whole_again_loses_nothing(server, nowhere):
    server.ranges = False
    begun(nowhere, ARCHIVES[TRAINING][:30_000])
    assert data.verified(signs.make(), data.SIGNS)
    assert (cache(nowhere) / TRAINING).read_bytes() == ARCHIVES[TRAINING]


def test_a_page_in_between_loses_nothing(server, nowhere):
    """A hotel's log-in page has status 200."""
    server.ranges, server.files[TRAINING] = False, b"<html>your room number?</html>"
    begun(nowhere, ARCHIVES[TRAINING][:30_000])
    with pytest.raises(OSError, match=r"nothing came that was not there already; what has come is kept"):
        signs.make()
    assert (cache(nowhere) / f"{TRAINING}.part").read_bytes() == ARCHIVES[TRAINING][:30_000]


def test_whole_but_not_yet_at_its_place(server, nowhere):
    begun(nowhere, ARCHIVES[TRAINING])
    assert data.verified(signs.make(), data.SIGNS)
    assert [name for name, _ in server.asked] == [TEST, TRUTH]


@pytest.mark.parametrize("already", [b"", turned(ARCHIVES[TRAINING]), turned(ARCHIVES[TRAINING]) + b"more"])
def test_what_is_not_the_published_archive_is_never_used(already, server, nowhere):
    """Another file, or a beginning of another: it is told, and the next call begins anew."""
    server.files[TRAINING] = turned(ARCHIVES[TRAINING])
    begun(nowhere, already)
    with pytest.raises(
        OSError, match=rf"what came from {signs.ADDRESS}{TRAINING} is not the published file and was removed"
    ):
        signs.make()
    assert listed(nowhere) == []
    server.files = dict(ARCHIVES)
    assert data.verified(signs.make(), data.SIGNS)


def test_no_network(nowhere):
    begun(nowhere, ARCHIVES[TRAINING][:30_000])
    with pytest.raises(OSError, match=r"http://127.0.0.1:9/GTSRB_.*refused.*what has come is kept, and the next call"):
        signs.make()
    assert (cache(nowhere) / f"{TRAINING}.part").read_bytes() == ARCHIVES[TRAINING][:30_000]


def test_a_missing_file_on_the_server(server, nowhere):
    server.status = 404
    with pytest.raises(OSError, match=r"GTSRB_Final_Training_Images\.zip: HTTP Error 404"):
        signs.make()


def test_a_download_that_drips_is_given_up(server, nowhere, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 1)
    monkeypatch.setattr(download, "LEAST", 100)

    def drip(file, content):
        file.write(content[:5000])
        for i in range(5000, 5100):
            file.write(content[i : i + 1])
            time.sleep(0.2)

    server.send = drip
    with pytest.raises(OSError, match=r"given up: only \d bytes came in 1 s; what has come is kept"):
        signs.make()
    assert (cache(nowhere) / f"{TRAINING}.part").stat().st_size >= 5000


def test_a_read_only_data_folder_is_left_for_kerass_cache(server, public, monkeypatch):
    monkeypatch.setattr(signs, "ADDRESS", f"http://127.0.0.1:{server.server_port}/")
    (public / "checkout" / "data").chmod(0o555)
    (public / "keras").mkdir()
    (public / "keras").chmod(0o777)
    with somebody_else():
        assert signs.make() == public / "keras" / "datasets" / data.SIGNS_NPZ
        assert data.load("signs").published
    assert len(listed(public)) == 4


def test_nowhere_to_write(public, no_network):
    put(public / "shared" / "data")
    (public / "checkout" / "data").chmod(0o555)
    (public / "keras").mkdir()
    (public / "keras").chmod(0o555)
    with somebody_else(), pytest.raises(PermissionError):
        signs.make()


STARTER = """
import sys, time
from pathlib import Path
from advlib import data, download, signs

def slowly(url, name, start, whole=download.pieces):
    "Half a file, then a wait until the other process is as far."
    for i, piece in enumerate(whole(url, name, start)):
        yield piece[:1000]
        if i == 0:
            Path(meeting, sys.argv[2]).touch()
            end = time.monotonic() + 60
            while len(list(Path(meeting).iterdir())) < 2 and time.monotonic() < end:
                time.sleep(0.01)
        yield piece[1000:]

meeting = sys.argv[1]
data.ROOT, data.DATA, data.SIGNS, download.pieces = Path(root), Path(root) / "data", table, slowly
signs.ADDRESS, signs.ARCHIVES = address, archives
print(signs.make().name, len(list(Path(meeting).iterdir())))
"""


def test_two_kernels_at_once(server, nowhere):
    (nowhere / "meeting").mkdir()
    names = {"root": str(data.ROOT), "table": data.SIGNS, "address": signs.ADDRESS, "archives": signs.ARCHIVES}
    script = "".join(f"{key} = {value!r}\n" for key, value in names.items()) + STARTER
    command = [sys.executable, "-c", script, str(nowhere / "meeting")]
    kernels = [subprocess.Popen([*command, name], cwd=ROOT, stdout=subprocess.PIPE, text=True) for name in "ab"]
    printed = [kernel.communicate(timeout=120)[0] for kernel in kernels]
    assert printed == [f"{data.SIGNS_NPZ} 2\n"] * 2
    assert listed(nowhere / "checkout") == sorted(
        [f"data/{data.SIGNS_NPZ}", *(f"data/cache/{name}" for name in ARCHIVES)]
    )
    assert [(cache(nowhere) / name).read_bytes() for name in ARCHIVES] == list(ARCHIVES.values())


def test_another_process_was_quicker(server, nowhere, monkeypatch):
    move = signs.os.replace

    def late(part, path):
        move(part, path)
        move(part, path)

    monkeypatch.setattr(signs.os, "replace", late)
    assert [signs.archive(name).read_bytes() for name in ARCHIVES] == list(ARCHIVES.values())


# -------------------------------------------------------------------------------- without the signs
def test_without_the_signs_coloured_digits_and_no_download(nowhere, no_network):
    with pytest.warns(
        UserWarning, match=r"copy gtsrb12_64px\.npz to .*python3 course\.py signs.*digits in random colours"
    ):
        found = data.load("signs", size=16)
    assert (found.name, found.published) == ("coloured-digits", False)
    assert listed(nowhere) == []


def test_mnist_may_be_asked_for_without_the_signs(nowhere, monkeypatch):
    monkeypatch.setenv("ADVLIB_DATASET", "mnist")
    with pytest.warns(UserWarning, match="traffic signs"):
        assert data.load("signs").name == "coloured-digits"


@pytest.mark.parametrize(("name", "wish"), [("signs", "digits"), ("coloured-digits", ""), ("coloured-digits", "mnist")])
def test_coloured_digits_where_they_are_asked_for(name, wish, nowhere, monkeypatch, recwarn):
    (nowhere / "checkout" / "data" / data.SIGNS_NPZ).write_bytes(b"not even looked at")
    monkeypatch.setenv("ADVLIB_DATASET", wish)
    assert data.load(name).name == "coloured-digits"
    assert not recwarn.list


def test_coloured_digits_are_the_digits_in_two_colours():
    found, grey = data.load("coloured-digits", size=64), data.load("digits")
    assert found.class_names == grey.class_names
    labels = np.concatenate([grey.validation[1], grey.train[1]])
    assert np.array_equal(found.raw["y_train"], labels)
    assert np.array_equal(found.test[1], grey.test[1])
    for images, labels in (found.train, found.validation, found.test):
        assert images.shape[1:] == (64, 64, 3)
        assert np.bincount(labels).min() > len(labels) / 20
        ground = images[:, :1, :1]
        apart = np.abs(images - ground).max((1, 2))  # what is darkest or brightest of the stroke
        assert apart.min() > 0.3
        assert np.abs(images[:, :8] - ground).max() == 0  # a margin
    parts = [{image.tobytes() for image in getattr(found, part)[0]} for part in ("train", "validation", "test")]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 1797


def test_coloured_digits_come_in_the_same_sizes():
    large = data.load("coloured-digits", size=64).test[0]
    for size in (16, 32):
        k = 64 // size
        mean = large.reshape(400, size, k, size, k, 3).mean((2, 4), dtype=np.float64)
        assert np.abs(data.load("coloured-digits", size=size).test[0] - mean).max() < 1e-7
    assert np.array_equal(data.load("coloured-digits").test[0], data.load("coloured-digits", size=32).test[0])


@pytest.mark.parametrize("size", [0, 8, 48, 128, "32", 32.5])
def test_another_size_is_refused(size):
    with pytest.raises(ValueError, match="size must be 16, 32 or 64; found "):
        data.load("signs", size=size)


@pytest.mark.parametrize("name", ["mnist", "digits"])
def test_mnist_has_one_size(name):
    with pytest.raises(
        ValueError, match=f"only the signs come in several sizes; found '{name}' with size=32: leave size"
    ):
        data.load(name, size=32)


def test_groups_where_there_are_none(nowhere):
    for name, part in [("digits", "train"), ("coloured-digits", "test")]:
        with pytest.raises(
            ValueError, match=f"only train and validation of the signs have groups; found {name}, '{part}'"
        ):
            data.load(name).groups(part)


# -------------------------------------------------------------------------------------- the split
@pytest.mark.parametrize("seed", range(5))
def test_the_split_goes_by_track_whatever_the_tracks_are(seed):
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(60), rng.integers(1, 30, 60))).astype(np.int16)
    labels = (groups % 7).astype(np.int64)
    images = rng.integers(0, 256, (len(groups), 4, 4, 3), np.uint8)
    raw = {"x_train": images, "y_train": labels, "group_train": groups, "x_test": images[:2], "y_test": labels[:2]}
    found = data.Dataset("signs", tuple("0123456"), raw, side=2)
    learned, held = found.groups("train"), found.groups("validation")
    assert not set(learned) & set(held)
    assert sorted([*learned, *held]) == sorted(groups)
    assert np.array_equal(found.train[1], learned % 7)
    assert np.array_equal(found.validation[1], held % 7)
    assert all(np.unique(held[held % 7 == c]).size == -(-np.sum(np.arange(60) % 7 == c) // 5) for c in range(7))
    for a in (*found.train, *found.validation, *found.test, learned, held):
        assert not a.flags.writeable


# ------------------------------------------------------------------------------------- the banner
def test_the_first_cell_says_which_signs(real, capsys):
    assert opening.start(name="signs", size=16).name == "signs"
    printed = capsys.readouterr().out
    assert "data: signs 16×16, 3515 images" in printed
    assert "***" not in printed


def test_the_first_cell_says_that_they_are_coloured_digits(nowhere, capsys):
    with pytest.warns(UserWarning, match="traffic signs"):
        opening.start(name="signs")
    printed = capsys.readouterr().out
    assert "data: coloured-digits 32×32, 1797 images" in printed
    assert "*** COLOURED DIGITS: no traffic signs are used here" in printed


# ------------------------------------------------------------------------------ for test_files.py
def test_a_file_is_verified_by_md5_too(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"published")
    files.verified(path, hashlib.md5(b"published").hexdigest(), "", "MD5")
    with pytest.raises(data.DataError, match=r"is not the published file: MD5 \w{12}…, not 0{12}…: call again"):
        files.verified(path, "0" * 32, "call again", "MD5")

"""benchmarks/: what they compare is the same attack, and README shows what was measured."""

import numpy as np
import pytest
import tiny
from PIL import Image

from advlib import cnn, common_noise


def test_the_plain_loop_is_algorithm_1(bench):
    model, x, y = tiny.convolutional(), tiny.images(4), np.zeros(4, int)
    *_, (seconds, e) = bench.plain(model, x, y, eps=0.2, epochs=3)
    assert seconds > 0
    np.testing.assert_allclose(e, common_noise(model, x, y, eps=0.2, epochs=3).noise, atol=1e-5)


def test_a_gradient_of_table_1_costs_what_its_layers_multiply(bench):
    forward = 28 * 28 * 25 * 32 + 14 * 14 * 25 * 32 * 64 + 7 * 7 * 64 * 1024 + 1024 * 10
    assert bench.flops(cnn.build()) == 4 * forward


def test_readme_shows_what_was_measured(bench):
    report = bench.report
    readme = report.README.read_text("utf-8")
    shown = readme.partition(report.BEGIN)[2].partition(report.END)[0]
    assert shown.strip() == report.table(report.load()).strip()
    assert "](benchmarks/speed.png)" in readme
    assert report.FIGURE.exists()


def test_a_peer_that_failed_is_told_and_the_others_stand(bench):
    rows = [
        {"name": "advlib", "rule": "sign", "k": 8, "rms": 0.07401, "gradients": 54},
        {"name": "B", "rule": "sign", "k": 9, "rms": 0.1, "gradients": 2000, "ratio": 31.4159},
        {"name": "C", "rule": "sign", "failed": "no such module"},
        {"name": "advlib", "rule": "gradient", "k": 10, "rms": 0.05, "gradients": 60},
    ]
    part = {"cpu": "a chip", "cores": 2, "date": "2026-01-02", "versions": {}, "packages": {"b": "1.0"}}
    part["measured"] = {"images": 10, "eps": 0.15, "alpha": 10 / 255, "steps": 200, "rows": rows}
    lines = bench.report.table({"peers": part}).splitlines()
    assert lines[2:6] == [
        "| advlib | sign | 8 | 0.0740 | 54 | 1 |",
        "| B | sign | 9 | 0.1000 | 2,000 | 31 |",
        "| C | sign | did not run | – | – | – |",
        "| advlib | gradient | 10 | 0.0500 | 60 | 1 |",
    ]
    assert "a chip, 2 cores, 2026-01-02; b 1.0" in lines[-1]


def test_every_part_is_told_and_drawn(bench, tmp_path, monkeypatch):
    def part(date="2026-01-02", **measured):
        where = {"cpu": "a chip", "cores": 2, "date": date}
        return {"measured": measured, "versions": {}, "packages": {"b": "1.0"}, **where}

    left = [{"image": i, "k": k} for i, k in enumerate((0, 2, 32))]
    row = {"batch": 26, "bare": 1000.0, "common": 870.0}
    point = {"images": 1000, "gradients": 100, "seconds": 2.0, "images_bytes": 3e6, "peak_bytes": 0.9e9}
    large = {"images": 10_000, "gradients": 1010, "seconds": 21.0, "images_bytes": 31e6, "peak_bytes": 0.95e9}
    runs = [{"name": "A", "seconds": [1, 2], "k": [19, 20]}, {"name": "B", "seconds": [3], "k": [4]}]
    runs.append({"name": "ART", "failed": "no such module"})
    ours = {"name": "advlib", "rule": "sign", "k": 8, "rms": 0.07, "gradients": 54}
    results = {
        "peers": part(images=10, eps=0.15, alpha=10 / 255, steps=200, rows=[ours]),
        "rounding": part(starts=32, moved=1e-7, left=left),
        "limit": part(rows=[row, row | {"batch": 64, "attack": 960.0}], sgemm_flops=4e5, flops_per_gradient=100),
        "scaling": part(images=[{}, point, large]),
        "course": part("2026-01-03") | {"measured": [{"seconds": 60, "peak_bytes": 1e9}] * 2},
        "common": part(n=20, eps=0.24, runs=runs),
        "live": part(
            bytes=20_400,
            rows=[
                {"name": "A", "slower": 1, "where": "worker", "frame": 17.4, "first_reading": 1.04},
                {"name": "slowed", "slower": 6, "where": "worker", "frame": 60.4, "first_reading": 2},
            {"name": "slowed, no worker", "slower": 6, "where": "main", "frame": 91.2, "first_reading": 3},
                {"name": "B", "slower": 1, "where": "worker", "frame": 21.0, "first_reading": 1.46},
            ],
        ),
        "pages": part() | {"measured": [{"bytes": 5e5, "title": 0.8, "slider": 1.6}, {"bytes": 2e4, "title": 1.0}]},
    }
    report = bench.report
    for name in ("results.json", "readme.md", "figure.png"):
        monkeypatch.setattr(report, name.split(".")[0].upper(), tmp_path / name)
    report.save(results)
    report.README.write_text(f"before\n{report.BEGIN}old\n{report.END}\nafter\n", "utf-8")
    report.write(report.load())
    text = report.README.read_text("utf-8")
    assert text.startswith(f"before\n{report.BEGIN}\n| library")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "2 depend on rounding: fooled from 2, 32 of 32 starts at most 1e-07 away.\n" in text
    assert "(ε = 0.24) fools 95% of the unseen 5s. A: 1 s; B: never (at most 4 of 20).\n" in text
    assert "the attack reaches 96% (64 images), Algorithm 1 87% (26 noises side by side)" in text
    assert "does 25% of the operations" in text
    assert "10.1 times the gradients and 10.5 times the seconds, and 0.90 GB of memory become 0.95," in text
    assert "2.0 minutes; the largest kernel takes 1.00 GB. (a chip, 2 cores, 2026-01-03)\n" in text
    assert "page is 500 kB, gzipped" in text
    assert "after at most 1.0 s, and its first slider answers after at most 1.6.\n" in text
    assert "is 20 kB of JavaScript. A frame" in text
    assert "takes 17 (A), 21 (B) ms at the median" in text
    assert "comes 1.0 (A), 1.5 (B) s after the page is opened from the disk. With the" in text
    assert "slowed 6 times a frame takes 60 ms, and 91 where that thread" in text
    assert report.FIGURE.read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def built(tmp_path):
    """Pages of known weight: 10 kB that cannot be packed in each picture and font."""
    noise = np.random.default_rng(0).integers(0, 256, (100, 100), dtype=np.uint8)
    for folder in ("_static", "_images", "in_depth"):
        (tmp_path / folder).mkdir()
    for name in "ab":
        Image.fromarray(noise).save(tmp_path / "_images" / f"{name}.png")
    (tmp_path / "_static" / "math.woff2").write_bytes(noise)
    (tmp_path / "_static" / "course.js").write_text("1", "utf-8")
    (tmp_path / "_static" / "course.css").write_text("p { color: red }", "utf-8")
    head = '<link rel="icon" href="data:,">'  # else the browser asks for /favicon.ico, once, whenever it likes
    head += '<link rel="stylesheet" href="{0}_static/course.css?v=1"><script defer src="{0}_static/course.js"></script>'
    body = '<article><h1>A page</h1><img loading="lazy" src="{0}_images/a.png"><p style="height: 9000px">'
    body += '<img loading="lazy" src="{0}_images/a.png"><img loading="lazy" src="{0}_images/b.png">'
    slider = """<math></math><div class="advlib-explorer"><input type="range" max="2"
        oninput="nextElementSibling.textContent = value"><figcaption></figcaption></div>"""
    (tmp_path / "plain.html").write_text((head + body).format(""), "utf-8")
    (tmp_path / "in_depth" / "both.html").write_text((head + body).format("../") + slider, "utf-8")
    return tmp_path


def test_a_page_weighs_what_it_can_ask_for(bench, built):
    assert 20_000 < bench.pages.weight(built / "plain.html") < 21_000  # two pictures
    assert 30_000 < bench.pages.weight(built / "in_depth" / "both.html") < 31_000  # and the font, for its formula


def test_a_page_is_measured_on_a_slow_phone(bench, built, chromium):
    pytest.importorskip("playwright")
    both, plain = bench.pages.measure(built)
    assert (both["page"], plain["page"]) == ("in_depth/both", "plain")
    assert 20_000 < plain["bytes"] < 23_000
    assert plain["requests"] == 5
    assert plain["title"] >= 0.15  # the network's own time
    assert both["slider"] >= both["title"]
    assert "slider" not in plain


@pytest.mark.parametrize("part", ["pages", "live_page"])
def test_where_there_are_no_pages_one_is_told_how_to_write_them(bench, tmp_path, part):
    with pytest.raises(SystemExit, match=r"course\.py run"):
        getattr(bench, part).measure(tmp_path)

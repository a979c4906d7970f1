"""What the course found beyond the paper, from stored counts."""

from advlib import beyond, results


def test_what_goes_beyond_the_paper_adds_up_the_stored_counts(monkeypatch):
    pair = {"network": 0, "ε": 0.24, "class": 5, "target": 3, "k": 3, "n": 4}
    noise = {"network": 0, "k": 1, "n": 10}
    stored = {
        "05_targets": {"pairs": [pair, {**pair, "class": 8, "k": 0, "n": 6}, {**pair, "ε": 0.3, "k": 4}],
                       "controls": [{**noise, "noise": "random ±ε"}, {**noise, "noise": "no noise", "k": 9}],
                       "predictors": [{"network": 0, "ε": eps, "predictor": name, "rho": rho, "low": 0.1, "high": 0.9}
                                      for eps, name, rho in [(0.24, "linearised search", 0.812), (0.24, "other", 0.2),
                                                             (0.3, "linearised search", 0.5)]]},
        "05_price": {"all_classes": [{**noise, "noise": name, "k": k} for k, name in enumerate(
            ("one for each class", "one, untargeted", "one, towards 8", "random ±ε"))]},
    }  # fmt: skip
    moved = {
        f"{at}_{key}": value
        for i, at in enumerate(("unmoved", "worst", "highest"))
        for key, value in (("k", i), ("n", 8))
    }
    stored["06_motion"] = {
        "summary": [{"network": 0, "noise": noise, "way": way, "ε": eps, **moved} for noise, way, eps in [
            ("none", "-", 0.0), ("plain", "printed", 0.3), ("plain", "lens", 0.3), ("plain", "printed", 0.24),
            ("learned for motion", "printed", 0.3), ("learned longer", "printed", 0.3), ("random ±ε", "printed", 0.3)]],
        "goal": [{"network": 0, "noise": noise, "loss": loss} for noise, loss in
                 (("plain", 31.04), ("learned for motion", 17.0), ("learned longer", 7.0))],
    }  # fmt: skip
    stop = {"network": 0, "family": "cnn", "rule": "gradient", "levels": 16, "k": 5, "n": 6, "random_k": 1,
            "mean of signs": 0.404}  # fmt: skip
    slope = {"noise": "one image", "measure": "ε", "networks": "0", "b": -0.112, "low": -0.2, "high": 0.014}
    stored["07_resolution"] = {
        "networks": [{"network": 0, "family": "cnn", "size": size, "test_k": size, "test_n": 70}
                     for size in (16, 32, 64)],
        "stop": [{**stop, "size": size} | other for size in (16, 32, 64)
                 for other in ({}, {"rule": "sign", "k": 0}, {"levels": 8})],
        "slope": [{**slope, "family": family, "networks": networks}
                  for family in ("cnn", "deep", "null") for networks in ("all", "0")],
    }  # fmt: skip
    ratio = {"network": 0, "ratio": 1.171, "low": 1.1, "high": 1.25}
    stored["03_gradient_vs_sign"] = {"claims": [{**ratio, "claim": "weaker noise (RMS)", "ratio": 1.5},
                                                {**ratio, "claim": "same, border and as many steps"}]}  # fmt: skip
    cells = [("cnn 0", "cnn 0", 9), ("cnn 0", "cnn 1", 2), ("cnn 0", "cnn 2", 3), ("cnn 1", "cnn 0", 7),
             ("cnn 0", "dense 0", 10), ("dense 0", "cnn 0", 10)]  # fmt: skip
    of_noise = {"one image": cells, "common": cells, "random ±ε": [("–", "cnn 0", 1), ("–", "dense 0", 8)]}
    stored["08_transfer"] = {"matrix": [{"made on": made, "read by": read, "ε": eps, "k": k, "n": 10, "noise": noise}
                                        for noise, found in of_noise.items() for made, read, k in found
                                        for eps in (38 / 255, 61 / 255)]}  # fmt: skip
    stored["08_defences"] = {
        "attacked": [
            {"network": 0, "defence": defence, "noise": noise, "ε": 0.24, "k": k, "n": 9}
            for k, defence in enumerate(("strided", "against-common", "adversarial", "proved"))
            for noise in ("common", "x")
        ]
    }
    stored["08_autoattack"] = {
        "autoattack": [
            {"network": 0, "defence": "adversarial", "ε": 0.3, "k": 4, "n": 5},
            {"network": 0, "defence": "proved", "ε": 0.24, "k": 1, "n": 5},
        ]
    }
    stored["08_proof"] = {"proved": [{"network": 0, "ε": eps, "k": k, "n": 8} for eps, k in ((0.15, 7), (0.24, 6))]}
    monkeypatch.setattr(results, "load", stored.get)
    monkeypatch.setattr(beyond, "SEEDS", (0,))
    first, *found = [line["network 0"] for part in beyond.table().values() for line in part][1:]
    assert first == "1.17 [1.10, 1.25]"
    *found, a, b, c, stop16, stop32, stop64, blind, by_sign, cnn, deep, null = found[:-9]
    assert [(rate.k, rate.n) for rate in (a, b, c)] == [(16, 70), (32, 70), (64, 70)]
    assert [(rate.k, rate.n) for rate in (stop16, stop32, stop64, blind)] == [(5, 6), (5, 6), (5, 6), (1, 6)]
    assert by_sign == "40 %"
    assert cnn == deep == null == "−0.11 [−0.20, 0.01]"
    assert found[5:7] == ["0.81 [0.10, 0.90]", "0.50 [0.10, 0.90]"]
    assert found[-3:] == ["31.0", "17.0", "7.0"]
    assert [(rate.k, rate.n) for rate in found[11:-3]] == [(i, 8) for i in (1, 0, 1, 1, 1, 0, 1, 2)]
    told = [(rate.k, rate.n) for rate in found[:5] + found[7:11]]
    assert told == [(3, 4), (4, 4), (3, 10), (4, 4), (1, 10), (0, 10), (1, 10), (2, 10), (3, 10)]
    stopped = [line["network 0"] for part in list(beyond.table().values())[-4:] for line in part]
    rates = [(rate.k, rate.n) for rate in stopped]
    assert rates[:3] == [(5, 20), (5, 20), (1, 10)], "two other networks of Table I, at 0.15 alone"
    assert rates[3:] == [(0, 9), (1, 9), (2, 9), (3, 9), (4, 5), (6, 8)]

import numpy as np
import pandas as pd
import pytest

from evoflow.train.comparison import compare
from evoflow.train.metrics import evaluate


def predictions(blocks, per_block=10, seed=0):
    """Made-up test rows with a good, a poor and a constant model."""
    rng = np.random.default_rng(seed)
    rows = blocks * per_block
    score = rng.choice([1, 2, 5, 10], size=rows)
    return pd.DataFrame(
        {
            "individual": "A",
            "ref": "A",
            "alt": "G",
            "carries_alt": True,
            "consequence": "missense_variant",
            "impact": np.where(score == 10, "HIGH", "LOW"),
            "impact_score": score,
            "clinical_significance": "",
            "block": np.repeat(np.arange(blocks), per_block),
            "head": score + rng.normal(size=rows),
            "poor": score + rng.normal(scale=8, size=rows),
            "constant": 4.0,
        }
    )


MODELS = ["head", "poor", "constant"]


def test_values_worked_out_by_hand():
    rows = predictions(1, 4).assign(impact_score=[0, 0, 5, 10], head=[1, 0, 4, 6])
    rows["impact"] = ["NONE", "NONE", "MODERATE", "HIGH"]
    found = evaluate(rows, ["head"], seed=0).metrics["all"]["head"]
    assert found["rmse"][0] == pytest.approx(np.sqrt((1 + 0 + 1 + 16) / 4))
    assert found["mae"][0] == pytest.approx(6 / 4)
    assert found["macro_mae"][0] == pytest.approx((0.5 + 1 + 4) / 3)
    # ranks 1.5 1.5 3 4 against 2 1 3 4: 4.5 / sqrt(4.5 * 5)
    assert found["spearman"][0] == pytest.approx(4.5 / np.sqrt(22.5))
    assert found["auroc_high"][0] == 1
    assert found["rmse"][3] == 4


def test_intervals_hold_the_value_and_narrow_with_more_blocks():
    few, many = (
        evaluate(predictions(blocks), MODELS, seed=0).metrics["carriers"]["poor"]["spearman"]
        for blocks in (10, 160)
    )
    for value, low, high, _ in (few, many):
        assert low < value < high
    assert (many[2] - many[1]) < (few[2] - few[1]) / 2


def test_rows_of_one_block_are_not_independent():
    rows = predictions(40, 1)
    repeated = pd.concat([rows] * 25)
    widths = []
    for table in (rows, repeated):
        _, low, high, _ = evaluate(table, ["poor"], seed=0).metrics["all"]["poor"]["mae"]
        widths.append(high - low)
    assert widths[0] == pytest.approx(widths[1])


def test_what_is_undefined_says_why():
    found = evaluate(predictions(2), MODELS, seed=0)
    assert found.metrics["all"]["constant"]["spearman"] == (None, None, None, 20)
    assert found.undefined["all"]["constant"]["spearman"] == "every prediction is the same"
    assert found.undefined["all"]["head"]["auroc_pathogenic"] == "no row with a known pathogenic"
    assert found.undefined["all"]["head"]["rmse"] == "no interval: 2 genomic blocks"
    assert found.metrics["all"]["head"]["rmse"][1] is None


def test_the_bootstrap_is_seeded():
    rows = predictions(10)
    first, again, other = (evaluate(rows, ["head"], seed=seed).metrics for seed in (0, 0, 1))
    assert first == again != other


def test_the_parts_of_a_large_bootstrap_change_nothing(monkeypatch):
    rows = predictions(10)
    whole = evaluate(rows, ["head"], seed=0).metrics
    monkeypatch.setattr("evoflow.train.metrics.CELLS", 1000)
    parts = evaluate(rows, ["head"], seed=0).metrics
    for name, estimate in whole["all"]["head"].items():
        if estimate[0] is not None:
            assert parts["all"]["head"][name] == pytest.approx(estimate)


def test_a_clear_difference_is_told_and_a_chance_one_is_not():
    rows = predictions(60).assign(twin=lambda table: table["head"].iloc[::-1].to_numpy())
    rows["twin"] = (
        rows["impact_score"] + (rows["head"] - rows["impact_score"]).iloc[::-1].to_numpy()
    )
    found = compare(evaluate(rows, [*MODELS, "twin"], seed=0), "head", ["poor", "constant", "twin"])
    ranked = found[(found["metric"] == "spearman") & (found["subset"] == "carriers")]
    poor, constant, twin = ranked.to_dict("records")
    assert poor["low"] > 0
    assert poor["verdict"].startswith("carriers: the head is better than poor by rank correlation")
    assert constant["difference"] > 0.8
    assert twin["low"] < 0 < twin["high"]
    assert "not told apart from twin" in twin["verdict"]
    errors = found[(found["metric"] == "rmse") & (found["baseline"] == "poor")]
    assert (errors["high"] < 0).all()
    assert errors["verdict"].str.contains("better than poor").all()

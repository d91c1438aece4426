import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from evoflow.labels.target import IMPACT, PATHOGENICITY
from evoflow.settings import UserColumn
from evoflow.train.evaluation.metrics import evaluate


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
            "label": score,
            "clinical_significance": "",
            "contig": "chr1",
            "position": np.arange(rows) + 1,
            "gene": np.repeat([f"G{number}" for number in range(blocks)], per_block),
            "block": np.repeat(np.arange(blocks), per_block),
            "head": score + rng.normal(size=rows),
            "poor": score + rng.normal(scale=8, size=rows),
            "constant": 4.0,
        }
    )


MODELS = ["head", "poor", "constant"]


def test_values_worked_out_by_hand():
    rows = predictions(1, 4).assign(label=[0, 0, 5, 10], head=[1, 0, 4, 6])
    rows["impact"] = ["NONE", "NONE", "MODERATE", "HIGH"]
    found = evaluate(rows, ["head"]).metrics["all"]["head"]
    assert found["rmse"][0] == pytest.approx(np.sqrt((1 + 0 + 1 + 16) / 4))
    assert found["mae"][0] == pytest.approx(6 / 4)
    assert found["macro_mae"][0] == pytest.approx((0.5 + 1 + 4) / 3)
    # ranks 1.5 1.5 3 4 against 2 1 3 4: 4.5 / sqrt(4.5 * 5)
    assert found["spearman"][0] == pytest.approx(4.5 / np.sqrt(22.5))
    assert found["auroc_high"][0] == 1
    assert found["rmse"][3] == 4


def test_intervals_hold_the_value_and_narrow_with_more_blocks():
    few, many = (
        evaluate(predictions(blocks), MODELS).metrics["carriers"]["poor"]["spearman"]
        for blocks in (10, 160)
    )
    for value, low, high, _ in (few, many):
        assert low < value < high
    assert (many[2] - many[1]) < (few[2] - few[1]) / 2


@pytest.mark.parametrize(
    ("column", "value", "metric", "why"),
    [
        ("impact", "LOW", "auroc_high", "no row is HIGH"),
        ("impact", "HIGH", "auprc_high", "every row is HIGH"),
        ("clinical_significance", "Benign", "auroc_pathogenic", "every row is benign"),
        ("clinical_significance", "Pathogenic", "auprc_pathogenic", "every row is pathogenic"),
        ("label", 5, "spearman", "every row has score 5"),
    ],
)
def test_where_all_rows_are_alike_it_is_said_how(column, value, metric, why):
    found = evaluate(predictions(20).assign(carries_alt=True, **{column: value}), ["head"])
    assert found.undefined["all"]["head"][metric] == why


def test_rows_of_one_block_are_not_independent():
    rows = predictions(40, 1)
    repeated = pd.concat([rows] * 25)
    widths = []
    for table in (rows, repeated):
        _, low, high, _ = evaluate(table, ["poor"]).metrics["all"]["poor"]["mae"]
        widths.append(high - low)
    assert widths[0] == pytest.approx(widths[1])


def test_what_is_undefined_says_why():
    found = evaluate(predictions(2), MODELS)
    assert found.metrics["all"]["constant"]["spearman"] == (None, None, None, 20)
    assert found.undefined["all"]["constant"]["spearman"] == "every prediction is the same"
    assert found.undefined["all"]["head"]["auroc_pathogenic"] == "no row with a known class"
    assert found.undefined["all"]["head"]["rmse"] == "no interval: 2 independent units"
    assert found.metrics["all"]["head"]["rmse"][1] is None


@pytest.fixture
def crossed():
    """Test rows of five folds with 20 alleles each; their scores rise from fold to fold."""
    rows = predictions(20, 5).assign(fold=lambda rows: rows["block"] // 4)
    rows["label"] += rows["fold"]
    others = [rows.loc[rows["fold"] != number, "label"].mean() for number in range(5)]
    return rows.assign(constant=np.take(others, rows["fold"]))


def test_a_cross_validation_ranks_within_its_folds(crossed):
    found = evaluate(crossed, MODELS).metrics["all"]["head"]
    by_fold = [one for _, one in crossed.groupby("fold")]
    value, low, high, alleles = found["spearman"]
    ranks = [spearmanr(one["label"], one["head"]).statistic for one in by_fold]
    assert value == pytest.approx(np.mean(ranks))
    assert (low < value < high, alleles) == (True, 100)
    is_high = [(one["impact"] == "HIGH").to_numpy() for one in by_fold]
    counts = [one.sum() * (~one).sum() for one in is_high]
    areas = [roc_auc_score(one, fold["head"]) for one, fold in zip(is_high, by_fold, strict=True)]
    assert found["auroc_high"][0] == pytest.approx(np.average(areas, weights=counts))
    # Errors need no common scale, and a single fold is a split.
    pooled = evaluate(crossed.drop(columns="fold"), MODELS).metrics
    assert found["rmse"] == pooled["all"]["head"]["rmse"]
    assert evaluate(crossed.assign(fold=0), MODELS).metrics == pooled


def test_what_is_no_more_than_the_mean_of_the_other_folds_ranks_nothing(crossed):
    noise = np.random.default_rng(3).normal(scale=0.01, size=100)
    found = evaluate(crossed.assign(chance=crossed["constant"] + noise), ["constant", "chance"])
    why = found.undefined["all"]["constant"]["spearman"]
    assert why == "every prediction is the same within each fold"
    _, low, high, _ = found.metrics["all"]["chance"]["spearman"]
    assert low < 0 < high
    assert spearmanr(crossed["label"], crossed["constant"]).statistic < -0.2  # if ranked together
    flat = evaluate(crossed.assign(label=crossed["fold"]), MODELS).undefined["all"]["head"]
    assert flat["spearman"] == "every row has the same score within each fold"


def test_two_alleles_are_no_result():
    found = evaluate(predictions(1, 2), ["head"])
    assert found.metrics["all"]["head"]["mae"] == (None, None, None, 2)
    assert found.undefined["all"]["head"]["mae"] == "fewer than 3 alleles or loci"


def test_an_allele_that_several_people_carry_counts_as_one():
    rows = predictions(1, 3).assign(label=[0, 5, 10], head=[1, 5, 10])
    cohort = pd.concat([rows.iloc[[0]].assign(individual=name) for name in "BCD"] + [rows])
    found = evaluate(cohort, ["head"]).metrics["all"]["head"]["mae"]
    assert found[0] == pytest.approx(1 / 3)
    assert found[3] == 3
    only_two = evaluate(cohort[cohort["label"] < 10], ["head"])
    assert only_two.undefined["all"]["head"]["mae"] == "fewer than 3 alleles or loci"


def test_one_gene_that_holds_all_rows_of_a_class_leaves_no_interval():
    rows = predictions(6, 4)
    rows["impact"] = np.where(rows["block"] == 0, "HIGH", "LOW")
    found = evaluate(rows, ["head"])
    value, low, high, _ = found.metrics["all"]["head"]["auroc_high"]
    assert value is not None
    assert (low, high) == (None, None)
    reason = found.undefined["all"]["head"]["auroc_high"]
    assert reason == "no interval: a single unit holds all rows of one class"


def test_an_interval_ends_where_the_metric_does():
    rows = predictions(6, 4).assign(head=lambda table: table["label"] + 0.01)
    found = evaluate(rows, ["head"]).metrics["all"]["head"]
    assert found["auroc_high"][2] == 1
    assert found["spearman"][2] == pytest.approx(1)


def test_pathogenicity_has_the_metrics_of_scikit_learn_within_a_consequence():
    rows = predictions(8)
    label = (rows["label"] > 2).astype(float)
    rows = rows.assign(label=label, head=label + np.random.default_rng(2).normal(size=80))
    rows["clinical_significance"] = np.where(label == 1, "Pathogenic", "Likely_benign")
    found = evaluate(rows, ["head"], PATHOGENICITY).metrics
    assert next(iter(found)) == "within missense variant"
    head = found["within missense variant"]["head"]
    assert list(head) == ["auroc_pathogenic", "auprc_pathogenic", "rmse"]
    assert head["auroc_pathogenic"][0] == pytest.approx(roc_auc_score(label, rows["head"]))
    expected = average_precision_score(label, rows["head"])
    assert head["auprc_pathogenic"][0] == pytest.approx(expected)
    assert head["auroc_pathogenic"][1] < head["auroc_pathogenic"][0]


def test_a_users_column_only_ranks_the_rows_with_a_value():
    rows = predictions(8).assign(value_CADD=lambda table: table["poor"], column_CADD=np.nan)
    rows.loc[rows.index < 60, "column_CADD"] = rows["poor"]
    rows["value_CADD"] = rows["column_CADD"]
    cadd = UserColumn(file="cadd.tsv", name="CADD")
    found = evaluate(rows, ["head", "column_CADD"], IMPACT, [cadd]).metrics
    ranked = found["carriers"]["column_CADD"]
    assert "rmse" not in ranked
    expected = spearmanr(rows["poor"][:60], rows["label"][:60]).statistic
    assert ranked["spearman"][0] == pytest.approx(expected)
    assert ranked["spearman"][3] == 60
    assert found["carriers"]["head"]["spearman"][3] == 80
    assert found["carriers with CADD"]["head"]["spearman"][3] == 60

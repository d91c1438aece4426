import numpy as np
import pandas as pd
import pytest

from evoflow.labels.target import IMPACT, PATHOGENICITY
from evoflow.settings import HAPLOTYPE, UserColumn
from evoflow.train.evaluation.comparison import compare
from evoflow.train.evaluation.headline import headline
from evoflow.train.evaluation.metrics import evaluate
from tests.train.evaluation.test_metrics import MODELS, predictions


@pytest.fixture(scope="module")
def rows():
    """60 genes; `twin` errs as the head does, but on other rows."""
    table = predictions(60)
    error = table["head"] - table["label"]
    return table.assign(twin=table["label"] + error.iloc[::-1].to_numpy())


@pytest.fixture(scope="module")
def found(rows):
    return compare(evaluate(rows, [*MODELS, "twin"]), "head", ["poor", "constant", "twin"])


def test_a_clear_difference_is_told_and_a_chance_one_is_not(found):
    poor, constant, twin = found[found["metric"] == "spearman"].to_dict("records")
    assert poor["low"] > 0
    assert poor["verdict"].startswith("carriers: the head is better than poor by rank correlation")
    assert constant["difference"] > 0.8
    assert twin["low"] < 0 < twin["high"]
    assert "no clear difference from twin" in twin["verdict"]


def test_a_lower_error_is_better(found):
    errors = found[(found["metric"] == "rmse") & (found["baseline"] == "poor")]
    assert (errors["high"] < 0).all()
    assert errors["verdict"].str.contains("better than poor").all()


def test_a_model_that_ranks_nothing_counts_as_zero(rows, found):
    head = evaluate(rows, ["head"]).metrics["carriers"]["head"]["spearman"][0]
    constant = found.set_index(["metric", "baseline"]).loc[("spearman", "constant")]
    assert constant["difference"] == pytest.approx(head)


def test_the_more_comparisons_the_less_is_clear(rows):
    evaluation = evaluate(rows, [*MODELS, "twin"])
    alone = compare(evaluation, "head", ["twin"])
    copies = {f"twin {number}": rows["twin"] for number in range(10)}
    repeated = evaluate(rows.assign(**copies), ["head", *copies])
    among = compare(repeated, "head", [*copies])
    assert among["low"].iloc[0] == pytest.approx(alone["low"].iloc[0])
    # 2 comparisons, then 20: the smallest p-value is multiplied by as many.
    assert among["p_value"].min() == pytest.approx(min(1, 10 * alone["p_value"].min()))


def test_reference_reads_are_not_compared(rows):
    mixed = rows.assign(carries_alt=np.arange(len(rows)) % 2 == 0)
    easy = mixed.assign(head=np.where(mixed["carries_alt"], mixed["head"], 0.0))
    compared = [
        compare(evaluate(table, ["head", "poor"]), "head", ["poor"]) for table in (mixed, easy)
    ]
    pd.testing.assert_frame_equal(*compared)


def test_alleles_seen_in_reads_are_what_counts(rows):
    made = rows["block"] % 2 == 0
    both = rows.assign(individual=np.where(made, HAPLOTYPE, "A"))
    found = compare(evaluate(both, ["head", "poor"]), "head", ["poor"])
    of_reads = compare(evaluate(both[~made], ["head", "poor"]), "head", ["poor"])
    assert set(found["subset"]) == {"carriers from reads"}
    assert found["difference"].tolist() == of_reads["difference"].tolist()


def test_too_few_genes_are_no_verdict():
    found = compare(evaluate(predictions(3), ["head", "poor"]), "head", ["poor"])
    assert found[["low", "high", "p_value"]].isna().all(axis=None)
    assert found["verdict"].str.contains("too few genes").all()
    found = compare(evaluate(predictions(5), ["head", "poor"]), "head", ["poor"])
    assert found[["low", "high", "p_value"]].notna().all(axis=None)


def test_a_head_that_ranks_nothing_is_not_compared_in_ranking():
    rows = predictions(6).assign(head=1.0)
    found = compare(evaluate(rows, ["head", "poor"]), "head", ["poor"])
    assert found["metric"].tolist() == ["rmse"]


def test_a_column_that_lacks_values_is_compared_where_it_has_them(rows):
    cadd = UserColumn(file="cadd.tsv", name="CADD")
    some = rows["poor"].where(rows["block"] % 2 == 0)
    table = rows.assign(value_CADD=some, column_CADD=some)
    evaluation = evaluate(table, ["head", "poor", "column_CADD"], IMPACT, [cadd])
    found = compare(evaluation, "head", ["poor", "column_CADD"], IMPACT, [cadd])
    (column,) = found[found["baseline"] == "column_CADD"].to_dict("records")  # no rmse
    assert column["subset"] == "carriers with CADD"
    assert column["verdict"].startswith("carriers with CADD (300 of 600 alleles): the head is")
    with_value = table[some.notna()]
    alone = compare(evaluate(with_value, ["head", "poor"]), "head", ["poor"])
    assert column["difference"] == pytest.approx(alone["difference"].iloc[0])
    result = headline(evaluation, found, "head")
    assert result.baseline == "poor"  # the column is not compared on the same alleles


def test_an_auroc_of_predictions_that_are_the_same_counts_as_a_half(rows):
    label = (rows["label"] > 2).astype(float)
    significance = np.where(label == 1, "Pathogenic", "Benign")
    table = rows.assign(label=label, clinical_significance=significance)
    evaluation = evaluate(table, ["head", "constant"], PATHOGENICITY)
    (found,) = compare(evaluation, "head", ["constant"], PATHOGENICITY).to_dict("records")
    auroc = evaluation.metrics["within missense variant"]["head"]["auroc_pathogenic"][0]
    assert found["difference"] == pytest.approx(auroc - 0.5)
    assert found["verdict"].startswith("within missense variant: the head is better than constant")
    assert (
        headline(
            evaluation,
            compare(evaluation, "head", ["constant"], PATHOGENICITY),
            "head",
            PATHOGENICITY,
        ).measure
        == "AUROC"
    )


def test_a_column_without_a_value_in_the_test_split_is_not_compared(rows):
    cadd = UserColumn(file="cadd.tsv", name="CADD")
    nothing = rows.assign(value_CADD=np.nan, column_CADD=np.nan)
    evaluation = evaluate(nothing, ["head", "poor", "column_CADD"], IMPACT, [cadd])
    found = compare(evaluation, "head", ["poor", "column_CADD"], IMPACT, [cadd])
    assert set(found["baseline"]) == {"poor"}
    why = evaluation.undefined["carriers"]["column_CADD"]["spearman"]
    assert why == "no row with a known score"

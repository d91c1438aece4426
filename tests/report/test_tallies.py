import pandas as pd

from evoflow.augment.balance import SOURCES
from evoflow.report import tallies
from evoflow.settings import HAPLOTYPE


def test_an_allele_counts_once_however_many_reads_it_has(examples):
    counts = tallies.impact_counts(examples, "split")
    assert counts.groupby("split")["rows"].sum().to_dict() == {
        "train": 120,
        "validation": 30,
        "test": 50,
    }


def test_groups_and_impacts_come_in_the_order_of_reading(examples):
    counts = tallies.impact_counts(examples, "split")
    assert list(dict.fromkeys(counts["split"])) == ["train", "validation", "test"]
    train = counts.loc[counts["split"] == "train", "impact"]
    assert list(train) == ["NONE", "MODIFIER", "LOW", "MODERATE", "HIGH"]


def test_alleles_that_nobody_carries_are_not_counted_as_carried(examples):
    carried = examples["carries_alt"].sum() // 2
    assert tallies.learnt_from(tallies.impact_counts(examples, "split")) == (
        f"{carried} carried alleles, {200 - carried} reference loci"
    )
    made = examples["impact"] == "HIGH"
    mixed = examples.assign(individual=examples["individual"].where(~made, HAPLOTYPE))
    number = made.sum() // 2
    assert tallies.learnt_from(tallies.impact_counts(mixed, "split")) == (
        f"{carried - number} carried alleles, {number} ClinVar alleles written into the reference,"
        f" {200 - carried} reference loci"
    )


def test_folds_are_groups_too(examples):
    folds = examples.assign(split=[f"fold {n % 3 + 1}" for n in examples["position"]])
    counts = tallies.impact_counts(folds, "split")
    assert list(dict.fromkeys(counts["split"])) == ["fold 1", "fold 2", "fold 3"]
    assert counts["rows"].sum() == 200


def test_balance_counts_rows_by_score_and_source(examples, training_rows):
    counts = tallies.balance_counts(examples, training_rows)
    before = counts[counts["stage"] == "before balancing"]
    assert before["rows"].sum() == 120
    after = counts[(counts["stage"] == "after balancing") & (counts["score"] == 10)]
    rows = after.set_index("source")["rows"].to_dict()
    assert {source: rows[source] for source in SOURCES[1:]} == {
        "carrier read": 8,
        "copy": 8,
    }


def test_reasons_are_summed_over_contigs_and_the_commonest_comes_first():
    counts = pd.DataFrame(
        [("a", "1", "read", "kept", 1), ("a", "2", "read", "kept", 2), ("a", "2", "read", "no", 9)],
        columns=["individual", "contig", "subject", "reason", "count"],
    )
    ((subject, reasons),) = tallies.reasons_by_subject(counts).items()
    assert subject == "read"
    assert reasons.to_numpy().tolist() == [["no", 9, "75.0%"], ["kept", 3, "25.0%"]]


def test_layers_that_nothing_could_choose_from_are_named_so():
    layers = pd.DataFrame({"validation_spearman": [float("nan"), 0.5]})
    assert "validation rows choose the layer" in tallies.layer_choice(layers)
    assert "first layer is used" in tallies.layer_choice(layers.iloc[:1])

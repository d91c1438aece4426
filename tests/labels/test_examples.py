import pandas as pd
import pytest

from evoflow import demo
from evoflow.errors import InputError
from evoflow.labels.allele_values import AlleleValues
from evoflow.labels.examples import SUBJECT, labelled_examples
from evoflow.settings import AlleleColumn, DataSettings, DemoSettings, TargetSettings
from evoflow.table import ALLELE

REGION = ("chr1:1-60000",)
COLUMN = TargetSettings(column=AlleleColumn(file="scores.tsv", name="score"))


@pytest.fixture(scope="module")
def data():
    settings = DataSettings(
        demo=DemoSettings(), regions=REGION, reads_per_variant=1, reference_loci=20, haplotypes=30
    )
    return demo.prepare(settings)


@pytest.fixture(scope="module")
def impact(data):
    return labelled_examples(data, processes=1)


def test_the_impact_is_its_score_and_keeps_reference_reads(impact):
    examples = impact.examples
    assert (examples["label"] == examples["impact_score"]).all()
    assert (~examples["carries_alt"]).sum() == 20
    assert examples["review_status"].str.startswith("criteria_provided,_").all()
    assert {"1", "2"} <= set(examples["origin"])


def test_pathogenicity_keeps_classified_alleles_and_counts_the_others(data):
    found = labelled_examples(data, TargetSettings(pathogenicity={}), processes=1)
    examples, counts = found.examples, found.counts
    pathogenic = examples["clinical_significance"].str.contains("athogenic")
    assert (examples["label"] == pathogenic).all()
    assert (
        examples["clinical_significance"]
        .isin(["Pathogenic", "Likely_pathogenic", "Benign", "Likely_benign"])
        .all()
    )
    assert examples["review_status"].str.contains("multiple_submitters").all()
    assert examples["origin"].eq("1").all()
    assert examples["carries_alt"].all()
    # Alleles to be written into the reference are drawn from those with a label.
    assert (examples["individual"] == "haplotype").sum() == 30
    labelled = counts[counts["subject"] == SUBJECT].groupby("reason")["count"].sum()
    assert labelled["kept"] == len(examples.drop_duplicates(ALLELE))
    assert labelled["its classification is uncertain"] > 0
    drawn = counts[counts["subject"] == "ClinVar allele"].groupby("reason")["count"].sum()
    assert drawn["it has no label"] > 0


def test_a_column_is_the_label_of_the_alleles_that_have_one(data, impact):
    carried = impact.examples[impact.examples["carries_alt"]].drop_duplicates(ALLELE)
    key = ["contig", "position", "ref", "alt"]
    valued = carried[key].iloc[::2].assign(label=range(len(carried[::2])), value_CADD=1.0)
    counts = pd.DataFrame(
        [("value of score", "kept", len(valued))], columns=["subject", "reason", "count"]
    )
    found = labelled_examples(data, COLUMN, AlleleValues(valued, counts), processes=1)
    merged = found.examples[key].merge(valued, on=key)
    assert found.examples["label"].tolist() == merged["label"].tolist()
    assert found.examples["value_CADD"].eq(1.0).all()
    assert len(found.examples) == len(valued)
    assert "value of score" in set(found.counts["subject"])


def test_the_result_does_not_depend_on_the_number_of_processes(data):
    target = TargetSettings(pathogenicity={})
    one, two = (labelled_examples(data, target, processes=number) for number in (1, 2))
    pd.testing.assert_frame_equal(one.examples, two.examples)


def test_labels_that_are_all_the_same_are_refused_with_the_way_out(data):
    healthy = data.model_copy(update={"haplotypes": 0, "regions": ("chr1:1-2500",)})
    with pytest.raises(InputError, match=r"needs alleles with different labels.*data\.haplotypes"):
        labelled_examples(healthy, TargetSettings(pathogenicity={"min_stars": 4}), processes=1)

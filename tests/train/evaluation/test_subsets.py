import numpy as np
import pandas as pd
import pytest

from evoflow.labels.target import PATHOGENICITY, column
from evoflow.settings import HAPLOTYPE, UserColumn
from evoflow.train.evaluation.subsets import headline_subset, subsets, truths


@pytest.fixture
def predictions():
    return pd.DataFrame(
        {
            "individual": ["A", "A", "B", "B", "B"],
            "ref": ["A", "A", "A", "AC", "AC"],
            "alt": ["G", "G", "AT", "A", "GT"],
            "carries_alt": [False, True, True, True, True],
            "consequence": ["", "missense_variant", "intron_variant", "frameshift_variant", "?"],
            "impact": ["NONE", "MODERATE", "MODIFIER", "HIGH", "HIGH"],
            "label": [0, 5, 1, 10, 10],
            "clinical_significance": [
                "Pathogenic",
                "Likely_pathogenic",
                "Benign/Likely_benign",
                "Conflicting_classifications_of_pathogenicity",
                "",
            ],
        }
    )


def test_kinds_of_variants_are_kinds_of_carriers(predictions):
    found = {name: np.flatnonzero(rows).tolist() for name, rows in subsets(predictions).items()}
    assert found == {
        "all": [0, 1, 2, 3, 4],
        "carriers": [1, 2, 3, 4],
        "SNVs": [1],
        "indels": [2, 3],
        "coding": [1, 3],
        "non-coding": [2, 4],
        "individual A": [0, 1],
        "individual B": [2, 3, 4],
    }
    assert list(subsets(predictions.iloc[::-1]))[-2:] == ["individual A", "individual B"]


def test_one_individual_is_no_subset_of_its_own(predictions):
    assert list(subsets(predictions.iloc[:2])) == ["all", "carriers", "SNVs", "coding"]


def test_made_haplotypes_stand_apart_from_reads(predictions):
    mixed = predictions.replace({"individual": {"B": HAPLOTYPE}})
    found = {name: np.flatnonzero(rows).tolist() for name, rows in subsets(mixed).items()}
    assert found["carriers from reads"] == [1]
    assert found["carriers from haplotypes"] == [2, 3, 4]
    assert headline_subset(found) == "carriers from reads"
    assert not any(name.startswith("individual") for name in found)


def test_pathogenic_is_what_clinvar_calls_a_carried_allele(predictions):
    truth = truths(predictions)
    np.testing.assert_array_equal(truth["pathogenic"], [np.nan, 1, 0, np.nan, np.nan])
    assert truth["high"].tolist() == [0, 0, 0, 1, 1]
    assert truth["score"].tolist() == [0, 5, 1, 10, 10]


@pytest.fixture
def labelled():
    """Missense of both classes, frameshifts of both, synonymous of one, few stop gains."""
    terms = ["frameshift_variant"] * 14 + ["missense_variant"] * 12
    terms += ["synonymous_variant"] * 20 + ["stop_gained"] * 4
    return pd.DataFrame(
        {
            "individual": [HAPLOTYPE, "A"] * 25,
            "ref": "A",
            "alt": "G",
            "carries_alt": True,
            "consequence": terms,
            "label": [float(number % 4 < 2) for number in range(26)] + [0.0] * 20 + [0.0, 1.0] * 2,
            "value_CADD": [float(number) for number in range(40)] + [np.nan] * 10,
        }
    )


CADD = UserColumn(file="cadd.tsv", name="PHRED", title="CADD", strata=(10, 20))


def test_pathogenicity_is_judged_within_a_consequence_missense_first(labelled):
    alone = labelled.assign(individual="A")
    names = list(subsets(alone, PATHOGENICITY))
    assert names[:3] == ["within missense variant", "within frameshift variant", "all"]
    assert not any("synonymous" in name or "stop" in name for name in names)
    assert headline_subset(names, PATHOGENICITY) == "within missense variant"
    others = alone[alone["consequence"] != "missense_variant"]
    assert headline_subset(subsets(others, PATHOGENICITY), PATHOGENICITY) == (
        "within frameshift variant"
    )
    rare = alone.assign(label=(alone.index < 2).astype(float))
    assert headline_subset(subsets(rare, PATHOGENICITY), PATHOGENICITY) == "carriers"
    for label in (0.0, 1.0):
        one_class = subsets(alone.assign(label=label), PATHOGENICITY)
        assert headline_subset(one_class, PATHOGENICITY) == "carriers"


def test_reads_do_not_mix_with_written_alleles_within_a_consequence(labelled):
    doubled = pd.concat([labelled, labelled.assign(individual=HAPLOTYPE)], ignore_index=True)
    found = subsets(doubled, PATHOGENICITY)["within missense variant"]
    assert set(doubled.loc[found, "individual"]) == {HAPLOTYPE}
    target = column("score")
    assert headline_subset(subsets(doubled, target), target) == "carriers from haplotypes"


def test_a_users_column_has_its_strata_and_the_rows_with_a_value(labelled):
    found = subsets(labelled.assign(individual="A"), column("score"), [CADD])
    sizes = {name: int(rows.sum()) for name, rows in found.items() if "CADD" in name}
    assert sizes == {
        "CADD below 10": 10, "CADD 10 to 20": 10, "CADD 20 or more": 20, "carriers with CADD": 40,
    }  # fmt: skip
    whole = labelled.assign(individual="A", value_CADD=1.0)
    names = subsets(whole, column("score"), [CADD])
    assert [name for name in names if "CADD" in name] == ["CADD below 10"]

import numpy as np
import pandas as pd
import pytest

from evoflow.settings import HAPLOTYPE
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
            "impact_score": [0, 5, 1, 10, 10],
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

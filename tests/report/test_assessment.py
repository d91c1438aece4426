import pandas as pd

from evoflow.report import assessment

PREDICTIONS = pd.DataFrame(
    {
        "individual": "HG1",
        "contig": "chr1",
        "position": [10, 20, 30, 40],
        "ref": "A",
        "alt": "C",
        "rsid": ["rs1", "rs2", "rs3", "rs4"],
        "gene": "G",
        "consequence": "c",
        "impact": ["NONE", "NONE", "HIGH", "HIGH"],
        "label": [0, 0, 10, 10],
        "head": [1.0, 6.0, 9.0, 2.0],
        "carries_alt": True,
    }
)


def test_errors_are_means_by_impact():
    found = assessment.errors(PREDICTIONS, ["head"]).set_index("impact")["error"]
    assert found.to_dict() == {"NONE": 3.5, "HIGH": 4.5}


def test_confusion_counts_the_impact_with_the_nearest_score():
    found = assessment.confusion(PREDICTIONS).set_index(["impact", "predicted"])
    assert found["rows"].to_dict() == {
        ("NONE", "NONE"): 1,
        ("NONE", "HIGH"): 1,
        ("HIGH", "NONE"): 1,
        ("HIGH", "HIGH"): 1,
    }
    assert set(found["share"]) == {0.5}


def test_calibration_groups_rows_by_their_prediction():
    found = assessment.calibration(PREDICTIONS, bins=2)
    assert found["predicted"].tolist() == [1.5, 7.5]
    assert found["true"].tolist() == [5.0, 5.0]
    assert found["rows"].sum() == 4


def test_reference_reads_are_not_what_scores_are_calibrated_on():
    mixed = PREDICTIONS.assign(carries_alt=[False, True, True, True])
    found = assessment.calibration(mixed, bins=3)
    assert found["predicted"].tolist() == [2.0, 6.0, 9.0]
    assert found["true"].tolist() == [10.0, 0.0, 10.0]


def test_the_worst_come_first_with_their_variants():
    found = assessment.worst(PREDICTIONS, 2)
    assert found["variant"].tolist() == ["chr1:40 A>C", "chr1:20 A>C"]
    assert found["predicted"].tolist() == ["2.0", "6.0"]


def test_a_long_allele_is_shortened():
    long = PREDICTIONS.assign(alt="ACGT" * 10)
    assert assessment.worst(long, 1)["variant"].tolist() == ["chr1:40 A>ACGTACGTACGT…(40)"]

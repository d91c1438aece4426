from dataclasses import replace

import numpy as np
import pandas as pd
import pysam
import pytest

from evoflow.augment.strands import mirrored_offset
from evoflow.dna import reverse_complement
from evoflow.predict.scoring import score_alleles, score_reads, written_into_reference

KEY = ["individual", "contig", "position", "ref", "alt"]


@pytest.fixture(scope="module")
def reads():
    """Three reads of 40 bases: two over one allele, of which one equals its window."""
    rng = np.random.default_rng(0)
    window = "".join(rng.choice(list("ACGT"), 40))
    other = "".join(rng.choice(list("ACGT"), 40))
    changed = window[:20] + ("A" if window[20] != "A" else "C") + window[21:]
    table = pd.DataFrame(
        {
            "position": [1, 1, 2],
            "sequence": [changed, window, other],
            "reference_sequence": [window, window, window],
            "variant_offset": 20,
        }
    )
    return table.assign(individual="HG1", contig="chr1", ref="A", alt="C")


def test_a_read_that_equals_its_window_has_a_ratio_of_zero(trained, reads):
    scored = score_reads(trained, reads, trained.model_settings(None))
    assert scored["score"].between(0, 10).all()
    assert scored["log_likelihood_ratio"].tolist()[1] == 0
    assert (scored["log_likelihood_ratio"].iloc[[0, 2]] != 0).all()


def test_scores_do_not_depend_on_the_order_or_the_company_of_reads(trained, reads):
    model = trained.model_settings(None)
    together = score_reads(trained, reads, model)
    alone = score_reads(trained, reads.iloc[[0]], model)
    backwards = score_reads(trained, reads[::-1], model)
    np.testing.assert_allclose(alone["score"], together["score"].iloc[:1], rtol=1e-5)
    np.testing.assert_allclose(backwards["score"][::-1], together["score"], rtol=1e-5)


def test_a_read_is_scored_on_both_strands(trained, reads):
    model = trained.model_settings(None)
    turned = reads.iloc[[0]].assign(
        sequence=lambda table: table["sequence"].map(reverse_complement),
        reference_sequence=lambda table: table["reference_sequence"].map(reverse_complement),
        variant_offset=mirrored_offset(np.array([20]), 40, trained.embedding),
    )
    forward = score_reads(trained, reads.iloc[[0]], model)
    backward = score_reads(trained, turned, model)
    columns = ["score", "log_likelihood_ratio"]
    np.testing.assert_allclose(forward[columns], backward[columns], rtol=1e-4)


def test_alleles_are_written_into_the_reference_once_each(tmp_path):
    (tmp_path / "genome.fa").write_text(f">chr1\n{'ACGTTGCAAC' * 10}{'R' * 60}\n")
    pysam.faidx(str(tmp_path / "genome.fa"))
    alleles = pd.DataFrame(
        {"contig": "chr1", "position": [41, 41, 42, 120], "ref": "A", "alt": "G"}
    )
    alleles["ref"] = ["A", "A", "C", "R"]
    found = written_into_reference(alleles, str(tmp_path / "genome.fa"), 20)
    assert found["position"].tolist() == [41, 42]  # R is no base
    for row in found.to_dict("records"):
        assert row["sequence"][row["variant_offset"]] == "G"
        assert len(row["sequence"]) == len(row["reference_sequence"]) == 20


def test_an_alleles_reads_are_summed_up():
    place = {"contig": "chr1", "ref": "A", "alt": "C"}
    alleles = pd.DataFrame({"position": [1, 2, 3]}).assign(individual="ann", **place)
    scored = pd.DataFrame(
        {
            "position": [2, 1, 1],
            "score": [7.0, 2.0, 4.0],
            "log_likelihood_ratio": [0.0, -1.0, -2.0],
        }
    ).assign(individual="ann", **place)
    written = pd.DataFrame({"position": [1, 3], "score": [2.5, 6.0]}).assign(**place)
    found = score_alleles(alleles, scored, written)
    assert found["reads"].tolist() == [2, 1, 0]
    assert found["score"].tolist()[:2] == [3.0, 7.0]
    assert found["score_spread"][0] == pytest.approx(2**0.5)
    assert found["score_spread"].isna().tolist() == [False, True, True]
    assert found["log_likelihood_ratio"].tolist()[:2] == [-1.5, 0.0]
    assert np.isnan(found["score"][2])
    assert found["score_in_reference"].fillna(-1).tolist() == [2.5, -1, 6.0]


def test_a_read_is_scored_in_the_context_of_the_training(trained, tmp_path):
    rng = np.random.default_rng(2)
    genome = "".join(rng.choice(list("ACGT"), 400))
    (tmp_path / "genome.fa").write_text(f">chr1\n{genome}\n")
    pysam.faidx(str(tmp_path / "genome.fa"))
    reference = str(tmp_path / "genome.fa")
    other = {"A": "C", "C": "G", "G": "T", "T": "A"}
    alleles = pd.DataFrame({"contig": "chr1", "position": [100, 200, 390]})
    alleles["ref"] = [genome[at - 1] for at in alleles["position"]]
    alleles["alt"] = alleles["ref"].map(other)
    reads = written_into_reference(alleles, reference, 40).assign(individual="")
    in_context = replace(trained, context=120)
    model = trained.model_settings(None)
    contexts = in_context.contexts(reads, reference)
    scored = score_reads(in_context, reads, model, contexts=contexts)
    # By hand: the whole sequences as reads of 120 bases, with the same tokens around the allele.
    surrounded = contexts.surround(reads)
    longer = reads.assign(
        sequence=surrounded["sequence"],
        reference_sequence=surrounded["reference_sequence"],
        variant_offset=reads["variant_offset"] + surrounded["before"],
    )
    assert surrounded["sequence"].str.len().tolist() == [120, 120, 71]  # 60 before, 11 behind
    for row in range(3):
        alone = score_reads(trained, longer.iloc[[row]], model)
        columns = ["score", "log_likelihood_ratio"]
        np.testing.assert_allclose(alone[columns], scored.iloc[[row]][columns], rtol=1e-4)
    without = score_reads(trained, reads, model)
    assert not np.allclose(without["log_likelihood_ratio"], scored["log_likelihood_ratio"])
    assert trained.contexts(reads, reference) is None

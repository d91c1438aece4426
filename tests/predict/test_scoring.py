import numpy as np
import pandas as pd
import pytest

from evoflow.predict.scoring import score_alleles, score_reads

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


def test_an_alleles_reads_are_summed_up():
    alleles = pd.DataFrame({"position": [1, 2, 3]})
    scored = pd.DataFrame(
        {
            "position": [2, 1, 1],
            "score": [7.0, 2.0, 4.0],
            "log_likelihood_ratio": [0.0, -1.0, -2.0],
        }
    )
    found = score_alleles(alleles, scored, ["position"])
    assert found["reads"].tolist() == [2, 1, 0]
    assert found["score"].tolist()[:2] == [3.0, 7.0]
    assert found["score_spread"][0] == pytest.approx(2**0.5)
    assert found["score_spread"].isna().tolist() == [False, True, True]
    assert found["log_likelihood_ratio"].tolist()[:2] == [-1.5, 0.0]
    assert np.isnan(found["score"][2])

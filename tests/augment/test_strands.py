import numpy as np
import pytest

from evoflow.augment import strands
from evoflow.embed.pooling import span
from evoflow.settings import EmbeddingSettings


@pytest.mark.parametrize("tokens", [4, 5, 20])
@pytest.mark.parametrize("offset", [0, 1, 9, 10, 18, 19])
def test_a_reverse_complement_keeps_the_same_bases(tokens, offset):
    """A window of the reverse complement is that of the sequence, read backwards."""
    embedding = EmbeddingSettings(tokens={"window": tokens})
    mirrored = strands.mirrored_offset(np.array([offset]), 20, embedding)[0]
    kept = span(embedding.tokens, 20, offset)
    turned = span(embedding.tokens, 20, int(mirrored))
    assert (turned.start, turned.stop) == (20 - kept.stop, 20 - kept.start)


def test_without_a_window_the_base_itself_is_mirrored():
    embedding = EmbeddingSettings(tokens="mean")
    assert strands.mirrored_offset(np.array([0, 5]), 20, embedding).tolist() == [19, 14]


@pytest.mark.parametrize(
    ("alleles", "read", "window", "expected"),
    [
        pytest.param(("C", "G"), "AAGTTTT", "AACTTTT", True, id="snv"),
        pytest.param(("C", "CG"), "AACGTCA", "AACTCAG", False, id="insertion"),
        pytest.param(("CT", "C"), "AACCAGA", "AACTCAG", False, id="deletion"),
        pytest.param(("C", "G"), "AAGTCAC", "AACGTCA", False, id="another indel to the right"),
        pytest.param(("C", "G"), f"AAGTT{'A' * 18}", f"AAC{'A' * 20}", True, id="2 errors in 20"),
        pytest.param(("C", "G"), f"AAGTT{'A' * 17}", f"AAC{'A' * 19}", False, id="2 errors in 19"),
    ],
)
def test_only_what_stays_aligned_is_turned(table, alleles, read, window, expected):
    examples = table(
        ref=[alleles[0]],
        alt=[alleles[1]],
        carries_alt=[True],
        variant_offset=[2],
        sequence=[read],
        reference_sequence=[window],
    )
    assert strands.turnable(examples).tolist() == [expected]


def test_a_read_with_the_reference_base_at_an_insertion_can_be_turned(table):
    examples = table(ref=["C"], alt=["CG"], sequence=["AACTTTT"], variant_offset=[2])
    assert strands.turnable(examples).tolist() == [True]

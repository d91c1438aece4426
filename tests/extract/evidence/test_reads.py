import pysam
import pytest

from evoflow.extract.evidence.reads import own_read_groups


@pytest.mark.parametrize(
    ("samples", "own"),
    [
        ([], None),
        (["ann"], None),
        (["ann", "ann"], None),
        (["bert"], None),
        (["bert", "carl"], None),  # the sample is in none: all reads count, with a warning
        (["ann", "bert"], {"0"}),
        (["ann", "bert", "ann"], {"0", "2"}),
        (["ann", None], None),
        (["ann", None, "bert"], {"0"}),
    ],
)
def test_read_groups_of_a_sample_among_several(tmp_path, samples, own):
    groups = [{"ID": str(n)} | ({"SM": each} if each else {}) for n, each in enumerate(samples)]
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": "1", "LN": 10}], "RG": groups}
    path = str(tmp_path / "reads.bam")
    pysam.AlignmentFile(path, "wb", header=header).close()
    assert own_read_groups(path, "ann") == own

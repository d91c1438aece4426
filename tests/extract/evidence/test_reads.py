import pytest

from evoflow.extract.evidence.reads import own_read_groups
from tests.inputs.odd_files import write_header


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
    lines = [f"@RG\tID:{n}" + (f"\tSM:{each}" if each else "") for n, each in enumerate(samples)]
    write_header(tmp_path / "reads.bam", *map(str.encode, lines))
    assert own_read_groups(str(tmp_path / "reads.bam"), "ann") == own


@pytest.mark.parametrize("own", [b"M\xfcller", "Müller".encode(), b"M\xfcller\r", b"M\xfcller "])
def test_a_sample_may_be_written_in_any_encoding_and_end_as_on_windows(tmp_path, own):
    write_header(tmp_path / "reads.bam", b"@RG\tID:a\tSM:" + own, b"@RG\tID:b\tSM:bert\r")
    assert own_read_groups(str(tmp_path / "reads.bam"), "Müller") == {"a"}

"""Header lines as programs write them, and names in any encoding."""

import pysam
import pytest

from evoflow.errors import InputError
from evoflow.inputs.headers import check_parsed, fields_of, is_called
from tests.inputs.odd_files import write_header


@pytest.fixture
def opened(tmp_path):
    def opened(*lines):
        write_header(tmp_path / "reads.bam", *lines)
        return pysam.AlignmentFile(str(tmp_path / "reads.bam"))

    return opened


def test_lines_are_read_by_their_kind(opened):
    written = b"@XX\tAB:foo", b"@CO\tSM:none", b"@RG\tID:a\tDS:x:y\r", b"@RG\tID:b\tSM:"
    with opened(*written) as reads:
        check_parsed("reads.bam", reads)
        assert fields_of(reads.header, "RG") == [{"ID": "a", "DS": "x:y"}, {"ID": "b", "SM": ""}]
        assert fields_of(reads.header, "SQ") == [{"SN": "1", "LN": "10"}]
        assert fields_of(reads.header, "HD") == []


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"@PG\tID:b\tCL:bwa -R foo\tbar", r" line '@PG.*bar'"),
        (b"@RG\tID:a\t", r" line '@RG.tID:a.t'"),
        (b"@CO", r" line '@CO'"),
        (b"@RG\tSM:ann", ""),
    ],
)
def test_what_samtools_cannot_parse_is_told_with_how_to_change_it(opened, line, shown):
    with (
        opened(line) as reads,
        pytest.raises(InputError, match=rf"cannot parse its header{shown}; .*samtools reheader"),
    ):
        check_parsed("reads.bam", reads)


@pytest.mark.parametrize("written", [b"M\xfcller", "Müller".encode()])
def test_a_name_may_be_in_any_encoding(written):
    assert is_called(written.decode(errors="surrogateescape"), "Müller")
    assert not is_called(written.decode(errors="surrogateescape"), "Muller")

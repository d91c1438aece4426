"""A look at an individual's reads before the work: whether they are long enough and in order."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pysam

from evoflow.errors import InputError
from evoflow.files.htslib import is_cram, quiet
from evoflow.inputs import cram, refusals
from evoflow.inputs.contigs import Genome
from evoflow.inputs.inventory import Held, Regions
from evoflow.remote import local_files
from evoflow.remote.mirror import Mirror
from evoflow.settings import DataSettings, Individual

_CONTIGS = 25
"""Contigs whose reads are looked at first, the longest: references have thousands of short ones."""

_READS = 100
"""Reads of a contig that are looked at first."""

_MORE_READS = 5_000_000
"""Reads of all contigs together that are looked at, until one is long enough, where none of the
first ones is: all of a small file."""

_WINDOW = 1 << 14
"""Bases at the start of each region whose reads are fetched of a remote file."""


def check_first_reads(
    person: Individual, data: DataSettings, genome: Genome, held: Held, regions: Regions
) -> None:
    """Look at the first reads of the longest contigs, within the regions.

    Raises
    ------
    InputError
        When no read comes, none has `read_length` bases, they are out of order, or a CRAM was
        made with another reference.
    """
    contigs = [name for name in genome.lengths if name in regions and name in held.records]
    if not contigs:
        raise InputError(_no_read(person, data, held))
    contigs.sort(key=lambda name: genome.lengths[name])
    first = contigs[-_CONTIGS:]
    looked = longest = 0
    for some, most, total in (
        (first, _READS, _READS * len(first)),
        (contigs, _MORE_READS, _MORE_READS),
    ):
        looked = longest = 0
        for length in _lengths(person, data, held, regions, some, most, total):
            looked, longest = looked + 1, max(longest, length)
            if longest >= data.read_length and some is contigs:
                break  # the order of all first reads is looked at
        if longest >= data.read_length or Mirror.at(person.reads):
            break  # of a remote file no more than the first reads is here
    if not looked and data.regions and Mirror.at(person.reads):
        return
    if not looked:
        raise InputError(_no_read(person, data, held))
    if longest < data.read_length:
        raise InputError(refusals.all_reads_shorter(person, data, longest, looked))


def _no_read(person: Individual, data: DataSettings, held: Held) -> str:
    where = f" within regions {', '.join(data.regions)}" if data.regions else ""
    others = f" on contigs of {data.reference} (it has {refusals.listed(held)})"
    return f"{person.reads}: holds no read{where or others}; give a file with reads"


def _lengths(  # noqa: PLR0917
    person: Individual,
    data: DataSettings,
    held: Held,
    regions: Regions,
    contigs: list[str],
    most: int,
    total: int,
) -> Iterator[int]:
    """Yield the lengths of the first reads of each contig; what one lacks is for those behind."""
    remote = Mirror.at(person.reads) is not None
    if is_cram(person.reads):
        local_files.provide_reference(str(data.reference), contigs)
    with TemporaryDirectory(prefix="evoflow-") as folder:
        reference = cram.reference_of(person.reads, held, str(data.reference), Path(folder))
        with (
            quiet(),
            pysam.AlignmentFile(
                person.reads, check_sq=False, reference_filename=reference
            ) as reads,
        ):
            for number, contig in enumerate(contigs):
                share = min(most, total // (len(contigs) - number))
                spelling = held.spellings[contig][0]
                with cram.explained(person.reads, spelling, reference):
                    intervals = regions[contig]
                    if remote and data.regions:
                        intervals = tuple((at, min(end, at + _WINDOW)) for at, end in intervals)
                        local_files.provide_contig(person.reads, spelling, intervals)
                    elif remote:
                        local_files.provide_start(person.reads, spelling)
                    for read in islice(_within(person, reads, spelling, intervals), share):
                        total -= 1
                        yield read.query_length


def _within(
    person: Individual,
    reads: pysam.AlignmentFile,
    spelling: str,
    intervals: tuple[tuple[int, int], ...],
) -> Iterator[pysam.AlignedSegment]:
    """Yield a contig's reads within some intervals, which must come in order."""
    end = reads.get_reference_length(spelling)
    for first, last in intervals:
        before = -1
        for read in reads.fetch(spelling, min(first, end), min(last, end)):
            if read.reference_start < before:
                raise InputError(
                    f"{person.reads}: its reads are not in the order of their positions; sort it "
                    "with `samtools sort` and index it with `samtools index`"
                )
            before = read.reference_start
            yield read

"""An individual's alignments: those over some loci, and which read groups are the individual's."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pysam
import pysam.samtools

from evoflow.extract.evidence.alignment import Footprint
from evoflow.files.htslib import quiet, run
from evoflow.inputs import cram
from evoflow.inputs.headers import fields_of, is_called
from evoflow.remote import local_files

_SAMPLE = 0.25
"""Share of the reads that is looked at first where one read is enough."""


def own_read_groups(path: str, sample: str) -> frozenset[str] | None:
    """List the IDs of a sample's read groups in a file with the reads of several samples.

    Returns
    -------
    frozenset of str, or None
        None where all reads count: where the header names one sample or none, or others only.
    """
    with quiet(), pysam.AlignmentFile(path, check_sq=False) as alignments:
        groups = [each for each in fields_of(alignments.header, "RG") if "SM" in each]
    own = [group for group in groups if is_called(group["SM"], sample)]
    if not own or len(own) == len(groups):
        return None
    return frozenset(group["ID"] for group in own)


def reads_over(
    path: str,
    spelling: str,
    loci: Sequence[Footprint],
    reference: str,
    folder: Path,
    *,
    sample: bool = False,
) -> Iterator[pysam.AlignedSegment]:
    """Read alignments over any of the loci, once each, in coordinate order.

    Parameters
    ----------
    path
        BAM or CRAM with its index.
    spelling
        The contig's name in it.
    loci
        Sorted by start.
    reference
        FASTA that a CRAM is decoded with, its contigs spelled as there.
    folder
        Where the alignments are copied to.
    sample
        Whether a quarter of the reads, chosen by a hash of the name, is enough.
    """
    local_files.provide_contig(path, spelling, [(each.start, each.start + 1) for each in loci])
    bed, copied = folder / "loci.bed", folder / "reads.bam"
    bed.write_text("".join(f"{spelling}\t{each.start}\t{each.start + 1}\n" for each in loci))
    arguments = ["-M", "-L", str(bed), "-T", reference, "-u", "--no-PG", "-o", str(copied)]
    arguments += ["--subsample", str(_SAMPLE), "--subsample-seed", "0"] if sample else []
    with cram.explained(path, spelling, reference):
        run(pysam.samtools.view, *arguments, path, about=path)
    with pysam.AlignmentFile(str(copied), check_sq=False) as alignments:
        yield from alignments.fetch(until_eof=True)

"""Whether a file can be read as what it should be: one clear message where it cannot."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pysam
import pysam.samtools

from evoflow.errors import InputError
from evoflow.files.htslib import is_bgzipped, quiet, run
from evoflow.inputs import headers
from evoflow.remote import own_indexes
from evoflow.remote.byte_ranges import Lines, read_fai, read_gzi, read_index
from evoflow.remote.mirror import Mirror
from evoflow.settings import Individual, is_remote

_HEAD = 4096
"""Bytes before a contig's first base, and behind its last one, in which headers are looked for."""

_HEADER = re.compile(rb"^>.*", re.MULTILINE)


def check_file(path: str) -> None:
    """Check that a path is a file with content that may be read."""
    if is_remote(path):  # could not be mirrored, which was said then
        raise InputError([])
    file = Path(path)
    try:
        size = file.stat().st_size
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; check the path") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; check the path and its permissions") from None
    if file.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it")
    if not os.access(file, os.R_OK):
        raise InputError(f"{path}: you have no permission to read it; use `chmod u+r`")
    if size == 0:
        raise InputError(f"{path}: is empty; give a complete file")


def find_index(path: str, make: str) -> Path:
    """Find the index beside a file; `make` is the command that makes one."""
    index = own_indexes.index_of(path)
    if index is None:
        raise InputError(f"{path}: has no index beside it; make it with `{make} {path}`")
    return index


def _check_index(path: str) -> None:
    """Refuse a broken index before the file is opened: htslib, which reads it then, may crash."""
    index = own_indexes.index_of(path)
    if index is not None:
        read_index(index.resolve())


def _index_warnings(path: str, index: Path, make: str) -> list[str]:
    """Refuse the index of another file; warn where a new one was made, or where it is old."""
    if own_indexes.is_own(path):
        return [
            f"{path}: its index belongs to another file; a new one was made for this run (`{make}`)"
        ]
    if Mirror.at(path) is None and not own_indexes.fits(path):
        raise InputError(
            f"{index}: belongs to another file than {path}, or that file is damaged or not sorted; "
            f"make it with `{make}`, and if that does not help, copy {path} again, or sort it"
        )
    return _age_warnings(path, index)


def _age_warnings(path: str, index: Path) -> list[str]:
    if index.stat().st_mtime < Path(path).stat().st_mtime:
        return [f"{index}: is older than {path}; make it again if that file has changed since"]
    return []


def check_reference(path: str) -> list[str]:
    """Check a FASTA and its indexes; return warnings."""
    check_file(path)
    index = Path(f"{path}.fai")
    blocks = Path(f"{path}.gzi") if is_bgzipped(path) else None
    for each in filter(None, (index, blocks)):
        if not each.is_file():  # htslib, which finds no other, would write it beside the file
            raise InputError(f"{path}: has no index {each}; make it with `samtools faidx {path}`")
    contigs, table = read_fai(index), None if blocks is None else read_gzi(blocks)
    try:
        with quiet(), pysam.FastaFile(path):
            pass
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read as FASTA ({error}); give a plain or bgzipped FASTA"
        ) from None
    if not contigs:
        raise InputError(
            f"{path}: its index {index} lists no contig; make it with `samtools faidx`"
        )
    if Mirror.at(path) is None:  # else the bytes to look at are not here yet
        try:
            _check_whole(path, index, contigs, table)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error}); copy it again") from None
    return _age_warnings(path, index)


def _check_whole(
    path: str, index: Path, contigs: Mapping[str, Lines], blocks: npt.NDArray[np.int64] | None
) -> None:
    """Check that each contig that a FASTA's index lists begins and ends where it says."""
    opener: Any = open if blocks is None else pysam.BGZFile
    remedy = (
        "it is cut off, or the index belongs to another file: copy it again and `samtools faidx` it"
    )
    place = int if blocks is None else _virtual_offsets(blocks)
    with quiet(), opener(path, "rb") as fasta:
        for name, (length, offset, bases, width) in contigs.items():
            try:
                head = max(0, offset - _HEAD)
                fasta.seek(place(head))
                before = fasta.read(offset - head)
                last = max(0, length - 1)
                fasta.seek(place(offset + (last // bases * width + last % bases if bases else 0)))
                after = fasta.read(_HEAD)
                ends = not length or after[:1].isalpha()
            except (OSError, ValueError) as error:
                raise InputError(
                    f"{path}: contig {name} cannot be read where {index} has it ({error}); {remedy}"
                ) from None
            lines = before.rstrip().rsplit(b"\n", 1)
            is_long = len(before) == _HEAD and len(lines) == 1
            if not ends:
                raise InputError(f"{path}: contig {name} is shorter than {index} says; {remedy}")
            if not is_long and _name(lines[-1]) != name:
                raise InputError(f"{path}: contig {name} is not where {index} has it; {remedy}")
            following = _HEADER.search(after)
            again = _name(following[0]) if following else ""
            if again in contigs and contigs[again].offset <= offset:  # it lists the first only
                raise InputError(
                    f"{path}: contig {again} comes twice; rename or remove one of them"
                )


def _name(header: bytes) -> str:
    """Find a contig's name in its header, whose description may hold any `>`."""
    words = header.removeprefix(b">").split(maxsplit=1)
    return words[0].decode(errors="surrogateescape") if words and header[:1] == b">" else ""


def _virtual_offsets(table: npt.NDArray[np.int64]) -> Callable[[int], int]:
    """Lead from offsets of a bgzipped file's content to what BGZF calls virtual ones."""

    def place(offset: int) -> int:
        block, begins = table[np.searchsorted(table[:, 1], offset, side="right") - 1].tolist()
        return int(block << 16 | offset - begins)

    return place


def check_reads(path: str) -> list[str]:
    """Check a BAM or CRAM and its index; return warnings.

    Whether the records are in order shows when they are read: the header's word for it is often
    wrong.
    """
    check_file(path)
    _check_index(path)
    try:
        with quiet(), pysam.AlignmentFile(path, check_sq=False) as reads:
            is_indexable = reads.is_bam or reads.is_cram
            headers.check_parsed(path, reads)
            order = "".join(each.get("SO", "") for each in headers.fields_of(reads.header, "HD"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read as BAM or CRAM ({error}); copy it again"
        ) from None
    if not is_indexable:
        raise InputError(f"{path}: is neither BAM nor CRAM; convert it with `samtools sort`")
    try:
        run(pysam.samtools.quickcheck, path, about=path)
    except InputError:
        raise InputError(
            f"{path}: is cut off (it has no end-of-file marker); copy it again"
        ) from None
    try:
        index = find_index(path, "samtools index")
    except InputError:
        if order not in {"queryname", "unsorted"}:
            raise
        raise InputError(
            f"{path}: its order is {order!r}, and it has no index; sort it with `samtools sort` "
            "and index it with `samtools index`"
        ) from None
    with quiet(), pysam.AlignmentFile(path, check_sq=False) as reads:
        if not reads.has_index():
            raise InputError(f"{index}: cannot be read; make it with `samtools index {path}`")
    return _index_warnings(path, index, f"samtools index {path}")


def check_variants(path: str) -> list[str]:
    """Check a VCF or BCF and its index; return warnings."""
    check_file(path)
    _check_index(path)
    with quiet():
        try:
            with pysam.VariantFile(path) as variants:
                compression = variants.compression
        except NotImplementedError:  # pysam's word for plain gzip
            compression = "GZIP"
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path}: cannot be read as VCF or BCF ({error}); give a bgzipped VCF or a BCF"
            ) from None
    if compression != "BGZF":
        raise InputError(
            f"{path}: its compression is {compression}, not BGZF, so that it cannot be indexed; "
            "compress it with `bcftools view -Oz` and index it with `bcftools index -t`"
        )
    index = find_index(path, "bcftools index")
    return _index_warnings(path, index, f"bcftools index -f {path}")


def check_clinvar_fields(path: str, consequence_field: str | None) -> None:
    """Check that ClinVar's file says `RS` and `MC`, or another field instead of `MC`."""
    with quiet(), pysam.VariantFile(path) as variants:
        there = variants.header.info
        told = consequence_field is not None and consequence_field in there
        missing = [field for field in ("RS", *(() if told else ("MC",))) if field not in there]
    if missing:
        raise InputError(
            f"{path}: has no INFO field {' or '.join(missing)}; give ClinVar's own VCF "
            "(clinvar.vcf.gz of NCBI)"
        )


def sample_of(person: Individual) -> str:
    """Find an individual's sample as its file spells it, in whatever encoding.

    Raises
    ------
    InputError
        When the file does not have it.
    """
    with quiet(), pysam.VariantFile(person.variants) as variants:
        samples = list(variants.header.samples)
    for sample in samples:
        if headers.is_called(sample, person.sample):
            return str(sample)
    some = ", ".join(samples[:10]) + (", ..." if len(samples) > 10 else "")
    raise InputError(
        f"{person.variants}: has no sample {person.sample!r} (it has {some or 'none'}); "
        "set the individual's sample"
    )


def check_sample(person: Individual) -> None:
    """Check that an individual's file has its sample, with genotypes."""
    sample_of(person)
    with quiet(), pysam.VariantFile(person.variants) as variants:
        if "GT" not in variants.header.formats and Mirror.at(person.variants) is None:
            with suppress(OSError, ValueError):
                next(variants, None)  # htslib adds to the header what its records have
        has_genotypes = "GT" in variants.header.formats
    if not has_genotypes:
        raise InputError(f"{person.variants}: has no genotypes (FORMAT GT); give called genotypes")

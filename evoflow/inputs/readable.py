"""Whether a file can be read as what it should be: one clear message where it cannot."""

import os
from pathlib import Path

import pysam
import pysam.samtools

from evoflow.errors import InputError
from evoflow.htslib import quiet, run
from evoflow.settings import Individual, is_remote


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
        raise InputError(f"{path}: may not be read; give yourself the permission (chmod u+r)")
    if size == 0:
        raise InputError(f"{path}: is empty; give a complete file")


def find_index(path: str, endings: tuple[str, ...], make: str) -> str:
    """Find the index that stands beside a file.

    Parameters
    ----------
    path
        The file.
    endings
        What an index' name may end in, in place of or behind the file's own ending.
    make
        The command that makes one.
    """
    for ending in endings:
        for candidate in (path + ending, str(Path(path).with_suffix(ending))):
            if Path(candidate).is_file():
                return candidate
    raise InputError(f"{path}: has no index ({' or '.join(endings)}); make it with `{make} {path}`")


def _age_warnings(path: str, index: str) -> list[str]:
    if Path(index).stat().st_mtime < Path(path).stat().st_mtime:
        return [f"{index}: is older than {path}; make it anew if that file has changed since"]
    return []


def check_reference(path: str) -> list[str]:
    """Check a FASTA and its indexes; return warnings."""
    check_file(path)
    if is_remote(path):
        return []
    index = find_index(path, (".fai",), "samtools faidx")
    with Path(path).open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            find_index(path, (".gzi",), "samtools faidx")
    with quiet():
        try:
            pysam.FastaFile(path).close()
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path}: cannot be read as FASTA ({error}); give a plain or bgzipped FASTA"
            ) from None
    return _age_warnings(path, index)


def check_reads(path: str) -> list[str]:
    """Check a BAM or CRAM and its index; return warnings."""
    check_file(path)
    with quiet():
        try:
            with pysam.AlignmentFile(path, check_sq=False) as reads:
                order = reads.header.to_dict().get("HD", {}).get("SO", "coordinate")
                is_indexable = reads.is_bam or reads.is_cram
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path}: cannot be read as BAM or CRAM ({error}); copy it anew"
            ) from None
    if not is_indexable:
        raise InputError(f"{path}: is neither BAM nor CRAM; make it so with `samtools sort`")
    if order != "coordinate":
        raise InputError(
            f"{path}: its order is {order!r}, not by coordinate; sort it with `samtools sort` and "
            "index it with `samtools index`"
        )
    if is_remote(path):
        return []
    try:
        run(pysam.samtools.quickcheck, path, about=path)
    except InputError:
        raise InputError(
            f"{path}: is cut off (it has no end-of-file marker); copy it anew"
        ) from None
    index = find_index(path, (".bai", ".csi", ".crai"), "samtools index")
    with quiet(), pysam.AlignmentFile(path, check_sq=False) as reads:
        if not reads.has_index():
            raise InputError(f"{index}: cannot be read; make it with `samtools index {path}`")
    return _age_warnings(path, index)


def check_variants(path: str) -> list[str]:
    """Check a VCF or BCF and its index; return warnings."""
    check_file(path)
    warnings: list[str] = []
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
    if not is_remote(path):
        index = find_index(path, (".tbi", ".csi"), "bcftools index")
        warnings = _age_warnings(path, index)
    return warnings


def check_clinvar_fields(path: str) -> None:
    """Check that ClinVar's file says `RS` and `MC`."""
    with quiet(), pysam.VariantFile(path) as variants:
        missing = [field for field in ("RS", "MC") if field not in variants.header.info]
    if missing:
        raise InputError(
            f"{path}: has no INFO field {' or '.join(missing)}; give ClinVar's own VCF "
            "(clinvar.vcf.gz of NCBI)"
        )


def check_sample(person: Individual) -> None:
    """Check that an individual's file has its sample, with genotypes."""
    with quiet(), pysam.VariantFile(person.variants) as variants:
        samples = list(variants.header.samples)
        has_genotypes = "GT" in variants.header.formats
    if person.sample not in samples:
        some = ", ".join(samples[:10]) + (", ..." if len(samples) > 10 else "")
        raise InputError(
            f"{person.variants}: has no sample {person.sample!r} (it has {some or 'none'}); "
            "set the individual's sample"
        )
    if not has_genotypes:
        raise InputError(f"{person.variants}: has no genotypes (FORMAT GT); give called genotypes")

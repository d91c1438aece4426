"""Whether a file can be read as what it should be: one clear message where it cannot."""

import os
from pathlib import Path

import pysam
import pysam.samtools
from pysam.utils import SamtoolsError

from evoflow.errors import InputError
from evoflow.extract.htslib import quiet
from evoflow.settings import Individual, is_remote


def check_file(path: str) -> None:
    """Check that a path is a file with content that may be read; URLs pass."""
    if is_remote(path):
        return
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


def check_reference(path: str) -> None:
    """Check a FASTA and its indexes."""
    check_file(path)
    if is_remote(path):
        return
    find_index(path, (".fai",), "samtools faidx")
    if Path(path).read_bytes()[:2] == b"\x1f\x8b":
        find_index(path, (".gzi",), "samtools faidx")
    with quiet():
        try:
            pysam.FastaFile(path).close()
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path}: cannot be read as FASTA ({error}); give a plain or bgzipped FASTA"
            ) from None


def check_reads(path: str) -> list[str]:
    """Check a BAM or CRAM and its index; return warnings."""
    check_file(path)
    warnings: list[str] = []
    if not is_remote(path):
        index = find_index(path, (".bai", ".csi", ".crai"), "samtools index")
        warnings = _age_warnings(path, index)
    with quiet():
        try:
            with pysam.AlignmentFile(path, check_sq=False) as reads:
                order = reads.header.to_dict().get("HD", {}).get("SO", "coordinate")
                has_index = reads.has_index()
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path}: cannot be read as BAM or CRAM ({error}); copy it anew"
            ) from None
    if order != "coordinate":
        raise InputError(
            f"{path}: is sorted by {order}, not by coordinate; sort it with `samtools sort` and "
            "index it"
        )
    if not has_index:
        raise InputError(f"{path}: its index cannot be read; make it with `samtools index {path}`")
    if not is_remote(path):
        try:
            pysam.samtools.quickcheck(path)
        except SamtoolsError:
            raise InputError(f"{path}: is cut off (no end-of-file marker); copy it anew") from None
    return warnings


def check_variants(path: str) -> list[str]:
    """Check a VCF or BCF and its index; return warnings."""
    check_file(path)
    warnings: list[str] = []
    with quiet():
        try:
            with pysam.VariantFile(path) as variants:
                compression = variants.compression
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read as VCF or BCF ({error})") from None
    if compression != "BGZF":
        raise InputError(
            f"{path}: is compressed as {compression}, which cannot be indexed; use "
            "`bcftools view -Oz` and `bcftools index -t`"
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

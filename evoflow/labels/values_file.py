"""A column of numbers for alleles, as a file gives them: a tab-separated table, or a VCF's INFO."""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pysam
import pysam.bcftools

from evoflow.errors import InputError
from evoflow.files.htslib import quiet, run
from evoflow.inputs.readable import check_file
from evoflow.remote import local_files
from evoflow.settings import AlleleColumn

ALLELE = ["contig", "position", "ref", "alt"]

_USUAL = {
    "contig": re.compile("(?:contig|chr|chrom|chromosome)"),
    "position": re.compile(r"pos(?:ition)?(?: ?\(.*\))?"),
    "ref": re.compile("ref(?:erence)?(?:[ _]allele)?"),
    "alt": re.compile("alt(?:ernat(?:e|ive))?(?:[ _]allele)?"),
}
"""What the columns of an allele are usually called, in small letters."""

_MISSING = ["", ".", "-", "NA", "N/A", "na", "n/a", "NaN", "nan", "None", "null", "NULL"]
_LAST = 2**31 - 1
"""The last position that a BAM or VCF can have."""

_SHOWN = 12
"""Columns that a message names."""


def read_values(column: AlleleColumn, key: str, *, requester_pays: bool = False) -> pd.DataFrame:
    """Read a column.

    Parameters
    ----------
    column
        The file, and what it is called there.
    key
        The setting, for messages.
    requester_pays
        Let S3 charge the user's account.

    Returns
    -------
    DataFrame
        Columns `ALLELE` (REF and ALT in capitals, one ALT a row), `value` (NaN where it is
        missing) and `line` (1-based: of the table, or the VCF's record).

    Raises
    ------
    InputError
        When the file or the column is not there, or a value or position is no number.
    """
    path = local_files.local_whole(column.file, requester_pays=requester_pays)
    with local_files.named({path: column.file}):
        check_file(path)
        start = _start(path)
        is_vcf = start.startswith((b"##fileformat=VCF", b"BCF"))
        text = _of_vcf(path, column, key) if is_vcf else _of_table(path, start, column, key)
        return _numbers(text, path, column.name)


def _start(path: str) -> bytes:
    """Read the first bytes, of the content where the file is gzipped."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(1 << 16)
        if start[:2] == b"\x1f\x8b":
            with gzip.open(path, "rb") as content:
                start = content.read(1 << 16)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error}); copy it again") from None
    if start[:2] == b"PK":
        raise InputError(
            f"{path}: is an archive or a workbook; save its sheet as tab-separated text"
        )
    if b"\0" in start and not start.startswith(b"BCF"):
        raise InputError(f"{path}: is not UTF-8 text; save it as tab-separated text in UTF-8")
    return start


def _of_table(path: str, start: bytes, column: AlleleColumn, key: str) -> pd.DataFrame:
    """Read the wanted columns of a table as text."""
    skipped, header = _header(path, start)
    names = [*_allele_columns(path, header, column, key), column.name]
    for name in names:
        _require(path, header, name, key)
    wanted = [header.index(name) for name in names]
    with _readable(path):
        _refuse_wide_rows(path, skipped + 1, len(header))
        table = pd.read_csv(
            path,
            sep="\t",
            header=None,
            names=range(max(wanted) + 1),  # rows may lack what comes after
            usecols=wanted,
            index_col=False,
            skiprows=skipped + 1,
            skip_blank_lines=False,
            dtype="str",
            na_filter=False,
            quoting=3,
            encoding="utf-8-sig",
            encoding_errors="replace",
            compression="gzip" if _is_gzipped(path) else None,
        )
    columns = zip([*ALLELE, "value"], names, strict=True)
    texts = {mine: table[header.index(name)].fillna("") for mine, name in columns}
    plain = pd.DataFrame({name: text.str.strip().str.strip('"') for name, text in texts.items()})
    plain = plain.assign(line=np.arange(len(table)) + skipped + 2)
    return plain[(plain[ALLELE] != "").any(axis=1)]


def _refuse_wide_rows(path: str, skipped: int, width: int) -> None:
    """Refuse a tab within a value: pandas counts none, and would take what stands beside."""
    with gzip.open(path) if _is_gzipped(path) else Path(path).open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if number > skipped and line.rstrip().count(b"\t") >= width:
                raise InputError(
                    f"{path}: line {number:,} has more values than the header has names ({width});"
                    " remove the tab that stands within one of them"
                )


def _is_gzipped(path: str) -> bool:
    with Path(path).open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _header(path: str, start: bytes) -> tuple[int, list[str]]:
    """Find the header: how many lines come before it, and its names.

    It is the last line that starts with `#` where that has a name for each value of the next line.
    """
    lines = start.decode("utf-8-sig", errors="replace").splitlines()
    comments = next(
        (number for number, line in enumerate(lines) if not line.startswith("#")), len(lines)
    )
    first = lines[comments].count("\t") if comments < len(lines) else -1
    number = comments
    if comments and (first < 0 or lines[comments - 1].count("\t") == first > 0):
        number = comments - 1
    if number == len(lines):
        raise InputError(f"{path}: has no header; give a table whose first line names its columns")
    names = [name.strip().strip('"') for name in lines[number].lstrip("#").split("\t")]
    if len(names) < len(ALLELE):
        other = next((mark for mark in (",", ";") if mark in lines[number]), "")
        why = f"its values are divided by {other!r}" if other else f"it begins with {names[0]!r}"
        raise InputError(
            f"{path}: is not a tab-separated table ({why}); save it with a tab between values"
        )
    return number, names


def _allele_columns(path: str, header: list[str], column: AlleleColumn, key: str) -> list[str]:
    """Name the columns of contig, position, REF and ALT."""
    if column.allele is not None:
        return list(column.allele)
    found = []
    for part, usual in _USUAL.items():
        names = [name for name in header if usual.fullmatch(name.lower())]
        if len(names) != 1:
            many = f"several columns may be the {part} ({', '.join(names)})"
            why = many if names else f"no column is called like the {part}"
            raise InputError(
                f"{path}: {why}; set {key}.allele to the names of the columns of contig, position,"
                f" REF and ALT, of {_listed(header)}"
            )
        found += names
    return found


def _require(path: str, header: list[str], name: str, key: str) -> None:
    """Refuse a column that is not there, or is there twice."""
    if header.count(name) == 1:
        return
    if name in header:
        raise InputError(f"{path}: has {header.count(name)} columns {name!r}; rename one of them")
    alike = get_close_matches(name, header, n=1)
    meant = f"; did you mean {alike[0]!r}?" if alike else ""
    raise InputError(f"{path}: has no column {name!r} ({key}); it has {_listed(header)}{meant}")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: has a header but no rows; give a complete file") from None
    except pd.errors.ParserError as error:
        raise InputError(
            f"{path}: cannot be read as a table ({error}); give each row as many values as the "
            "header has names"
        ) from None
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read as a table ({error}); copy it again") from None


def _of_vcf(path: str, column: AlleleColumn, key: str) -> pd.DataFrame:
    """Read an INFO field as text, one ALT a row."""
    with TemporaryDirectory(prefix="evoflow-") as folder, _readable(path):
        plain, listed = Path(folder) / "plain.vcf", Path(folder) / "values.tsv"
        run(pysam.bcftools.view, "--no-version", "-Ov", "-o", str(plain), path, about=path)
        with quiet(), pysam.VariantFile(str(plain)) as variants:
            fields = list(variants.header.info)
        _require_field(path, fields, column.name, key)
        columns = f"%CHROM\t%POS\t%REF\t%ALT\t%INFO/{column.name}\n"
        run(pysam.bcftools.query, "-f", columns, "-o", str(listed), str(plain), about=path)
        table = pd.read_csv(
            listed, sep="\t", names=[*ALLELE, "value"], dtype="str", na_filter=False, quoting=3,
            encoding_errors="replace",
        )  # fmt: skip
    rows = []
    for line, (contig, position, ref, alt, value) in enumerate(table.itertuples(index=False), 1):
        alts, values = alt.split(","), value.split(",")
        if len(values) not in {1, len(alts)}:
            raise InputError(
                f"{path}: record {line:,} ({contig}:{position}) has {len(values)} values of"
                f" {column.name} for {len(alts)} ALT alleles; give one for each"
            )
        values = values if len(values) == len(alts) else values * len(alts)
        rows += [(contig, position, ref, *pair, line) for pair in zip(alts, values, strict=True)]
    return pd.DataFrame(rows, columns=[*ALLELE, "value", "line"])


def _require_field(path: str, fields: list[str], name: str, key: str) -> None:
    """Refuse an INFO field that the header does not define."""
    if name in fields:
        return
    alike = get_close_matches(name, fields, n=1)
    meant = f"; did you mean {alike[0]!r}?" if alike else ""
    held = _listed(fields) or "none"
    raise InputError(f"{path}: has no INFO field {name!r} ({key}); it has {held}{meant}")


def _numbers(text: pd.DataFrame, path: str, name: str) -> pd.DataFrame:
    """Turn texts into numbers."""
    if text.empty:
        raise InputError(f"{path}: has a header but no rows; give a complete file")
    missing = text["value"].isin(_MISSING)
    value = pd.to_numeric(text["value"].where(~missing), errors="coerce").astype("float64")
    value = value.where(np.isfinite(value))
    for row in np.flatnonzero(value.isna() & ~missing)[:1]:
        bad = text.iloc[row]
        raise InputError(
            f"{path}: line {bad['line']:,} has {name} {bad['value']!r}, which is not a number; "
            "correct it, or leave it empty where there is none"
        )
    position = pd.to_numeric(text["position"], errors="coerce")
    wrong = ~position.between(1, _LAST) | (position % 1 != 0)
    for row in np.flatnonzero(wrong)[:1]:
        bad = text.iloc[row]
        raise InputError(
            f"{path}: line {bad['line']:,} has the position {bad['position']!r}; positions are "
            f"whole numbers from 1 to {_LAST:,}"
        )
    if missing.all():
        raise InputError(f"{path}: no row has a value of {name}; give a file with values")
    return text.assign(
        position=position.astype("int64"),
        ref=text["ref"].str.upper(),
        alt=text["alt"].str.upper(),
        value=value,
    )

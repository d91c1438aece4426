"""Predictions as a table or as a VCF."""

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pysam
import pysam.bcftools

from evoflow import __version__
from evoflow.errors import InputError, printable
from evoflow.files.atomic import new_file
from evoflow.files.htslib import quiet, run
from evoflow.inputs.contigs import Genome
from evoflow.labels.target import Target
from evoflow.predict.commands import Predictions
from evoflow.predict.variants_file import NOWHERE, read_records
from evoflow.settings import is_remote
from evoflow.table import ALLELE

ENDINGS = (".tsv", ".tsv.gz", ".vcf", ".vcf.gz")

INFO = {
    "score": ("EVOFLOW_SCORE", "Float", "Predicted {score}; mean over reads"),
    "score_spread": ("EVOFLOW_SPREAD", "Float", "Standard deviation of the score over reads"),
    "reads": ("EVOFLOW_READS", "Integer", "Carrier reads that were scored"),
    "log_likelihood_ratio": (
        "EVOFLOW_LLR",
        "Float",
        "Natural logarithm of how many times likelier Evo finds the alternate than the reference",
    ),
    "score_in_reference": (
        "EVOFLOW_SCORE_REF",
        "Float",
        "Predicted {score}; the allele written into the reference",
    ),
    "individual": ("EVOFLOW_SAMPLE", "String", "Whose reads were scored"),
    "genotype": ("EVOFLOW_GT", "String", "Genotype of that sample: 1 is this allele"),
}
"""Column of the predictions: INFO field, its type and its description; `{score}` is what the head
predicts."""

_RESERVED = re.compile(r"[%:;=,\s]")
_OURS = re.compile(rb"(?:^|;)EVOFLOW_[^;]*")
_DEFINED = re.compile(rb"##(contig|FILTER|INFO|FORMAT)=<ID=([^,>]+)")
_SAID = b',Description="not defined in the input"'
_UNDEFINED = {
    b"contig": b"",
    b"FILTER": _SAID,
    b"INFO": b",Number=.,Type=String" + _SAID,
    b"FORMAT": b",Number=.,Type=String" + _SAID,
}
"""Kinds of definitions of a header, and what we say of what it forgot."""

_CONTIG = re.compile(rb"##contig=<ID=([^,>]+)>")


def refuse_input(path: Path, inputs: Iterable[str]) -> None:
    """Refuse an output that is an input, before any work.

    Raises
    ------
    InputError
        When it is one of them, under whatever name.
    """
    for each in inputs:
        if not is_remote(each) and path.exists() and Path(each).exists() and path.samefile(each):
            raise InputError(
                f"--output {path}: is an input, which would be lost; name another file"
            )


def write_predictions(found: Predictions, path: Path, made_by: Mapping[str, str]) -> None:
    """Write predictions in the form that the file's ending names.

    Parameters
    ----------
    found
        The predictions. A table has all columns, and one row per allele and individual. A VCF has
        what `INFO` lists; where the alleles are of a VCF, it has the records of that one as they
        are, sorted, and our fields beside theirs, but for records that lie on no contig.
    path
        One of `ENDINGS`; `.gz` is bgzipped, and a VCF then has its index beside it.
    made_by
        What the first line of a table, or the header of a VCF, says of the head.
    """
    said = "; ".join(f"{key}={value}" for key, value in {"evoflow": __version__, **made_by}.items())
    with TemporaryDirectory(prefix="evoflow-") as name:
        folder = Path(name)
        plain = folder / "plain"
        if path.name.endswith((".tsv", ".tsv.gz")):
            with plain.open("w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(f"# {said}\n")
                found.alleles.to_csv(file, sep="\t", index=False, float_format="%.4f")
        elif found.variants is None:
            plain.write_text(_vcf(found, said), encoding="utf-8", errors="surrogateescape")
        else:
            _annotate(found, found.variants, said, plain, folder)
        _put(plain, path)


def _put(plain: Path, path: Path) -> None:
    """Give a file its name, compressed and indexed as the name says."""
    with new_file(path) as beside:
        if path.suffix != ".gz":
            beside.write_bytes(plain.read_bytes())
            return
        pysam.tabix_compress(str(plain), str(beside), force=True)
        if path.name.endswith(".vcf.gz"):
            _index(beside, path)


def _index(vcf: Path, path: Path) -> None:
    """Write the index of a VCF that will be at `path`: a TBI, or a CSI where it has no room."""
    tbi, csi = Path(f"{path}.tbi"), Path(f"{path}.csi")
    try:
        with new_file(tbi) as index, quiet():
            pysam.tabix_index(str(vcf), preset="vcf", force=True, index=str(index))
    except InputError:  # records behind 2^29 = 536,870,912
        with new_file(csi) as index, quiet():
            pysam.tabix_index(str(vcf), preset="vcf", force=True, index=str(index), csi=True)
        tbi.unlink(missing_ok=True)
    else:
        csi.unlink(missing_ok=True)  # of a file that was there before; it would be read first


def _definitions(columns: Iterable[str], number: str, target: Target) -> Iterator[str]:
    """Define the fields of some columns in a header."""
    for column in columns:
        name, kind, text = INFO[column]
        # A user's column may be called anything; a quotation mark would end the description.
        description = text.format(score=printable(target.score).replace('"', "'"))
        yield f'##INFO=<ID={name},Number={number},Type={kind},Description="{description}">'


def _vcf(found: Predictions, said: str) -> str:
    """Write individuals' alleles: one record per allele and individual."""
    columns = [column for column in INFO if column in found.alleles]
    header = ["##fileformat=VCFv4.3", f"##evoflow={said}"]
    header += [f"##contig=<ID={name},length={size}>" for name, size in found.contigs.items()]
    header += [
        *_definitions(columns, "1", found.target),
        *_filters(found.alleles),
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
    ]
    order = {name: number for number, name in enumerate(found.contigs)}
    ranks = found.alleles.assign(contig=found.alleles["contig"].map(order))
    by_position = ranks.sort_values(["contig", "position", "ref", "alt"], kind="stable").index
    lines = []
    for row in found.alleles.loc[by_position].to_dict("records"):
        known = {INFO[column][0]: row[column] for column in columns if pd.notna(row[column])}
        info = ";".join(f"{name}={_value(value)}" for name, value in known.items() if value != "")
        name = row["variant_id"] if row["variant_id"] != "." else row["rsid"] or "."
        fields = [row["contig"], row["position"], name, row["ref"], row["alt"], "."]
        lines.append("\t".join(map(str, [*fields, row["filter"], info])))
    return "\n".join([*header, *lines]) + "\n"


def _filters(alleles: pd.DataFrame) -> Iterator[str]:
    """Define the filters that calls did not pass."""
    values = {value for each in alleles["filter"].unique() for value in each.split(";")}
    for value in sorted(values - {"PASS", "."}):
        yield f'##FILTER=<ID={value},Description="a filter of an individual\'s VCF">'


def _value(value: object) -> str:
    """Write a value of INFO as VCF 4.3 wants it: reserved characters and spaces as `%20`."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return _RESERVED.sub(lambda found: f"%{ord(found[0]):02X}", printable(str(value)))


def _annotate(found: Predictions, variants: str, said: str, plain: Path, folder: Path) -> None:
    """Write the records of a VCF with the scores of their ALT alleles."""
    columns = ["score", "log_likelihood_ratio"]
    scores = _scores(found, columns)
    genome = Genome(found.contigs)
    unsorted, body = folder / "unsorted.vcf", folder / "body"
    header: list[bytes] = []
    used: dict[bytes, set[bytes]] = {kind: set() for kind in _UNDEFINED}
    number = 0
    with read_records(variants, folder).open("rb") as lines, body.open("wb") as file:
        for line in lines:
            if line.startswith(b"##contig="):
                header.append(_with_length(line, genome))
            elif line.startswith(b"#"):
                if not line.startswith((b"##INFO=<ID=EVOFLOW_", b"##evoflow=")):
                    header.append(line)
            else:
                fields = line.rstrip(b"\n").split(b"\t")
                number += 1
                if fields[0] in NOWHERE:
                    continue
                info = [_OURS.sub(b"", fields[7]).strip(b";")] if fields[7] != b"." else []
                keys = [(number - 1, each) for each in range(fields[4].count(b",") + 1)]
                for column in columns:
                    values = [scores.get(key, {}).get(column, ".") for key in keys]
                    if any(value != "." for value in values):
                        info.append(f"{INFO[column][0]}={','.join(values)}".encode())
                fields[6] = fields[6] or b"."  # which bcftools view lets pass, but not sort
                fields[7] = b";".join(filter(None, info)) or b"."
                used[b"contig"].add(fields[0])
                used[b"FILTER"].update(fields[6].split(b";"))
                used[b"INFO"].update(each.partition(b"=")[0] for each in fields[7].split(b";"))
                used[b"FORMAT"].update(*(each.split(b":") for each in fields[8:9]))
                file.write(b"\t".join(fields) + b"\n")
    ours = [
        f"##evoflow={said}\n",
        *(f"{each}\n" for each in _definitions(columns, "A", found.target)),
    ]
    header[-1:-1] = [each.encode() for each in ours]
    header[-1:-1] = [_with_length(each, genome) for each in _missing_definitions(header, used)]
    with unsorted.open("wb") as file, body.open("rb") as records:
        file.writelines(header)
        shutil.copyfileobj(records, file)
    run(
        pysam.bcftools.sort,
        *("--temp-dir", str(folder / "sorting"), "-Ov", "-o", str(plain), str(unsorted)),
        about=variants,
    )


def _missing_definitions(
    header: Iterable[bytes], used: Mapping[bytes, Iterable[bytes]]
) -> Iterator[bytes]:
    """Define what records use and their header does not define, as a VCF must."""
    defined = {(found[1], found[2]) for line in header if (found := _DEFINED.match(line))}
    defined.add((b"FILTER", b"PASS"))
    for kind, names in used.items():
        for name in sorted(set(names) - {b".", b""}):
            if (kind, name) not in defined:
                yield b"##%s=<ID=%s%s>\n" % (kind, name, _UNDEFINED[kind])


def _scores(found: Predictions, columns: list[str]) -> dict[tuple[int, int], dict[str, str]]:
    """Look up the scores by record and ALT allele of the VCF."""
    key = [column for column in ALLELE if column != "individual"]
    listed = (found.listed if found.listed is not None else pd.DataFrame()).merge(
        found.alleles[[*key, *columns]], on=key
    )
    return {
        (row["record"], row["alternate"]): {
            column: _value(float(row[column])) for column in columns if pd.notna(row[column])
        }
        for row in listed.to_dict("records")
    }


def _with_length(line: bytes, genome: Genome) -> bytes:
    """Add the reference's length to a contig that a header defines without one."""
    named = _CONTIG.match(line)
    contig = genome.find(named[1].decode(errors="surrogateescape")) if named else None
    if named is None or contig is None:
        return line
    return b"##contig=<ID=%s,length=%d>\n" % (named[1], genome.lengths[contig])

"""Examples without reads: ClinVar alleles that nobody carries, written into the reference.

A healthy person carries almost no severe allele. So alleles of every kind of consequence are drawn
from ClinVar, as evenly as it has them: equally many of each impact, and within an impact of each
consequence, as long as there are any.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.errors import InputError
from evoflow.extract.counts import COUNTS
from evoflow.extract.pool import Pool
from evoflow.extract.units import OTHER_BASES
from evoflow.extract.vcf.normalise import KEY, Written, write_called, write_clinvar
from evoflow.extract.vcf.plain_vcf import Source
from evoflow.extract.vcf.variants import described, read_called, read_clinvar
from evoflow.extract.written_alleles import placed, write_allele
from evoflow.files.htslib import Fasta
from evoflow.impact import most_severe
from evoflow.inputs import agreement, inventory
from evoflow.inputs.readable import sample_of
from evoflow.remote import local_files
from evoflow.settings import HAPLOTYPE, DataSettings, Individual

SUBJECT = "ClinVar allele"
_ALLELE = ["contig", *KEY]
_UNKNOWN_QUALITY = 255
"""What SAM writes where a mapping quality is not available."""


Labelled = Callable[[str, pd.DataFrame], npt.NDArray[np.bool_]]
"""Tells which of a contig's alleles, as `read_clinvar` gives them, have a label."""


@dataclass(frozen=True)
class ListedContig:
    """ClinVar's alleles of a contig, and who may carry them."""

    clinvar: Source
    called: tuple[tuple[Individual, Source], ...]


def extract_haplotypes(
    data: DataSettings,
    contigs: Sequence[ListedContig],
    pool: Pool,
    labelled: Labelled | None = None,
    *,
    done: Callable[[int], None] = lambda _: None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw ClinVar alleles that no individual carries and write them into the reference.

    Parameters
    ----------
    data
        The inputs; `haplotypes` is how many alleles are drawn.
    contigs
        Those of `listed_contigs`.
    pool
        Where the contigs are read; the result does not depend on its size.
    labelled
        Which alleles may be drawn; default: all.
    done
        Called with the number of contigs done.

    Returns
    -------
    examples : DataFrame
        Columns as in the table of examples, one row per allele. `individual` is `haplotype`,
        `genotype` 1, `read_name` the allele itself, and `mapping_quality` 255.
    counts : DataFrame
        Columns `individual`, `contig`, `subject`, `reason`, `count`: why each of ClinVar's
        alleles that have a sequence was taken or left.

    Raises
    ------
    InputError
        When not a single allele can be taken.
    """
    if not data.haplotypes:
        return pd.DataFrame(), pd.DataFrame(columns=[*COUNTS, "count"])
    results = pool.run(
        partial(_candidates, data=data, labelled=labelled),
        contigs,
        name=lambda contig: f"haplotypes, contig {contig.clinvar.contig}",
        done=done,
    )
    differing = agreement.contigs_of_other_bases(
        str(data.reference),
        str(data.clinvar),
        {
            contig.clinvar.contig: written
            for contig, (_, _, written) in zip(contigs, results, strict=True)
        },
    )
    counts: Counter[tuple[str, str]] = Counter()
    tables = []
    for contig, (table, of_contig, _) in zip(contigs, results, strict=True):
        name = contig.clinvar.contig
        if name in differing:
            counts[name, OTHER_BASES] = of_contig.total()
        else:
            counts.update(of_contig)
            tables.append(table)
    found = pd.concat(tables, ignore_index=True) if tables else None
    if found is None or found.empty:
        reasons = Counter[str]()
        for (_, reason), number in counts.items():
            reasons[reason] += number
        why = "; ".join(f"{number} alleles: {reason}" for reason, number in reasons.items())
        raise InputError(
            f"{data.clinvar}: has no allele for `haplotypes` ({why or 'no contig in common'}); "
            "give a ClinVar file of the reference's build, or set haplotypes: 0"
        )
    taken = _write(_evenly(found), data, counts)
    rows = [
        (HAPLOTYPE, contig, SUBJECT, reason, number)
        for (contig, reason), number in counts.items()
        if number
    ]
    return taken, pd.DataFrame(rows, columns=[*COUNTS, "count"])


def listed_contigs(data: DataSettings) -> Iterator[ListedContig]:
    """List the contigs with alleles to draw from, in the reference's order."""
    if not data.haplotypes:
        return
    reference, path = str(data.reference), str(data.clinvar)
    genome = inventory.read_genome(reference)
    regions = inventory.regions_of(data, genome)
    clinvar = inventory.held_by_variants(path, genome)
    called = [
        (person, inventory.held_by_variants(person.variants, genome)) for person in data.individuals
    ]
    listed = inventory.usable_contigs(regions, clinvar)
    wrong = agreement.contigs_of_another_length(reference, genome, path, clinvar, listed)
    usable = [contig for contig in listed if contig not in wrong]
    local_files.provide_reference(reference, usable)
    for contig in usable:
        yield ListedContig(
            Source(path, clinvar.spellings[contig], contig, regions[contig]),
            tuple(
                (person, Source(person.variants, held.spellings[contig], contig, regions[contig]))
                for person, held in called
                if contig in held.records
            ),
        )


def _candidates(
    contig: ListedContig, data: DataSettings, labelled: Labelled | None
) -> tuple[pd.DataFrame, Counter[tuple[str, str]], Written]:
    """Rank a contig's alleles; of each consequence no more than are wanted in all."""
    counts: Counter[str] = Counter()
    with TemporaryDirectory(prefix="evoflow-") as name:
        folder = Path(name)
        carried = _carried(contig, data, folder)
        written = write_clinvar(contig.clinvar, str(data.reference), folder, data.consequence_field)
        counts["REF differs from the reference"] = written.mismatches
        counts["REF is not A, C, G, T or N"] = written.not_bases
        best = pd.DataFrame(columns=["consequence", "rank"])
        for chunk in read_clinvar(written.table, contig.clinvar):
            where = contig.clinvar.contig
            usable = _usable(chunk, carried, where, data, counts, labelled=labelled)
            both = pd.concat([best, usable]) if len(best) else usable
            ranked = both.sort_values(["rank", *KEY])
            best = ranked.groupby("consequence").head(data.haplotypes)
            counts["not drawn"] += len(ranked) - len(best)
    by_contig = Counter({(contig.clinvar.contig, reason): n for reason, n in counts.items()})
    return best, by_contig, written


def _carried(contig: ListedContig, data: DataSettings, folder: Path) -> pd.DataFrame:
    """Everybody's alleles."""
    tables = [pd.DataFrame(columns=KEY)]
    for person, called in contig.called:
        written = write_called(called, sample_of(person), data.filters, str(data.reference), folder)
        tables.append(read_called(written.table, called)[0][KEY])
    return pd.concat(tables[1:] or tables).drop_duplicates()


def _usable(
    chunk: pd.DataFrame,
    carried: pd.DataFrame,
    contig: str,
    data: DataSettings,
    counts: Counter[str],
    *,
    labelled: Labelled | None,
) -> pd.DataFrame:
    """Keep what has an RS id and a consequence and is not carried; label and rank it."""
    keys = pd.MultiIndex.from_frame(chunk[KEY])
    labels = {value: most_severe(value)[0] for value in chunk["mc"].unique()}
    unknown = [value for value, label in labels.items() if label is None]
    bars = {
        "ClinVar gives no RS id": chunk["rs"].to_numpy() == ".",
        "ClinVar gives no consequence": chunk["mc"].to_numpy() == ".",
        "consequence is unknown": chunk["mc"].isin(unknown).to_numpy(),
        "an individual carries it": keys.isin(pd.MultiIndex.from_frame(carried)),
    }
    if labelled is not None:
        bars["it has no label"] = ~labelled(contig, chunk)
    left = np.ones(len(chunk), dtype=bool)
    for reason, holds in bars.items():  # the first reason that holds is the one that counts
        counts[reason] += int((left & holds).sum())
        left &= ~holds
    usable = chunk[left]
    found = [labels[value] for value in usable["mc"]]
    salt = blake2b(f"{data.seed} {contig}".encode(), digest_size=8).hexdigest()
    return usable.assign(
        contig=contig,
        rank=pd.util.hash_pandas_object(usable[KEY], index=False, hash_key=salt),
        consequence=[label.term for label in found if label],
        impact=[label.impact for label in found if label],
        impact_score=[label.score for label in found if label],
    )


def _evenly(found: pd.DataFrame) -> pd.DataFrame:
    """Order alleles so that any number of first ones is even over impacts and consequences."""
    ordered = found.sort_values(["rank", *_ALLELE])
    turn = ordered.groupby("consequence").cumcount()
    ordered = ordered.assign(turn=turn).sort_values(["turn", "consequence"], kind="stable")
    turn = ordered.groupby("impact_score").cumcount()
    ordered = ordered.assign(turn=turn)
    return ordered.sort_values(
        ["turn", "impact_score"], ascending=[True, False], kind="stable", ignore_index=True
    )


def _write(
    ordered: pd.DataFrame, data: DataSettings, counts: Counter[tuple[str, str]]
) -> pd.DataFrame:
    """Write alleles into the reference, in order, until there are enough."""
    taken: list[int] = []
    written: list[tuple[str, str, int]] = []
    with Fasta(str(data.reference)) as genome:
        for number, (contig, position, ref, alt) in enumerate(
            ordered[_ALLELE].itertuples(index=False)
        ):
            if len(taken) == data.haplotypes:
                break
            made = write_allele(genome, contig, position, ref, alt, length=data.read_length)
            if made is None:
                counts[contig, "longer than read_length, or at the contig's end"] += 1
            elif set(made[0] + made[1]) - set("ACGT"):
                counts[contig, "beside unknown bases"] += 1
            else:
                counts[contig, "kept"] += 1
                taken.append(number)
                written.append(made)
        else:
            number = len(ordered)
    for contig, count in ordered["contig"][number:].value_counts().items():
        counts[str(contig), "not drawn"] += count
    table = described(ordered.iloc[taken])
    sequences, windows, offsets = zip(*written, strict=True) if written else ((), (), ())
    made_of = table.assign(
        individual=HAPLOTYPE,
        genotype="1",
        carries_alt=True,
        other_alleles=0,
        read_name=[":".join(map(str, key)) for key in table[_ALLELE].itertuples(index=False)],
        strand="+",
        mapping_quality=_UNKNOWN_QUALITY,
        sequence=list(sequences),
        reference_sequence=list(windows),
        variant_offset=list(offsets),
    )
    return placed(made_of)

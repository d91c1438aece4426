"""The consequences that VEP, SnpEff or bcftools csq wrote for each allele of a record.

They are matched with the record's ALT alleles as the file spells them, before it is normalised.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from evoflow.impact import consequence_named, molecular_consequence
from evoflow.inputs.consequence_field import Subfields

Change = tuple[int, str, str]
"""Position, REF and ALT, without the bases that both share."""

_CHANGE = re.compile(r"(\d+)([^>]*)>(.*)")
_NOT_IN_INFO = re.compile(r"[\s;,=&]")

MISSING = "."


class Annotation:
    """Reads the entries of a field.

    Parameters
    ----------
    subfields
        What an entry holds.
    """

    def __init__(self, subfields: Subfields) -> None:
        self._at = subfields
        self._together: dict[str, list[tuple[set[Change], list[str]]]] = defaultdict(list)

    def gather(self, records: Iterable[Sequence[bytes]]) -> None:
        """Note the changes that bcftools csq describes together, at one of their records.

        The other records say `@` and the position of that one.

        Parameters
        ----------
        records
            All of a contig: columns of a VCF, the last of which is the field.
        """
        if self._at.dna_change is None:
            return
        for record in records:
            if b"+" not in record[-1]:
                continue
            for entry in _entries(record[-1]):
                changes = self._changes(entry)
                if len(changes) > 1:
                    self._together[record[1].decode()].append((changes, self._terms(entry)))

    def of_alleles(self, record: Sequence[bytes]) -> list[str]:
        """Tell the consequences of each ALT allele of a record.

        Parameters
        ----------
        record
            Columns of a VCF, the last of which is the field.

        Returns
        -------
        list of str
            One for each ALT allele, as `impact.most_severe` reads it; `.` where the field does
            not speak of the allele.
        """
        position, ref = int(record[1]), record[3].decode(errors="replace").upper()
        alts = record[4].decode(errors="replace").upper().split(",")
        entries = _entries(record[-1])
        if self._at.allele is None:
            found = self._by_change(entries, position, ref, alts)
        else:
            found = self._by_allele(entries, ref, alts)
        return [_written(terms) for terms in found]

    def _by_allele(self, entries: list[list[str]], ref: str, alts: list[str]) -> list[list[str]]:
        """Match entries that name an allele."""
        named = [_part(entry, self._at.allele).upper() for entry in entries]
        numbers = [_part(entry, self._at.allele_number) for entry in entries]
        numbered = [str(number) for number in range(1, len(alts) + 1)]
        # In a record that was split numbers are still those of the whole.
        if len(alts) > 1 and entries and set(numbers) <= set(numbered):
            named, spelled = numbers, numbered
        else:
            spelled = _spelled(set(named), ref, alts, whole=self._at.allele_is_alt)
        return [
            [
                term
                for entry, name in zip(entries, named, strict=True)
                if name == own
                for term in self._terms(entry)
            ]
            for own in spelled
        ]

    def _by_change(
        self, entries: list[list[str]], position: int, ref: str, alts: list[str]
    ) -> list[list[str]]:
        """Match entries of bcftools csq by the change of bases; without one they are of all."""
        own = [_change(position, ref, alt) for alt in alts]
        found: list[list[str]] = [[] for _ in alts]
        for entry in entries:
            term = _part(entry, self._at.consequence)
            if term.startswith("@"):
                told = self._together.get(term[1:], [])
            else:
                told = [(self._changes(entry), self._terms(entry))]
            for changes, terms in told:
                for number, change in enumerate(own):
                    if not changes or change in changes:
                        found[number] += terms
        return found

    def _changes(self, entry: list[str]) -> set[Change]:
        parts = map(_CHANGE.fullmatch, _part(entry, self._at.dna_change).split("+"))
        return {_change(int(part[1]), part[2].upper(), part[3].upper()) for part in parts if part}

    def _terms(self, entry: list[str]) -> list[str]:
        """List an entry's terms; `*` marks those behind a stop of another allele."""
        return [term.strip().lstrip("*") for term in _part(entry, self._at.consequence).split("&")]


def _entries(value: bytes) -> list[list[str]]:
    text = value.decode(errors="replace")
    return [] if text == MISSING else [entry.split("|") for entry in text.split(",")]


def _part(entry: list[str], place: int | None) -> str:
    return "" if place is None or place >= len(entry) else unquote(entry[place]).strip()


def _spelled(named: set[str], ref: str, alts: list[str], *, whole: bool) -> list[str]:
    """Spell the ALT alleles as the entries do.

    VEP takes off the first base where all alleles of an indel share it, or, asked for minimal
    alleles, all bases that an ALT shares with REF; SnpEff leaves ALT as it is. The first of these
    that explains all entries, or else most ALT alleles, is the entries' own. An entry may be of an
    allele that the record lost when it was split.
    """
    ways = [_without_first_base(ref, alts), alts, [_change(0, ref, alt)[2] or "-" for alt in alts]]
    if whole:
        ways = [ways[1], ways[0], ways[2]]
    found = [way for way in ways if named <= set(way)]
    best = found[0] if found else max(ways, key=lambda way: len(named & set(way)))
    if len(alts) == len(named) == 1 and not named & set(best):
        return list(named)  # of a record that was normalised after it was annotated
    return best


def _without_first_base(ref: str, alts: list[str]) -> list[str]:
    bases = [alt for alt in alts if "*" not in alt]
    indel = any(len(alt) != len(ref) for alt in bases)
    if not indel or any(alt[:1] != ref[:1] for alt in bases):
        return alts
    return [alt if "*" in alt else alt[1:] or "-" for alt in alts]


def _change(position: int, ref: str, alt: str) -> Change:
    """Take off the bases that REF and ALT share: first in front, then behind."""
    shared = 0
    while shared < min(len(ref), len(alt)) and ref[shared] == alt[shared]:
        shared += 1
    position, ref, alt = position + shared, ref[shared:], alt[shared:]
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    return position, ref, alt


def _written(terms: Iterable[str]) -> str:
    """Write terms as one value of an INFO field: known ones as in ClinVar's `MC`."""
    values = []
    for term in terms:
        found = consequence_named(term)
        if found is not None:
            values.append(molecular_consequence(found))
        elif term not in {"", MISSING}:
            values.append(_NOT_IN_INFO.sub("_", term))
    return "&".join(dict.fromkeys(values)) or MISSING

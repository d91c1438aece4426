"""Contigs under their many spellings: `chr17`, `17` and `NC_000017.11`; `chrM`, `M` and `MT`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from evoflow.errors import InputError

BUILDS = {
    "GRCh38": {"1": 248_956_422, "2": 242_193_529, "3": 198_295_559, "4": 190_214_555,
               "5": 181_538_259, "6": 170_805_979, "7": 159_345_973, "8": 145_138_636,
               "9": 138_394_717, "10": 133_797_422, "11": 135_086_622, "12": 133_275_309,
               "13": 114_364_328, "14": 107_043_718, "15": 101_991_189, "16": 90_338_345,
               "17": 83_257_441, "18": 80_373_285, "19": 58_617_616, "20": 64_444_167,
               "21": 46_709_983, "22": 50_818_468, "X": 156_040_895, "Y": 57_227_415},
    "GRCh37": {"1": 249_250_621, "2": 243_199_373, "3": 198_022_430, "4": 191_154_276,
               "5": 180_915_260, "6": 171_115_067, "7": 159_138_663, "8": 146_364_022,
               "9": 141_213_431, "10": 135_534_747, "11": 135_006_516, "12": 133_851_895,
               "13": 115_169_878, "14": 107_349_540, "15": 102_531_392, "16": 90_354_753,
               "17": 81_195_210, "18": 78_077_248, "19": 59_128_983, "20": 63_025_520,
               "21": 48_129_895, "22": 51_304_566, "X": 155_270_560, "Y": 59_373_566},
    "T2T-CHM13v2.0": {"1": 248_387_328, "2": 242_696_752, "3": 201_105_948, "4": 193_574_945,
                      "5": 182_045_439, "6": 172_126_628, "7": 160_567_428, "8": 146_259_331,
                      "9": 150_617_247, "10": 134_758_134, "11": 135_127_769, "12": 133_324_548,
                      "13": 113_566_686, "14": 101_161_492, "15": 99_753_195, "16": 96_330_374,
                      "17": 84_276_897, "18": 80_542_538, "19": 61_707_364, "20": 66_210_255,
                      "21": 45_090_682, "22": 51_324_926, "X": 154_259_566, "Y": 62_460_029},
}  # fmt: skip
"""Lengths of the human chromosomes, as their assembly reports give them."""

_REGION = re.compile(r"^(?P<contig>.+?)(?::(?P<start>[\d,]+)-(?P<end>[\d,]+))?$")


_REFSEQ = {
    "GRCh38": (11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11,
               11, 10),
}  # fmt: skip
"""Versions of NC_000001 to NC_000024 in GRCh38; in GRCh37 each is one less."""

_ACCESSION = re.compile(r"NC_0000(?P<number>\d\d)(?:\.(?P<version>\d+))?", re.IGNORECASE)
_NAMED = {"23": "X", "24": "Y"}
_T2T = re.compile(r"NC_0609(?P<number>\d\d)(?:\.\d+)?", re.IGNORECASE)
_MITOCHONDRION = {"M", "MT", "MTDNA", "NC_012920", "NC_012920.1", "NC_001807", "NC_001807.4"}
_RCRS = 16_569
"""Bases of the mitochondrion that all but UCSC's hg19 have."""
_PLINK = {"23": "X", "24": "Y", "25": "X", "XY": "X", "26": "MT"}
"""PLINK's numbers of a human's chromosomes (https://www.cog-genomics.org/plink/1.9/data#irreg_output);
25 is what X shares with Y, in X's positions."""


def canonical_name(name: str) -> str:
    """Return the name without `chr`, and `MT` for every spelling of the mitochondrion.

    >>> names = ("chr17", "17", "chrM", "MT", "chrx", "NC_000017.11", "GL000220.1")
    >>> [canonical_name(name) for name in names]
    ['17', '17', 'MT', 'MT', 'X', '17', 'GL000220.1']
    """
    short = name[3:] if name[:3].lower() == "chr" and len(name) > 3 else name
    if short.upper() in _MITOCHONDRION:
        return "MT"
    if len(short) == 1:
        return short.upper()
    accession = _ACCESSION.fullmatch(short)
    if accession and 0 < int(accession["number"]) < 25:
        number = str(int(accession["number"]))
    elif (telomeric := _T2T.fullmatch(short)) and 25 <= int(telomeric["number"]) <= 48:
        number = str(int(telomeric["number"]) - 24)
    else:
        return short
    return _NAMED.get(number, number)


def accession_build(name: str) -> str | None:
    """Name the human build that a RefSeq accession such as `NC_000017.11` belongs to."""
    if _T2T.fullmatch(name):
        return "T2T-CHM13v2.0"
    accession = _ACCESSION.fullmatch(name)
    if accession is None or accession["version"] is None or not 0 < int(accession["number"]) < 25:
        return None
    newest = _REFSEQ["GRCh38"][int(accession["number"]) - 1]
    return {newest: "GRCh38", newest - 1: "GRCh37"}.get(int(accession["version"]), "another build")


@dataclass(frozen=True)
class Genome:
    """The reference's contigs, by which those of all other files are called.

    Attributes
    ----------
    lengths
        Bases of each contig, in the FASTA's order.
    """

    lengths: Mapping[str, int]

    @cached_property
    def build(self) -> str | None:
        """The human build of the contigs; None where it is none."""
        return genome_build(self.lengths)

    @cached_property
    def _by_canonical_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for name in self.lengths:
            names.setdefault(canonical_name(name), []).append(name)
        return names

    def find(self, name: str, length: int = 0) -> str | None:
        """Find the contig that another file calls by some name.

        Parameters
        ----------
        name
            The contig's name in the other file.
        length
            Its length there; 0 where the file does not say it.

        Returns
        -------
        str or None
            The reference's name for it. None where the reference does not have it, or where that
            is not certain.
        """
        build = accession_build(name)
        if build and self.build and build != self.build:
            return None
        short = canonical_name(name)
        alike = self._by_canonical_name.get(short, [])
        if not alike and self._numbers_end_with_22:
            alike = self._by_canonical_name.get(_PLINK.get(short.upper(), ""), [])
        exact = [name] if name in self.lengths else []
        candidates = [*exact, *(each for each in alike if each != name)]
        wanted = length or (_RCRS if short == "MT" and not exact else 0)
        return next(
            (each for each in candidates if self.lengths[each] == wanted),
            candidates[0] if candidates else None,
        )

    @cached_property
    def _numbers_end_with_22(self) -> bool:
        """Whether the chromosomes may be a human's: only then PLINK's 23 is X."""
        numbers = [int(name) for name in self._by_canonical_name if name.isdecimal()]
        return max(numbers, default=0) <= 22


def genome_build(lengths: Mapping[str, int]) -> str | None:
    """Name the human build that contig lengths belong to.

    Parameters
    ----------
    lengths
        Length of each contig, under any spelling; 0 where unknown.

    Returns
    -------
    str or None
        The build that most chromosomes agree with; None where none agrees.
    """
    agreeing = {
        build: sum(known.get(canonical_name(name)) == length for name, length in lengths.items())
        for build, known in BUILDS.items()
    }
    best = max(agreeing, key=agreeing.__getitem__)
    return best if agreeing[best] else None


@dataclass(frozen=True)
class Region:
    """A stretch of a contig: 0-based, half-open; the whole contig where `end` is None."""

    contig: str
    start: int = 0
    end: int | None = None


def parse_region(text: str) -> Region:
    """Read `contig` or `contig:start-end` (1-based, closed, commas allowed).

    Raises
    ------
    InputError
        When start lies behind end or is 0.
    """
    match = _REGION.match(text)
    if match is None or match["start"] is None:
        return Region(text)
    start, end = (int(match[side].replace(",", "")) for side in ("start", "end"))
    if not 0 < start <= end:
        raise InputError(
            f"regions: {text!r} is empty; write contig:start-end, 1-based, start not after end"
        )
    return Region(match["contig"], start - 1, end)

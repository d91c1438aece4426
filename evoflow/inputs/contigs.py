"""Contigs under their many spellings: `chr17` and `17`, `chrM`, `M` and `MT`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

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


def canonical_name(name: str) -> str:
    """Return the name without `chr`, and `MT` for every spelling of the mitochondrion.

    >>> [canonical_name(name) for name in ("chr17", "17", "chrM", "MT", "GL000220.1")]
    ['17', '17', 'MT', 'MT', 'GL000220.1']
    """
    short = name[3:] if name[:3].lower() == "chr" and len(name) > 3 else name
    return "MT" if short in {"M", "MT"} else short


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
            f"regions: {text!r} is empty; write contig:start-end, 1-based, start not behind end"
        )
    return Region(match["contig"], start - 1, end)

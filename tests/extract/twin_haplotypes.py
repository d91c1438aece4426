"""How the twin tells whether a read carries an allele: all haplotypes, compared cell by cell."""

from functools import lru_cache
from itertools import pairwise, product

import numpy as np
import pysam

Key = tuple[int, str, str]
"""Position, ref and alt of a normalised allele."""

REACH, MARGIN, BESIDE, NEARBY, MOST = 25, 50, 5, 10, 256


def shown(genome: str, read: pysam.AlignedSegment, key: Key, called: list[Key]):
    """What a read shows: (alternate, reference, other or nothing; start; stop on the read)."""
    listed = columns(read)
    start, stop = key[0] - 1, last_placement(genome, key)
    mapped = [position for kind, _, position in listed if kind == "M"]
    seen = by_cigar(genome, read, key, listed)
    if mapped[0] > start or mapped[-1] + 1 < stop:
        return "nothing", 0, 0
    if is_plain(genome, read, key) and not may_be_hidden(genome, read, key, called, seen):
        return seen
    part = bases_over(listed, start, stop)
    if part is None:
        return "nothing", 0, 0
    first, after = part
    judged = judge(genome, read.query_sequence[first:after], key, called)
    if judged is None:
        return seen if len(key[1]) == len(key[2]) == 1 else ("nothing", 0, 0)
    what, at = judged
    size = stop - start + (len(key[2]) - len(key[1]) if what == "alternate" else 0)
    return what, first + at, min(first + at + size, after)


def columns(read: pysam.AlignedSegment) -> list[tuple[str, int | None, int]]:
    """Every column of an alignment: operation, index on the read, reference position."""
    listed, index, position = [], 0, read.reference_start
    for code, length in read.cigartuples:
        kind = "MIDNSHP=X"[code]
        for _ in range(length):
            listed.append((kind, index if kind in "MIS" else None, position))
            index += kind in "MIS"
            position += kind in "MDN"
    return listed


@lru_cache(maxsize=10_000)
def last_placement(genome: str, key: Key) -> int:
    """Where the rightmost of all placements that give the same sequence ends."""
    start, ref, alt = key[0] - 1, key[1], key[2]
    stop = start + len(ref)
    if ref[0] != alt[0] or len(ref) == len(alt) or min(len(ref), len(alt)) > 1:
        return stop
    mutated = genome[:start] + alt + genome[stop:]
    deleted, inserted = len(ref) - 1, len(alt) - 1
    for at in range(start + 1, len(genome) - deleted + 1):
        if genome[:at] + mutated[at : at + inserted] + genome[at + deleted :] == mutated:
            stop = max(stop, at + deleted)
    return stop


def by_cigar(genome: str, read: pysam.AlignedSegment, key: Key, listed):
    start, stop = key[0] - 1, last_placement(genome, key)
    _, ref, alt = key
    aligned = {position: at for at, (kind, _, position) in enumerate(listed) if kind == "M"}
    if len(ref) == len(alt):
        ends = aligned.get(start), aligned.get(stop - 1)
        first, after = ends[0], None if ends[1] is None else ends[1] + 1
    elif ref[0] == alt[0]:
        first, after = aligned.get(start), aligned.get(stop)
    else:
        before = aligned.get(start - 1)
        first, after = None if before is None else before + 1, aligned.get(stop)
    if first is None or after is None or any(kind == "N" for kind, _, _ in listed[first:after]):
        return "nothing", 0, 0
    indices = [index for _, index, _ in listed[:after] if index is not None]
    begin = sum(index is not None for _, index, _ in listed[:first])
    bases = read.query_sequence[begin : len(indices)]
    haplotypes = {genome[start:stop]: "reference"}
    haplotypes[alt + genome[start + len(ref) : stop]] = "alternate"
    return haplotypes.get(bases, "other"), begin, len(indices)


def is_plain(genome: str, read: pysam.AlignedSegment, key: Key) -> bool:
    """Whether all gaps nearby lie where the allele's own may lie."""
    start, stop = key[0] - 1, last_placement(genome, key)
    _, ref, alt = key
    same = len(ref) == len(alt)
    low, high = start + (same or ref[0] == alt[0]), stop - same
    gaps, position = [], read.reference_start
    for code, length in read.cigartuples:
        kind = "MIDNSHP=X"[code]
        moved = length if kind in "MDN" else 0
        gaps += [(position, position + moved)] * (kind in "ID")
        position += moved
    near = [gap for gap in gaps if start - NEARBY < gap[1] and gap[0] < stop + NEARBY]
    return all(low <= gap[0] and gap[1] <= high for gap in near)


def may_be_hidden(genome: str, read, key: Key, called: list[Key], seen) -> bool:
    """Whether mismatches may be a gap that the aligner did not make."""
    what, begin, end = seen
    start, stop = key[0] - 1, last_placement(genome, key)
    single = len(key[1]) == len(key[2]) == 1
    around = [
        other
        for other in near(genome, key, called)
        if len(other[1]) != len(other[2])
        or (len(other[1]) > 1 and other[0] - 1 < stop and start < other[0] - 1 + len(other[1]))
    ]
    if what == "reference" and (around or not single):
        first = max(0, begin - NEARBY)
        from_here = max(0, start - (begin - first))
        expected = genome[from_here : stop + NEARBY]
        return not expected.startswith(read.query_sequence[first : end + NEARBY])
    return bool(around) or not (single or what == "alternate")


def near(genome: str, key: Key, called: list[Key]) -> list[Key]:
    start, stop = key[0] - 1, last_placement(genome, key)
    return [
        other
        for other in called
        if other != key
        and other[0] - 1 < stop + REACH
        and last_placement(genome, other) > start - REACH
    ]


def bases_over(listed, start: int, stop: int) -> tuple[int, int] | None:
    """The first and the last aligned base within reach, in a part without a clip or skip."""
    parts, part = [], []
    for column in [*listed, ("N", None, 0)]:
        if column[0] in "NSH":
            parts.append(part)
            part = []
        else:
            part.append(column)
    for each in parts:
        aligned = [(index, position) for kind, index, position in each if kind == "M"]
        if aligned and aligned[0][1] <= start and aligned[-1][1] + 1 >= stop:
            inside = [index for index, at in aligned if start - REACH <= at < stop + REACH]
            return inside[0], inside[-1] + 1
    return None


def judge(genome: str, bases: str, key: Key, called: list[Key]):
    others = near(genome, key, called)
    carrying = haplotypes(genome, key, tuple(others), carried=True)
    alone = carrying[0][0]
    lacking = haplotypes(genome, key, tuple(others), carried=False)
    lacking = [each for each in lacking if each[0] != alone]
    with_it, without_it = best_fit(bases, carrying), best_fit(bases, lacking)
    if with_it == without_it:
        fitting = [{text for text, *_ in each if bases in text} for each in (carrying, lacking)]
        return None if with_it or fitting[0] == fitting[1] else ("nothing", 0)
    what, limit = ("alternate", without_it) if with_it < without_it else ("reference", with_it)
    written = carrying if what == "alternate" else lacking
    allele = key[2] if what == "alternate" else key[1]
    options = [
        (cost, not bases.startswith(allele, start), start)
        for cost, start in places(bases, written)
        if cost < limit
    ]
    return (what, min(options)[2]) if options else ("other", 0)


@lru_cache(maxsize=1_000)
def haplotypes(genome: str, key: Key, others: tuple[Key, ...], *, carried: bool):
    """Every haplotype around an allele, with where the allele (or its place) lies on it."""
    start, stop = key[0] - 1, last_placement(genome, key)
    begin, end = max(0, start - MARGIN), min(len(genome), stop + MARGIN)
    own = edits(genome, key, others) if carried else [None]

    def order(other: Key):
        first, after = other[0] - 1, last_placement(genome, other)
        tail = genome[other[0] - 1 + len(other[1]) : after]
        return max(first - stop, start - after, 0), first, other[1] + tail, other[2] + tail

    choices, number = [], len(own)
    for other in sorted(others, key=order):
        options = edits(genome, other, [key, *others])
        number *= len(options) + 1
        if number > MOST:
            break
        choices.append([None, *options])
    written = {}
    for mine, *rest in product(own, *choices):
        made = sorted({edit for edit in (mine, *rest) if edit is not None})
        overlap = any(one[1] > two[0] or one[:2] == two[:2] for one, two in pairwise(made))
        if overlap or any(edit[0] < begin or edit[1] > end for edit in made):
            continue
        made_of_it = write(genome[:end], begin, made, mine, (start, stop))
        written[str(made_of_it)] = made_of_it
    return list(written.values())


def edits(genome: str, key: Key, others):
    """The allele as (start, stop, bases), also shifted behind what another allele changes."""
    position, ref, alt = key
    anchored = ref[0] == alt[0]
    start, stop, bases = position - 1 + anchored, position - 1 + len(ref), alt[anchored:]
    behind = [other[0] - 1 + len(other[1]) - start for other in others if other != key]
    room = last_placement(genome, key) - stop
    shifts = {0} | {by for after in behind for by in (after, after + 1) if 0 <= by <= room}
    turned = [(by, (bases * (by + 1))[by : by + len(bases)]) for by in sorted(shifts)]
    return [(start + by, stop + by, each) for by, each in turned]


def write(genome: str, begin: int, made, mine, interval: tuple[int, int]):
    """Letters with the reference positions that they stand for, then the pieces."""
    letters: list[tuple[str, float, bool]] = []  # base, position, whether of the allele itself
    position = begin
    for edit in made:
        letters += [(genome[at], at, False) for at in range(position, edit[0])]
        own = edit == mine
        at = edit[0] - 0.5 * (edit[0] == edit[1])  # an insertion stands between two positions
        letters += [(base, at, own) for base in edit[2]]
        position = edit[1]
    letters += [(genome[at], at, False) for at in range(position, len(genome))]
    text = "".join(base for base, _, _ in letters)
    start, stop = interval
    inside = [
        number for number, (_, at, own) in enumerate(letters) if start <= at <= stop - 1 or own
    ]
    nowhere = sum(at < start for _, at, _ in letters)
    core = (inside[0], inside[-1] + 1) if inside else (nowhere, nowhere)
    return text, core, [number - core[0] for number, each in enumerate(letters) if each[2]]


def best_fit(bases: str, written) -> int:
    return int(infix(bases, tuple(text for text, _, _ in written))[:, -1].min())


@lru_cache(maxsize=2_000)
def infix(bases: str, texts: tuple[str, ...]) -> np.ndarray:
    """Edit distances of every prefix of some bases to the stretches of a text that end anywhere.

    For each text a table whose rows are prefixes and whose columns are the ends, filled row by row
    as in a textbook (Sellers 1980). Behind a shorter text stand blanks, where nothing ends at less.
    """
    width = max(map(len, texts))
    letters = np.array([list(text.ljust(width).encode()) for text in texts], dtype=np.uint8)
    steps = np.arange(width + 1)
    table = np.zeros((len(texts), len(bases) + 1, width + 1), dtype=int)
    for row, base in enumerate(bases.encode(), 1):
        above, made = table[:, row - 1], table[:, row]
        made[:, 0] = row
        made[:, 1:] = np.minimum(above[:, :-1] + (letters != base), above[:, 1:] + 1)
        made[:] = np.minimum.accumulate(made - steps, axis=1) + steps
    return table


def places(bases: str, written):
    """The cost of every place of the allele on a read, if read there without a gap."""
    lefts = infix(bases, tuple(text for text, _, _ in written))
    tails = tuple(text[end:][::-1] for text, (_, end), _ in written)
    rights = infix(bases[::-1], tails)
    for number, (text, (begin, end), own) in enumerate(written):
        core = text[begin:end]
        left, right = lefts[number, :, begin], rights[number, :, len(tails[number])]
        for at in range(BESIDE, len(bases) - len(core) - BESIDE + 1):
            seen = bases[at : at + len(core)]
            if all(seen[place] == core[place] for place in own):
                wrong = sum(one != other for one, other in zip(seen, core, strict=True))
                yield wrong + int(left[at] + right[len(bases) - at - len(core)]), at

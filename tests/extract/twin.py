"""A twin of `extract_examples` that looks at every record and every read in plain Python.

It knows one contig, takes all reference loci, and shares nothing with the package but the table
of consequences.
"""

from dataclasses import dataclass, replace
from zlib import crc32

from evoflow.impact import CONSEQUENCES

from .twin_haplotypes import Key, columns, last_placement, shown
from .worlds import SAMPLE, Record, World

UNUSABLE = 0x4 | 0x100 | 0x200 | 0x400 | 0x800


@dataclass(frozen=True)
class Rules:
    length: int
    min_mapping_quality: int
    reads_per_variant: int
    seed: int
    min_base_quality: int = 10


def rows(world: World, rules: Rules) -> list[tuple]:
    """List (position, ref, alt, rsid, consequence, score, genotype, carries_alt, read_name,
    strand, sequence, reference_sequence, variant_offset, other_alleles) of every example."""
    known, carried = clinvar_alleles(world), carried_alleles(world)
    found = []
    for key, genotype in carried.items():
        record = known.get(key)
        if record is None or record.rs is None or record.mc is None:
            continue
        terms = [CONSEQUENCES[term.split("|")[0]] for term in record.mc.split(",")]
        term = min(terms, key=lambda each: each.severity)
        label = (rsid(record), term.term, term.score, genotype, True)
        reads = choose(world, rules, key, rules.reads_per_variant, carries=True)
        found += [(*key, *label, *read) for read in reads]
    carriers = {row[10] for row in found}
    for key, record in free_loci(known, carried, rules.length).values():
        label = (rsid(record), "no_sequence_alteration", 0, "0/0", False)
        sampled = [read for read in world.reads if in_sample(read.query_name)]
        read = choose(replace(world, reads=sampled), rules, key, 1, carries=False)
        read = read or choose(world, rules, key, 1, carries=False)
        found += [(*key, *label, *each) for each in read if each[2] not in carriers]
    return sorted(found, key=lambda row: row[:3])


def clinvar_alleles(world: World) -> dict[Key, Record]:
    listed: dict[Key, list[Record]] = {}
    for record in world.clinvar:
        if record.alts[0].isalpha():
            key = normalise(world.genome, record.position, record.ref, record.alts[0])
            listed.setdefault(key, []).append(record)
    return {key: together(records) for key, records in listed.items()}


def together(records: list[Record]) -> Record:
    first = min(records, key=lambda each: (each.rs is None, each.mc is None, each.name))
    terms = [each.mc for each in records if each.mc is not None]
    return replace(first, mc=",".join(terms) or None)


def carried_alleles(world: World) -> dict[Key, str]:
    carried: dict[Key, str] = {}
    for record in world.called:
        separator = "|" if "|" in record.genotype else "/"
        called = record.genotype.split(separator)
        for number, alt in enumerate(record.alts, 1):
            if alt.isalpha() and str(number) in called:
                key = normalise(world.genome, record.position, record.ref, alt)
                own = [each if each == "." else str(int(each == str(number))) for each in called]
                carried[key] = max(carried.get(key, ""), separator.join(own))
    return carried


def unknown_alleles(world: World) -> set[Key]:
    return {
        normalise(world.genome, record.position, record.ref, alt)
        for record in world.called
        for number, alt in enumerate(record.alts, 1)
        if alt.isalpha()
        and "." in record.genotype
        and str(number) not in record.genotype.replace("|", "/").split("/")
    }


def free_loci(
    known: dict[Key, Record], carried: dict[Key, str], longest: int
) -> dict[int, tuple[Key, Record]]:
    loci: dict[int, tuple[Key, Record]] = {}
    named = [(key, record) for key, record in known.items() if record.rs is not None]
    for key, record in sorted(named, key=lambda each: size(each[0])):
        if len(key[1]) <= longest and not any(overlap(key, other) for other in carried):
            loci.setdefault(key[0], (key, record))
    return loci


def rsid(record: Record) -> str:
    return ";".join("rs" + number for number in record.rs.split(","))


def size(key: Key) -> tuple:
    return len(key[1]), key[1], key[2]


def overlap(one: Key, other: Key) -> bool:
    return one[0] < other[0] + len(other[1]) and other[0] < one[0] + len(one[1])


def normalise(genome: str, position: int, ref: str, alt: str) -> Key:
    """Left-align and trim (Tan, Abecasis and Kang 2015)."""
    while True:
        if ref and alt and ref[-1] == alt[-1]:
            ref, alt = ref[:-1], alt[:-1]
        elif not ref or not alt:
            position -= 1
            ref, alt = genome[position - 1] + ref, genome[position - 1] + alt
        else:
            break
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        position, ref, alt = position + 1, ref[1:], alt[1:]
    return position, ref, alt


def choose(world: World, rules: Rules, key: Key, wanted: int, *, carries: bool) -> list[tuple]:
    position, ref, alt = key
    start, stop = position - 1, last_placement(world.genome, key)
    tail = world.genome[start + len(ref) : stop]
    haplotypes = ref + tail, alt + tail
    text = f"{rules.seed} {SAMPLE} chr1 {start} {haplotypes[0]} {haplotypes[1]}"
    ranked = sorted(
        (crc32(read.query_name.encode(), crc32(text.encode())), read.is_read2, number)
        for number, read in enumerate(world.reads)
    )
    called = [*carried_alleles(world).keys() | unknown_alleles(world)]
    chosen: dict[str, tuple] = {}
    for _, _, number in ranked:
        read = world.reads[number]
        usable = not read.flag & UNUSABLE and read.mapping_quality >= rules.min_mapping_quality
        if len(chosen) == wanted or not usable or read.query_name in chosen:
            continue
        kept = trim(world.genome, rules, read, key, called, carries=carries)
        if kept is not None:
            strand = "-" if read.is_reverse else "+"
            chosen[read.query_name] = (read.query_name, strand, *kept)
    return list(chosen.values())


def in_sample(name: str) -> bool:
    """Whether samtools keeps a read in a sample of a quarter: its hashes of X31 and of Wang."""
    key = 0
    for letter in name.encode():
        key = (31 * key + letter) % 2**32
    for step in (
        lambda k: k + ~(k << 15),
        lambda k: k ^ k >> 10,
        lambda k: k + (k << 3),
        lambda k: k ^ k >> 6,
        lambda k: k + ~(k << 11),
        lambda k: k ^ k >> 16,
    ):
        key = step(key) % 2**32
    return (key & 0xFFFFFF) / 0x1000000 < 0.25


def trim(
    genome: str, rules: Rules, read, key: Key, called: list[Key], *, carries: bool
) -> tuple | None:
    what, begin, end = shown(genome, read, key, called)
    if what != ("alternate" if carries else "reference") or not is_clear(
        rules, read, what, begin, key
    ):
        return None
    haplotype = genome[key[0] - 1 : last_placement(genome, key)]
    if not carries and read.query_sequence[begin:end] != haplotype:
        return None
    listed = columns(read)
    at = [number for number, column in enumerate(listed) if column[1] is not None]
    options = []
    for index in range(len(read.query_sequence) - rules.length + 1):
        window = listed[at[index] : at[index + rules.length - 1] + 1]
        kinds = {kind for kind, _, _ in window}
        fits = window[0][2] + rules.length <= len(genome)
        holds = index <= begin and end <= index + rules.length
        if window[0][0] == "M" and not kinds & {"S", "N"} and fits and holds:
            options.append((abs(index - (begin + end - rules.length) // 2), index, window))
    if not options:
        return None
    _, index, window = min(options, key=lambda each: each[:2])
    first, last = window[0][2], max(at for kind, _, at in window if kind == "M")
    last += window[-1][0] == "I"
    others = 0
    for other in called:
        if other == key or other[0] - 1 > last or last_placement(genome, other) <= first:
            continue
        what, start, _ = shown(genome, read, other, called)
        if not carries and (what != "reference" or not is_clear(rules, read, what, start, other)):
            return None
        own = len(other[2]) + (len(other[2]) < len(other[1]))
        others += what == "alternate" and index <= start and start + own <= index + rules.length
    return (
        read.query_sequence[index : index + rules.length],
        genome[first : first + rules.length],
        begin - index,
        others,
    )


def is_clear(rules: Rules, read, what: str, start: int, key: Key) -> bool:
    own, other = (key[2], key[1]) if what == "alternate" else (key[1], key[2])
    length = len(own) + (len(own) < len(other))
    return all(value >= rules.min_base_quality for value in read.query_qualities[start:][:length])

"""What an allele does to a gene, found by splicing and translating with it and without it."""

from dataclasses import dataclass

from evoflow.demo.genes import Gene, Interval, Transcript, translate

ACCESSIONS = {
    "splice_acceptor_variant": "SO:0001574",
    "splice_donor_variant": "SO:0001575",
    "stop_lost": "SO:0001578",
    "initiator_codon_variant": "SO:0001582",
    "missense_variant": "SO:0001583",
    "nonsense": "SO:0001587",
    "frameshift_variant": "SO:0001589",
    "non-coding_transcript_variant": "SO:0001619",
    "5_prime_UTR_variant": "SO:0001623",
    "3_prime_UTR_variant": "SO:0001624",
    "intron_variant": "SO:0001627",
    "synonymous_variant": "SO:0001819",
    "inframe_insertion": "SO:0001821",
    "inframe_deletion": "SO:0001822",
}
"""Sequence Ontology accession of each term, in ClinVar's own spelling."""


@dataclass(frozen=True, order=True)
class Allele:
    """A change at a 0-based position, left-aligned; indels keep the base before them."""

    contig: str
    start: int
    ref: str
    alt: str

    @property
    def end(self) -> int:
        """End of the reference bases, half-open."""
        return self.start + len(self.ref)

    @property
    def is_indel(self) -> bool:
        """Whether the allele changes the length."""
        return len(self.ref) != len(self.alt)


def shiftable(sequence: str, allele: Allele) -> int:
    """How many bases to the right an indel can roll without another haplotype coming of it."""
    if not allele.is_indel:
        return 0
    unit = max(allele.ref, allele.alt, key=len)[1:]
    steps = 0
    while (
        allele.end + steps < len(sequence)
        and sequence[allele.end + steps] == unit[steps % len(unit)]
    ):
        steps += 1
    return steps


def left_align(sequence: str, allele: Allele) -> Allele:
    """Roll an insertion or deletion, anchored by the base before it, as far left as it goes."""
    start, ref, alt = allele.start, allele.ref, allele.alt
    while len(ref) != len(alt) and start > 0 and ref[-1] == alt[-1]:
        start -= 1
        ref, alt = sequence[start] + ref[:-1], sequence[start] + alt[:-1]
    return Allele(allele.contig, start, ref, alt)


def consequences(sequence: str, gene: Gene, allele: Allele) -> tuple[str, ...]:
    """Terms of an allele in each transcript of a gene, without repeats.

    Empty where a transcript leaves room for doubt: the allele, anywhere it can roll to, reaches
    beyond one exon, intron, untranslated region or coding part, or is an indel of a start or stop
    codon.
    """
    terms = [_in_transcript(sequence, gene, each, allele) for each in gene.transcripts]
    return () if None in terms else tuple(dict.fromkeys(term for term in terms if term))


def _in_transcript(sequence: str, gene: Gene, transcript: Transcript, allele: Allele) -> str | None:
    inner = allele.start + 1 if allele.is_indel else allele.start
    reach = (inner, allele.end + shiftable(sequence, allele))
    # An insertion that can stand beside a border lies on neither side of it.
    margin = len(allele.alt) > len(allele.ref)
    for region, (left, right) in gene.regions(transcript):
        if left + margin <= reach[0] and reach[1] <= right - margin:
            if region == "intron_variant":
                return _in_intron(gene.oriented(_mutated(sequence, (left, right), allele)))
            if region == "coding":
                return _in_coding(sequence, gene, transcript, allele)
            return region
    return None


def _mutated(sequence: str, interval: Interval, allele: Allele) -> str:
    """Bases of an interval with the allele, which may begin one base before it (its anchor)."""
    before = sequence[min(interval[0], allele.start) : allele.start]
    bases = before + allele.alt + sequence[allele.end : interval[1]]
    return bases[1:] if allele.start < interval[0] else bases


def _in_intron(intron: str) -> str:
    if not intron.startswith("GT"):
        return "splice_donor_variant"
    return "intron_variant" if intron.endswith("AG") else "splice_acceptor_variant"


def _in_coding(sequence: str, gene: Gene, transcript: Transcript, allele: Allele) -> str | None:
    """Compare the coding sequence with the allele and the one without it."""
    parts = transcript.coding_exons
    inner = allele.start + 1 if allele.is_indel else allele.start
    before = [sequence[slice(*part)] for part in parts]
    after = [
        _mutated(sequence, part, allele) if part[0] <= inner <= allele.end <= part[1] else bases
        for part, bases in zip(parts, before, strict=True)
    ]
    old, new = gene.oriented("".join(before)), gene.oriented("".join(after))
    if allele.is_indel and (new[:3] != old[:3] or new[-3:] != old[-3:]):
        return None
    if new[:3] != "ATG":
        return "initiator_codon_variant"
    if (len(new) - len(old)) % 3:
        return "frameshift_variant"
    return _in_protein(translate(old), translate(new))


def _in_protein(old: str, new: str) -> str:
    if new == old:
        return "synonymous_variant"
    if new[-1] != "*":
        return "stop_lost"
    if new.index("*") < len(new) - 1:
        return "nonsense"
    if len(new) == len(old):
        return "missense_variant"
    return "inframe_insertion" if len(new) > len(old) else "inframe_deletion"

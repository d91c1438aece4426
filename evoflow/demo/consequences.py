"""What an allele does to a gene, found by splicing and translating with it and without it."""

from dataclasses import dataclass

from evoflow.demo.genes import Gene, Interval, translate

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
    terms = [_in_regions(sequence, gene, regions, allele) for regions in gene.regions]
    return () if None in terms else tuple(dict.fromkeys(term for term in terms if term))


def _in_regions(
    sequence: str, gene: Gene, regions: list[tuple[str, Interval]], allele: Allele
) -> str | None:
    """Term of an allele in the transcript that has these regions."""
    inner = allele.start + allele.is_indel
    end = allele.end + shiftable(sequence, allele)
    # An insertion that can stand beside a border lies on neither side of it.
    margin = len(allele.alt) > len(allele.ref)
    for region, (left, right) in regions:
        if left + margin <= inner and end <= right - margin:
            if region == "intron_variant":
                return _in_intron(gene.oriented(_mutated(sequence, (left, right), allele)))
            if region == "coding":
                parts = [part for name, part in regions if name == "coding"]
                return _in_coding(sequence, gene, parts, allele)
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


def _in_coding(sequence: str, gene: Gene, parts: list[Interval], allele: Allele) -> str | None:
    """Compare the coding sequence, of these parts, with the allele and without it."""
    anchor = int(allele.is_indel)
    removed, added = allele.ref[anchor:], allele.alt[anchor:]
    start = allele.start + anchor
    # Coding bases before the allele on the forward strand.
    at = sum(min(right, start) - left for left, right in parts if left <= start)
    whole = "".join([sequence[left:right] for left, right in parts])
    old = gene.oriented(whole)
    new = gene.oriented(whole[:at] + added + whole[at + len(removed) :])
    if allele.is_indel and (new[:3] != old[:3] or new[-3:] != old[-3:]):
        return None
    if new[:3] != "ATG":
        return "initiator_codon_variant"
    change = len(new) - len(old)
    if change % 3:
        return "frameshift_variant"
    if gene.strand == "-":
        at = len(old) - at - len(removed)
    # The codons that the allele touches; all others are the same with it and without it.
    first, last = at // 3 * 3, -(-(at + len(removed)) // 3) * 3
    before, after = translate(old[first:last]), translate(new[first : last + change])
    return _in_protein(before, after, ends=last == len(old))


def _in_protein(old: str, new: str, *, ends: bool) -> str:
    """Term of amino acids that replace others; `ends` if the stop codon is the last of them."""
    if new == old:
        return "synonymous_variant"
    if ends and new[-1] != "*":
        return "stop_lost"
    if "*" in (new[:-1] if ends else new):
        return "nonsense"
    if len(new) == len(old):
        return "missense_variant"
    return "inframe_insertion" if len(new) > len(old) else "inframe_deletion"

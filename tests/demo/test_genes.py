from itertools import pairwise

import numpy as np
from numpy.random import default_rng

from evoflow.demo.genes import GENES_PER_CONTIG, Gene, Transcript, make_genome, reverse_complement


def spliced(genome, gene, transcript):
    sequence = genome.sequences[gene.contig]
    return gene.oriented("".join(sequence[slice(*part)] for part in transcript.coding_exons))


def test_the_contigs_are_small(world):
    assert list(world.genome.sequences) == ["chr1", "chr2", "chr3"]
    assert 400_000 < sum(map(len, world.genome.sequences.values())) < 1_000_000


def test_genes_stand_apart_on_both_strands(world):
    genes = world.genome.genes
    assert len(genes) == 3 * GENES_PER_CONTIG
    for left, right in pairwise(genes):
        if left.contig == right.contig:
            left_end = max(each.exons[-1][1] for each in left.transcripts)
            right_start = min(each.exons[0][0] for each in right.transcripts)
            assert right_start - left_end >= 400
    assert 0.4 < np.mean([gene.strand == "+" for gene in genes]) < 0.6
    assert len({gene.symbol for gene in genes}) == len(genes)


def test_introns_go_from_gt_to_ag(world):
    for gene in world.genome.genes:
        sequence = world.genome.sequences[gene.contig]
        for intron in gene.transcripts[0].introns:
            bases = gene.oriented(sequence[slice(*intron)])
            assert bases[:2] == "GT"
            assert bases[-2:] == "AG"


def test_coding_sequences_are_open_from_start_to_stop(world):
    coding = [
        spliced(world.genome, gene, transcript)
        for gene in world.genome.genes
        for transcript in gene.transcripts
        if transcript.coding
    ]
    assert len(coding) >= 250
    for bases in coding:
        codons = [bases[at : at + 3] for at in range(0, len(bases), 3)]
        assert codons[0] == "ATG"
        assert len(codons[-1]) == 3
        assert [codon in {"TAA", "TAG", "TGA"} for codon in codons] == [False] * (
            len(codons) - 1
        ) + [True]


def test_codons_prefer_c_and_g_and_the_background_a_and_t(world):
    third = "".join(
        spliced(world.genome, gene, gene.transcripts[0])[2::3]
        for gene in world.genome.genes
        if gene.transcripts[0].coding
    )
    assert sum(map(third.count, "CG")) / len(third) > 0.7
    edges = "".join(sequence[:900] for sequence in world.genome.sequences.values())
    assert sum(map(edges.count, "CG")) / len(edges) < 0.45


def test_another_seed_gives_another_genome(world):
    other = make_genome(default_rng(1))
    assert other.sequences["chr1"][:1000] != world.genome.sequences["chr1"][:1000]
    assert make_genome(default_rng(0)) == world.genome


def test_regions_name_every_base_of_a_transcript():
    gene = Gene("TOY", 1, "chr1", "-", (Transcript(((10, 23), (40, 57)), (14, 52)),))
    assert sorted(gene.regions[0], key=lambda region: region[1]) == [
        ("3_prime_UTR_variant", (10, 14)),
        ("coding", (14, 23)),
        ("intron_variant", (23, 40)),
        ("coding", (40, 52)),
        ("5_prime_UTR_variant", (52, 57)),
    ]
    assert reverse_complement("AACGT") == "ACGTT"

from collections import Counter

import numpy as np
import pysam
import pytest

from evoflow.demo.reads import READ_LENGTH


@pytest.fixture(scope="module")
def reads(data):
    with pysam.AlignmentFile(data.individuals[0].reads) as bam:
        return list(bam)


@pytest.fixture(scope="module")
def altered(world):
    """Positions at which the individual may differ from the reference, rolling included."""
    return {
        (call.allele.contig, position)
        for call in world.calls
        for position in range(call.allele.start - 2, call.allele.end + 14)
    }


@pytest.fixture(scope="module")
def coverage(data):
    """How often A, C, G and T stand over every base by contig, duplicates left out."""
    with pysam.AlignmentFile(data.individuals[0].reads) as bam:
        return {
            contig: np.array(bam.count_coverage(contig, quality_threshold=0))
            for contig in bam.references
        }


def test_twenty_reads_lie_over_a_base(coverage):
    for counts in coverage.values():
        depth = counts.sum(axis=0)[1000:-1000]
        assert 19 < depth.mean() < 21
        assert np.quantile(depth, 0.01) > 8


def test_flags_lengths_and_qualities_are_those_of_a_sequencer(reads):
    count = len(reads)
    assert all(read.is_paired and read.is_proper_pair and not read.is_unmapped for read in reads)
    assert sum(read.is_reverse for read in reads) == count / 2
    assert sum(read.is_read1 for read in reads) == count / 2
    assert 0.04 < np.mean([read.is_duplicate for read in reads]) < 0.07
    assert 0.02 < np.mean([read.mapping_quality < 20 for read in reads]) < 0.06
    clipped = ["S" in read.cigarstring for read in reads]
    assert 0.02 < np.mean(clipped) < 0.06
    lengths = Counter(read.query_length for read in reads)
    assert lengths.most_common(1)[0][0] == READ_LENGTH == 151
    assert 0.02 < 1 - lengths[READ_LENGTH] / count < 0.06
    assert {quality for read in reads[:500] for quality in read.query_qualities} == {2, 11, 25, 37}
    assert all(read.query_length == read.infer_query_length() for read in reads)


def test_mates_name_each_other(reads):
    waiting = {}
    for read in reads:
        mate = waiting.pop(read.query_name, None)
        if mate is None:
            waiting[read.query_name] = read
            continue
        for one, other in ((read, mate), (mate, read)):
            assert one.next_reference_id == other.reference_id
            assert one.next_reference_start == other.reference_start
            assert one.mate_is_reverse == other.is_reverse != one.is_reverse
            assert one.is_read1 == other.is_read2
            assert one.is_duplicate == other.is_duplicate
        span = max(read.reference_end, mate.reference_end) - mate.reference_start
        assert (mate.template_length, read.template_length) == (span, -span)
    assert not waiting


def test_errors_are_as_rare_as_modern_machines_make_them(reads, altered, bases):
    wrong = count = 0
    for read in reads[::10]:
        contig, sequence = read.reference_name, bases[read.reference_name]
        for own, position in read.get_aligned_pairs(matches_only=True):
            if (contig, position) not in altered:
                count += 1
                wrong += read.query_sequence[own] != sequence[position]
    assert 0.001 < wrong / count < 0.003


def test_cigars_hold_the_individuals_indels_and_no_others(reads, world):
    own = {
        (call.allele.contig, call.allele.start + 1, len(call.allele.alt) - len(call.allele.ref))
        for call in world.calls
        if call.allele.is_indel and any(call.genotype)
    }
    shown = set()
    for read in reads:
        position = read.reference_start
        for operation, length in read.cigartuples:
            if operation in (pysam.CINS, pysam.CDEL):
                change = length if operation == pysam.CINS else -length
                shown.add((read.reference_name, position, change))
            position += length * (operation in (pysam.CMATCH, pysam.CDEL))
    assert shown == own
    assert len(own) > 100


def test_half_of_the_reads_over_a_heterozygous_base_carry_it(coverage, world):
    shares = {1: [], 2: []}
    for call in world.calls:
        allele, copies = call.allele, sum(call.genotype)
        if copies and len(allele.ref) == len(allele.alt) == 1:
            counts = coverage[allele.contig][:, allele.start]
            shares[copies].append(counts["ACGT".index(allele.alt)] / counts.sum())
    assert 0.48 < np.mean(shares[1]) < 0.52
    assert np.mean(shares[2]) > 0.99


def test_depth_and_mapping_quality_tell_nothing_of_the_consequence(reads, bases, world):
    """Loci of every consequence are covered and mapped alike; only the bases differ."""
    known = {record.allele: record.terms[0] for record in world.clinvar if record.terms}
    # Reads, and the sum of their mapping qualities, over every base.
    over = {contig: np.zeros((2, len(sequence) + 1)) for contig, sequence in bases.items()}
    for read in reads:
        weights = (1, read.mapping_quality)
        over[read.reference_name][:, read.reference_start] += weights
        over[read.reference_name][:, read.reference_end] -= weights
    over = {contig: np.cumsum(changes, axis=1) for contig, changes in over.items()}
    loci = {}
    for call in world.calls:
        own = over[call.allele.contig][:, call.allele.start]
        loci.setdefault(known.get(call.allele), []).append(own)
    groups = [np.array(own) for own in loci.values() if len(own) >= 40]
    assert len(groups) >= 6
    depths = [own[:, 0] for own in groups]
    error = np.array([depth.std() / np.sqrt(len(depth)) for depth in depths])
    mean = np.array([depth.mean() for depth in depths])
    assert (np.abs(mean - np.concatenate(depths).mean()) < 4 * error).all()
    assert np.ptp([own[:, 1].sum() / own[:, 0].sum() for own in groups]) < 2

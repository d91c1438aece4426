"""The look at the first reads: long enough, in order, and there at all."""

import pysam
import pytest

from evoflow.errors import InputError
from evoflow.inputs import first_reads, inventory, preflight
from evoflow.inputs.first_reads import check_first_reads
from tests.extract.worlds import make_read, write_reads
from tests.inputs.odd_files import OddWorld
from tests.inputs.spoiled import (
    LENGTH,
    change,
    settings_of,
    small_world,
    unsorted_bam_with_an_index,
)


def look(folder):
    data = settings_of(folder)
    genome = inventory.read_genome(str(data.reference))
    person = data.individuals[0]
    held = inventory.held_by_reads(person.reads, genome)
    check_first_reads(person, data, genome, held, inventory.regions_of(data, genome))


def test_reads_of_just_the_length_are_enough(folder):
    change(folder, read_length=60)
    look(folder)
    change(folder, read_length=61)
    with pytest.raises(InputError, match=r"the 20 reads looked at is shorter .* set read_l"):
        look(folder)


def test_longer_reads_behind_many_short_ones_are_found(folder, monkeypatch):
    monkeypatch.setattr(first_reads, "_READS", 5)
    genome = small_world().genome
    reads = [make_read(LENGTH, f"s{at}", at, genome[at : at + 20], "20M") for at in range(10)]
    reads += [make_read(LENGTH, "long", 50, genome[50:110], "60M")]
    write_reads(folder / "reads.bam", reads, LENGTH)
    look(folder)
    monkeypatch.setattr(first_reads, "_MORE_READS", 5)
    with pytest.raises(InputError, match="the longest has 20 bases"):
        look(folder)


def test_longer_reads_on_the_shortest_contigs_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(first_reads, "_CONTIGS", 2)
    data = OddWorld().write(tmp_path)
    (person,) = data.individuals
    with pysam.AlignmentFile(person.reads) as file:
        reads, header = list(file), file.header
    with pysam.AlignmentFile(person.reads, "wb", header=header) as file:
        for read in reads:
            if read.reference_name != "chrM":
                read.query_sequence, read.cigarstring = read.query_sequence[:40], "40M"
            file.write(read)
    pysam.index(person.reads)
    preflight.check(data)
    # Of all three contigs, the longest has what the others leave.
    longer = data.model_copy(update={"read_length": 101})
    for most, looked in ((48, 48), (49, 48), (20, 20)):
        monkeypatch.setattr(first_reads, "_MORE_READS", most)
        with pytest.raises(InputError, match=f"each of the {looked} reads looked at is shorter"):
            preflight.check(longer)


def test_reads_out_of_order_are_refused_although_the_header_says_otherwise(folder):
    unsorted_bam_with_an_index(folder)
    with pytest.raises(InputError, match="are not in the order of their positions"):
        look(folder)

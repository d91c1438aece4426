"""Tables that bcftools normalises: what is left out of them, and their order."""

from dataclasses import replace
from random import Random

import pandas as pd
import pysam

from evoflow.extract.vcf.normalise import Differing, write_called, write_clinvar
from evoflow.extract.vcf.variants import read_clinvar
from tests.extract.records import GENOME, GT, INFO, other, write


def test_mismatches_are_shown_unless_the_reference_is_unknown_there(folder):
    (folder / "masked.fa").write_text(f">chr1\n{GENOME[:29]}N{GENOME[30:]}\n")
    wrong = [(at, other(at), other(at, 2), ".", "0/1") for at in (20, 30)]
    source = write(folder, [*wrong, (40, None, other(40), ".", "0/1")], header=[GT])
    written = write_called(source, "p", "all", str(folder / "masked.fa"), folder)
    assert (written.records, written.mismatches) == (3, 2)
    assert written.differing == Differing(1, (f"chr1:20 has {other(20)}, not {GENOME[19]}",))


def test_table_is_sorted_where_a_record_moves_far_in_a_repeat(tmp_path):
    unit, around = "ACGGT", "".join(Random(3).choices("ACGT", k=500))
    genome = around + "T" + unit * 600 + "CC" + around
    (tmp_path / "genome.fa").write_text(f">chr1\n{genome}\n")
    pysam.faidx(str(tmp_path / "genome.fa"))
    first, far = len(around), len(around) + 2900
    rows = [
        *((at, genome[at - 1], "N", "RS=1") for at in range(first + 20, far, 20)),
        (far, genome[far - 1 : far + 5], genome[far - 1], "RS=2"),  # deletes one of the 600
        (far + 20, genome[far + 19], "N", "RS=1"),
    ]
    source = write(tmp_path, rows, header=[*INFO, "##contig=<ID=1>"], samples=())
    source = replace(source, regions=((0, len(genome)),))
    table = write_clinvar(source, str(tmp_path / "genome.fa"), tmp_path).table
    found = pd.concat(read_clinvar(table, source))
    assert found[found["rs"] == "2"]["position"].item() <= first + 1
    assert found["position"].is_monotonic_increasing

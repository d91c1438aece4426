import pytest

from tests.benchmarks.cost import Gpu, Rates, cost, readable, table
from tests.conftest import ROOT

RATES = Rates(sequences_per_example=2, alleles_per_genome=1000, reference_loci=0, balancing=1)
GPU = Gpu(reads_per_second=100, task_seconds=36, measured=True)


def test_a_small_run_by_hand():
    # 10,000 sequences of 8,192 bytes; two shards of 5,000; 100 s + 2 x 36 s
    found = cost(5_000, 4096, RATES)
    assert (found.sequences, found.shards) == (10_000, 2)
    assert found.gpu_hours(GPU) == pytest.approx(172 / 3600)
    assert found.stored == 10_000 * 8192


def test_the_bytes_of_an_embedding_change_no_shard():
    found = cost(5_000, 150 * 4096, RATES)
    assert (found.shards, found.stored) == (2, 10_000 * 1_228_800)


def test_shards_grow_before_there_are_more_than_a_thousand():
    assert cost(2_500_000, 4096, RATES).shards == 1000
    assert cost(25_000_000, 4096, RATES).shards == 1000


@pytest.mark.parametrize(
    ("count", "text"), [(1500, "1.5 kB"), (114_000_000, "114 MB"), (4.61e14, "461 TB")]
)
def test_bytes_are_readable(count, text):
    assert readable(count) == text


def test_the_documentation_has_the_table_of_the_defaults():
    assert table(Rates()) in (ROOT / "docs" / "results.md").read_text()

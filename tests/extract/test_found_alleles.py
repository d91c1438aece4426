"""What an individual may carry, as the genotypes say."""

from random import Random

import pytest

from evoflow.errors import InputError
from evoflow.extract.examples import extract_examples
from tests.extract.worlds import Record, World, make_read

GENOME = "".join(Random(7).choices("ACGT", k=400))
MISSENSE = "SO:0001583|missense_variant"


def snv(position, **fields):
    ref = GENOME[position - 1]
    return Record(position, ref, ("ACGT"[("ACGT".index(ref) + 1) % 4],), **fields)


def read(name, start, *alleles):
    bases = list(GENOME)
    for each in alleles:
        bases[each.position - 1] = each.alts[0]
    return make_read(len(GENOME), name, start, "".join(bases[start : start + 60]), "60M")


@pytest.mark.parametrize("genotype", ["./.", ".", "0|."])
def test_no_reference_read_shows_an_allele_whose_genotype_is_missing(tmp_path, genotype):
    carried = snv(300, rs="1", mc=MISSENSE)
    missing = snv(100, rs="2", mc=MISSENSE, genotype=genotype)
    locus = snv(110, rs="3", mc=MISSENSE)
    world = World(GENOME, clinvar=[carried, missing, locus], called=[carried, missing])
    world.reads = [read(f"shows-{at}", at, missing) for at in range(60, 80)]
    world.reads += [read("clean", 75), read("carrier", 270, carried)]
    data = world.write(tmp_path, read_length=50, reference_loci="all")
    rows = extract_examples(data, processes=1).examples
    # The loci stay, that of the allele itself too: a read shows that it is not there.
    assert rows[["position", "read_name", "impact_score"]].to_numpy().tolist() == [
        [100, "clean", 0], [110, "clean", 0], [300, "carrier", 5],
    ]  # fmt: skip


def test_what_became_of_each_variant_is_counted(tmp_path):
    labelled, unlisted, unknown = (
        snv(300, rs="1", mc=MISSENSE),
        snv(200),
        snv(100, rs="2", mc="SO:9"),
    )
    world = World(GENOME, clinvar=[labelled, unknown], called=[labelled, unlisted, unknown])
    world.called.append(snv(50, genotype="0/0"))
    world.reads = [read("carrier", 270, labelled)]
    data = world.write(tmp_path, read_length=50)
    counts = extract_examples(data, processes=1).counts
    kinds = ["record", "variant", "unknown consequence term"]
    rows = counts.loc[counts["subject"].isin(kinds), ["subject", "reason", "count"]]
    assert set(rows.itertuples(index=False, name=None)) == {
        ("record", "in the regions", 4),
        ("variant", "kept", 1),
        ("variant", "ClinVar does not list it", 1),
        ("variant", "consequence is unknown", 1),
        ("variant", "genotype does not contain it", 1),
        ("unknown consequence term", "SO:9", 1),
    }
    strict = data.model_copy(update={"unknown_consequences": "error"})
    with pytest.raises(InputError, match=r"clinvar\.vcf\.gz: unknown consequence terms: SO:9;"):
        extract_examples(strict, processes=1)
    inside = strict.model_copy(update={"regions": ("chr1:150-400",)})
    counts = extract_examples(inside, processes=1).counts
    records = counts[counts["subject"] == "record"].set_index("reason")["count"]
    assert sorted(records) == [2, 2]
    assert records["in the regions"] == 2

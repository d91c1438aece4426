import numpy as np
import pytest

from evoflow.augment.split import assign_folds, assign_splits, notes, split_of_fold
from evoflow.errors import InputError
from evoflow.settings import SplitSettings


def split(examples, seed=0, read_length=20, **settings):
    return assign_splits(examples, SplitSettings(**settings), read_length=read_length, seed=seed)


def world(table, genes=60, people=("A",), contigs=1):
    """Ten loci in each gene, genes 50 kb apart; every tenth gene holds the rare score 10.

    Blocks of a twentieth of a contig would cut some of its genes.
    """
    gene = np.repeat(np.arange(genes), 10 * len(people))
    locus = np.tile(np.repeat(np.arange(10), len(people)), genes)
    return table(
        individual=np.tile(people, genes * 10),
        contig=[f"chr{number % contigs + 1}" for number in gene],
        position=gene * 50_000 + locus * 300 + 46_001,
        gene=[f"G{number}" for number in gene],
        label=np.where(gene % 10 == 0, 10, locus % 2),
        read_name=[f"{number}" for number in range(gene.size)],
    )


def shares(examples):
    return examples["split"].value_counts(normalize=True)


def test_shares_are_near_to_what_was_asked(table):
    found = shares(split(world(table)))
    assert found["test"] == pytest.approx(0.25, abs=0.03)
    assert found["validation"] == pytest.approx(0.15, abs=0.03)
    assert "gap" not in found


def test_a_rare_score_reaches_every_side(table):
    examples = split(world(table))
    assert set(examples.loc[examples["label"] == 10, "split"]) == {
        "train",
        "validation",
        "test",
    }


def test_genes_alleles_and_people_stay_on_one_side(table):
    examples = split(world(table, people=("A", "B", "C")))
    assert examples.groupby("gene")["split"].nunique().max() == 1
    assert examples.groupby(["contig", "position"])["split"].nunique().max() == 1


def test_blocks_never_stand_on_two_sides(table):
    examples = split(world(table))
    assert examples.groupby("block")["split"].nunique().max() == 1


def test_many_contigs_are_split_whole(table):
    examples = split(world(table, contigs=10))
    assert examples.groupby("contig")["split"].nunique().max() == 1


@pytest.mark.parametrize("contigs", [3, 9])
def test_few_contigs_are_split_between_genes(table, contigs):
    examples = split(world(table, contigs=contigs))
    assert examples.groupby("contig")["split"].nunique().max() > 1
    assert examples.groupby("gene")["split"].nunique().max() == 1


def test_contigs_are_divided_where_one_would_more_than_double_a_side(table):
    examples = world(table, contigs=10).assign(label=0)
    found = split(examples, validation=0.04, test=0.23)  # a contig is a tenth
    assert shares(found)["validation"] == pytest.approx(0.04, abs=0.02)
    assert found.groupby("gene")["split"].nunique().max() == 1


def test_the_seed_decides_and_the_row_order_does_not(table):
    examples = world(table)
    first, again, other = split(examples), split(examples), split(examples, seed=1)
    assert (first["split"] == again["split"]).all()
    assert (first["split"] != other["split"]).any()


def test_a_single_dense_gene_is_cut_with_gaps_and_says_so(table):
    examples = table(position=np.arange(1, 40_001, 20), gene=["BRCA1"] * 2000)
    found = split(examples, read_length=100)
    assert shares(found)["test"] == pytest.approx(0.25, abs=0.1)
    used = found[found["split"] != "gap"].sort_values("position")
    step = np.diff(used["position"])
    change = used["split"].to_numpy()[1:] != used["split"].to_numpy()[:-1]
    assert step[change].min() >= 200


@pytest.mark.parametrize(
    ("last", "block_size", "blocks"),
    [(40_000, 2_000_000, 21), (40_000, 1_000, 40), (4_000, 2_000_000, 10)],
)
def test_even_blocks_are_no_longer_than_asked_for_and_outlast_the_gaps(
    table, last, block_size, blocks
):
    examples = table(position=np.arange(1, last, 20), gene=["BRCA1"] * (last // 20))
    found = split(examples, read_length=100, block_size=block_size)
    assert found["block"].nunique() == blocks


def test_divided_genes_and_what_is_set_aside_are_noted(table):
    examples = table(
        position=[1, 2, 3, 4, 5, 5], gene=["A|B", "B", "C", "", "B", "B"], read_name=list("abcdef")
    )
    sides = ["train", "test", "train", "validation", "gap", "gap"]
    divided, aside = notes(examples.assign(split=sides))
    assert divided.endswith("to keep them whole: B (1 in all)")
    assert aside.startswith("1 alleles and loci are set aside")


def test_a_read_reaches_over_the_bases_that_it_skips(table):
    start = np.arange(120) * 50
    examples = table(position=start + 11, label=[0, 10] * 60, reference_start=start)
    examples["reference_end"] = start + 20
    deleted = examples.assign(reference_end=start + 20 + np.where(start % 500 == 0, 200, 0))
    for given in (examples, deleted):
        used = split(given)
        used = used[used["split"] != "gap"]
        assert used["split"].nunique() == 3
        first, after = used["reference_start"].to_numpy(), used["reference_end"].to_numpy()
        common = (first[:, None] < after) & (first < after[:, None])
        side = used["split"].to_numpy()
        assert not (common & (side[:, None] != side)).any()
    assert (split(deleted)["split"] == "gap").sum() > (split(examples)["split"] == "gap").sum()


def test_a_read_that_recurs_elsewhere_is_set_aside_from_training(table):
    examples = world(table)
    chosen = split(examples)["split"]
    train, test = chosen[chosen == "train"].index[0], chosen[chosen == "test"].index[0]
    examples.loc[test, ["sequence", "reference_sequence"]] = examples.loc[train, "sequence"]
    found = split(examples)["split"]
    assert (found[train], found[test]) == ("gap", "test")
    assert (found == "gap").sum() == 1


def test_a_side_without_a_score_is_noted(table):
    examples = world(table).assign(label=0)
    examples.loc[0, "label"] = 5
    side = split(examples).loc[0, "split"]
    missing = {"train", "validation", "test"} - {side}
    expected = [f"{name} has no example of score 5" for name in sorted(missing)]
    assert notes(split(examples)) == expected


def test_examples_too_close_together_are_refused_with_a_mend(table):
    with pytest.raises(InputError, match=r"3 alleles and loci lie too close.*more regions"):
        split(table(position=[1, 2, 3]), read_length=150)


def test_no_example_at_all_is_refused(table):
    with pytest.raises(InputError, match="no example"):
        split(table(position=[1]).iloc[:0])


def folds(examples, seed=0, read_length=20, **settings):
    return assign_folds(examples, SplitSettings(**settings), read_length=read_length, seed=seed)


def test_folds_are_even_and_keep_genes_and_scores_together(table):
    examples = folds(world(table), folds=5)
    assert examples["fold"].value_counts(normalize=True).between(0.15, 0.25).all()
    assert examples.groupby("gene")["fold"].nunique().max() == 1
    assert examples[examples["label"] == 10]["fold"].nunique() == 5
    assert set(examples["split"]) == {f"fold {number}" for number in range(1, 6)}


def test_by_contig_every_contig_is_a_fold(table):
    examples = folds(world(table, contigs=4), by="contig")
    assert examples["fold"].nunique() == 4
    assert examples.groupby("contig")["fold"].nunique().max() == 1
    fewer = folds(world(table, contigs=8), by="contig", folds=3)
    assert fewer["fold"].nunique() == 3
    assert fewer.groupby("contig")["fold"].nunique().max() == 1


def test_a_fold_is_tested_whole_and_the_next_one_validates(table):
    examples = folds(world(table), folds=4)
    for number in range(4):
        found = split_of_fold(examples, number, (number + 1) % 4, read_length=20)
        assert (found.loc[found["fold"] == number, "split"] == "test").all()
        assert (found.loc[found["fold"] == (number + 1) % 4, "split"] == "validation").all()
        assert (found["split"] == "train").mean() == pytest.approx(0.5, abs=0.1)


def test_what_recurs_in_the_test_fold_is_set_aside_for_that_fold_alone(table):
    examples = world(table)
    number = folds(examples, folds=4)["fold"]
    one, other = number[number == 0].index[0], number[number == 2].index[0]
    examples.loc[other, ["sequence", "reference_sequence"]] = examples.loc[one, "sequence"]
    examples = folds(examples, folds=4)
    number = examples["fold"]
    assert number[one] != number[other]
    for test, kept, aside in ((number[one], one, other), (number[other], other, one)):
        found = split_of_fold(examples, test, (test + 1) % 4, read_length=20)["split"]
        assert (found[kept], found[aside]) == ("test", "gap")


def test_folds_of_one_dense_gene_test_every_example(table):
    examples = folds(
        table(position=np.arange(1, 40_001, 20), gene=["BRCA1"] * 2000), read_length=100, folds=4
    )
    assert set(examples["fold"]) == {0, 1, 2, 3}
    for number in range(4):
        found = split_of_fold(examples, number, (number + 1) % 4, read_length=100)
        tested = np.sort(found.loc[found["split"] == "test", "position"])
        assert (found.loc[found["fold"] == number, "split"] == "test").all()
        trained = found.loc[found["split"] == "train", "position"].to_numpy()
        assert np.abs(trained[:, None] - tested).min() >= 200


def test_a_contig_that_copies_another_leaves_no_fold_to_validate_on(table):
    examples = world(table, contigs=3)
    of_contig = [examples["contig"] == f"chr{number}" for number in (1, 2)]
    for name in ("sequence", "reference_sequence"):
        examples.loc[of_contig[1], name] = examples.loc[of_contig[0], name].to_numpy()
    found = folds(examples, by="contig")
    with pytest.raises(InputError, match=r"test of fold 1 \(validation would be empty\).*copies"):
        split_of_fold(found, 0, 1, read_length=20)
    with pytest.raises(InputError, match=r"head that is kept \(train would be empty\)"):
        split_of_fold(found[found["fold"] < 2], None, 0, read_length=20)


def test_too_few_contigs_for_folds_are_an_input_error(table):
    with pytest.raises(InputError, match="needs 3 or more"):
        folds(world(table, contigs=2), by="contig")

from evoflow.augment import blocks as units


def test_a_stretch_ends_only_where_nothing_lies_for_a_gap(table):
    examples = table(position=[1, 400, 480, 560, 640, 740, 940, 1240, 1340])
    # 640 is too near to 560; the first empty 100 bases after 601 end at 740, those after
    # 1340 at once.
    assert units.gene_blocks(examples, 600, 100).tolist() == [0] * 5 + [1] * 3 + [2]


def test_a_gene_is_never_divided(table):
    examples = table(position=[1, 10_000, 20_000, 30_000, 40_000], gene=["", "B|C", "D", "C", "E"])
    found = units.gene_blocks(examples, 500, 100)
    assert found[1] == found[3]
    assert len(set(found.tolist())) == 4


def test_row_order_does_not_matter_to_who_is_together(table):
    examples = table(position=[900, 1, 5000, 1], contig=["b", "b", "a", "a"])
    found = units.gene_blocks(examples, 500, 100)
    assert len(set(found.tolist())) == 4


def test_contigs_that_share_a_gene_are_one_unit(table):
    examples = table(contig=["X", "Y", "1"], gene=["ASMT", "ASMT", "TP53"])
    found = units.contigs(examples)
    assert found[0] == found[1] != found[2]


def test_even_blocks_count_bases_from_one(table):
    examples = table(position=[1, 100, 101, 200, 201])
    assert units.even_blocks(examples, 100).tolist() == [0, 0, 1, 1, 2]


def test_each_gene_of_an_example_is_listed(table):
    found = units.genes(table(gene=["BRCA1", "", "A|B"]))
    assert found.to_numpy().tolist() == [[0, "BRCA1"], [2, "A"], [2, "B"]]


def test_genes_are_independent_units_within_their_block(table):
    examples = table(
        position=[1, 1_000_000, 1_000_001, 5, 6, 7],
        gene=["", "", "", "A", "A|B", "B"],
    ).assign(block=0)
    found = units.independent_units(examples)
    assert found[0] == found[1] != found[2]
    assert found[3] == found[4] == found[5]
    assert len(set(found.tolist())) == 3


def test_a_gene_in_two_blocks_is_two_units(table):
    examples = table(position=[1, 2, 3], gene=["A", "A", "A"]).assign(block=[0, 0, 1])
    found = units.independent_units(examples)
    assert found[0] == found[1] != found[2]

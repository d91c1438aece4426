from dataclasses import replace

from evoflow.report.summary import summary


def test_the_summary_fits_a_screen(run):
    lines = summary(run).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_the_summary_names_stand_ins_and_the_head_beside_its_baselines(run):
    text = summary(run)
    assert "simulated demo" in text
    assert "! test has no example of score 10" in text
    assert "0.71 [0.60, 0.80]" in text
    assert "the head is better than boosted trees" in text
    assert "50 alleles in 20 independent genes or parts of genes" in text
    assert "evoflow report EvoFlow/1795464212872958" in text


def test_a_result_from_few_genes_is_called_a_hint(run):
    few = replace(run, headline=replace(run.headline, units=9, effective_units=8.5))
    assert "only a hint" in summary(few)
    assert "only a hint" not in summary(run)


def test_an_undefined_metric_is_a_dash(run):
    mean = next(line for line in summary(run).splitlines() if "training mean" in line)
    assert mean.split()[2] == "-"

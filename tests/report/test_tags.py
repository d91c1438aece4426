from dataclasses import replace
from types import SimpleNamespace

from metaflow.exception import MetaflowNotFound

from evoflow.report.tags import add_tags, result_tags, settings_tags
from evoflow.settings import load_settings


def test_the_demo_and_its_model_are_tags():
    settings = load_settings({"demo": {}}, {}, {})
    assert settings_tags(settings) == ["model:evo-demo", "demo"]


def test_individuals_are_counted_and_a_checkpoint_is_named_without_its_owner():
    person = {"reads": "a.bam", "variants": "a.vcf.gz"}
    data = {
        "reference": "r.fa",
        "clinvar": "c.vcf.gz",
        "individuals": [{"sample": "A", **person}, {"sample": "B", **person}],
    }
    settings = load_settings(data, {"checkpoint": "togethercomputer/evo-1-8k-base"}, {})
    assert settings_tags(settings) == ["model:evo-1-8k-base", "individuals:2"]


def test_the_result_is_a_tag_where_it_is_defined(run):
    assert result_tags(run.headline) == ["spearman:0.71", "best-baseline:boosted_trees:0.30"]
    assert result_tags(replace(run.headline, missing="only 2 rows")) == []


def test_a_run_out_of_reach_is_said_and_survived(capsys):
    class Current:
        @property
        def run(self):
            raise MetaflowNotFound("no such run")

    add_tags(Current(), ["demo"])
    assert "no such run" in capsys.readouterr().out


def test_a_run_gets_its_tags():
    kept = []
    add_tags(SimpleNamespace(run=SimpleNamespace(add_tags=kept.extend)), ["demo"])
    assert kept == ["demo"]


def test_another_target_is_a_tag():
    settings = load_settings({"demo": {}}, {"target": "pathogenicity"}, {})
    assert settings_tags(settings)[-1] == "target:pathogenicity"

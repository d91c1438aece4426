import pytest

from evoflow.errors import InputError
from evoflow.settings import (
    DataSettings,
    ModelSettings,
    load,
    load_settings,
    parse_yaml,
    read_data_settings,
    resolve,
)
from tests.conftest import ROOT

FILES = {
    "reference": "r.fa",
    "clinvar": "c.vcf.gz",
    "individuals": [{"sample": "A", "reads": "a.bam", "variants": "a.vcf.gz"}],
}


def problems_of(data, model=None, compute=None):
    with pytest.raises(InputError) as caught:
        load_settings(data, model or {}, compute or {})
    return caught.value.problems


def test_paths_are_resolved_against_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("CLINVAR", "/data/clinvar")
    settings = load(
        DataSettings,
        FILES | {"reference": "~/r.fa", "clinvar": "${CLINVAR}/c.vcf.gz"},
    )
    assert settings.reference == "/home/ada/r.fa"
    assert settings.clinvar == "${CLINVAR}/c.vcf.gz"
    assert resolve(settings.clinvar) == "/data/clinvar/c.vcf.gz"
    assert settings.individuals[0].reads == str(tmp_path / "a.bam")


def test_urls_keep_their_form():
    settings = load(DataSettings, FILES | {"reference": "s3://bucket/hg38.fa"})
    assert settings.reference == "s3://bucket/hg38.fa"


def test_an_unset_variable_is_named():
    (problem,) = problems_of(FILES | {"reference": "${NO_SUCH_FOLDER}/r.fa"})
    assert problem.startswith("data.reference")
    assert "NO_SUCH_FOLDER" in problem


def test_problems_of_all_configs_are_reported_together():
    found = problems_of(
        FILES | {"read_lenght": 100}, {"embedding": {"layer": "last"}}, {"target": "moon"}
    )
    assert "data.read_lenght: unknown key; did you mean 'read_length'?" in found
    assert any(problem.startswith("model.embedding.layer") for problem in found)
    assert any(problem.startswith("compute.target") and "'moon'" in problem for problem in found)


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_file_setting_is_named(missing):
    given = {key: value for key, value in FILES.items() if key != missing}
    (problem,) = problems_of(given)
    assert missing in problem


def test_the_demo_excludes_files():
    (problem,) = problems_of(FILES | {"demo": {}})
    assert "remove one or the other" in problem


def test_one_sample_cannot_come_twice():
    (problem,) = problems_of(FILES | {"individuals": FILES["individuals"] * 2})
    assert "sample A more than once" in problem


@pytest.mark.parametrize("tokens", ["all", "mean", {"window": 32}])
def test_tokens_setting(tokens):
    settings = load(ModelSettings, {"embedding": {"tokens": tokens}})
    chosen = settings.embedding.tokens
    assert (chosen if isinstance(chosen, str) else chosen.model_dump()) == tokens


@pytest.mark.parametrize(("text", "message"), [("a: [", "not valid YAML"), ("- a", "mapping")])
def test_yaml_that_holds_no_settings(text, message):
    with pytest.raises(InputError, match=message):
        parse_yaml(text)


def test_a_settings_file_that_is_absent_is_named(tmp_path):
    path = tmp_path / "absent.yaml"
    with pytest.raises(InputError, match=r"absent\.yaml: No such file"):
        read_data_settings(path)


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*/*.yaml")), ids=lambda p: p.stem)
def test_every_config_that_is_shipped_is_valid(path):
    raw = {"data": {"demo": {}}, "model": {}, "compute": {}}
    raw[path.parent.name] = parse_yaml(path.read_text())
    load_settings(**raw)

"""Problems of all three configs, told together and under the user's own keys."""

import pytest

from evoflow.errors import InputError
from evoflow.settings import (
    DataSettings,
    load,
    load_settings,
    parse_yaml,
    read_data_settings,
)
from tests.conftest import ROOT
from tests.settings.problems import FILES, problems_of


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


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"demo: {}\n# caf\xe9\n", r"line 2: the byte 0xE9 is not UTF-8 \(in Latin-1 it is 'é'\)"),
        ("demo: {}".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        ("demo: {}".encode("utf-16-be"), "is not text, or UTF-16"),
        ("demo: {}".encode("utf-32"), "is UTF-32 text; save it as UTF-8"),
    ],
)
def test_a_file_in_another_encoding_is_refused(tmp_path, content, problem):
    path = tmp_path / "data.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"data\.yaml: {problem}"):
        read_data_settings(path)


def test_a_byte_order_mark_and_line_ends_of_windows_are_read(tmp_path):
    path = tmp_path / "data.yaml"
    path.write_bytes("\ufeffdemo: {}\r\nseed: 3\r\n".encode())
    assert read_data_settings(path).seed == 3


@pytest.mark.parametrize("sample", ["007", "NO", "2024-01-05"])
def test_what_yaml_takes_for_something_else_than_text_is_to_be_quoted(sample):
    text = f"individuals: [{{sample: {sample}, reads: a.bam, variants: a.vcf.gz}}]\n"
    (problem,) = problems_of({**FILES, **parse_yaml(text)})
    assert problem.startswith("data.individuals[0].sample: must be text; put it in quotes")


def test_regions_are_text_even_where_yaml_sees_numbers():
    found = load(DataSettings, parse_yaml("demo: {}\nregions: [17, 17:43, 17:1000-2000, X]\n"))
    assert found.regions == ("17", "17:43", "17:1000-2000", "X")


def test_a_region_outside_a_list_is_told_how_to_be_written():
    (problem,) = problems_of({"demo": {}, "regions": "chr21"})
    assert problem == "data.regions: must be a list, such as [chr21]"


def test_a_key_of_another_config_is_sent_there():
    (problem,) = problems_of({"demo": {}}, {"read_length": 100})
    assert problem == (
        "model.read_length: unknown key: this is a data setting, give it in the file of "
        "`--config data`"
    )


def test_a_value_of_several_types_is_one_problem_under_the_users_key():
    (problem,) = problems_of({"demo": {}, "reference_loci": "many"})
    assert problem.startswith("data.reference_loci: ")
    (problem,) = problems_of({"demo": {}}, {"embedding": {"tokens": "most"}})
    assert problem.startswith("model.embedding.tokens: ")
    assert "Window" not in problem

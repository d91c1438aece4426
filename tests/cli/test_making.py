"""Commands that make something: what they refuse, and what they say when they are done."""

import json

import pytest
import yaml
from click.testing import CliRunner
from safetensors.numpy import load_file

from evoflow.cli import main
from evoflow.embed.evo2.published import KNOWN
from tests.inputs.spoiled import small_world


def invoke(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def data(tmp_path):
    settings = small_world().write(tmp_path, read_length=50)
    raw = settings.model_dump(mode="json", exclude_defaults=True)
    path = tmp_path / "data.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def test_extract_writes_what_it_says(data, tmp_path):
    output = tmp_path / "x.jsonl"
    done = invoke("extract", data, "--output", output, "--processes", 1)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert f"{len(rows)} examples are in {output}" in done.output
    assert {(row["contig"], row["position"]) for row in rows} == {("chr1", 300)}


def test_an_output_of_another_kind_is_refused_before_any_work(data, tmp_path):
    done = invoke("extract", data, "--output", tmp_path / "x.csv")
    assert done.exit_code == 1
    assert "its name must end in .jsonl" in done.output
    assert "genome build" not in done.output


def test_embed_says_what_made_the_embeddings(tmp_path):
    (tmp_path / "model.yaml").write_text("checkpoint: evo-tiny\nembedding: {tokens: mean}\n")
    (tmp_path / "x.fa").write_text(">a\nACGT\n>b\nGGTT\n")
    output = tmp_path / "x.safetensors"
    done = invoke("embed", tmp_path / "model.yaml", tmp_path / "x.fa", "--output", output)
    assert done.exit_code == 0, done.output
    assert "evo-tiny ran on " in done.output
    assert load_file(output)["embeddings"].shape[0] == 2


def test_the_help_of_convert_names_every_known_checkpoint():
    shown = invoke("convert", "--help").output
    assert all(name in shown for name in KNOWN)


def test_a_checkpoint_that_is_nowhere_is_a_message(tmp_path):
    done = invoke("convert", tmp_path / "absent.pt", "--output", tmp_path / "made")
    assert done.exit_code == 1
    assert "absent.pt" in done.output
    assert not (tmp_path / "made").exists()

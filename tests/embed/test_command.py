"""`python -m evoflow embed`, from FASTA to safetensors."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors import safe_open

from evoflow.__main__ import main
from evoflow.embed.embedder import Embedder
from evoflow.settings import ModelSettings


@pytest.fixture
def run(tmp_path):
    def run(fasta, model=""):
        (tmp_path / "model.yaml").write_text(model)
        (tmp_path / "x.fasta").write_text(fasta)
        paths = [str(tmp_path / name) for name in ("model.yaml", "x.fasta", "out.safetensors")]
        result = CliRunner().invoke(main, ["embed", *paths[:2], "--output", paths[2]])
        return result, tmp_path / "out.safetensors"

    return run


def test_names_embeddings_and_log_likelihoods(run):
    result, path = run(">b x\nACGTACG\n>a\nAC\nGT\n", "embedding: {tokens: all, layer: 2}")
    assert result.exit_code == 0, result.output
    assert "evo-demo ran on cpu in float32" in result.output
    embedder = Embedder.from_settings(ModelSettings())
    expected = embedder.embed(["ACGTACG", "ACGT"], layer=2, tokens="all")
    with safe_open(path, "numpy") as file:
        values = file.get_tensor("embeddings")
        assert values.dtype == np.float16
        np.testing.assert_allclose(values[:7], expected.values[0], atol=1e-3)
        np.testing.assert_allclose(values[7:], expected.values[1, :4], atol=1e-3)
        assert file.get_tensor("lengths").tolist() == [7, 4]
        assert np.isnan(file.get_tensor("log_likelihood")).all()  # not the last layer
        metadata = file.metadata()
    assert json.loads(metadata["names"]) == ["b", "a"]
    assert json.loads(metadata["provenance"])["checkpoint"] == "evo-tiny"


def test_pooled_embeddings_have_one_shape(run):
    result, path = run(">a\nACGTA\n>b\nA\n", "embedding: {tokens: mean, stored_dtype: float32}")
    assert result.exit_code == 0, result.output
    with safe_open(path, "numpy") as file:
        assert file.get_tensor("embeddings").shape == (2, 1, 128)
        log_likelihood = file.get_tensor("log_likelihood")
    assert np.isfinite(log_likelihood[0])
    assert np.isnan(log_likelihood[1])


@pytest.mark.parametrize(
    ("fasta", "model", "problem"),
    [
        (">a\nACGU\n", "", "x.fasta:2: sequence a has 'U'"),
        (">a\nAC\n>b\n", "", "x.fasta:3: sequence b is empty"),
        (">a\nACGT\n", "checkpoint: evo-1-8k-bas", "did you mean 'evo-1-8k-base'"),
        (">a\nACGT\n", "embedding: {layer: 9}", "9 blocks are wanted but evo-tiny has 4"),
        (">a\nACGT\n", "embedding: {tokens: {window: 5}}", "x.fasta:1: sequence a has 4 bases"),
        (">a\n" + "A" * 8193, "", "x.fasta:1: sequence a has 8193 bases; evo-tiny takes 8192"),
        (">a\nACGT\n", "device: cuda:77", "'cuda:77' cannot be used here"),
        (">a\nACGT\n", "revision: main", "evo-tiny is made on the spot"),
    ],
)
def test_what_a_user_gets_wrong_is_one_message(run, fasta, model, problem):
    result, path = run(fasta, model)
    assert result.exit_code == 1
    assert problem in result.output
    assert "Traceback" not in result.output
    assert not list(path.parent.glob("out*"))

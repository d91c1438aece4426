"""`python -m evoflow embed`, from FASTA to safetensors."""

import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors import safe_open

from evoflow.__main__ import main
from evoflow.embed import embedder as embedding
from evoflow.embed.embedder import Embedder
from evoflow.settings import ModelSettings
from tests.devices.one_gpu import WAITS, busy_gpu

__all__ = ["busy_gpu"]


@pytest.fixture
def run(tmp_path):
    def run(fasta, model=""):
        named = model if "checkpoint" in model else f"checkpoint: evo-tiny\n{model}"
        (tmp_path / "model.yaml").write_text(named)
        (tmp_path / "x.fasta").write_text(fasta)
        paths = [str(tmp_path / name) for name in ("model.yaml", "x.fasta", "out.safetensors")]
        result = CliRunner().invoke(main, ["embed", *paths[:2], "--output", paths[2]])
        return result, tmp_path / "out.safetensors"

    return run


def test_names_embeddings_and_log_likelihoods(run):
    model = "device: cpu\nembedding: {tokens: all, layer: 2}"
    result, path = run(">b x\nACGTACG\n>a\nAC\nGT\n", model)
    assert result.exit_code == 0, result.output
    assert "evo-tiny ran on cpu in float32" in result.output
    embedder = Embedder.from_settings(ModelSettings(checkpoint="evo-tiny", device="cpu"))
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


def test_several_layers_have_a_tensor_each(run):
    result, path = run(">a\nACGTA\n>b\nACG\n", "embedding: {tokens: mean, layers: [2, logits]}")
    assert result.exit_code == 0, result.output
    with safe_open(path, "numpy") as file:
        assert file.get_tensor("embeddings.2").shape == (2, 1, 128)
        assert file.get_tensor("embeddings.logits").shape == (2, 1, 512)
        assert np.isfinite(file.get_tensor("log_likelihood")).all()
        assert json.loads(file.metadata()["provenance"])["layer"] == [2, "logits"]


def test_sequences_are_embedded_as_they_are_written_whatever_the_strands(run, caplog):
    result, path = run(">a\nACGTA\n", "embedding: {tokens: mean, strands: both}")
    assert result.exit_code == 0, result.output
    assert "model.embedding.strands is for runs" in caplog.text
    with safe_open(path, "numpy") as file:
        assert file.get_tensor("embeddings").shape == (1, 1, 128)


def test_the_file_has_the_mode_that_the_umask_says(run):
    before = os.umask(0o002)
    try:
        _, path = run(">a\nACGTA\n", "embedding: {tokens: mean}")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o664
    assert [beside.name for beside in path.parent.glob(".*")] == []


@pytest.mark.parametrize(
    ("fasta", "model", "problem"),
    [
        (">a\nACGU\n", "", "x.fasta:2: sequence a has 'U'"),
        (">a\nAC\n>b\n", "", "x.fasta:3: sequence b is empty"),
        (">a\nACGT\n", "checkpoint: evo-1-8k-bas", "did you mean 'evo-1-8k-base'"),
        (
            ">a\nACGT\n",
            "embedding: {layer: 9}",
            "evo-tiny: layer 9 needs 9 blocks but",
        ),
        (">a\nACGT\n", "embedding: {tokens: {window: 5}}", "x.fasta:1: sequence a has 4 bases"),
        (">a\n" + "A" * 8193, "", "x.fasta:1: sequence a has 8193 bases; evo-tiny takes 8192"),
        (">a\nACGT\n", "device: cuda:77", "'cuda:77' is not available"),
        (">a\nACGT\n", "revision: main", "evo-tiny is made on the spot"),
    ],
)
def test_what_a_user_gets_wrong_is_one_message(run, fasta, model, problem):
    result, path = run(fasta, model)
    assert result.exit_code == 1
    assert problem in result.output
    assert "Traceback" not in result.output
    assert not list(path.parent.glob("out*"))


def test_beside_a_run_it_waits_for_a_gpu_and_has_it_to_itself(run, busy_gpu):
    loading = busy_gpu.during(embedding, "load_model")
    embedded = busy_gpu.during(Embedder, "stream")
    result, path = run(">a\nACGTA\n", "embedding: {tokens: mean}")
    assert result.exit_code == 0, result.output
    said = [WAITS, "computes on cuda:0 (Fake) after waiting for", "released cuda:0", "are in"]
    places = [result.output.index(line) for line in said]
    assert places == sorted(places)
    assert (loading, embedded) == (["taken"], ["taken"])
    assert path.is_file()

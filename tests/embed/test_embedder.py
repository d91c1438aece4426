"""`Embedder` as its users see it, with `evo-tiny`."""

import shutil
from importlib.metadata import version
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model

from evoflow.embed.embedder import Embedder
from evoflow.embed.evo import EvoConfig, EvoForCausalLM
from evoflow.embed.evo1.modeling import StripedHyena
from evoflow.embed.weights import download
from evoflow.embed.weights.builtin import TINY_SIZES
from evoflow.errors import InputError
from evoflow.settings import ModelSettings, Window


@pytest.fixture(scope="module")
def embedder():
    return Embedder.from_settings(
        ModelSettings(checkpoint="evo-tiny", tokens_per_batch=64, device="cpu")
    )


def test_windows_lie_around_the_allele(embedder):
    sequences = ["ACGTTGCAACGT", "ACGTTGCAACGT", "TTTTACGTNACGTA"]
    every = [
        embedder.embed([s], layer="final", tokens="all", stored_dtype="float32").values[0]
        for s in sequences
    ]
    got = embedder.embed(
        sequences,
        layer="final",
        tokens=Window(window=4),
        offsets=[6, 0, 13],
        stored_dtype="float32",
    )
    for values, whole, start in zip(got.values, every, [4, 0, 10], strict=True):
        np.testing.assert_allclose(values, whole[start : start + 4], atol=1e-5)
    assert got.report.unique_sequences == 2
    assert got.values.shape == (3, 4, 128)


def test_log_likelihood_is_the_mean_over_predicted_bases(embedder):
    sequence = "ACGTAC"
    ids = torch.tensor([[ord(c) for c in sequence]])
    with torch.inference_mode():
        log_probabilities = embedder.model(ids).logits.log_softmax(-1)[0]
    by_hand = [float(log_probabilities[k, ord(sequence[k + 1])]) for k in range(5)]
    got = embedder.embed([sequence, "A"], layer="final", tokens="mean")
    assert got.log_likelihood[0] == pytest.approx(np.mean(by_hand), rel=1e-5)
    assert np.isnan(got.log_likelihood[1])


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft asks transformers by an old name
def test_models_of_transformers_embed_as_well_with_adapters_or_without(embedder):
    def values(model):
        other = Embedder(model, embedder.provenance)
        return other.embed(["ACGTTGCAAC"], layer="final", tokens="all").values

    expected = values(embedder.model)
    model = EvoForCausalLM(EvoConfig(**TINY_SIZES))
    model.load_state_dict(embedder.model.state_dict())
    np.testing.assert_array_equal(values(model), expected)
    adapted = get_peft_model(model, LoraConfig(r=2, target_modules=["l1"]))
    np.testing.assert_allclose(values(adapted), expected, rtol=0.01, atol=0.01)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.ones_(weight)
    assert np.abs(values(adapted) - expected).max() > 0.1


@pytest.mark.parametrize(
    ("sequence", "problem"),
    [
        ("", "sequence 1 is empty"),
        ("ACRT", "sequence 1 has 'R' at base 3"),
        (float("nan"), "sequence 1 is nan, not text"),
        (b"ACGT", "sequence 1 is b'ACGT', not text"),
        ("A" * 8193, "sequence 1 has 8193 bases; evo-tiny takes 8192 at most"),
    ],
)
def test_bad_sequences_are_named(embedder, sequence, problem):
    with pytest.raises(InputError, match=problem):
        embedder.embed(["ACGT", sequence], layer="final", tokens="mean")


def test_a_single_text_is_not_taken_for_a_list_of_bases(embedder):
    with pytest.raises(InputError, match="put it into a list"):
        embedder.embed("ACGT", layer="final", tokens="mean")


class Column(list):
    """Finds by labels that are not positions, as a column of a sorted table does."""

    def __getitem__(self, label):
        return super().__getitem__(-1 - label)


def test_columns_of_a_table_are_taken_by_position_whatever_their_labels(embedder):
    sequences, offsets = ["ACGTTGCAACGT", "TTTTACGTNACG"], [1, 10]

    def embed(sequences, offsets):
        return embedder.embed(
            sequences, layer="final", tokens=Window(window=2), offsets=offsets
        ).values

    got = embed(Column(sequences), Column(offsets))
    np.testing.assert_array_equal(got, embed(sequences, offsets))


def test_provenance_holds_the_commit_and_what_was_decided(monkeypatch, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    golden = Path(__file__).parents[1] / "data" / "evo-tiny-8k-reference"
    fetched = shutil.copytree(golden, tmp_path / commit)
    monkeypatch.setattr(download, "snapshot_download", lambda *_args, **_options: str(fetched))
    settings = ModelSettings(checkpoint="evo-1-8k-base", dtype="bfloat16", device="cpu")
    embedder = Embedder.from_settings(settings)
    got = embedder.embed(["ACGT"], layer=1, tokens="mean").provenance
    assert (got.checkpoint, got.revision) == ("evo-1-8k-base", commit)
    assert (got.layer, got.tokens, got.dtype, got.device) == (1, "mean", "bfloat16", "cpu")
    assert got.versions["torch"] == version("torch")
    local = Embedder.from_settings(settings.model_copy(update={"checkpoint": str(golden)}))
    assert local.provenance.revision is None


def test_results_of_filled_batches_do_not_depend_on_the_shards_to_the_last_bit(monkeypatch):
    torch.set_num_threads(2)  # what one thread adds up has an order anyway
    embedder = Embedder.from_settings(
        ModelSettings(checkpoint="evo-tiny", device="cpu", tokens_per_batch=16 * 150)
    )
    draw = Random(0)
    sequences = ["".join(draw.choices("ACGT", k=150)) for _ in range(24)]
    shapes = set()
    forward = StripedHyena.residual_stream
    monkeypatch.setattr(
        StripedHyena,
        "residual_stream",
        lambda self, ids, blocks: shapes.add(tuple(ids.shape)) or forward(self, ids, blocks),
    )

    def embed(part):
        kept = {"layer": "final", "tokens": "all", "stored_dtype": "float32"}
        got = embedder.embed(part, **kept, filled=True)
        return got.values, got.log_likelihood

    values, log_likelihood = embed(sequences)
    for size in (12, 5):  # of a shard: two and five of them
        parts = [embed(sequences[start : start + size]) for start in range(0, 24, size)]
        assert np.array_equal(np.concatenate([part[0] for part in parts]), values), size
        assert np.array_equal(np.concatenate([part[1] for part in parts]), log_likelihood), size
    assert shapes == {(16, 150)}

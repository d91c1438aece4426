"""However sequences are batched, each gets the same result; what goes wrong is named."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evoflow.embed.embedder import Embedder
from evoflow.embed.evo import EvoConfig, EvoForCausalLM
from evoflow.embed.results import Provenance
from evoflow.errors import InputError

SEQUENCES = st.lists(st.text("ACGTN", min_size=1, max_size=30), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def model():
    config = EvoConfig(
        hidden_size=16, num_layers=3, attn_layer_idxs=[1], num_attention_heads=2, max_seqlen=64
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return EvoForCausalLM(config).eval()


def embedder(model, tokens_per_batch=64):
    provenance = Provenance(
        "small", None, "final", "all", "float32", "cpu", tokens_per_batch, versions={}
    )
    return Embedder(model, provenance)


def alone(model, sequence, layer="final"):
    """What one sequence gets by itself, from the model's own forward pass."""
    ids = torch.tensor([[ord(letter) for letter in sequence]])
    with torch.inference_mode():
        output = model(ids, output_hidden_states=True)
        if layer == "logits":
            return output.logits[0].numpy()
        if layer == "final":
            return model.backbone.finish(output.hidden_states[-1])[0].numpy()
        return output.hidden_states[layer][0].numpy()


@given(SEQUENCES, st.integers(1, 100), st.sampled_from(["final", "logits", 0, 1, 2, 3]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_batching_order_padding_and_duplicates_change_nothing(model, sequences, budget, layer):
    got = embedder(model, budget).embed(
        sequences, layer=layer, tokens="all", stored_dtype="float32"
    )
    assert got.report.unique_sequences == len(set(sequences))
    for sequence, values in zip(sequences, got.values, strict=True):
        expected = alone(model, sequence, layer)
        np.testing.assert_allclose(values[: len(sequence)], expected, rtol=1e-4, atol=1e-5)
        assert not values[len(sequence) :].any()


def test_fewer_blocks_run_for_an_earlier_layer(model, monkeypatch):
    ran = []
    for number, block in enumerate(model.backbone.blocks):
        forward = block.forward
        monkeypatch.setattr(
            block, "forward", lambda *a, f=forward, n=number: (ran.append(n), f(*a))[1]
        )
    got = embedder(model).embed(["ACGT"], layer=2, tokens="mean")
    assert ran == [0, 1]
    assert np.isnan(got.log_likelihood).all()
    got = embedder(model).embed(["ACGT"], layer=3, tokens="mean")
    assert np.isfinite(got.log_likelihood).all()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
@pytest.mark.parametrize("fits", [1, 2, 5])
def test_too_little_memory_halves_the_batch_and_goes_on(model, monkeypatch, error, fits):
    sequences = ["ACGTACGT"[k % 5 :] * 2 + "ACGT"[k % 4 :] for k in range(16)]
    expected = embedder(model).embed(sequences, layer="final", tokens="mean")
    forward, sizes = model.backbone.residual_stream, []

    def limited(ids, *args):
        sizes.append(len(ids))
        if len(ids) > fits:
            raise error
        return forward(ids, *args)

    monkeypatch.setattr(model.backbone, "residual_stream", limited)
    got = embedder(model, 10_000).embed(sequences, layer="final", tokens="mean")
    np.testing.assert_allclose(got.values, expected.values, atol=2e-3)
    assert max(sizes) == got.report.unique_sequences
    assert got.report.halved_batches == sum(size > fits for size in sizes)
    assert got.report.halved_batches <= 5  # what did not fit once is not tried again


@pytest.mark.parametrize("number", [1, 3, 9])
def test_filled_batches_are_halved_too(model, monkeypatch, number):
    sequences = [base * 3 + "ACGTACGTA"[:9] for base in "ACGTACGTA"[:number]]
    sequences = [
        f"{sequence}{'ACGT'[k % 4]}{'ACGT'[k // 4]}" for k, sequence in enumerate(sequences)
    ]
    expected = embedder(model).embed(sequences, layer="final", tokens="mean")
    forward = model.backbone.residual_stream

    def limited(ids, *args):
        if len(ids) > 3:
            raise torch.OutOfMemoryError
        return forward(ids, *args)

    monkeypatch.setattr(model.backbone, "residual_stream", limited)
    got = embedder(model, 8 * 14).embed(sequences, layer="final", tokens="mean", filled=True)
    np.testing.assert_allclose(got.values, expected.values, atol=2e-3)


def test_one_sequence_that_does_not_fit_is_an_error(model, monkeypatch):
    def forward(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(model.backbone, "residual_stream", forward)
    with pytest.raises(InputError, match="too little memory for one sequence of 5 bases"):
        embedder(model).embed(["ACG", "ACGTA"], layer="final", tokens="mean")


def test_other_errors_are_not_hidden(model, monkeypatch):
    def forward(*_):
        raise RuntimeError("something else")

    monkeypatch.setattr(model.backbone, "residual_stream", forward)
    with pytest.raises(RuntimeError, match="something else"):
        embedder(model).embed(["ACG"], layer="final", tokens="mean")


def test_values_that_float16_cannot_hold_are_refused_by_name(model, monkeypatch):
    monkeypatch.setattr(model.backbone, "finish", lambda x: x * 0 + 70_000)
    with pytest.raises(InputError, match=r"sequence 1 \(ACGTA, 5 bases\) .* not finite in float16"):
        embedder(model).embed(["ACG", "ACGTA"], layer="final", tokens="mean")
    got = embedder(model).embed(["ACG"], layer="final", tokens="mean", stored_dtype="float32")
    assert (got.values == 70_000).all()


def test_waste_and_progress_are_reported(model):
    done = []
    got = embedder(model, 20).embed(
        ["ACGTACGTAC", "ACGTACGT", "AC", "AC"],
        layer="final",
        tokens="mean",
        progress=lambda *counts: done.append(counts),
    )
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert got.report.forward_passes == 2
    assert got.report.tokens == 22  # 2 x 10, then 1 x 2
    assert got.report.padding_waste == pytest.approx(2 / 22)
    assert got.report.sequences_per_second > 0
    empty = embedder(model).embed([], layer="final", tokens="mean")
    assert empty.values.shape == (0, 0, 16)
    assert empty.report.padding_waste == 0


@pytest.mark.parametrize("layer", [4, "blocks.3", "blocks.3.mlp.l3"])
def test_a_layer_that_is_not_there(model, layer):
    with pytest.raises(InputError, match=f"small: layer {layer!r} needs 4 blocks but the model ha"):
        embedder(model).embed(["ACG"], layer=layer, tokens="mean")

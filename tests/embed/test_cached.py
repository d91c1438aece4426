"""What a stream looks up is to the last bit what it would have computed."""

import numpy as np
import pytest
import torch

from evoflow.embed.cached import CachedStream, weights_identity
from evoflow.embed.embedder import Embedder
from evoflow.embed.store import parts
from evoflow.embed.store.parts import Background
from evoflow.settings import EmbeddingSettings, ModelSettings, Window

LETTERS = np.array(list("ACGT"))
ALL = EmbeddingSettings(tokens="all", stored_dtype="float32")


@pytest.fixture(scope="module")
def embedder():
    return Embedder.from_settings(ModelSettings(checkpoint="evo-tiny", tokens_per_batch=256))


@pytest.fixture(scope="module")
def sequences():
    random = np.random.default_rng(0)
    return sorted("".join(random.choice(LETTERS, 30)) for _ in range(20))


def looked_up(embedder, location, sequences, wish=ALL, offsets=None, *, stop=None):
    """Results of a cached stream: values by layer, log-likelihoods, rows as they came, use."""
    offsets = [15] * len(sequences) if offsets is None else offsets
    values = [[None] * len(sequences) for _ in wish.stored_layers]
    likelihoods = np.full(len(sequences), np.nan, np.float32)
    order = []
    with Background() as background:
        stream = CachedStream(
            embedder, str(location), sequences, offsets=offsets, wish=wish, background=background
        )
        for result in stream:
            for kept, layer in zip(values, result.values, strict=True):
                kept[result.index] = np.array(layer)
            likelihoods[result.index] = result.log_likelihood
            order.append(result.index)
            if len(order) == stop:
                raise KeyboardInterrupt
    return [np.stack(layer) for layer in values], likelihoods, order, stream


def computed(embedder, sequences, wish=ALL, offsets=None):
    """The same without a cache, layer by layer."""
    offsets = [15] * len(sequences) if offsets is None else offsets
    return [
        embedder.embed(
            sequences,
            layer=layer,
            tokens=wish.tokens,
            offsets=offsets,
            stored_dtype=wish.stored_dtype,
            filled=True,
        )
        for layer in wish.stored_layers
    ]


@pytest.mark.parametrize(
    "wish",
    [
        ALL,
        EmbeddingSettings(layer="logits", tokens="mean"),
        EmbeddingSettings(layer=2, tokens=Window(window=8)),
        EmbeddingSettings(layers=(1, "blocks.2", "logits", "final"), tokens=Window(window=8)),
        EmbeddingSettings(layers=(1, "blocks.2.mlp.l3", "final"), tokens=Window(window=8)),
    ],
)
def test_a_second_run_computes_nothing_and_gives_the_same(embedder, sequences, wish, tmp_path):
    offsets = [k % 30 for k in range(len(sequences))]
    rounding = 2e-3 if "blocks.2.mlp.l3" in wish.layers else 0
    plain = computed(embedder, sequences, wish, offsets)
    first = looked_up(embedder, tmp_path, sequences, wish, offsets)
    second = looked_up(embedder, tmp_path, sequences, wish, offsets)
    for values, likelihoods, _, _ in (first, second):
        for layer, expected in zip(values, plain, strict=True):
            np.testing.assert_allclose(layer, expected.values, rtol=rounding, atol=rounding)
        np.testing.assert_allclose(likelihoods, plain[-1].log_likelihood, rtol=rounding / 100)
    for one, other in zip(first[0], second[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert (first[3].use.hits, first[3].use.misses) == (0, 20)
    assert (second[3].use.hits, second[3].use.misses) == (20, 0)
    assert second[3].use.bytes_read == first[3].use.bytes_written > 0
    assert second[3].work.forward_passes == 0


def test_a_grown_data_set_computes_only_what_is_new_and_keeps_the_order(
    embedder, sequences, tmp_path
):
    looked_up(embedder, tmp_path, sequences[::3])
    values, _, order, stream = looked_up(embedder, tmp_path, sequences)
    assert (stream.use.hits, stream.use.misses) == (7, 13)
    assert order == list(range(20))
    np.testing.assert_array_equal(values[0], computed(embedder, sequences)[0].values)


def test_the_layers_of_one_run_serve_another_that_wants_one_of_them(embedder, sequences, tmp_path):
    both = EmbeddingSettings(layers=("blocks.1", "norm"), tokens="mean")
    looked_up(embedder, tmp_path, sequences, both)
    for layer in (2, "final"):
        wish = EmbeddingSettings(layer=layer, tokens="mean")
        values, likelihoods, _, stream = looked_up(embedder, tmp_path, sequences, wish)
        assert stream.use.misses == 0
        (plain,) = computed(embedder, sequences, wish)
        np.testing.assert_array_equal(values[0], plain.values)
        np.testing.assert_array_equal(likelihoods, plain.log_likelihood)


def test_a_pass_that_looks_at_a_branch_does_not_serve_the_others(embedder, sequences, tmp_path):
    branch = EmbeddingSettings(layers=("blocks.2.mlp.l3", "final"), tokens="mean")
    looked_up(embedder, tmp_path, sequences, branch)
    final = EmbeddingSettings(tokens="mean")
    assert looked_up(embedder, tmp_path, sequences, final)[3].use.misses == 20
    assert looked_up(embedder, tmp_path, sequences, branch)[3].use.misses == 0


def test_equal_reads_with_other_offsets_are_one_mean(embedder, sequences, tmp_path):
    twice = [sequences[0], *sequences[:3]]
    wish = EmbeddingSettings(tokens="mean")
    for hits, misses in ((0, 3), (3, 0)):
        values, _, _, stream = looked_up(embedder, tmp_path, twice, wish, [1, 2, 3, 4])
        assert (stream.use.hits, stream.use.misses) == (hits, misses)
        np.testing.assert_array_equal(values[0][0], values[0][1])


def test_work_is_kept_as_it_is_done(embedder, sequences, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 5 * 30 * 128 * 4)
    with pytest.raises(KeyboardInterrupt):
        looked_up(embedder, tmp_path, sequences, stop=12)
    use = looked_up(embedder, tmp_path, sequences)[3].use
    assert (use.hits, use.misses) == (10, 10)


def test_damaged_entries_are_computed_again_with_one_warning(
    embedder, sequences, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(parts, "PART_BYTES", 5 * 30 * 128 * 4)
    looked_up(embedder, tmp_path, sequences)
    for path in sorted(tmp_path.glob("*/data/*"))[:2]:
        content = bytearray(path.read_bytes())
        content[7] ^= 1
        path.write_bytes(content)
    expected = computed(embedder, sequences)[0].values
    values, _, order, stream = looked_up(embedder, tmp_path, sequences)
    np.testing.assert_array_equal(values[0], expected)
    assert sorted(order) == list(range(20))
    assert (stream.use.hits, stream.use.misses, stream.use.corrupt) == (18, 2, 2)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    caplog.clear()
    again = looked_up(embedder, tmp_path, sequences)
    np.testing.assert_array_equal(again[0][0], expected)
    assert again[3].use.misses == 0


def test_a_place_that_cannot_be_used_costs_the_cache_and_not_the_run(
    embedder, sequences, tmp_path, caplog
):
    (tmp_path / "file").write_text("")
    values, _, _, stream = looked_up(embedder, tmp_path / "file", sequences)
    np.testing.assert_array_equal(values[0], computed(embedder, sequences)[0].values)
    assert "file" in stream.use.problem
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "failure",
    [("GET", 0, 0), ("GET", 2, 0), ("GET", 3, 0), ("PUT", 0, 10)],
    ids=["at once", "after the list", "after the index", "when writing"],
)
def test_a_login_that_runs_out_costs_the_cache_and_not_the_run(
    embedder, sequences, s3, caplog, failure
):
    method, answered, hits = failure
    location = f"s3://lab/runs-out-{method}-{answered}"
    looked_up(embedder, location, sequences[:10])
    s3.method = method
    s3.failures = [None] * answered + [(400, "ExpiredToken")] * 99
    values, _, _, stream = looked_up(embedder, location, sequences)
    np.testing.assert_array_equal(values[0], computed(embedder, sequences)[0].values)
    assert stream.use.hits == hits
    assert "400 ExpiredToken" in stream.use.problem
    ours = [record for record in caplog.records if record.name.startswith("evoflow")]
    assert [record.levelname for record in ours] == ["WARNING"]


def test_weights_without_a_commit_are_known_by_their_values(embedder):
    same = Embedder.from_settings(ModelSettings(checkpoint="evo-tiny"))
    assert weights_identity(same) == weights_identity(embedder)
    with torch.no_grad():
        next(same.model.parameters()).view(-1)[0] += 1
    assert weights_identity(same) != weights_identity(embedder)

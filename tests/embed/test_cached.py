import numpy as np
import pytest
import torch

from evoflow.embed.cached import CachedEmbedder, weights_identity, with_cache
from evoflow.embed.embedder import Embedder
from evoflow.settings import EmbeddingSettings, ModelSettings, Window

LETTERS = np.array(list("ACGT"))


@pytest.fixture(scope="module")
def embedder():
    return Embedder.from_settings(ModelSettings(tokens_per_batch=256))


@pytest.fixture(scope="module")
def sequences():
    random = np.random.default_rng(0)
    return ["".join(random.choice(LETTERS, size)) for size in (30, 30, 41, 30, 35)]


def embed(embedder, sequences, **wish):
    wish = {"layer": "final", "tokens": "all", "stored_dtype": "float32"} | wish
    return embedder.embed(sequences, **wish)


@pytest.mark.parametrize(
    ("layer", "tokens"), [("final", "all"), ("logits", "mean"), (2, Window(window=8))]
)
def test_a_second_run_computes_nothing_and_gives_the_same(
    embedder, sequences, layer, tokens, tmp_path
):
    offsets = [3, 29, 20, 3, 0]
    wish = {"layer": layer, "tokens": tokens, "offsets": offsets}
    plain = embed(embedder, sequences, **wish)
    use = []
    for _ in range(2):
        found = embed(with_cache(embedder, str(tmp_path)), sequences, **wish)
        np.testing.assert_array_equal(found.values, plain.values)
        np.testing.assert_array_equal(found.log_likelihood, plain.log_likelihood)
        assert found.provenance == plain.provenance
        use.append(found.report.cache)
    assert (use[0].hits, use[0].misses) == (0, 5)
    assert (use[1].hits, use[1].misses) == (5, 0)
    assert use[1].bytes_read == use[0].bytes_written > 0
    assert found.report.forward_passes == 0


def test_a_grown_data_set_computes_only_what_is_new(embedder, sequences, tmp_path):
    embed(CachedEmbedder(embedder, str(tmp_path)), sequences[:3])
    grown = CachedEmbedder(embedder, str(tmp_path))
    seen = []
    found = embed(grown, [*sequences, sequences[4]], progress=lambda *done: seen.append(done))
    use = found.report.cache
    assert (use.hits, use.misses) == (3, 2)
    assert seen[-1] == (6, 6)
    np.testing.assert_array_equal(found.values[5], found.values[4])
    plain = embed(embedder, [*sequences, sequences[4]])
    np.testing.assert_allclose(found.values, plain.values, atol=1e-5)


def test_work_is_kept_as_it_is_done(embedder, sequences, tmp_path, monkeypatch):
    monkeypatch.setattr("evoflow.embed.cached.SEGMENT_BYTES", 1)

    def lose_the_machine(done, _total):
        if done == 3:
            raise KeyboardInterrupt

    interrupted = CachedEmbedder(embedder, str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        embed(interrupted, sequences, progress=lose_the_machine)
    again = CachedEmbedder(embedder, str(tmp_path))
    use = embed(again, sequences).report.cache
    assert (use.hits, use.misses) == (2, 3)


def test_weights_without_a_commit_are_known_by_their_values(embedder):
    same = Embedder.from_settings(ModelSettings())
    assert weights_identity(same) == weights_identity(embedder)
    with torch.no_grad():
        next(same.model.parameters()).view(-1)[0] += 1
    assert weights_identity(same) != weights_identity(embedder)


def test_settings_reach_the_store(embedder, sequences, tmp_path):
    wish = EmbeddingSettings(tokens="mean")
    for dtype in ("float16", "float32"):
        cached = CachedEmbedder(embedder, str(tmp_path))
        found = embed(cached, sequences, tokens=wish.tokens, stored_dtype=dtype)
        assert found.values.dtype == dtype
        assert found.report.cache.misses == 5


def test_without_a_location_nothing_is_cached(embedder, sequences):
    assert with_cache(embedder, None) is embedder
    assert embed(embedder, sequences).report.cache is None

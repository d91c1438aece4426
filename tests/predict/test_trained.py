import json
import stat
from dataclasses import replace

import numpy as np
import pytest

from evoflow.embed.results import Provenance
from evoflow.errors import InputError
from evoflow.predict.trained import CONFIG, WEIGHTS, TrainedHead
from evoflow.settings import ModelSettings


def test_a_head_comes_back_from_its_folder_as_it_was(trained, tmp_path):
    trained.save(tmp_path / "head")
    loaded = TrainedHead.load(tmp_path / "head")
    assert loaded.head.config == trained.head.config
    assert (loaded.checkpoint, loaded.revision) == ("evo-tiny", None)
    assert (loaded.embedding, loaded.read_length) == (trained.embedding, 40)
    assert loaded.head.weights.keys() == trained.head.weights.keys()
    for name, array in trained.head.weights.items():
        np.testing.assert_array_equal(loaded.head.weights[name], array)


def test_the_weights_may_be_read_by_others(trained, tmp_path):
    trained.save(tmp_path)
    mode = stat.S_IMODE((tmp_path / WEIGHTS).stat().st_mode)
    assert mode == stat.S_IMODE((tmp_path / CONFIG).stat().st_mode)


@pytest.mark.parametrize("lost", [CONFIG, WEIGHTS])
def test_a_missing_file_is_named(trained, tmp_path, lost):
    trained.save(tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(InputError, match=lost):
        TrainedHead.load(tmp_path)


def test_weights_cut_short_are_an_input_error(trained, tmp_path):
    trained.save(tmp_path)
    weights = tmp_path / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(InputError, match="is not a head"):
        TrainedHead.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "its format is 99"),
        ({"head": {"width": 3}}, "is not a head"),
        ({"wieghts": "x"}, "unknown keys: wieghts"),
        ({"embedding": {"layer": "middle"}}, "is not a head"),
    ],
)
def test_a_config_that_was_changed_is_refused(trained, tmp_path, change, message):
    trained.save(tmp_path)
    config = json.loads((tmp_path / CONFIG).read_text())
    (tmp_path / CONFIG).write_text(json.dumps(config | change))
    with pytest.raises(InputError, match=message):
        TrainedHead.load(tmp_path)


def test_without_a_wish_the_model_is_that_of_the_training(trained):
    model = trained.model_settings(None)
    assert (model.checkpoint, model.embedding) == ("evo-tiny", trained.embedding)


def test_a_wish_may_change_how_fast_but_not_what_is_embedded(trained):
    asked = ModelSettings(
        checkpoint="evo-tiny", device="cpu", tokens_per_batch=64, embedding=trained.embedding
    )
    assert trained.model_settings(asked).tokens_per_batch == 64
    other = ModelSettings(checkpoint="evo-1-8k-base", embedding={"layer": 2, "tokens": "mean"})
    with pytest.raises(InputError) as error:
        trained.model_settings(other)
    problems = "\n".join(error.value.problems)
    for name in ("checkpoint is evo-1-8k-base", "embedding.layer is 2", "embedding.tokens is mean"):
        assert name in problems


@pytest.mark.parametrize(
    ("layer", "given"),
    [
        ("final", {"layer": "norm"}),
        ("final", {"layers": [1, "norm"]}),
        (3, {"layer": "blocks.2"}),
        (2, {"strands": "forward"}),
        (2, {}),
    ],
)
def test_settings_that_mean_what_the_head_has_are_taken(trained, layer, given):
    """Under another name, beside other layers, or by leaving them out."""
    head = replace(trained, embedding=trained.embedding.of(layer))
    asked = ModelSettings(checkpoint="evo-tiny", embedding=given)
    assert head.model_settings(asked).embedding == head.embedding


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"embedding": {"layers": [1, 2]}}, "model.embedding.layers is (1, 2), the head was trai"),
        ({"embedding": {"strands": "both"}}, "trained with forward: set it to that, or leave it"),
        ({"embedding": {"stored_dtype": "float32"}}, "model.embedding.stored_dtype is float32"),
        ({"revision": "b" * 40}, f"model.revision is {'b' * 40}, the head was trained with aaaa"),
        ({"target": "pathogenicity"}, "model.target is pathogenicity, the head was trained with i"),
        ({"checkpoint": "evo-1-131k-base"}, "model.checkpoint is evo-1-131k-base"),
    ],
)
def test_what_would_give_other_scores_is_refused(trained, asked, told):
    head = replace(trained, checkpoint="evo-1-8k-base", revision="a" * 40)
    same = ModelSettings(checkpoint="togethercomputer/evo-1-8k-base", revision="1.1_fix")
    model = head.model_settings(same)
    assert (model.checkpoint, model.revision) == (head.checkpoint, head.revision)
    with pytest.raises(InputError) as error:
        head.model_settings(ModelSettings(**asked))
    (problem,) = error.value.problems
    assert told in problem


def test_a_folder_may_have_moved_where_its_weights_can_be_compared(trained, tmp_path):
    head = replace(trained, checkpoint="/gone", weights="aaaa")
    asked = ModelSettings(checkpoint=str(tmp_path))
    assert head.model_settings(asked).checkpoint == str(tmp_path)
    with pytest.raises(InputError, match="trained with /gone"):
        replace(head, weights=None).model_settings(asked)


def test_another_dtype_than_the_trainings_is_told(trained, tmp_path, caplog):
    head = replace(trained, weights="aaaa", dtype="bfloat16")
    head.save(tmp_path)
    TrainedHead.load(tmp_path).require_model(MADE, 128)
    assert "trained on embeddings in bfloat16, these are computed in float32" in caplog.text
    caplog.clear()
    head.require_model(replace(MADE, dtype="bfloat16"), 128)
    assert not caplog.text


def test_another_read_length_is_refused_with_the_mend(trained):
    with pytest.raises(InputError, match="set read_length: 40"):
        trained.require_read_length(150)


def test_a_context_is_the_trainings(trained, tmp_path):
    trained.require_context(None)
    with pytest.raises(InputError, match="context is 400, the head was trained without one: leave"):
        trained.require_context(400)
    replace(trained, context=8192).save(tmp_path)
    loaded = TrainedHead.load(tmp_path)
    loaded.require_context(None)
    loaded.require_context(8192)
    with pytest.raises(InputError, match="was trained with 8192 bases: set context: 8192"):
        loaded.require_context(400)


MADE = Provenance("ck", None, "final", "mean", "float32", "cpu", 64, {}, weights="aaaa")


def test_other_weights_under_the_same_name_are_refused(trained, caplog):
    same, other = (replace(trained, weights=weights) for weights in ("aaaa", "bbbb"))
    same.require_model(MADE, 128)
    with pytest.raises(InputError, match=r"ck: its weights are aaaa, .* with bbbb: put back the"):
        other.require_model(MADE, 128)
    with pytest.raises(InputError, match="they come with evoflow and have changed since then"):
        other.require_model(replace(MADE, checkpoint="evo-demo"), 128)
    with pytest.raises(InputError, match="takes 128 values per token, layer final of ck gives 64"):
        same.require_model(MADE, 64)
    assert not caplog.text
    trained.require_model(MADE, 128)
    assert "cannot check whether" in caplog.text

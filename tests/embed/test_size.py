import pytest

from evoflow.embed.embedder import Embedder
from evoflow.embed.size import bytes_per_sequence
from evoflow.errors import InputError
from evoflow.settings import EmbeddingSettings, ModelSettings, Window


@pytest.mark.parametrize("layer", ["final", "logits", 1])
@pytest.mark.parametrize("tokens", ["all", "mean", Window(window=8)])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_the_bytes_are_those_of_the_array_that_is_made(layer, tokens, dtype):
    wish = EmbeddingSettings(layer=layer, tokens=tokens, stored_dtype=dtype)
    model = ModelSettings(embedding=wish)
    embedded = Embedder.from_settings(model).embed(
        ["ACGTN" * 6], layer=layer, tokens=tokens, stored_dtype=dtype
    )
    assert bytes_per_sequence(model, 30) == embedded.values.nbytes


def test_several_layers_add_up():
    def size(**wish):
        model = ModelSettings(checkpoint="evo-tiny", embedding={"tokens": "mean", **wish})
        return bytes_per_sequence(model, 30)

    assert size(layers=(1, "final", "logits")) == 2 * size(layer=1) + size(layer="logits")


def test_a_window_wider_than_the_sequence_is_an_error():
    with pytest.raises(InputError, match="fewer than the window"):
        bytes_per_sequence(ModelSettings(embedding=EmbeddingSettings()), 30)


def test_a_folder_is_enough(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "stripedhyena"}')
    model = ModelSettings(checkpoint=str(tmp_path), embedding=EmbeddingSettings(tokens="mean"))
    assert bytes_per_sequence(model, 150) == 4096 * 2

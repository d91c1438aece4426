"""Models that come with the package are found without torch or a network."""

from evoflow.embed.weights.builtin import SHIPPED, TINY, TINY_SIZES, builtin_sizes, shipped_folder


def test_each_shipped_checkpoint_is_in_the_package():
    for name in SHIPPED:
        folder = shipped_folder(name)
        assert list(folder.glob("*.safetensors")), name
        sizes = builtin_sizes(name)
        assert sizes["hidden_size"] % sizes["num_attention_heads"] == 0
        assert max(sizes["attn_layer_idxs"]) < sizes["num_layers"]


def test_other_names_are_not_ours():
    assert builtin_sizes(TINY) == TINY_SIZES
    assert builtin_sizes("evo-1-8k-base") is None

"""Models that come with the package are found without torch or a network."""

import json

from evoflow.embed.weights.builtin import SHIPPED, TINY, builtin_config, shipped_folder


def test_each_shipped_checkpoint_is_in_the_package():
    for name in SHIPPED:
        folder = shipped_folder(name)
        assert list(folder.glob("*.safetensors")), name
        config = builtin_config(name)
        assert config.to_dict() == json.loads((folder / "config.json").read_text())


def test_other_names_are_not_ours():
    assert builtin_config(TINY).num_layers == 4
    assert builtin_config("evo-1-8k-base") is None

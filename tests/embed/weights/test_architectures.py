"""Which model a configuration describes."""

import json

import pytest

from evoflow.embed.evo import Evo2Config
from evoflow.embed.evo1.modeling import Evo
from evoflow.embed.evo2.modeling import Evo2
from evoflow.embed.hyena.checkpoint import Checkpoint
from evoflow.embed.weights.architectures import model_of, read_config
from evoflow.errors import InputError
from tests.conftest import ROOT


def test_the_model_type_decides(tmp_path):
    config = read_config(Checkpoint(ROOT / "tests" / "data" / "evo-tiny-8k-reference"))
    assert model_of(config) is Evo
    assert model_of(Evo2Config()) is Evo2  # also as transformers has it
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(InputError, match="model_type 'gpt2' is not Evo's"):
        read_config(Checkpoint(tmp_path))

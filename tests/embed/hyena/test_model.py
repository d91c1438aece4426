"""A model of torch alone is the same as transformers' of its name."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from evoflow.embed.evo import Evo2ForCausalLM, EvoForCausalLM, model_of, read_config
from evoflow.embed.evo2.convert import convert_checkpoint
from evoflow.embed.hyena.checkpoint import Checkpoint
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data"
CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=[EvoForCausalLM, Evo2ForCausalLM])
def whole(request, tmp_path_factory):
    folder = DATA / "evo-tiny-8k-reference"
    if request.param is Evo2ForCausalLM:
        made = tmp_path_factory.mktemp("evo2") / "made"
        folder = convert_checkpoint(DATA / "evo2-tiny-8k-reference", made).folder
    return request.param.from_pretrained(folder, dtype=torch.float32)


@pytest.fixture(scope="module")
def alone(whole):
    checkpoint = Checkpoint(Path(whole.config.name_or_path))
    config = read_config(checkpoint)
    return model_of(config).load(checkpoint, config, dtype=torch.float32, device=CPU)


@torch.no_grad()
def test_it_computes_the_same_to_the_last_bit(alone, whole):
    ids = torch.tensor([[65, 67, 71, 84, 78], [84, 84, 67, 67, 65]])
    layers = [0, 2, "blocks.1.mlp.l3", "final", "logits"]
    expected = whole.outputs(ids, layers)
    found = alone.outputs(ids, layers)
    assert all(torch.equal(found[layer], expected[layer]) for layer in layers)
    assert torch.equal(alone(ids).logits, whole(ids).logits)
    assert [alone.width(layer) for layer in layers] == [whole.width(layer) for layer in layers]


def test_it_has_the_same_weights_under_the_same_names(alone, whole):
    assert list(alone.state_dict()) == list(whole.state_dict())
    assert alone.weights_identity == whole.weights_identity
    assert (alone.device, alone.dtype, alone.training) == (CPU, torch.float32, False)


def test_random_weights_are_those_that_transformers_draws(alone, whole):
    torch.manual_seed(7)
    expected = type(whole)(whole.config).state_dict()
    torch.manual_seed(7)
    model = type(alone)(alone.config)
    model.draw_weights()
    assert all(torch.equal(weight, expected[name]) for name, weight in model.state_dict().items())


@pytest.mark.slow
def test_embedding_needs_no_transformers_and_no_compiler():
    program = (
        "import sys\n"
        "from evoflow.embed.embedder import Embedder\n"
        "from evoflow.embed.evo2.modeling import Evo2\n"
        "from evoflow.embed.evo2.sizes import Evo2Sizes\n"
        "from evoflow.settings import ModelSettings\n"
        "settings = ModelSettings(checkpoint='evo-demo', device='cpu')\n"
        "Embedder.from_settings(settings).embed(['ACGT'], layer='final', tokens='mean')\n"
        "Evo2.without_weights(Evo2Sizes())\n"
        "print({'transformers', 'torch._dynamo', 'accelerate', 'sympy'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"

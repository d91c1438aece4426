"""The model without logits."""

import torch
from transformers import AutoModel

from evoflow.embed.evo import EvoForCausalLM
from evoflow.embed.hyena.last_states import LastStates
from tests.conftest import ROOT

FOLDER = ROOT / "tests" / "data" / "evo-tiny-8k-reference"


@torch.no_grad()
def test_its_result_is_what_the_last_norm_of_the_whole_model_gives():
    states = AutoModel.from_pretrained(FOLDER, dtype=torch.float32)
    whole = EvoForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)
    assert isinstance(states, LastStates)
    ids = torch.tensor([[65, 67, 71, 84]])
    found = states(ids, output_hidden_states=True)
    assert torch.equal(found.last_hidden_state, whole.outputs(ids, ["final"])["final"])
    assert len(found.hidden_states) == whole.config.num_layers + 1
    assert states(ids, return_dict=False)[0].shape == (1, 4, whole.config.hidden_size)

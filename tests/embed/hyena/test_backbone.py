"""The way through a model, block by block."""

import pytest
import torch

from evoflow.embed.evo import Evo2Config, Evo2ForCausalLM
from evoflow.errors import InputError

SIZES = {
    "hidden_size": 16,
    "num_layers": 3,
    "attn_layer_idxs": [1],
    "hcs_layer_idxs": [0],
    "hcm_layer_idxs": [],
    "hcl_layer_idxs": [2],
    "hcs_filter_groups": 4,
    "hcm_filter_groups": 4,
    "num_attention_heads": 2,
    "inner_mlp_size": 32,
}
IDS = torch.tensor([[65, 67, 71, 84]])


@torch.no_grad()
def test_the_stream_starts_with_the_embedding_and_stops_where_it_is_told():
    model = Evo2ForCausalLM(Evo2Config(**SIZES)).eval()
    states = list(model.residual_stream(IDS, 2))
    assert len(states) == 3
    assert torch.equal(states[0], model.embedding_layer(IDS))
    x = states[0]
    for block, state in zip(model.blocks[:2], states[1:], strict=True):
        x = block(x)
        torch.testing.assert_close(state, x)
    assert len(list(model.residual_stream(IDS))) == 4


@torch.no_grad()
def test_logits_come_from_the_embedding_unless_it_is_not_tied():
    tied = Evo2ForCausalLM(Evo2Config(**SIZES)).eval()
    final = torch.randn(1, 4, 16)
    torch.testing.assert_close(tied.backbone.logits(final), final @ tied.embedding_layer.weight.T)
    own = Evo2ForCausalLM(Evo2Config(**SIZES, tie_embeddings=False)).eval()
    torch.testing.assert_close(own.backbone.logits(final), final @ own.unembed.weight.T)


@torch.no_grad()
def test_without_a_last_norm_the_stream_is_the_last_state():
    model = Evo2ForCausalLM(Evo2Config(**SIZES, final_norm=False)).eval()
    found = model.outputs(IDS, [3, "norm"])
    assert torch.equal(found[3], found["norm"])


@pytest.mark.parametrize("ids", [IDS[0], IDS[:, :0], IDS[:0], IDS[None]])
def test_ids_of_another_shape_are_refused(ids):
    model = Evo2ForCausalLM(Evo2Config(**SIZES)).eval()
    with pytest.raises(InputError, match=r"shape \(.*\) is not that of \(batch, length\)"):
        model.outputs(ids, ["final"])

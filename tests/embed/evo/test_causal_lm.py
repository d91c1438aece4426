"""What transformers does with its models works with these."""

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer, pipeline

from evoflow.embed.evo import EvoForCausalLM
from evoflow.embed.evo.causal_lm import LastStates
from evoflow.embed.evo2.convert import convert_checkpoint
from evoflow.errors import InputError
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data"


@pytest.fixture(scope="module", params=["evo1", "evo2"])
def folder(request, tmp_path_factory):
    if request.param == "evo1":
        return DATA / "evo-tiny-8k-reference"
    made = tmp_path_factory.mktemp("evo2") / "made"
    return convert_checkpoint(DATA / "evo2-tiny-8k-reference", made).folder


@pytest.fixture(scope="module")
def model(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@torch.no_grad()
def test_greedy_generation_takes_the_likeliest_token_each_time(folder, model):
    prompt = AutoTokenizer.from_pretrained(folder)(["ACGTAC", "GGGTTT"], return_tensors="pt")
    expected = prompt["input_ids"]
    for _ in range(4):
        expected = torch.cat([expected, model(expected).logits[:, -1:].argmax(-1)], 1)
    got = model.generate(**prompt, max_new_tokens=4, do_sample=False, eos_token_id=None)
    assert torch.equal(got, expected)


def test_sampled_generation_depends_on_the_seed_alone(model):
    def sample(seed):
        torch.manual_seed(seed)
        return model.generate(
            torch.tensor([[65, 67]]), max_new_tokens=9, do_sample=True, temperature=9.0
        ).tolist()

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)


def test_padded_prompts_are_refused(folder, model):
    prompt = AutoTokenizer.from_pretrained(folder)(["ACG", "A"], padding=True, return_tensors="pt")
    with pytest.raises(InputError, match="prompts of one batch must be of one length"):
        model.generate(**prompt, max_new_tokens=2)


@torch.no_grad()
def test_the_pipeline_for_features_gives_the_last_states(folder, model):
    features = pipeline("feature-extraction", model=str(folder), dtype=torch.float32)
    got = features("acgtACGT", return_tensors=True)
    ids = torch.tensor([[ord(letter) for letter in "ACGTACGT"]])
    torch.testing.assert_close(got, model.outputs(ids, ["final"])["final"], atol=1e-4, rtol=1e-4)
    states = AutoModel.from_pretrained(folder, dtype=torch.float32)(ids)
    torch.testing.assert_close(states.last_hidden_state, got, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_loss_leaves_out_what_is_marked(model):
    ids = torch.tensor([[65, 67, 71, 84, 1], [84, 84, 67, 67, 65]])
    labels = ids.masked_fill(ids == 1, -100)
    logits = model(ids).logits
    each = [F.cross_entropy(logits[0, k], ids[0, k + 1]) for k in range(3)]
    each += [F.cross_entropy(logits[1, k], ids[1, k + 1]) for k in range(4)]
    torch.testing.assert_close(model(ids, labels=labels).loss, torch.stack(each).mean())


@torch.no_grad()
def test_embeddings_may_stand_in_place_of_tokens(model):
    ids = torch.tensor([[65, 67, 71, 84, 78], [84, 84, 67, 67, 65]])
    embedded = model.get_input_embeddings()(ids)
    torch.testing.assert_close(
        model(inputs_embeds=embedded).logits, model(ids).logits, atol=1e-4, rtol=1e-4
    )
    with pytest.raises(InputError, match="attention weights are never formed"):
        model(ids, output_attentions=True)


@torch.no_grad()
def test_the_model_without_logits_gives_what_the_last_norm_of_the_whole_model_gives():
    states = AutoModel.from_pretrained(DATA / "evo-tiny-8k-reference", dtype=torch.float32)
    whole = EvoForCausalLM.from_pretrained(DATA / "evo-tiny-8k-reference", dtype=torch.float32)
    assert isinstance(states, LastStates)
    ids = torch.tensor([[65, 67, 71, 84]])
    found = states(ids, output_hidden_states=True)
    assert torch.equal(found.last_hidden_state, whole.outputs(ids, ["final"])["final"])
    assert len(found.hidden_states) == whole.config.num_layers + 1
    assert states(ids, return_dict=False)[0].shape == (1, 4, whole.config.hidden_size)

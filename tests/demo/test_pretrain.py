"""What evo-demo is trained on, and that training teaches it."""

from functools import cache

import numpy as np
import pytest
import torch
from numpy.random import default_rng

from evoflow.demo import pretrain
from evoflow.demo.genes import make_genome
from evoflow.dna import reverse_complement
from evoflow.embed.evo import EvoForCausalLM


@pytest.fixture(scope="module", autouse=True)
def genomes_made_once():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pretrain, "genome_bases", cache(pretrain.genome_bases))
        patched.setattr(pretrain, "HELD_OUT", 1)
        yield


def test_no_demo_draws_a_genome_of_the_pretraining_stream():
    bases = pretrain.genome_bases(0).tobytes().decode()
    for seed in (0, 1, pretrain.STREAM):
        demo = "".join(make_genome(default_rng(seed)).sequences.values())
        assert demo[:1000] not in bases
        assert bases[:1000] not in demo


def test_windows_come_from_both_strands():
    bases = pretrain.genome_bases(0)
    forward = bases.tobytes().decode()
    drawn = pretrain.windows(bases, 100, 64, default_rng(0))
    assert drawn.shape == (100, 64)
    text = [window.tobytes().decode() for window in drawn]
    as_is = sum(window in forward for window in text)
    turned = sum(reverse_complement(window) in forward for window in text)
    assert as_is + turned == 100
    assert 30 < as_is < 70


def test_a_few_steps_learn_more_than_the_bases_shares():
    recipe = pretrain.Recipe(genomes=1, steps=40, batch_size=8, length=32)
    model, loss = pretrain.pretrain(recipe, torch.device("cpu"))
    share = np.bincount(pretrain.genome_bases(1), minlength=256)[list(b"ACGT")]
    share = (share + share[::-1]) / (2 * share.sum())  # of both strands
    entropy = -(share * np.log(share)).sum()
    assert loss < entropy
    assert not model.training


@pytest.mark.parametrize("share", [0.5, 1])
def test_the_shipped_model_knows_the_demos_dna_at_every_length_that_it_takes(share):
    model = EvoForCausalLM.from_pretrained("evo-demo", dtype="float32")
    bases = pretrain.genome_bases(999)
    length = int(share * model.config.max_seqlen)
    with torch.inference_mode():
        ids = torch.from_numpy(pretrain.windows(bases, 64, length, default_rng(0))).long()
        loss = float(pretrain.next_base_loss(model, ids))
    assert loss < 1.25  # nats per base; equal shares of four bases have 1.386

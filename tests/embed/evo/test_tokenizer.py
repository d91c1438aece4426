"""Tokens as transformers wants them."""

import pytest
import torch
from transformers import AutoTokenizer

import evoflow.embed.evo  # noqa: F401 - registers the tokenizer
from evoflow.embed.evo.tokenizer import EvoTokenizer
from evoflow.embed.hyena.tokens import encode
from tests.conftest import ROOT


@pytest.fixture
def tokenizer():
    return AutoTokenizer.from_pretrained(ROOT / "tests" / "data" / "evo-tiny-8k-reference")


def test_transformers_finds_the_same_tokens(tokenizer):
    assert isinstance(tokenizer, EvoTokenizer)
    got = tokenizer(["acgTN", "A"], padding=True, return_tensors="pt")
    assert torch.equal(got["input_ids"], torch.from_numpy(encode(["acgTN", "A"])).long())
    assert got["attention_mask"].tolist() == [[1] * 5, [1, 0, 0, 0, 0]]
    assert (tokenizer.eos_token_id, tokenizer.pad_token_id) == (0, 1)
    assert tokenizer.decode([65, 67, 71, 1, 0], skip_special_tokens=True) == "ACG"


def test_it_is_saved_and_found_again(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    assert EvoTokenizer.from_pretrained(tmp_path)("ACGT")["input_ids"] == [65, 67, 71, 84]

"""Tokens, also as transformers wants them."""

import pytest
import torch
from transformers import AutoTokenizer

from evoflow.embed.hyena.tokenizer import EvoTokenizer, encode
from tests.conftest import ROOT


def test_letters_are_their_bytes_in_upper_case_padded_on_the_right():
    assert encode(["acgTN", "A"]).tolist() == [[65, 67, 71, 84, 78], [65, 1, 1, 1, 1]]


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

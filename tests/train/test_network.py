"""The head's projection and its expected score against their formulas."""

import pytest
import torch

from evoflow.train import network
from evoflow.train.head import HeadConfig


@pytest.mark.parametrize("tokens", [1, 6])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("part", [1, 150, 2**20])
def test_projection_and_its_gradient_are_those_of_the_formula(monkeypatch, tokens, dtype, part):
    monkeypatch.setattr(network, "PART", part)
    head = network.ConvolutionalHead(HeadConfig(24, 8, 3, 1, 0.0))
    head.centre, head.scale = torch.randn(48), torch.rand(48) + 0.5
    read, window = (torch.randn(7, tokens, 24).to(dtype) for _ in range(2))
    towards = torch.randn(7, tokens, 8)

    def gradients(projected):
        head.zero_grad()
        (projected * towards).sum().backward()
        return [each.grad.clone() for each in head.project.parameters()]

    found = head._project(read, window)
    got = gradients(found)
    paired = torch.cat([read.float(), read.float() - window.float()], dim=-1)
    expected = head.project((paired - head.centre) * head.scale)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    for one, other in zip(got, gradients(expected), strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-4)


def test_expected_score_by_hand():
    head = network.ConvolutionalHead(HeadConfig(4, 2, 3, 1, 0.0))
    never, always, even = -100.0, 100.0, 0.0
    logits = torch.tensor(
        [[never] * 4, [always] * 4, [always, always, even, never], [always, even, never, never]]
    )
    expected = [0.0, 10.0, 1 + 1 + 3 / 2, 1 + 1 / 2]
    torch.testing.assert_close(head.expected(logits), torch.tensor(expected))


def test_a_score_reaches_the_levels_that_it_is_nearer_to_than_to_those_below():
    head = network.ConvolutionalHead(HeadConfig(4, 2, 3, 1, 0.0, levels=(-1.0, 0.0, 4.0)))
    reached = head.reached(torch.tensor([-1.0, -0.4, 0.0, 3.0, 9.0]))
    assert reached.tolist() == [[0, 0], [1, 0], [1, 0], [1, 1], [1, 1]]
    assert head.readout[-1].out_features == 2
    nothing = torch.full((1, 2), -100.0)
    torch.testing.assert_close(head.expected(nothing), torch.tensor([-1.0]))

"""Each kernel against its plain namesake; on a GPU, or anywhere with TRITON_INTERPRET=1."""

import os

import pytest
import torch

from evoflow.embed.hyena import operations

pytest.importorskip("triton")
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
pytestmark = pytest.mark.skipif(
    not (torch.cuda.is_available() or INTERPRETED), reason="no GPU is present"
)
DEVICE = "cpu" if INTERPRETED else "cuda"


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=str)
def draw(request):
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(shape, generator=generator).to(DEVICE, request.param)

    return draw


def close(got, expected):
    tolerance = 3e-2 if got.dtype == torch.bfloat16 else 1e-4
    torch.testing.assert_close(got.float(), expected, atol=tolerance, rtol=tolerance)


def wide(*tensors):
    """In float32, in which the expected values are computed."""
    return tuple(None if tensor is None else tensor.float() for tensor in tensors)


def test_norms(draw):
    from evoflow.embed.hyena import kernels

    x, delta, scale = draw(3, 5, 96), draw(3, 5, 96), draw(96)
    close(kernels.rms_norm(x, scale, 1e-6), operations.rms_norm(*wide(x, scale), 1e-6))
    flipped = x.transpose(0, 1)
    close(kernels.rms_norm(flipped, scale, 1e-6), operations.rms_norm(*wide(flipped, scale), 1e-6))
    got = kernels.add_rms_norm(x, delta, scale, 1e-6)
    for one, other in zip(got, operations.add_rms_norm(*wide(x, delta, scale), 1e-6), strict=True):
        close(one, other)


@pytest.mark.parametrize("activation", ["gelu", "identity"])
def test_gate(draw, activation):
    from evoflow.embed.hyena import kernels

    gate, x = draw(7, 333), draw(7, 333)
    close(kernels.gate(gate, x, activation), operations.gate(*wide(gate, x), activation))


@pytest.mark.parametrize("length", [1, 2, 150])
@pytest.mark.parametrize("batch", [1, 9, 16])
@pytest.mark.parametrize(("biases", "heads"), [("both", 2), ("of z", 2), ("none", 8)])
def test_hyena_gates(draw, length, batch, biases, heads):
    from evoflow.embed.hyena import kernels

    z, weight = draw(24, length, batch), draw(24, 1, 3)
    bias, shift = None if biases == "none" else draw(24), draw(24) if biases == "both" else None
    x2, w = kernels.hyena_gates(z, bias, weight, shift, heads)
    expected = operations.hyena_gates(*wide(z, bias, weight, shift), heads)
    close(x2, expected[0])
    close(w[:, :length], expected[1])
    assert w.shape[1] % 8 == 0
    assert not w[:, length:].any()


@pytest.mark.parametrize("taps", [1, 7, 128])
@pytest.mark.parametrize("length", [1, 2, 150])
@pytest.mark.parametrize("batch", [1, 9, 16])
def test_gated_convolution(draw, taps, length, batch):
    from evoflow.embed.hyena import kernels

    w, filters, x2 = draw(12, length + 3, batch), draw(4, taps) / taps, draw(12, length, batch)
    expected = operations.gated_convolution(*wide(w, filters, x2))
    close(kernels.gated_convolution(w, filters, x2), expected)


@pytest.mark.parametrize(("heads", "size"), [(4, 8), (3, 20)])
@pytest.mark.parametrize("kinds", [2, 3], ids=["kinds first", "heads first"])
@pytest.mark.parametrize("batch_first", [True, False])
def test_rotate(draw, heads, size, kinds, batch_first):
    from evoflow.embed.hyena import kernels

    qkv, angles = draw(5, 3, 3, heads, size), draw(5, size // 2).float()
    if kinds == 3:
        qkv = qkv.transpose(2, 3).contiguous().transpose(2, 3)
    if batch_first:
        qkv = qkv.transpose(0, 1).contiguous().transpose(0, 1)
    expected = operations.rotate(qkv[:, :, :2].float(), angles.cos(), angles.sin())
    values = qkv[:, :, 2].clone()
    close(kernels.rotate(qkv[:, :, :2], angles.cos(), angles.sin()), expected)
    assert torch.equal(qkv[:, :, 2], values)


@pytest.mark.parametrize("activation", ["gelu", "identity"])
def test_add_gated_mlp(draw, activation):
    from evoflow.embed.hyena import kernels

    x, u, l1, l2, l3 = draw(5, 3, 16), draw(5, 3, 16), draw(48, 16), draw(48, 16), draw(16, 48)
    l3 = l3 / 50
    expected = operations.add_gated_mlp(*wide(x, u), wide(l1, l2, l3), activation)
    got = kernels.add_gated_mlp(x, u, (l1, l2, l3), activation)
    torch.testing.assert_close(got.float(), expected, atol=5e-2, rtol=5e-2)

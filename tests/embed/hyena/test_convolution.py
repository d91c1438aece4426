"""Filters and both convolutions against sums written out."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evoflow.embed.hyena.convolution import (
    FilterCache,
    complex_modal_filter,
    fft_convolve,
    fft_size,
    triangular_matrices,
)


def test_filter_against_powers_in_float64():
    generator = np.random.default_rng(0)
    radius, angle = generator.uniform(0.1, 1, (5, 8)), generator.uniform(-3, 3, (5, 8))
    poles = radius * np.exp(1j * angle)
    residues = generator.normal(size=(5, 8)) + 1j * generator.normal(size=(5, 8))
    expected = np.stack([(residues * poles**t).sum(1).real for t in range(300)], axis=1)

    def tensor(z):
        return torch.tensor(np.stack([z.real, z.imag], -1)[:, :, None], dtype=torch.float32)

    got = complex_modal_filter(tensor(poles), tensor(residues), 300)
    np.testing.assert_allclose(got.numpy(), expected, atol=2e-4)


def test_a_pole_of_zero_is_a_filter_of_one_tap():
    poles, residues = torch.zeros(1, 1, 1, 2), torch.tensor([[[[2.0, 5.0]]]])
    assert complex_modal_filter(poles, residues, 3).tolist() == [[2.0, 0.0, 0.0]]


def test_triangular_matrices_by_hand():
    taps = torch.tensor([[1.0, 2.0, 3.0]])
    assert triangular_matrices(taps, 3).tolist() == [[[1, 0, 0], [2, 1, 0], [3, 2, 1]]]
    assert triangular_matrices(taps, 4).tolist() == [[[1, 0, 0, 0], [2, 1, 0, 0], [3, 2, 1, 0]]]


@given(st.integers(1, 60), st.integers(1, 4), st.integers(0, 2**16))
def test_product_and_fft_are_the_convolution(length, batch, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(3, length, batch, generator=generator)
    taps = torch.randn(3, length, generator=generator)
    expected = torch.zeros_like(x)
    for channel in range(3):
        for row in range(batch):
            whole = np.convolve(x[channel, :, row].numpy(), taps[channel].numpy())
            expected[channel, :, row] = torch.from_numpy(whole[:length])
    size = fft_size(length)
    torch.testing.assert_close(
        torch.bmm(triangular_matrices(taps, length), x), expected, atol=1e-4, rtol=1e-4
    )
    spectrum = torch.fft.rfft(taps, n=size)
    torch.testing.assert_close(
        fft_convolve(x, spectrum, size, length), expected, atol=1e-4, rtol=1e-4
    )


def test_the_cache_keeps_within_its_bound_and_forgets_whole_lengths():
    cache = FilterCache(max_bytes=100)
    weight = torch.ones(1)
    computed = []

    def get(length, key, num_bytes):
        def compute():
            computed.append((length, key))
            return torch.zeros(num_bytes, dtype=torch.uint8)

        cache.get(length, key, (weight,), compute)
        assert cache.num_bytes <= 100

    for _ in range(2):
        for key in "abc":
            get(10, key, 40)
    # `c` does not fit beside `a` and `b`, which stay.
    assert computed == [(10, "a"), (10, "b"), (10, "c"), (10, "c")]
    get(20, "a", 60)
    get(10, "a", 40)
    assert computed[4:] == [(20, "a"), (10, "a")]
    weight.add_(1)
    get(10, "a", 40)
    assert computed[6:] == [(10, "a")]


@pytest.mark.parametrize("length", [1, 2, 150, 8191, 131072])
def test_fft_sizes_hold_the_whole_convolution(length):
    assert 2 * length - 1 <= fft_size(length) <= 2.2 * length + 2

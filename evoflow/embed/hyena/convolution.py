"""Hyena's long convolution: its filters, and the two ways to apply them.

A filter is a sum of decaying complex exponentials. It depends on the weights and the length alone,
so what is derived from it is computed once and kept, within a bound on memory. Short inputs are
convolved by a triangular matrix product per channel, long ones by a real FFT.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable
from typing import NamedTuple

import torch
from scipy.fft import next_fast_len
from torch import Tensor
from torch.nn import functional as F

LONGEST_PRODUCT = defaultdict(lambda: 192, cuda=512)
"""Longest input convolved by a product, by type of device.

`bench_convolution.py` measures where the FFT overtakes it: near 192 tokens on a CPU; beyond 1,024
on an H200, where the matrices' memory, which grows with the square of the length, bounds it.
"""

FFT_ELEMENTS = defaultdict(lambda: 2**21, cuda=2**26)
"""Values, over channels and sequences, whose FFT is taken at once, by type of device.

This bounds the memory of long inputs; on a CPU the parts also fit its cache and are allocated
without new pages, which makes them three to five times faster.
"""


class _Entry(NamedTuple):
    tensor: Tensor
    weights: tuple[Tensor, ...]
    versions: tuple[int, ...]

    def is_of(self, weights: tuple[Tensor, ...], versions: tuple[int, ...]) -> bool:
        same = all(mine is given for mine, given in zip(self.weights, weights, strict=True))
        return same and self.versions == versions


class FilterCache:
    """Tensors derived from filters, kept within a bound on memory.

    A model passes its layers in turn, so dropping the least recently used tensor would drop each
    one just before its next use. Whole lengths are dropped instead, and what does not fit beside
    the present length's other tensors is computed again each time.

    Parameters
    ----------
    max_bytes
        Bound on the memory of all tensors kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._lengths: OrderedDict[int, dict[Hashable, _Entry]] = OrderedDict()

    @property
    def num_bytes(self) -> int:
        """Memory of the tensors now kept."""
        return sum(e.tensor.nbytes for kept in self._lengths.values() for e in kept.values())

    def get(
        self,
        length: int,
        key: Hashable,
        weights: tuple[Tensor, ...],
        compute: Callable[[], Tensor],
    ) -> Tensor:
        """Return the tensor kept for a length under a key, or compute it.

        What was computed from other `weights`, or before they changed in place, does not count.
        Inference tensors change unseen, so nothing is kept for them.
        """
        if any(weight.is_inference() for weight in weights):
            return compute()
        versions = tuple(weight._version for weight in weights)  # noqa: SLF001
        kept = self._lengths.setdefault(length, {})
        self._lengths.move_to_end(length)
        entry = kept.pop(key, None)
        if entry is not None and entry.is_of(weights, versions):
            kept[key] = entry
            return entry.tensor
        tensor = compute()
        while self.num_bytes + tensor.nbytes > self.max_bytes and len(self._lengths) > 1:
            self._lengths.popitem(last=False)
        if self.num_bytes + tensor.nbytes <= self.max_bytes:
            kept[key] = _Entry(tensor, weights, versions)
        return tensor

    def clear(self) -> None:
        """Drop everything."""
        self._lengths.clear()


def complex_modal_filter(poles: Tensor, residues: Tensor, length: int) -> Tensor:
    """Evaluate `h[c, t] = Re sum_n residues[c, n] * poles[c, n] ** t` in float32.

    Parameters
    ----------
    poles, residues
        float32, shape=(channels, state_size, 1, 2); the last axis is (real, imaginary).
    length
        Number of taps.

    Returns
    -------
    Tensor
        float32, shape=(channels, length).
    """
    log_poles = torch.view_as_complex(poles).log()  # (channels, state_size, 1)
    # A pole of 0 has the logarithm -inf, and 0 * -inf is NaN; exp(-200) is 0 in float32 already.
    log_poles = torch.complex(log_poles.real.clamp_min(-200), log_poles.imag)
    weights = torch.view_as_complex(residues)
    time = torch.arange(length, device=poles.device, dtype=torch.float32)
    taps = torch.zeros(poles.shape[0], length, device=poles.device)
    for state in range(poles.shape[1]):  # all states at once would need state_size times the memory
        taps = taps + (weights[:, state] * (log_poles[:, state] * time).exp()).real
    return taps


def real_modal_filter(log_poles: Tensor, residues: Tensor, length: int) -> Tensor:
    """Evaluate `h[c, t] = sum_n residues[c, n] * exp(t * log_poles[c, n])` in float32.

    Parameters
    ----------
    log_poles
        float32, shape=(channels, state_size, 1).
    residues
        float32, shape=(channels, state_size).
    length
        Number of taps.

    Returns
    -------
    Tensor
        float32, shape=(channels, length).
    """
    time = torch.arange(length, device=log_poles.device, dtype=torch.float32)
    taps = torch.zeros(len(log_poles), length, device=log_poles.device)
    for state in range(log_poles.shape[1]):  # as above, for want of memory
        taps = taps + residues[:, state, None] * (log_poles[:, state] * time).exp()
    return taps


def triangular_matrices(taps: Tensor, columns: int) -> Tensor:
    """Lay filters out as matrices `m[c, i, j] = h[c, i - j]`, zero where `i < j`.

    Parameters
    ----------
    taps
        shape=(channels, length).
    columns
        `length`, or more: how many rows the inputs have, of which the last are zeros.

    Returns
    -------
    Tensor
        shape=(channels, length, columns).
    """
    channels, length = taps.shape
    padded = F.pad(taps, (length - 1, 0))  # h[1 - length], ..., h[length - 1]
    matrices = taps.new_zeros(channels, length, columns)
    matrices[..., :length] = padded.unfold(1, length, 1).flip(2)
    return matrices


class LongConvolution:
    """Causal convolution with filters as long as the input.

    Parameters
    ----------
    cache
        Where what is derived from the filters is kept.
    layer
        Whose filters they are: part of the key under which the cache keeps them.
    """

    def __init__(self, cache: FilterCache, layer: int) -> None:
        self._cache, self._layer = cache, layer

    def __call__(
        self,
        w: Tensor,
        length: int,
        taps: Callable[[int, slice], Tensor],
        weights: tuple[Tensor, ...],
    ) -> Tensor:
        """Convolve (C, rows, B) to (C, length, B).

        Parameters
        ----------
        w
            Its rows beyond the length are zeros.
        length
            Tokens of the input.
        taps
            Computes filters of a length for some channels, float32, shape=(channels, length).
        weights
            What it computes them from.
        """

        def kept(part: Hashable, compute: Callable[[], Tensor]) -> Tensor:
            """Compute through the cache, unless gradients must flow to the weights."""
            if torch.is_grad_enabled() and any(weight.requires_grad for weight in weights):
                return compute()
            return self._cache.get(length, (self._layer, part), weights, compute)

        rows = w.shape[1]
        if length <= LONGEST_PRODUCT[w.device.type]:

            def matrices() -> Tensor:
                return triangular_matrices(taps(length, slice(None)).to(w.dtype), rows)

            return torch.bmm(kept((w.dtype, rows), matrices), w)
        size = fft_size(length)
        parts = []
        for part in fft_parts(len(w), size, w.device):

            def spectrum(part: slice = part) -> Tensor:
                return torch.fft.rfft(taps(length, part), n=size)

            parts.append(
                fft_convolve(w[part], kept((part.start, part.stop), spectrum), size, length)
            )
        return torch.cat(parts)


def fft_size(length: int) -> int:
    """Length of the quickest real FFT that holds a linear convolution of two such inputs."""
    return int(next_fast_len(2 * length - 1, real=True))


def fft_parts(channels: int, size: int, device: torch.device) -> list[slice]:
    """Divide channels into those whose spectra are computed, and kept, together."""
    step = max(1, FFT_ELEMENTS[device.type] // size)
    return [slice(start, min(start + step, channels)) for start in range(0, channels, step)]


def fft_convolve(x: Tensor, spectrum: Tensor, size: int, length: int) -> Tensor:
    """Convolve by real FFTs, in float32.

    Parameters
    ----------
    x
        shape=(channels, rows, batch); rows beyond `length` are zeros.
    spectrum
        Real FFT of the filters zero-padded to `size`, shape=(channels, size // 2 + 1).
    size
        Length of the transform, at least `2 * length - 1`.
    length
        Rows of the result.
    """
    step = max(1, FFT_ELEMENTS[x.device.type] // (size * x.shape[2]))
    parts = []
    for some, spectra in zip(x.split(step), spectrum.split(step), strict=True):
        product = torch.fft.rfft(some.float(), n=size, dim=1) * spectra[..., None]
        parts.append(torch.fft.irfft(product, n=size, dim=1)[:, :length].to(x.dtype))
    return torch.cat(parts)

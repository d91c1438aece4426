"""Products by oneDNN against torch's own, where this CPU has them."""

import pytest
import torch
from torch.nn import functional as F

from evoflow.devices import onednn


@pytest.mark.parametrize("leading", [(1,), (7,), (150, 1), (5, 3)])
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_linear(leading, biased, dtype):
    x, weight = torch.randn(*leading, 24, dtype=dtype), torch.randn(40, 24, dtype=dtype)
    bias = torch.randn(40, dtype=dtype) if biased else None
    expected = F.linear(x.double(), weight.double(), None if bias is None else bias.double())
    found = onednn.linear(x, weight, bias)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)


def test_linear_of_transposed_inputs():
    x, weight = torch.randn(24, 9).t(), torch.randn(24, 40).t()
    torch.testing.assert_close(onednn.linear(x, weight), x @ weight.t(), atol=1e-5, rtol=1e-5)

"""What CPUs with AVX-512 compute by oneDNN, against the plain functions."""

import pytest
import torch

from evoflow.embed.hyena import operations

FAST = operations._on_cpu()
pytestmark = pytest.mark.skipif(
    FAST is operations.PLAIN, reason="this CPU has no AVX-512, so the plain functions run"
)


@pytest.mark.parametrize("activation", ["gelu", "identity"])
@pytest.mark.parametrize("leading", [(1, 1), (9, 2)])
def test_add_gated_mlp(leading, activation):
    x, u = torch.randn(*leading, 16), torch.randn(*leading, 16)
    l1, l2, l3 = torch.randn(48, 16), torch.randn(48, 16), torch.randn(16, 48) / 48
    with torch.inference_mode():
        torch.testing.assert_close(
            FAST.add_gated_mlp(x, u, (l1, l2, l3), activation),
            operations.add_gated_mlp(x, u, (l1, l2, l3), activation),
            atol=1e-5,
            rtol=1e-5,
        )


def test_only_plain_functions_where_gradients_flow_and_in_float64():
    assert operations.fastest(torch.zeros(1)) is operations.PLAIN
    with torch.no_grad():
        assert operations.fastest(torch.zeros(1)) is FAST
        assert operations.fastest(torch.zeros(1, dtype=torch.float64)) is operations.PLAIN

"""`evo-tiny`: Evo-1's architecture, small, with random weights; a stand-in that learnt nothing."""

import torch

from evoflow.embed.evo1.modeling import Evo
from evoflow.embed.evo1.sizes import EvoSizes
from evoflow.embed.weights.builtin import TINY_SIZES
from evoflow.embed.weights.loading import identity_of

SEED = 20240227


def evo_tiny(dtype: torch.dtype, device: torch.device) -> Evo:
    """Make the stand-in; the same weights each time, and the caller's random state is kept."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = Evo(EvoSizes(**TINY_SIZES))
        model.draw_weights()
    model.weights_identity = identity_of(model.state_dict())
    model.eval()
    return model.to(device, dtype)

"""`evo-tiny` is the same everywhere, and well-behaved."""

import torch

from evoflow.embed.evo1.tiny import evo_tiny

CPU = torch.device("cpu")


def test_the_weights_do_not_depend_on_the_callers_random_state():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = evo_tiny(torch.float32, CPU)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    second = evo_tiny(torch.float32, CPU)
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_filters_decay_and_signals_keep_their_size():
    model = evo_tiny(torch.float32, CPU)
    assert [type(block).__name__ for block in model.backbone.blocks] == [
        "HyenaBlock",
        "AttentionBlock",
        "HyenaBlock",
        "HyenaBlock",
    ]
    poles = model.backbone.blocks[0].filter.poles
    radius = torch.view_as_complex(poles.detach()).abs()
    assert float(radius.min()) > 0.3
    assert float(radius.max()) < 1
    with torch.inference_mode():
        first, *_, last = model.backbone(torch.randint(65, 85, (1, 3000)))
    growth = last.square().mean(-1).sqrt() / first.square().mean(-1).sqrt()
    assert float(growth.min()) > 0.5
    assert float(growth.max()) < 2

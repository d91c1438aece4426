from dataclasses import replace

import numpy as np
import pytest

from evoflow.errors import InputError
from evoflow.predict.soundness import require_sound


def test_a_sound_head_passes(trained):
    require_sound(trained.head, "head")


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"width": 0}, "width is 0, not a whole number"),
        ({"width": 64}, r"centre has shape \(256,\) where its config makes it \(128,\)"),
        ({"channels": 10**12}, "no network has such sizes"),
        ({"channels": 5}, r"project.weight has shape .* where its config makes it \(5, 256\)"),
        ({"channels": "4"}, "channels is '4'"),
        ({"kernel_size": 4}, "kernel_size is 4, which is even"),
        ({"layers": 10**9}, "layers is 1000000000, but there are"),
        ({"layers": 2}, r"lacks layers\.1"),
        ({"layers": True}, "layers is True"),
        ({"dropout": 1.5}, "dropout is 1.5"),
        ({"dropout": None}, "dropout is None"),
    ],
)
def test_sizes_that_do_not_fit_are_named(trained, sizes, message):
    head = replace(trained.head, config=replace(trained.head.config, **sizes))
    with pytest.raises(
        InputError, match=f"run 7: is not a head that this version of evoflow can use .*{message}"
    ):
        require_sound(head, "run 7")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_no_number_is_named(trained, value):
    spoilt = trained.head.weights["project.weight"].copy()
    spoilt[1, 2] = value
    head = replace(trained.head, weights=trained.head.weights | {"project.weight": spoilt})
    with pytest.raises(InputError, match=r"project\.weight has values that are not finite"):
        require_sound(head, "run 7")


def test_tensors_of_another_head_are_named(trained):
    weights = dict(trained.head.weights)
    weights["earlier.weight"] = weights.pop("project.weight")
    with pytest.raises(InputError, match=r"lacks project\.weight; has earlier\.weight, which"):
        require_sound(replace(trained.head, weights=weights), "run 7")


def test_what_another_version_pickled_is_a_message(trained):
    with pytest.raises(InputError, match="is not a head that this version of evoflow can use"):
        require_sound(replace(trained.head, config=object()), "run 7")

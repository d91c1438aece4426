"""What `from_pretrained` may be asked for."""

import pytest
import torch

from evoflow.embed.evo.options import resolve_device, resolve_dtype
from evoflow.errors import InputError


@pytest.mark.parametrize(
    ("asked", "dtype"),
    [(None, None), ("auto", None), ("bfloat16", torch.bfloat16), (torch.float32, torch.float32)],
)
def test_types_by_name_or_as_they_are_and_none_for_as_stored(asked, dtype):
    assert resolve_dtype(asked) == dtype


@pytest.mark.parametrize("asked", ["int8", torch.int64, "float33"])
def test_types_that_are_no_floating_point_are_refused(asked):
    with pytest.raises(InputError, match="is not a floating-point type; set float32 or bfloat16"):
        resolve_dtype(asked)


@pytest.mark.parametrize("asked", [None, "cpu", {"": "cpu"}, {"a": "cpu", "b": "cpu"}])
def test_one_device_however_it_is_written(asked):
    assert resolve_device(asked) == torch.device("cpu")


@pytest.mark.parametrize("asked", ["cuda:99", {"": "cuda:99"}])
def test_a_device_that_is_not_here_is_refused(asked):
    with pytest.raises(InputError, match=r"device_map: 'cuda:99' cannot be used here \(.*; set"):
        resolve_device(asked)


@pytest.mark.parametrize("asked", ["balanced", {"a": 0, "b": 1}])
def test_several_devices_are_refused_with_what_to_do(asked):
    with pytest.raises(InputError, match=r"onto one device .*accelerate\.dispatch_model"):
        resolve_device(asked)

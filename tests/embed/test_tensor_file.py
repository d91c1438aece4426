"""Files filled in place are what safetensors reads."""

import pytest
from safetensors import safe_open

from evoflow.embed.tensor_file import new_tensors
from evoflow.errors import InputError


def test_tensors_and_metadata_are_read_back(tmp_path):
    path = tmp_path / "x.safetensors"
    wanted = {"odd": ("float16", (3, 1)), "b": ("int64", (2,)), "none": ("float32", (0, 4))}
    with new_tensors(path, wanted, {"names": '["é"]'}) as tensors:
        tensors["odd"][:] = [[1], [2], [3]]
        tensors["b"][:] = [-1, 2**40]
        assert not path.exists()
    with safe_open(path, "numpy") as file:
        assert file.metadata() == {"names": '["é"]'}
        assert file.get_tensor("odd").tolist() == [[1], [2], [3]]
        assert file.get_tensor("b").tolist() == [-1, 2**40]
        assert file.get_tensor("none").shape == (0, 4)
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]


def test_nothing_is_left_after_an_error(tmp_path):
    with (
        pytest.raises(ZeroDivisionError),
        new_tensors(tmp_path / "x", {"a": ("float32", (1,))}, {}),
    ):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(tmp_path):
    path = tmp_path / "absent" / "x"
    with pytest.raises(InputError, match=r"absent/x: cannot be written"), new_tensors(path, {}, {}):
        pass

"""Headers of safetensors files, sound and not."""

import json

import pytest
import torch
from safetensors.torch import save_file

from evoflow.embed.weights.files import LocalFile, tensors_of
from evoflow.errors import InputError


def written(path, header, values=b""):
    """A file with a header of one's own."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + values)
    return LocalFile(path)


def test_tensors_are_listed_in_the_order_of_their_bytes(tmp_path):
    path = tmp_path / "model.safetensors"
    tensors = {
        "wide": torch.zeros(2, 3, dtype=torch.bfloat16),
        "exact": torch.zeros(5),
        "empty": torch.zeros(0, 4),
        "scalar": torch.tensor(1.0),
    }
    save_file(tensors, path, metadata={"format": "pt"})
    found = tensors_of(LocalFile(path))
    assert {(one.name, one.dtype, one.shape) for one in found} == {
        ("wide", "BF16", (2, 3)),
        ("exact", "F32", (5,)),
        ("empty", "F32", (0, 4)),
        ("scalar", "F32", ()),
    }
    assert [one.start for one in found] == sorted(one.start for one in found)
    assert found[-1].stop == path.stat().st_size
    assert sum(one.stop - one.start for one in found) == 2 * 3 * 2 + 5 * 4 + 4


def test_a_file_that_was_cut_short_says_how_long_it_should_be(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"w": torch.zeros(100)}, path)
    content = path.read_bytes()
    path.write_bytes(content[:-7])
    with pytest.raises(
        InputError, match=rf"{len(content) - 7} bytes, its header states {len(content)}; fetch"
    ):
        tensors_of(LocalFile(path))


def test_a_clone_without_git_lfs_is_recognised(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12904000000\n"
    )
    with pytest.raises(
        InputError, match=r"model\.safetensors: is a pointer of git-lfs.*git lfs pull"
    ):
        tensors_of(LocalFile(path))


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("header", "values", "message"),
    [
        (b"{not json", b"", "Expecting"),
        (b"[]", b"", "header is not a mapping"),
        ({"w": ENTRY | {"shape": [3]}}, bytes(8), "other bytes than its shape"),
        ({"w": ENTRY | {"data_offsets": [4, 12]}}, bytes(12), "does not start where"),
        ({"w": ENTRY, "v": ENTRY}, bytes(8), "does not start where"),
        ({"w": {"dtype": "F32", "shape": [2]}}, bytes(8), "data_offsets"),
        ({"w": ENTRY | {"shape": ["2"]}}, bytes(8), "multiply|other bytes|type"),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path, header, values, message):
    with pytest.raises(InputError, match=message):
        tensors_of(written(tmp_path / "model.safetensors", header, values))


@pytest.mark.parametrize("dtype", ["I64", "I32", "I16", "I8", "U8", "BOOL", "F8_E4M3", "F4"])
def test_a_tensor_of_a_type_that_weights_cannot_have_is_named(tmp_path, dtype):
    size = {"I64": 8, "I32": 4, "I16": 2}.get(dtype, 1)
    entry = {"dtype": dtype, "shape": [2], "data_offsets": [0, 2 * size]}
    file = written(tmp_path / "model.safetensors", {"w": entry}, bytes(2 * size))
    with pytest.raises(
        InputError, match=rf"model\.safetensors: w is of type {dtype}; .* not quantised"
    ):
        tensors_of(file)


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 64, b"<html>" * 20])
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not a valid safetensors file"):
        tensors_of(LocalFile(path))


def test_a_file_that_shrinks_while_it_is_read_is_named(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(10))
    with pytest.raises(InputError, match="ends too early"):
        LocalFile(path).read_into(4, [memoryview(bytearray(8))])

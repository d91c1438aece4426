"""Tensors through the threads, against the library that wrote them."""

from dataclasses import dataclass, field

import pytest
import torch
from safetensors.torch import load_file, save_file

from evoflow.embed.weights import loading
from evoflow.embed.weights.files import LocalFile, tensors_of
from evoflow.embed.weights.loading import TensorStream, identity_of
from evoflow.errors import InputError

CPU = torch.device("cpu")


def tensors(seed=0):
    made = torch.Generator().manual_seed(seed)
    return {
        "a": torch.randn(7, 5, generator=made).to(torch.bfloat16),
        "b": torch.randn(3, generator=made),
        "c": torch.randn(40, 30, generator=made),
        "d": torch.zeros(0, 2),
        "e": torch.tensor(2.5),
    }


@pytest.fixture
def path(tmp_path):
    save_file(tensors(), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("part_bytes", [1, 100, 10_000])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_tensors_are_those_that_were_written(path, monkeypatch, part_bytes, device):
    monkeypatch.setattr(loading, "PART_BYTES", part_bytes)
    told = []
    stream = TensorStream(
        tensors_of(LocalFile(path)), torch.device(device), progress=lambda *now: told.append(now)
    )
    found = {stored.name: tensor for stored, tensor in stream}
    wanted = load_file(path)
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
        if device == "cpu":
            assert torch.equal(found[name], tensor)
    size = sum(tensor.nbytes for tensor in wanted.values())
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert stream.identity == identity_of(wanted)


def test_the_name_of_weights_knows_values_names_shapes_and_types():
    same = identity_of(tensors())
    assert same == identity_of(dict(reversed(tensors().items())))
    changed = tensors()
    changed["a"][3, 2] = -changed["a"][3, 2]
    others = [
        changed,
        {("z" if name == "a" else name): tensor for name, tensor in tensors().items()},
        tensors() | {"b": tensors()["b"].reshape(3, 1)},
        tensors() | {"b": tensors()["b"].view(torch.int32)},
        {name: tensor for name, tensor in tensors().items() if name != "d"},
    ]
    assert len({same, *map(identity_of, others)}) == 6


def test_the_name_of_weights_does_not_know_how_files_divide_them(tmp_path):
    names = list(tensors())
    files = []
    for number, part in enumerate((names[:2], names[2:])):
        file = tmp_path / f"{number}.safetensors"
        save_file({name: tensors()[name] for name in part}, file)
        files += tensors_of(LocalFile(file))
    stream = TensorStream(files, CPU)
    assert len(list(stream)) == len(names)
    assert stream.identity == identity_of(tensors())


@dataclass
class Unreliable:
    """A file whose first reads give wrong bytes."""

    path: object
    wrong: int
    reads: list = field(default_factory=list)
    readers = 1

    @property
    def label(self):
        return str(self.path)

    @property
    def size(self):
        return self.path.stat().st_size

    def read_into(self, start, buffers):
        LocalFile(self.path).read_into(start, buffers)
        self.reads.append(start)
        if len(self.reads) <= self.wrong and len(buffers[0]):
            buffers[0][0] ^= 1


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_wrong_bytes_are_read_again(path, wrong):
    digests = dict(_digests(path))
    listed = tensors_of(LocalFile(path))
    file = Unreliable(path, wrong)
    stream = TensorStream([_moved(one, file) for one in listed], CPU, digests=digests)
    found = {stored.name: tensor for stored, tensor in stream}
    assert all(torch.equal(found[name], tensor) for name, tensor in load_file(path).items())
    assert len(file.reads) == 1 + wrong


def test_bytes_that_stay_wrong_are_refused(path):
    file = Unreliable(path, 99)
    moved = [_moved(one, file) for one in tensors_of(LocalFile(path))]
    with pytest.raises(InputError, match=r"model\.safetensors: . differs from what was written"):
        list(TensorStream(moved, CPU, digests=dict(_digests(path))))


def _digests(path):
    for name, tensor in load_file(path).items():
        yield name, loading.tensor_digest(tensor.reshape(-1).view(torch.uint8).numpy().data)


def _moved(stored, file):
    return type(stored)(**{**vars(stored), "file": file})


def test_a_stream_that_is_left_early_ends_its_threads(path, monkeypatch):
    monkeypatch.setattr(loading, "PART_BYTES", 1)
    for _ in TensorStream(tensors_of(LocalFile(path)), CPU):
        break

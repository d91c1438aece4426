"""Pickles become safetensors files; what is no sound checkpoint is refused by name."""

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors import SafetensorError
from safetensors.torch import load_file

from evoflow.__main__ import main
from evoflow.embed.evo import Evo2Config, Evo2ForCausalLM
from evoflow.embed.evo2 import convert
from evoflow.embed.evo2.convert import convert_checkpoint, read_pickle
from evoflow.embed.evo2.modeling import Evo2
from evoflow.errors import InputError

GOLDEN = Path(__file__).parents[2] / "data" / "evo2-tiny-8k-reference"
NAME = "evo2_7b_base.pt"
FLOAT8 = torch.ones(64).to(torch.float8_e4m3fn)


@pytest.fixture
def folder(tmp_path):
    """A copy of the golden checkpoint, to be spoilt."""
    for name in ("config.json", NAME):
        shutil.copy(GOLDEN / name, tmp_path)
    return tmp_path


def test_the_command_writes_every_tensor_as_it_is_under_its_published_name(tmp_path, monkeypatch):
    monkeypatch.setattr(convert, "SHARD", "200KB")
    output = tmp_path / "made"
    done = CliRunner().invoke(main, ["convert", str(GOLDEN), "--output", str(output)])
    assert done.exit_code == 0, done.output
    index = json.loads((output / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) > 2
    written = {}
    for name in set(index["weight_map"].values()):
        written |= load_file(output / name)
        assert (output / name).stat().st_mode & 0o777 == 0o666 & ~umask()
    stored = read_pickle(GOLDEN / NAME)
    assert set(stored) - set(written) == {
        "unembed.weight",
        *(name for name in stored if name.endswith("_extra_state")),
    }
    for name, tensor in written.items():
        assert tensor.dtype == stored[name].dtype
        assert torch.equal(tensor, stored[name])
    before = json.loads((GOLDEN / "config.json").read_text())
    after = json.loads((output / "config.json").read_text())
    assert after["model_type"] == "stripedhyena2"
    assert {key: after[key] for key in before} == before
    again = CliRunner().invoke(main, ["convert", str(GOLDEN), "--output", str(output)])
    assert again.exit_code == 1
    assert "already exists" in again.output
    monkeypatch.setattr(convert, "SHARD", "5GB")
    (output / "notes.txt").write_text("mine")
    command = ["convert", str(GOLDEN), "--output", str(output), "--force"]
    replaced = CliRunner().invoke(main, command)
    assert replaced.exit_code == 0, replaced.output
    assert {path.name for path in output.iterdir()} == {
        *("config.json", "model.safetensors", "notes.txt"),
    }


@pytest.mark.parametrize("moves", [0, 2, 4])
def test_a_replacement_that_is_stopped_leaves_one_model_or_none(tmp_path, monkeypatch, moves):
    monkeypatch.setattr(convert, "SHARD", "200KB")
    output = tmp_path / "made"
    first, second, third = (model_of(k, tmp_path / str(k)) for k in range(3))
    convert_checkpoint(first, output)
    replace, moved = Path.replace, []

    def stopped(self, target):
        moved.append(self)
        if len(moved) > moves:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            convert_checkpoint(second, output, replace=True)
    with pytest.raises(InputError, match=r"model\.safetensors: no such file"):
        Evo2ForCausalLM.from_pretrained(output)
    convert_checkpoint(third, output, replace=True)
    weights = Evo2ForCausalLM.from_pretrained(output).state_dict().values()
    assert all((weight == 2).all() for weight in weights)
    assert not list(output.glob(".converted*"))


def model_of(scale, folder):
    """A pickle of which every value is the same."""
    folder.mkdir()
    shutil.copy(GOLDEN / "config.json", folder)
    weights = [(k, w) for k, w in read_pickle(GOLDEN / NAME).items() if torch.is_tensor(w)]
    torch.save({key: torch.full_like(weight, scale) for key, weight in weights}, folder / NAME)
    return folder


def test_tensors_that_share_memory_are_written_apart(folder):
    shared = torch.randn(64)
    names = ("norm.scale", "blocks.0.pre_norm.scale")
    torch.save(spoilt(lambda s: s.update(dict.fromkeys(names, shared))), folder / NAME)
    written = load_file(convert_checkpoint(folder, folder / "made").folder / "model.safetensors")
    assert all(torch.equal(written[name], shared) for name in names)


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/evoflow-was-here",)


@pytest.mark.parametrize("write", [torch.save, lambda o, p: p.write_bytes(pickle.dumps(o))])
def test_a_malicious_pickle_is_refused_by_what_it_wants_and_does_not_run(folder, write):
    write({"embedding_layer.weight": Evil()}, folder / NAME)
    with pytest.raises(
        InputError, match=rf"{NAME}: refused: the pickle asks for (posix|nt)\.system"
    ):
        convert_checkpoint(folder, folder / "made")
    assert not Path("/tmp/evoflow-was-here").exists()
    assert not (folder / "made").exists()


def spoilt(change):
    state = dict(read_pickle(GOLDEN / NAME))
    change(state)
    return state


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda s: s.pop("blocks.2.filter.log_poles"), "lacks blocks.2.filter.log_poles"),
        (lambda s: s.update(extra=torch.ones(1)), "has extra, which Evo does not"),
        (lambda s: s.update({"norm.scale": torch.ones(3)}), r"norm.scale of shape \(3,\) where"),
        (lambda s: s.update({"norm.scale": io.BytesIO()}), "norm.scale is a BytesIO, not a tensor"),
        (lambda s: s.update({"norm.scale": 1}), "norm.scale is a int, not a tensor"),
        (lambda s: s.update({"unembed.weight": torch.ones(512, 64)}), "unembed.weight differs"),
        (lambda s: s.update({"norm.scale": torch.ones(64).int()}), "norm.scale is torch.int32"),
        (lambda s: s.update({"norm.scale": FLOAT8}), "norm.scale is torch.float8_e4m3fn"),
        (lambda s: s.update({"norm.scale": torch.ones(64).to_sparse()}), "norm.scale is .*sparse"),
        (lambda s: s.update({"norm.scale": torch.ones(64) * torch.nan}), "norm.scale has .* NaN"),
        (lambda s: s.update({5: torch.ones(64)}), f"{NAME}: must be a dict of tensors by name"),
    ],
)
def test_tensors_that_do_not_fit_are_named(folder, change, problem):
    torch.save(spoilt(change), folder / NAME)
    with pytest.raises(InputError, match=problem):
        convert_checkpoint(folder, folder / "made")
    assert not (folder / "made").exists()


def test_positions_of_the_long_context_models_are_passed_over(folder):
    torch.save(
        spoilt(lambda s: s.update({"blocks.2.mixer.mixer.filter.t": torch.arange(9)})),
        folder / NAME,
    )
    assert Evo2ForCausalLM.from_pretrained(convert_checkpoint(folder, folder / "made").folder)


def test_rounded_poles_are_pointed_out(folder):
    key = "blocks.2.filter.log_poles"
    torch.save(spoilt(lambda s: s.update({key: s[key].bfloat16()})), folder / NAME)
    with pytest.warns(UserWarning, match=f"{key} is torch.bfloat16, so rounded"):
        convert_checkpoint(folder, folder / "made")


@pytest.mark.parametrize("content", [b"", b"no pickle at all", None, "legacy"])
def test_a_broken_file_is_named(folder, content):
    path = folder / NAME
    if content == "legacy":
        torch.save(spoilt(dict), path, _use_new_zipfile_serialization=False)
    else:
        path.write_bytes(path.read_bytes()[:-5000] if content is None else content)
    with pytest.raises(InputError, match=f"{NAME}: cannot be read .*zip .* with a newer torch"):
        convert_checkpoint(folder, folder / "made")


def test_a_full_disk_is_told_and_leaves_what_was_there(folder, monkeypatch):
    def full(*_args, **_options):
        raise SafetensorError("Error while serializing: I/O error: No space left on device")

    made = convert_checkpoint(folder, folder / "made").folder
    before = {path: path.read_bytes() for path in made.iterdir()}
    monkeypatch.setattr(convert, "save_file", full)
    with pytest.raises(InputError, match=r"made: cannot be written .*No space left on device"):
        convert_checkpoint(folder, made, replace=True)
    assert {path: path.read_bytes() for path in made.iterdir()} == before


def test_names_that_are_no_file_and_no_folder_are_refused(folder):
    (folder / "made").write_text("mine")
    for replace in (False, True):
        with pytest.raises(InputError, match="made: already exists"):
            convert_checkpoint(folder, folder / "made", replace=replace)
    (folder / NAME).unlink()
    (folder / NAME).mkdir()
    with pytest.raises(InputError, match=r"holds 0 \.pt files"):
        convert_checkpoint(folder, folder / "new")


def test_a_clone_without_git_lfs_is_named(folder):
    (folder / NAME).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n")
    with pytest.raises(InputError, match="git lfs pull"):
        convert_checkpoint(folder, folder / "made")


def test_the_configuration_is_the_one_beside_or_of_a_known_name(folder):
    (folder / "config.json").unlink()
    assert convert.config_of(folder / NAME).hidden_size == 4096
    shutil.move(folder / NAME, folder / "mine.pt")
    with pytest.raises(InputError, match=r"mine.pt: has no config.json beside it"):
        convert_checkpoint(folder / "mine.pt", folder / "made")
    shutil.move(folder / "mine.pt", folder / "evo2_40b.pt")
    with pytest.raises(InputError, match=r"evo2-40b was trained .* FP8"):
        convert_checkpoint(folder, folder / "made")


MEASURE = """
import sys, threading, time
from pathlib import Path
from evoflow.embed.evo2.convert import convert_checkpoint
def own():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024
peak, before, going = [0], own(), [True]
def watch():
    while going[0]:
        peak[0] = max(peak[0], own())
        time.sleep(0.001)
thread = threading.Thread(target=watch); thread.start()
convert_checkpoint(sys.argv[1], Path(sys.argv[2]))
going[0] = False; thread.join()
print(peak[0] - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the memory")
@pytest.mark.slow
def test_hardly_more_than_one_tensor_is_in_memory(tmp_path):
    config = Evo2Config(hidden_size=1024, inner_mlp_size=8192, num_attention_heads=8)
    largest = 2 * 8192 * 1024
    state = {
        name: torch.ones(t.shape, dtype=torch.bfloat16 if "poles" not in name else torch.float32)
        for name, t in Evo2.without_weights(config).state_dict().items()
        if name.startswith(("blocks.0.", "blocks.1.", "blocks.2.", "blocks.3."))
        or not name.startswith("blocks")
    }
    layers = {f"{kind}_layer_idxs": [k] for k, kind in enumerate(("hcs", "hcm", "hcl", "attn"))}
    (tmp_path / "config.json").write_text(
        json.dumps(
            {"hidden_size": 1024, "inner_mlp_size": 8192, "num_attention_heads": 8}
            | {"num_layers": 4}
            | layers
        )
    )
    state["blocks.2.filter.residues"] = state["blocks.2.filter.residues"].float()
    torch.save(state, tmp_path / "model.pt")
    size = sum(tensor.nbytes for tensor in state.values())
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "model.pt"), str(tmp_path / "made")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert size > 10 * largest
    assert int(done.stdout) < 2 * largest

"""Sixteen shards of one run on the GPUs of one machine: who had which card, and when.

    python tests/benchmarks/bench_local_gpus.py [--billions 6.45] [--runs 2]

Makes a checkpoint of random weights in the published layout, runs the whole flow on the demo with
it, and prints when each shard had which GPU, how much of the time the GPUs were taken, how many
processes had memory on a card at once, and what a shard says where a GPU is already full. What the
runs say is printed as it comes, after the run's number. The data and the training are small: the
turns at the GPUs are what is looked at.
"""

import argparse
import itertools
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pynvml
import torch
import yaml

from evoflow import demo
from evoflow.augment.augmentation import augment
from evoflow.devices.gpus import visible_gpus
from evoflow.embed.evo import EvoConfig, EvoForCausalLM
from evoflow.labels.examples import labelled_examples
from evoflow.settings import DataSettings, ModelSettings

ROOT = Path(__file__).resolve().parents[2]
FLOW = ROOT / "flows" / "evo_flow.py"
DATA = {"demo": {"seed": 0}, "reads_per_variant": 2, "reference_loci": 200}
HAD = re.compile(r"^(\S+ \S+) \[\S+?/embed/(\d+) .*?\] computes on (\S+) ")
LEFT = re.compile(r"^(\S+ \S+) \[\S+?/embed/(\d+) .*?\] released (\S+) ")


def make_checkpoint(folder: Path, billions: float) -> None:
    """Write random weights: as many blocks of Evo-1's width as make up about that size."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    blocks = max(2, round(32 * billions / 6.45))
    attention = [index for index in (8, 16, 24) if index < blocks] or [1]
    config = EvoConfig(
        num_layers=blocks,
        attn_layer_idxs=attention,
        hyena_layer_idxs=[index for index in range(blocks) if index not in attention],
    )
    if device.type == "cpu":
        config = EvoConfig(
            hidden_size=64,
            num_layers=2,
            attn_layer_idxs=[1],
            hyena_layer_idxs=[0],
            num_attention_heads=4,
        )
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with device:
        model = EvoForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    print(f"checkpoint: {blocks} blocks, {size / 1e9:.1f} GB", flush=True)


class Watch(threading.Thread):
    """Looks at the cards every half second: processes with memory on each, and bytes used."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.processes: dict[int, int] = defaultdict(int)
        self.used: dict[int, int] = defaultdict(int)

    def run(self) -> None:
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError:
            return
        cards = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        while True:
            for number, card in enumerate(cards):
                there = len(pynvml.nvmlDeviceGetComputeRunningProcesses(card))
                used = pynvml.nvmlDeviceGetMemoryInfo(card).used
                self.processes[number] = max(self.processes[number], there)
                self.used[number] = max(self.used[number], used)
            time.sleep(0.5)


def count_sequences(model: dict[str, object]) -> int:
    """Count what a run on `DATA` embeds."""
    data, settings = DataSettings.model_validate(DATA), ModelSettings.model_validate(model)
    examples = labelled_examples(demo.prepare(data)).examples
    made = augment(examples, settings, read_length=data.read_length, seed=data.seed)
    return len(made.sequences)


class Flow(threading.Thread):
    """A run of the flow: its lines are printed as they come, after its number, and kept."""

    def __init__(self, command: list[str], folder: Path, number: int) -> None:
        super().__init__(daemon=True)
        self.number = number
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            print(f"run {self.number}: {line}", end="", flush=True)


def run_flows(folder: Path, configs: dict[str, Path], runs: int) -> list[tuple[str, int]]:
    """Run the flow so often at once; return each one's output and exit status."""
    command = [sys.executable, str(FLOW)]
    for name, path in configs.items():
        command += ["--config", name, str(path)]
    flows = [Flow([*command, "run"], folder, number) for number in range(runs)]
    for flow in flows:
        flow.start()
    for flow in flows:
        flow.join()
    return [("".join(flow.lines), flow.process.wait()) for flow in flows]


def turns(output: str) -> list[tuple[str, str, datetime, datetime]]:
    """Read from a run's output which task had which GPU from when to when."""
    had, found = {}, []
    for line in output.splitlines():
        if match := HAD.match(line):
            had[match[2], match[3]] = datetime.fromisoformat(match[1])
        elif match := LEFT.match(line):
            left = datetime.fromisoformat(match[1])
            found.append((match[2], match[3], had[match[2], match[3]], left))
    return found


def report(outputs: list[str], gpus: int) -> None:
    """Print every turn, what share of the time the GPUs were taken, and whether turns met."""
    every = sorted(
        (device, begun, ended, f"run {number} task {task}")
        for number, output in enumerate(outputs)
        for task, device, begun, ended in turns(output)
    )
    if not every:
        print("no GPU was claimed (none here): the shards shared the cores")
        return
    first, last = min(turn[1] for turn in every), max(turn[2] for turn in every)
    print(f"{'GPU':8} {'from':>7} {'to':>7}  seconds after the first shard began")
    for device, begun, ended, who in every:
        start, stop = (begun - first).total_seconds(), (ended - first).total_seconds()
        print(f"{device:8} {start:7.1f} {stop:7.1f}  {who}")
    met = sum(one[0] == other[0] and other[1] < one[2] for one, other in itertools.pairwise(every))
    taken = sum((ended - begun).total_seconds() for _, begun, ended, _ in every)
    wall = (last - first).total_seconds()
    print(f"{len(every)} turns on {gpus} GPUs in {wall:.1f} s; turns that met on one GPU: {met}")
    print(f"GPUs were taken {taken / (wall * gpus):.0%} of that time (baseline: 100%, never free)")


def full_gpu(folder: Path, model: Path) -> None:
    """Fill every GPU, then embed: what is said."""
    fasta = folder / "one.fasta"
    fasta.write_text(f">one\n{'ACGT' * 30}\n")
    hogs = []
    for number in range(torch.cuda.device_count()):
        free, _ = torch.cuda.mem_get_info(number)
        hogs.append(torch.empty(free - (100 << 20), dtype=torch.uint8, device=f"cuda:{number}"))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "evoflow",
            "embed",
            model,
            fasta,
            "--output",
            folder / "o.safetensors",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    del hogs
    torch.cuda.empty_cache()
    print(f"on full GPUs: exit status {done.returncode}; it says\n{done.stdout}{done.stderr}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--billions", type=float, default=0.8, help="of parameters")
    parser.add_argument("--shards", type=int, default=16)
    parser.add_argument("--runs", type=int, default=1, help="of the flow, at once")
    options = parser.parse_args()
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_checkpoint(folder / "checkpoint", options.billions)
        gpus = visible_gpus()
        print("GPUs:", *(f"{gpu.device} {gpu.name} {gpu.identity}" for gpu in gpus))
        torch.cuda.empty_cache()
        configs: dict[str, dict[str, object]] = {
            "model": {
                "checkpoint": str(folder / "checkpoint"),
                "embedding": {"layer": "final", "tokens": "mean"},
                "head": {"epochs": 1},
            },
            "data": DATA,
        }
        sequences = count_sequences(configs["model"])
        configs["compute"] = {"sequences_per_shard": math.ceil(sequences / options.shards)}
        print(f"{sequences} sequences in {options.shards} shards", flush=True)
        paths = {name: folder / f"{name}.yaml" for name in configs}
        for name, path in paths.items():
            path.write_text(yaml.safe_dump(configs[name]))
        watch = Watch()
        watch.start()
        begun = time.perf_counter()
        finished = run_flows(folder, paths, options.runs)
        print(f"{options.runs} runs took {time.perf_counter() - begun:.0f} s")
        for number, (_, code) in enumerate(finished):
            if code:
                print(f"run {number} FAILED with status {code}")
        report([output for output, _ in finished], len(gpus))
        for number, processes in watch.processes.items():
            print(
                f"card {number}: at most {processes} processes with memory on it at once, "
                f"{watch.used[number] / 1e9:.1f} GB used at most"
            )
        if gpus:
            full_gpu(folder, paths["model"])


if __name__ == "__main__":
    main()

"""Seconds until the weights are on their device, from a warm disk and from an S3 server.

    python tests/benchmarks/bench_load.py                  # 13 GB where there is a GPU, else 1 GB
    python tests/benchmarks/bench_load.py --folder /scratch --gigabytes 13 --device cuda

A checkpoint in Evo-1's layout is written first, of random values. Rounds alternate between the
ways, so that a busy machine slows all:

disk  (a) evoflow: the whole model, its weights hashed while they are read
      (b) `safetensors.torch.load_file(device=...)` of each file
S3    (c) evoflow: straight from the server into the tensors, hashed and checked
      (d) boto3's `download_file` to the disk, with its defaults

The server is a process on the loopback that sends files: what is measured is the client. Without
boto3 the second half is left out.
"""

import argparse
import importlib.util
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import torch
from huggingface_hub import split_torch_state_dict_into_shards
from safetensors.torch import load_file, save_file

from evoflow.embed.evo import EvoConfig, EvoForCausalLM
from evoflow.embed.hyena.checkpoint import Checkpoint
from evoflow.embed.objects.places import open_objects
from evoflow.embed.weights.files import tensors_of
from evoflow.embed.weights.loading import TensorStream
from evoflow.embed.weights.shared import SharedFile

BUCKET = "bench"


def write_checkpoint(folder: Path, gigabytes: float) -> list[Path]:
    """Write random weights of Evo-1's width, with as many blocks as the size allows."""
    layers = max(2, round(gigabytes * 32 / 12.9))
    attention = [layer for layer in (8, 16, 24) if layer < layers] or [1]
    config = EvoConfig(num_layers=layers, attn_layer_idxs=attention)
    config.save_pretrained(folder)
    with torch.device("meta"):
        shapes = {key: weight.shape for key, weight in EvoForCausalLM(config).state_dict().items()}
    block = torch.randn(1 << 25).mul_(0.02).bfloat16()

    def values(key: str, shape: torch.Size) -> torch.Tensor:
        exact = key.endswith(("poles", "residues"))
        if exact:
            return torch.rand(shape).mul_(0.9)
        count = shape.numel()
        return block.repeat(-(-count // len(block)))[:count].view(shape)

    named = {
        key: torch.empty(shape, dtype=torch.bfloat16, device="meta")
        for key, shape in shapes.items()
    }
    plan = split_torch_state_dict_into_shards(named, max_shard_size="5GB")
    for name, keys in plan.filename_to_tensors.items():
        save_file({key: values(key, shapes[key]) for key in keys}, folder / name)
    weight_map = plan.tensor_to_filename
    if len(plan.filename_to_tensors) > 1:
        text = json.dumps({"metadata": plan.metadata, "weight_map": weight_map})
        (folder / "model.safetensors.index.json").write_text(text)
    return [folder / name for name in plan.filename_to_tensors]


def settled(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()


def seconds(load: Callable[[], object], device: torch.device) -> float:
    settled(device)
    begun = time.perf_counter()
    loaded = load()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    took = time.perf_counter() - begun
    del loaded
    return took


class Sender(BaseHTTPRequestHandler):
    """GET and HEAD of files as S3 answers them, and an empty listing."""

    protocol_version = "HTTP/1.1"
    root: Path

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(send=False)

    def do_GET(self) -> None:
        self.answer(send=True)

    def answer(self, *, send: bool) -> None:
        path, _, query = self.path.partition("?")
        if "list-type" in query:
            body = b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        with (self.root / path.removeprefix(f"/{BUCKET}/")).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            start = int(asked[1]) if asked else 0
            stop = min(int(asked[2]) + 1 if asked and asked[2] else size, size)
            self.send_response(206 if asked else 200)
            self.send_header("ETag", '"fixed"')
            self.send_header("Last-Modified", "Wed, 01 Jan 2025 00:00:00 GMT")
            self.send_header("Content-Length", str(stop - start))
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
            self.end_headers()
            self.wfile.flush()
            while send and start < stop:
                start += os.sendfile(self.connection.fileno(), file.fileno(), start, stop - start)


def serve(root: Path) -> None:
    """Serve a folder until the process ends; its port is the first line that it prints."""
    Sender.root = root
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sender)
    print(server.server_port, flush=True)
    server.serve_forever()


def started(folder: Path) -> "subprocess.Popen[str]":
    """Serve a folder from another process; boto3 finds it in the environment."""
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    os.environ |= {
        "METAFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{server.stdout.readline().strip()}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return server


def from_s3(paths: list[Path], device: torch.device) -> None:
    """Read every tensor of some files from S3 to the device."""
    location = f"s3://{BUCKET}"
    objects = open_objects(location, "bench")
    files = [
        SharedFile(objects, path.name, f"{location}/{path.name}", path.stat().st_size)
        for path in paths
    ]
    for _ in TensorStream([tensor for file in files for tensor in tensors_of(file)], device):
        pass


def downloaded(paths: list[Path], folder: Path) -> None:
    """Download some files to a folder with boto3's own transfer."""
    import boto3

    client = boto3.client("s3", endpoint_url=os.environ["METAFLOW_S3_ENDPOINT_URL"])
    for path in paths:
        client.download_file(BUCKET, path.name, str(folder / path.name))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--folder", type=Path, help="where there is room for two copies")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    device = torch.device(options.device)
    gigabytes = options.gigabytes or (13 if device.type == "cuda" else 1)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        bench(Path(name), gigabytes, device, options.rounds)


def bench(folder: Path, gigabytes: float, device: torch.device, rounds: int) -> None:
    """Write the checkpoint, time every way, print the medians and the ratios."""
    begun = time.perf_counter()
    paths = write_checkpoint(folder, gigabytes)
    size = sum(path.stat().st_size for path in paths)
    took = time.perf_counter() - begun
    print(f"{size / 1e9:.1f} GB in {len(paths)} files, written in {took:.0f} s; {device}; "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    if device.type == "cuda":
        torch.zeros(1, device=device)
    beside = folder / "downloaded"
    checkpoint = Checkpoint(folder)
    config = checkpoint.config(EvoConfig)

    def from_disk() -> EvoForCausalLM:
        return EvoForCausalLM.load(checkpoint, config, dtype=None, device=device)

    def plainly() -> list[dict[str, torch.Tensor]]:
        loaded = [load_file(path, device=str(device)) for path in paths]
        if device.type == "cpu":  # it only maps the file until the values are asked for
            loaded = [{key: value.clone() for key, value in part.items()} for part in loaded]
        return loaded

    def by_boto3() -> None:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        downloaded(paths, beside)

    ways: dict[str, Callable[[], object]] = {
        "disk: evoflow, hashed": from_disk,
        "disk: safetensors load_file": plainly,
    }
    server = None
    if importlib.util.find_spec("boto3"):
        server = started(folder)
        ways["S3: evoflow into memory, hashed"] = lambda: from_s3(paths, device)
        ways["S3: boto3 download_file"] = by_boto3
    times: dict[str, list[float]] = {way: [] for way in ways}
    try:
        from_disk()  # warms the disk and the device
        for _ in range(rounds):
            for way, load in ways.items():
                times[way].append(seconds(load, device))
    finally:
        if server is not None:
            server.terminate()
            server.wait()
    show(times, size)


def show(times: dict[str, list[float]], size: int) -> None:
    """Print the median of every way, and the ratios."""
    medians = {way: statistics.median(found) for way, found in times.items()}
    for way, median in medians.items():
        shown = ", ".join(f"{found:.2f}" for found in times[way])
        print(f"{way:34} {median:7.2f} s  {size / 1e9 / median:5.2f} GB/s  ({shown})")
    ours, plain, *shared = medians.values()
    print(f"from the disk {plain / ours:.2f} x as fast as load_file")
    if shared:
        print(f"from S3 {shared[1] / shared[0]:.2f} x as fast as download_file")


if __name__ == "__main__":
    main()

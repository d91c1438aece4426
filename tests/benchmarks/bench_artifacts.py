"""Seconds that one shard takes to embed, to save as an artifact and to load again.

    python tests/benchmarks/bench_artifacts.py [--sequences 200]

The artifacts have the widths of Evo-1 and go through Metaflow's own store on the local disk; what
a network adds is not in these figures. The embed seconds are those of Evo-1's full size with random
weights in bfloat16 where a GPU is present, and of evo-tiny on the CPU otherwise.
"""

import argparse
import pickle
import random
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from evoflow.embed.embedder import Embedder, Provenance
from evoflow.embed.evo import EvoConfig, EvoForCausalLM
from evoflow.settings import ModelSettings, Window

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from metaflow.datastore.content_addressed_store import ContentAddressedStore
    from metaflow.plugins.datastores.local_storage import LocalStorage

READ_LENGTH = 150
SHARD = 5000
EVO = EvoConfig()
WAYS = {
    "logits/all": ("logits", "all"),
    "logits/window: 64": ("logits", Window(window=64)),
    "final/all": ("final", "all"),
    "final/mean": ("final", "mean"),
}


def full_size_on_gpu() -> Embedder:
    """Evo-1 with random weights."""
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        torch.manual_seed(0)
        model = EvoForCausalLM(EVO)
    torch.set_default_dtype(torch.float32)
    return Embedder(model, Provenance("random", None, "final", "mean", "", "", 32768, {}))


def evo1_shape(count: int, layer: str, tokens: object) -> tuple[int, int, int]:
    kept = {"all": READ_LENGTH, "mean": 1}[tokens] if isinstance(tokens, str) else tokens.window
    return count, kept, EVO.vocab_size if layer == "logits" else EVO.hidden_size


def save_and_load(array: np.ndarray) -> tuple[float, float, float]:
    """Seconds to save and to load an artifact, and the bytes on the disk of each byte."""
    with tempfile.TemporaryDirectory() as folder:
        store = ContentAddressedStore("data", LocalStorage(folder))
        start = time.perf_counter()
        blob = pickle.dumps(array, protocol=4)
        ((_, key),) = store.save_blobs([blob])
        saved = time.perf_counter()
        ((_, loaded),) = store.load_blobs([key])
        again = pickle.loads(loaded)
        end = time.perf_counter()
        assert np.array_equal(again, array)
        stored = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return saved - start, end - saved, stored / array.nbytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=None, help="measured; then scaled")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    gpu = torch.cuda.is_available()
    count = options.sequences or (1000 if gpu else 200)
    embedder = full_size_on_gpu() if gpu else Embedder.from_settings(ModelSettings())
    device = torch.cuda.get_device_name() if gpu else "the CPU; no GPU is present"
    print(f"embed: {'Evo-1, random weights' if gpu else 'evo-tiny'} on {device}")
    print(f"measured on {count} reads of {READ_LENGTH} bases, given for a shard of {SHARD}")
    draw = random.Random(0)
    reads = ["".join(draw.choices("ACGT", k=READ_LENGTH)) for _ in range(count)]
    values = np.random.default_rng(0)
    embedder.embed(reads[:100], layer="final", tokens="mean")  # warm

    times: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in WAYS}
    for _ in range(options.repeats):
        for name, (layer, tokens) in WAYS.items():
            start = time.perf_counter()
            embedder.embed(reads, layer=layer, tokens=tokens)
            embed = time.perf_counter() - start
            array = values.normal(size=evo1_shape(count, layer, tokens)).astype(np.float16)
            times[name].append((embed, *save_and_load(array)))
    print(
        f"{'layer/tokens':20}{'MB':>8}{'embed s':>10}{'save s':>10}{'load s':>10}{'save/embed':>12}"
    )
    for name, rounds in times.items():
        embed, save, load, stored = (
            statistics.median(column) for column in zip(*rounds, strict=True)
        )
        megabytes = np.prod(evo1_shape(SHARD, *WAYS[name])) * 2 * stored / 1e6
        scale = SHARD / count
        print(
            f"{name:20}{megabytes:10,.0f}{embed * scale:10.1f}{save * scale:10.1f}"
            f"{load * scale:10.1f}{save / embed:9.2f}x"
        )


if __name__ == "__main__":
    main()

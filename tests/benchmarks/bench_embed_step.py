"""Wall time of a whole `embed` task beside that of its forward passes alone, in the same task.

    python tests/benchmarks/bench_embed_step.py [--reads 5000] [--tokens 64]

On a GPU the model is Evo-1's full size with random weights in bfloat16, made on the device; else it
is the demo's on the CPU. A task of a Metaflow flow embeds the reads as the flow's own step does:
parts go to a local datastore, progress to a card. The forward passes alone go over the same reads
before and after, and their results are dropped. The whole lasts until Metaflow says that the task
has finished, artifacts and card included; imports and loading the model are left out.
"""

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import numpy as np
from metaflow import FlowSpec, Parameter, card, current, step

from evoflow.report import card_types  # noqa: F401 - makes the types of the cards known

ROOT = Path(__file__).resolve().parent.parent.parent
FINISHED = re.compile(r"^(\S+ \S+) \[\d+/embed/\d+ .*Task finished successfully", re.MULTILINE)
TIMES = re.compile(r"^.*TIMES (.*) (<embeddings .*>)$", re.MULTILINE)
LENGTH = 150


class BenchEmbed(FlowSpec):
    """One task that embeds, between a start and an end that do nothing."""

    reads = Parameter("reads", type=int, default=5000)
    tokens = Parameter("tokens", type=int, default=64)

    @step
    def start(self):
        """Go on."""
        self.next(self.embed)

    @card(type="evoflow_live")
    @step
    def embed(self):
        """Embed, and take the time of the forward passes before and after."""
        import pandas as pd
        import torch

        from evoflow.embed.shard import store_embeddings
        from evoflow.embed.store.datastore import Datastore
        from evoflow.report import cards
        from evoflow.settings import load_settings

        embedder, model = loaded()
        settings = load_settings(
            {"demo": {}}, {**model, "embedding": {"tokens": {"window": self.tokens}}}, {}
        )
        draw = random.Random(0)
        reads = sorted("".join(draw.choices("ACGT", k=LENGTH)) for _ in range(self.reads))
        sequences = pd.DataFrame({"sequence": reads, "variant_offset": LENGTH // 2})
        passes_alone(embedder, settings, reads[:1000])  # warm

        before = passes_alone(embedder, settings, reads)
        began, cpu = time.time(), time.process_time()
        with cards.phases(current.card)("embedding", "sequences") as advance:
            embedded = store_embeddings(
                embedder,
                sequences,
                settings,
                datastore=Datastore.of(self),
                task=current.pathspec,
                progress=advance,
            )
        self.embeddings = embedded.embeddings
        self.log_likelihood = embedded.log_likelihood
        self.provenance = embedded.provenance
        self.embedding_report = embedded.report
        cards.show_embedding(current.card, embedded)
        body = (time.time() - began, time.process_time() - cpu)
        after = passes_alone(embedder, settings, reads)
        del embedder  # as `embed` leaves the device, before its task ends
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        print("TIMES", began, *before, *body, *after, repr(self.embeddings), flush=True)
        self.next(self.end)

    @step
    def end(self):
        """Stop."""


def loaded():
    """Make the model and name its settings."""
    import torch

    from evoflow.embed.embedder import Embedder
    from evoflow.embed.evo import EvoConfig, EvoForCausalLM
    from evoflow.embed.results import Provenance
    from evoflow.settings import ModelSettings

    if not torch.cuda.is_available():
        return Embedder.from_settings(ModelSettings(checkpoint="evo-demo")), {}
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        torch.manual_seed(0)
        model = EvoForCausalLM(EvoConfig())
    torch.set_default_dtype(torch.float32)
    tokens = 32768
    device = torch.cuda.get_device_name()
    made = Provenance("random", None, "final", "mean", "bfloat16", device, tokens, versions={})
    return Embedder(model, made), {"tokens_per_batch": tokens}


def passes_alone(embedder, settings, reads):
    """Seconds and CPU seconds of the forward passes over all reads; what they give is dropped."""
    wish = settings.model.embedding
    stream = embedder.stream(
        reads,
        layers=wish.stored_layers,
        tokens=wish.tokens,
        stored_dtype=wish.stored_dtype,
        filled=True,
    )
    start, cpu = time.perf_counter(), time.process_time()
    for _ in stream:
        pass
    return time.perf_counter() - start, time.process_time() - cpu


def main():
    """Run the flow in a folder of its own and print what its task took."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [sys.executable, __file__, "--no-pylint", "run", *sys.argv[1:]],
            cwd=folder,
            env={
                "USERNAME": "benchmark",
                "PYTHONPATH": str(ROOT),
                **os.environ,
                "METAFLOW_DATASTORE_SYSROOT_LOCAL": folder,
                "TZ": "UTC",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    times, finished = TIMES.search(run.stdout), FINISHED.search(run.stdout)
    if times is None or finished is None:
        sys.exit(run.stdout[-5000:] + run.stderr[-5000:])
    began, *seconds = map(float, times[1].split())
    before, body, after = np.array(seconds).reshape(3, 2)
    ended = datetime.fromisoformat(f"{finished[1]}+00:00").timestamp()
    whole = ended - began - after[0]
    forward = (before + after) / 2
    print(times[2])
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"forward passes alone       {before[0]:8.1f} s before, {after[0]:.1f} s after")
    print(f"body of the step           {body[0]:8.1f} s  {body[0] / forward[0]:5.2f} x the passes")
    print(f"the same in CPU seconds    {body[1]:8.1f} s  {body[1] / forward[1]:5.2f} x the passes")
    print(f"whole task, with its card  {whole:8.1f} s  {whole / forward[0]:5.2f} x the passes")


if __name__ == "__main__":
    if {"run", "step", "card", "--package-suffixes"} & set(sys.argv[1:]):
        BenchEmbed()
    else:
        main()

"""Hold real weights to figures of their own: the published loss of Evo 2, or a perplexity.

    python tests/benchmarks/accept_weights.py evo2-7b-base prompts.csv
    python tests/benchmarks/accept_weights.py evo-1-8k-base genome.fasta --at-most 3.5

For Evo 2, `prompts.csv` is that of github.com/ArcInstitute/evo2 (`evo2/test/data/`): its first
column holds four sequences. Each goes through alone and whole, nothing before it; the mean of the
four losses must be the published one, to 1e-3. Those were rounded to 8 bits, so `--dtype float32`
may differ by as much for that alone.

For Evo-1, which has no published figure, a FASTA file of prokaryotic DNA gives a perplexity per
base (4 is chance), over windows of `--window` bases; `--at-most` says what it may be. The wrongly
permuted weights on the hub's `main` branch, and poles rounded to bfloat16, show as a higher one.
"""

import argparse
import csv
import math
import sys
from pathlib import Path

import torch
from torch.nn import functional as F

from evoflow.devices.choice import choose_device, choose_dtype, device_name
from evoflow.embed.evo import find_checkpoint, model_of, read_config
from evoflow.embed.evo2.sizes import Evo2Sizes
from evoflow.embed.fasta import read_fasta
from evoflow.embed.hyena.tokens import encode

PUBLISHED = {128: ("evo2-7b", 0.3476563, 0.86346), 1: ("evo2-7b-base", 0.3520508, 0.85921)}
"""Name, loss and accuracy, by what rotary positions are divided by; none for evo2-7b-262k."""

TOLERANCE = 1e-3


@torch.inference_mode()
def score(model, sequence: str) -> tuple[float, float]:
    """Return the loss per base, in nats, and the share of bases predicted right."""
    ids = torch.from_numpy(encode([sequence])).to(model.device).long()
    logits = model(ids).logits[0, :-1].float()
    right = logits.argmax(-1) == ids[0, 1:]
    return float(F.cross_entropy(logits, ids[0, 1:])), float(right.float().mean())


def sequences_of(path: Path, window: int) -> list[str]:
    """Read the first column of a CSV file, or windows of a FASTA file."""
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            rows = [row[0].strip().upper() for row in csv.reader(file) if row]
        return [row for row in rows if row and set(row) <= set("ACGTN")]
    wholes = [record.sequence.upper() for record in read_fasta(path)]
    parts = [whole[k : k + window] for whole in wholes for k in range(0, len(whole), window)]
    return [part for part in parts if len(part) > 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", help="a known name or a folder")
    parser.add_argument("sequences", type=Path, help="prompts.csv (Evo 2) or a FASTA file")
    parser.add_argument("--revision")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--window", type=int, default=8192, help="bases of a FASTA at once")
    parser.add_argument("--at-most", type=float, help="perplexity of a FASTA that passes")
    asked = parser.parse_args()
    device = choose_device(asked.device)
    dtype = choose_dtype(asked.dtype, device)
    checkpoint = find_checkpoint(asked.checkpoint, asked.revision)
    config = read_config(checkpoint)
    model = model_of(config).load(checkpoint, config, dtype=dtype, device=device)
    print(f"{asked.checkpoint} on {device_name(device)} in {dtype}")
    sequences = sequences_of(asked.sequences, asked.window)
    if not sequences:
        sys.exit(f"{asked.sequences}: holds no sequence of A, C, G, T and N")
    scores = [score(model, sequence) for sequence in sequences]
    if asked.sequences.suffix == ".csv":
        for sequence, (loss, accuracy) in zip(sequences, scores, strict=True):
            print(f"  {len(sequence):,} bases: loss {loss:.4f}, accuracy {accuracy:.2%}")
        loss = sum(loss for loss, _ in scores) / len(scores)
        accuracy = sum(accuracy for _, accuracy in scores) / len(scores)
        print(f"mean loss {loss:.7f}, accuracy {accuracy:.3%}")
        published = PUBLISHED.get(config.rotary_scale) if isinstance(config, Evo2Sizes) else None
        if published is None:
            sys.exit("no figure is published for this model: nothing to pass or fail")
        name, wanted, share = published
        passed = abs(loss - wanted) <= TOLERANCE
        print(f"published for {name}: loss {wanted}, accuracy {share:.3%}, to {TOLERANCE}")
    else:
        bases = [len(sequence) - 1 for sequence in sequences]
        total = sum(loss * n for (loss, _), n in zip(scores, bases, strict=True))
        perplexity = math.exp(total / sum(bases))
        print(f"perplexity per base {perplexity:.4f} over {sum(bases):,} bases")
        passed = asked.at_most is None or perplexity <= asked.at_most
    print("PASS" if passed else "FAIL")
    sys.exit(not passed)


if __name__ == "__main__":
    main()

"""Whether the shards of a run were embedded by one and the same model."""

from collections.abc import Sequence

from evoflow.embed.results import Provenance
from evoflow.errors import InputError

COMPARED = ("weights", "revision", "dtype")
"""What may differ between machines, or after a resume, and makes other embeddings."""


def require_same_model(shards: Sequence[Provenance]) -> None:
    """Refuse shards that were embedded by other weights, revision or dtype than most are.

    Parameters
    ----------
    shards
        What made each shard, in their order.

    Raises
    ------
    InputError
        Naming each shard that differs, and how.
    """
    made = [tuple(_shown(shard, key) for key in COMPARED) for shard in shards]
    usual = max(dict.fromkeys(made), key=made.count)
    other = made.index(usual)
    problems = [
        f"shard {number} was embedded by {_described(found, usual)}, shard {other} by "
        f"{_described(usual, found)}"
        for number, found in enumerate(made)
        if found != usual
    ]
    if problems:
        remedy = (
            "embeddings of different models cannot be mixed: put back the checkpoint (and, for "
            "another dtype, set model.dtype), then run `resume embed`, which embeds every shard "
            "again, or start a new run"
        )
        raise InputError([*problems, remedy])


def _shown(shard: Provenance, key: str) -> str:
    return f"{key} {getattr(shard, key, None) or 'unknown'}"


def _described(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    return ", ".join(mine for mine, others in zip(one, other, strict=True) if mine != others)

"""Which bases of a read move the head's score: in-silico mutagenesis, and pages that show it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup

from evoflow.errors import InputError
from evoflow.extract.contexts import Contexts
from evoflow.extract.written_alleles import placed
from evoflow.files.atomic import new_file
from evoflow.files.cache import cache_folder
from evoflow.labels.target import LABEL
from evoflow.predict.export import head_of
from evoflow.predict.scoring import score_reads
from evoflow.predict.trained import TrainedHead
from evoflow.predict.variants_file import write_alleles
from evoflow.progress import shown
from evoflow.remote import local_files
from evoflow.report.page import Block, Drawing, Section, Text, page
from evoflow.report.pileup import AROUND, CAPTION, name_of, pile
from evoflow.runs import artifact
from evoflow.settings import ModelSettings
from evoflow.table import ALLELE

BASES = "ACGT"
MOST_ALLELES = 20
"""Alleles of a VCF that are explained."""

_PLACE = ["reference_sequence", "variant_offset"]
_AROUND = ["reference_start", "reference_end"]
_COLUMN, _HEIGHT = 12, 90
_COLOURS = {"A": "#2e8b57", "C": "#2f5fb3", "G": "#d38b1b", "T": "#c8374f"}
_LOGO = (
    "How much each base of the read moves the score: the score of the read minus the mean score "
    "with another base there. Letters above the line raise the score, letters below lower it; the "
    "allele is between the dotted lines."
)


def page_of_allele(run: Any, text: str) -> str:
    """Write the page about one allele of a run.

    Parameters
    ----------
    run
        A finished run.
    text
        The allele as `contig:position:ref:alt`.

    Raises
    ------
    InputError
        When the text names no allele, or the run has no example of it.
    """
    wanted = parse_allele(text)
    examples = artifact(run, "augment", "examples")
    chosen = (examples[[*wanted]] == pd.Series(wanted)).all(axis=1)
    if not chosen.any():
        raise InputError(
            f"--allele {text}: {run.pathspec} has no example of it; {_near(examples, wanted)}"
        )
    reads = examples[chosen]
    trained = head_of(run)
    model = trained.model_settings(None)
    contexts = None if trained.context is None else artifact(run, "extract", "contexts")
    subtitle = f"{run.pathspec}; embedded by {trained.checkpoint}"
    blocks = list(_blocks(trained, model, reads, contexts))
    return page(name_of(wanted), subtitle, [Section("allele", "", blocks, folded=False)])


def page_of_variants(
    trained: TrainedHead, variants: str, reference: str, asked: ModelSettings | None = None
) -> str:
    """Write the page about the alleles of a VCF, each written into the reference.

    Raises
    ------
    InputError
        When a file is not sound, or holds no allele or too many.
    """
    model = trained.model_settings(asked)
    path, fasta = local_files.local_whole(variants), local_files.local_reference(reference)
    with local_files.named({path: variants, fasta: reference}):
        alleles = placed(write_alleles(path, fasta, trained.read_length).alleles)
        contexts = trained.contexts(alleles, fasta)
    if not 0 < len(alleles) <= MOST_ALLELES:
        raise InputError(
            f"{variants}: has {len(alleles):,} alleles that can be written into {reference}; give "
            f"1 to {MOST_ALLELES}"
        )
    known = {"individual": "", "carries_alt": True, "gene": "", "consequence": "", "strand": "+"}
    sections = [
        Section(
            f"allele-{number}",
            name_of(row),
            list(_blocks(trained, model, pd.DataFrame([known | row]), contexts)),
            folded=False,
        )
        for number, row in enumerate(alleles.to_dict("records"))
    ]
    return page("What moves the score", f"embedded by {trained.checkpoint}", sections)


def parse_allele(text: str) -> dict[str, Any]:
    """Read `contig:position:ref:alt`; a contig may hold colons.

    Raises
    ------
    InputError
        When it is not that.
    """
    contig, *rest = text.rsplit(":", 3)
    if len(rest) != 3 or not rest[0].replace(",", "").isdecimal():
        raise InputError(f"--allele {text}: must be CONTIG:POSITION:REF:ALT, such as chr1:123:A:T")
    position, ref, alt = rest
    return {
        "contig": contig,
        "position": int(position.replace(",", "")),
        "ref": ref.upper(),
        "alt": alt.upper(),
    }


def base_effects(
    trained: TrainedHead,
    model: ModelSettings,
    read: Mapping[Any, Any],
    contexts: Contexts | None = None,
    around: int = AROUND,
) -> tuple[float, int, npt.NDArray[np.float64]]:
    """Score a read with every base around its allele changed, one at a time.

    Parameters
    ----------
    trained, model
        The head and the model that embeds.
    read
        `ALLELE`, `sequence`, `reference_sequence` and `variant_offset`; where the head was trained
        with a context also `reference_start` and `reference_end`.
    contexts
        The reference around the read, where the head was trained with it.
    around
        Bases on each side of the allele that are changed.

    Returns
    -------
    score : float
        Of the read as it is.
    start : int
        0-based index in the read of the first base that was changed.
    effects : ndarray
        Score of the read as it is, less the mean score with another base there, shape=(bases,).
    """
    sequence, offset = str(read["sequence"]), int(read["variant_offset"])
    start = max(0, offset - around)
    stop = min(len(sequence), offset + len(str(read["alt"])) + around)
    changed = [
        (position, sequence[:position] + base + sequence[position + 1 :])
        for position in range(start, stop)
        for base in BASES
        if base != sequence[position]
    ]
    sequences = [sequence, *(text for _, text in changed)]
    scores = _cached_scores(trained, model, read, sequences, contexts)
    positions = np.array([position for position, _ in changed]) - start
    sums = np.bincount(positions, weights=scores[1:], minlength=stop - start)
    means = sums / np.bincount(positions, minlength=stop - start)
    return float(scores[0]), start, scores[0] - means


def logo(read: str, start: int, effects: npt.NDArray[np.float64], allele: range) -> Markup:
    """Draw the effects of a read's bases as letters, the higher the more they matter.

    Parameters
    ----------
    read
        All its bases.
    start
        0-based index of the first base that has an effect.
    effects
        Shape=(bases,).
    allele
        0-based indices of the allele's bases.
    """
    largest = max(float(np.abs(effects).max(initial=0)), 1e-9)
    letters = []
    for column, (base, effect) in enumerate(zip(read[start:], effects, strict=False)):
        height = _HEIGHT * float(effect) / largest
        place = Markup("translate({:.1f} {}) scale(1 {:.3f})").format(
            column * _COLUMN, _HEIGHT, height / 10
        )  # a capital letter of this font is 10 high
        letters.append(
            Markup('<text transform="{}" fill="{}">{}</text>').format(
                place, _COLOURS.get(base, "#777"), base
            )
        )
    wide = len(effects) * _COLUMN
    edges = [(place - start) * _COLUMN - 1 for place in (allele.start, allele.stop)]
    lines = Markup("").join(
        Markup('<path d="M{} 0V{}" stroke="#555" stroke-dasharray="2 3"/>').format(x, 2 * _HEIGHT)
        for x in edges
    )
    return Markup(
        '<svg width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img" '
        'font-family="monospace" font-size="14" font-weight="700">'
        '<path d="M0 {2}H{0}" stroke="#999"/>{3}{4}</svg>'
    ).format(wide, 2 * _HEIGHT, _HEIGHT, lines, Markup("").join(letters))


def _blocks(
    trained: TrainedHead, model: ModelSettings, reads: pd.DataFrame, contexts: Contexts | None
) -> Iterator[Block]:
    """Show an allele's reads, and what moves the score of the first."""
    first = reads.iloc[0].to_dict()
    score, start, effects = base_effects(trained, model, first, contexts)
    known = [first["gene"], str(first["consequence"]).replace("_", " ")]
    told = f"The head gives its first read the score {score:.2g} ({trained.target.score})."
    if LABEL in first:
        told = f"True score {first[LABEL]:g}. {told}"
    yield Text(" ".join([*(f"{word}." for word in known if word), told]), strong=True)
    yield Drawing(pile(reads), "Reads over the reference", CAPTION)
    offset = int(first["variant_offset"])
    own = first["alt"] if first["carries_alt"] else first["ref"]
    drawn = logo(str(first["sequence"]), start, effects, range(offset, offset + len(str(own))))
    largest = f"The tallest letter moves it by {np.abs(effects).max():.2g}."
    yield Drawing(drawn, "What moved the score", f"{_LOGO} {largest}")


def _cached_scores(
    trained: TrainedHead,
    model: ModelSettings,
    read: Mapping[Any, Any],
    sequences: list[str],
    contexts: Contexts | None,
) -> npt.NDArray[np.float64]:
    """Score reads, or take the scores of the same head, model and reads from the cache."""
    digest = blake2b(digest_size=16)
    for name, array in sorted(trained.head.weights.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    described = [
        asdict(trained.head.config),
        asdict(trained.head.calibration),
        trained.checkpoint,
        trained.revision,
        trained.weights,
        trained.embedding.model_dump(mode="json"),
    ]
    place = [str(read[name]) for name in ("ref", "alt", *_PLACE)]
    if contexts is not None:
        place += contexts.surround(pd.DataFrame([dict(read)]))["reference_sequence"].tolist()
    digest.update(json.dumps([described, model.dtype, place, sequences]).encode())
    path = cache_folder() / "explanations" / f"{digest.hexdigest()}.json"
    if path.is_file():
        return np.array(json.loads(path.read_text(encoding="utf-8")))
    frame = pd.DataFrame(
        [{name: read.get(name, "") for name in [*ALLELE, *_PLACE, *_AROUND]}] * len(sequences)
    )
    frame = frame.assign(sequence=sequences)
    scored = score_reads(
        trained, frame, model, phases=shown, what="changing bases", contexts=contexts
    )
    scores = scored["score"].to_numpy(dtype=np.float64)
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path) as beside:
        beside.write_text(json.dumps(scores.tolist()), encoding="utf-8")
    return scores


def _near(examples: pd.DataFrame, wanted: Mapping[str, Any]) -> str:
    """Name the alleles of the run that are nearest to one that it lacks."""
    same = examples[examples["contig"] == wanted["contig"]].drop_duplicates(ALLELE)
    if same.empty:
        contigs = ", ".join(map(str, examples["contig"].unique()[:10]))
        return f"its contigs are {contigs}"
    distances = (same["position"] - float(wanted["position"])).abs()  # no int64 need hold it
    order = distances.sort_values(kind="stable").index[:3]
    names = [
        ":".join(str(row[name]) for name in wanted) for row in same.loc[order].to_dict("records")
    ]
    return f"the nearest are {', '.join(names)}"

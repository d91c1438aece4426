"""The report as one HTML page: text is escaped, charts follow the window, nothing is loaded.

A page is a list of sections, a section a list of blocks. All text comes in plain; the template
escapes it, and secrets are taken out here.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from evoflow.files.atomic import whole_file
from evoflow.files.cache import cache_folder
from evoflow.report.charts import Spec
from evoflow.secrets import redact

MOST_ROWS = 200


@dataclass(frozen=True)
class Text:
    """A paragraph; `strong` ones stand out."""

    kind: ClassVar[str] = "text"
    text: str
    strong: bool = False


@dataclass(frozen=True)
class Notes:
    """What must not be overlooked, one line each."""

    kind: ClassVar[str] = "notes"
    lines: Sequence[str]


@dataclass(frozen=True)
class Chart:
    """A chart and how to read it."""

    kind: ClassVar[str] = "chart"
    spec: Spec
    caption: str


@dataclass(frozen=True)
class Grid:
    """A table; columns that hold numbers are aligned to the right."""

    kind: ClassVar[str] = "grid"
    frame: pd.DataFrame
    title: str = ""

    @property
    def columns(self) -> list[str]:
        """Headings."""
        return [redact(str(name)).replace("_", " ") for name in self.frame.columns]

    @cached_property
    def numeric(self) -> list[bool]:
        """Whether each column holds numbers, or intervals written as text."""
        return [
            pd.api.types.is_numeric_dtype(self.frame[name])
            or bool(
                len(self.frame)
                and self.frame[name].astype(str).str.fullmatch(r"[-+\d.,%\[\] ]*").all()
            )
            for name in self.frame.columns
        ]

    @property
    def rows(self) -> list[list[str]]:
        """Cells as text, the first rows of a long table."""
        shown = self.frame.head(MOST_ROWS).itertuples(index=False)
        return [[readable(value) for value in row] for row in shown]

    @property
    def left(self) -> int:
        """Rows that are not shown."""
        return max(len(self.frame) - MOST_ROWS, 0)


@dataclass(frozen=True)
class Drawing:
    """A picture that this package drew as HTML or SVG, its text escaped already."""

    kind: ClassVar[str] = "drawing"
    markup: Markup
    title: str
    caption: str


Block = Text | Notes | Chart | Grid | Drawing


@dataclass(frozen=True)
class Section:
    """A part of the page under a heading; folded ones are opened by a click."""

    key: str
    title: str
    blocks: Sequence[Block]
    folded: bool = True


def page(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """Write the page.

    Parameters
    ----------
    title, subtitle
        At its top.
    sections
        In their order; the contents list names the folded ones.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
    )
    environment.filters["shown"] = lambda text: redact(str(text))
    environment.filters["script"] = in_script
    return environment.get_template("page.html").render(
        title=title,
        subtitle=subtitle,
        sections=sections,
        library=Markup(_vega()),  # noqa: S704 - a library's own code
        glossary=GLOSSARY,
    )


def readable(value: Any) -> str:
    """Write a value for reading: three significant digits, thousands apart."""
    match value.item() if isinstance(value, np.generic) else value:
        case bool() as truth:
            text = str(truth).lower()
        case float() as number if pd.isna(number):
            text = ""
        case float() as number:
            text = f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
        case int() as number:
            text = f"{number:,}"
        case list() | tuple() as several:
            text = ", ".join(map(str, several))
        case other:
            text = str(other)
    return redact(text)


def in_script(value: object) -> Markup:
    """Write JSON that can stand inside a script element whatever its strings hold."""
    text = json.dumps(value, default=lambda number: number.item())
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 - it holds nothing that HTML would act on


_DRAW = "window.drawVega = (place, spec) => vegaEmbed(place, spec, {actions: false});"


def _vega() -> str:
    """Take the charts' library out of its package: the page needs no network.

    That takes seconds, so the result is kept in the cache where it can be.
    """
    made_by = f"{version('vl-convert-python')}-{blake2b(_DRAW.encode(), digest_size=4).hexdigest()}"
    kept = cache_folder() / f"vega-{made_by}.js"
    with suppress(OSError, UnicodeDecodeError):
        return kept.read_text(encoding="utf-8")
    from vl_convert import javascript_bundle

    bundle = str(javascript_bundle(_DRAW)).replace("</script", "<\\/script")
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(kept) as file:
            file.write_text(bundle, encoding="utf-8")
    return bundle


GLOSSARY = {
    "allele": "a contig, a position, a REF and an ALT, left-aligned and trimmed",
    "carriers": "rows whose read carries an allele, as opposed to reads that show the reference",
    "carrier read": "a read whose own bases show the allele",
    "reference locus": "a ClinVar position where the person has no variant; its reads score 0",
    "NONE": "the impact of a read without a variant; the others are Ensembl's impacts",
    "score": "what the head predicts; of the impact HIGH 10, MODERATE 5, LOW 2, MODIFIER 1, NONE 0",
    "own read": "the first read of an allele; only own reads count in validation and test",
    "haplotype": "an allele that nobody carries, written into the reference in place of a read",
    "gap": "examples left out of the split because they overlap two sides",
    "head": "the small network that learns the score from Evo's embeddings",
    "baseline": "a model that knows nothing of Evo, or only its likelihoods",
    "consequence lookup": "the mean label of the training's alleles with the same consequence",
    "column": "a number of the user's own, of which only the order counts",
    "Spearman correlation": "how well predictions rank the true scores: 1 perfectly, 0 not at all;"
    " in a cross-validation, like every metric of ranking, within each fold and then averaged",
    "AUROC": "share of (positive, negative) pairs in the right order: 0.5 is chance, 1 perfect",
    "AUPRC": "mean precision over all thresholds: the share of positives is chance, 1 perfect",
    "MAE, RMSE": "mean absolute error, and root of the mean squared error, of the scores",
    "macro MAE": "the MAE of each true score, averaged: rare scores count as much as common ones",
    "pathogenic": "ClinVar's (likely) pathogenic against (likely) benign; no other class counts",
    "95% interval": "where the value would lie in 95 of 100 repetitions with other genes",
    "n": "the number of rows behind a figure",
}
"""Words of the page."""

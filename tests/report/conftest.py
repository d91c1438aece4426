"""A small made-up run, and a card that keeps what it is given."""

import re

import numpy as np
import pandas as pd
import pytest

from evoflow import progress
from evoflow.augment.balance import SOURCES
from evoflow.report import cards, tallies
from evoflow.report.record import RunRecord
from evoflow.settings import load_settings
from evoflow.train.evaluation.headline import Headline, Interval

SCORES = {"NONE": 0, "MODIFIER": 1, "LOW": 2, "MODERATE": 5, "HIGH": 10}


class RecordingCard:
    """Stands where `current.card` does: keeps components and counts refreshes."""

    def __init__(self):
        self.components = []
        self.refreshed = 0

    def append(self, component):
        self.components.append(component)

    def refresh(self):
        self.refreshed += 1

    def rendered(self):
        """The components as the card's page gets them, each a dict with its `type`."""
        return [component.render() for component in self.components]

    def of_type(self, kind):
        return [component for component in self.rendered() if component["type"] == kind]

    def text(self):
        """What a reader sees of Markdown, whose escapes the card's page drops, and of tables."""
        sources = [component["source"] for component in self.of_type("markdown")]
        tables = self.of_type("table")
        rows = [row for table in tables for row in [table["columns"], *table["data"]]]
        text = re.sub(r"\\.", "", "\n".join(sources))
        return "\n".join([text, *("\t".join(row) for row in rows)])


@pytest.fixture
def card():
    return RecordingCard()


@pytest.fixture(scope="session")
def examples():
    """A table of 200 alleles with two reads each, in three splits; HIGH is absent from test."""
    rng = np.random.default_rng(0)
    alleles = 200
    impacts = rng.choice(list(SCORES), alleles, p=[0.5, 0.2, 0.1, 0.1, 0.1])
    split = np.repeat(["train", "validation", "test"], [120, 30, 50])
    impacts[(split == "test") & (impacts == "HIGH")] = "LOW"
    table = pd.DataFrame(
        {
            "individual": "HG1",
            "contig": "chr1",
            "position": np.arange(alleles) * 10 + 1_000_000,
            "ref": "A",
            "alt": "C",
            "rsid": [f"rs{n}" for n in range(alleles)],
            "gene": "GENE",
            "consequence": "missense_variant",
            "impact": impacts,
            "label": [SCORES[impact] for impact in impacts],
            "carries_alt": impacts != "NONE",
            "split": split,
        }
    )
    return table.loc[table.index.repeat(2)].reset_index(drop=True)


@pytest.fixture(scope="session")
def training_rows(examples):
    """Every own read, then eight HIGH rows of each further source."""
    train = examples[examples["split"] == "train"]
    own = train.index[::2]
    high = train.index[train["impact"] == "HIGH"][:8]
    parts = [
        pd.DataFrame({"example": rows, "reverse_complement": source == "copy"}).assign(
            source=source
        )
        for source, rows in zip(SOURCES, (own, high, high), strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def run(examples, training_rows):
    rng = np.random.default_rng(1)
    test = examples[examples["split"] == "test"].iloc[::2]
    noise = rng.normal(0, 1.5, len(test))
    predictions = test.assign(
        head=(test["label"] + noise).clip(0, 10),
        training_mean=2.0,
        boosted_trees=(test["label"] * 0.5 + noise).clip(0, 10),
    )
    headline = Headline(
        subset="carriers", rows=50, units=20, effective_units=15.0,
        head=Interval(0.71, 0.6, 0.8), baseline="boosted_trees", best=Interval(0.3, 0.1, 0.5),
        difference=Interval(0.41, 0.2, 0.6), p_value=0.001, missing="",
    )  # fmt: skip
    epochs = np.arange(1, 13)
    metrics = {
        subset: {
            "head": {"spearman": (0.71, 0.6, 0.8, 50), "rmse": (1.9, 1.6, 2.3, 50)},
            "training_mean": {"spearman": (None, None, None, 50), "rmse": (3.2, 2.8, 3.6, 50)},
            "boosted_trees": {"spearman": (0.3, 0.1, 0.5, 50), "rmse": (2.9, 2.4, 3.3, 50)},
        }
        for subset in ("all", "carriers")
    }
    return RunRecord(
        name="EvoFlow/1795464212872958",
        settings=load_settings({"demo": {}}, {}, {}),
        extraction=pd.DataFrame(
            [
                ("HG1", "chr1", "variant", "kept", 60),
                ("HG1", "chr2", "variant", "kept", 40),
                ("HG1", "chr1", "variant", "not in ClinVar", 900),
                ("HG1", "chr1", "read", "soft-clipped", 12),
            ],
            columns=["individual", "contig", "subject", "reason", "count"],
        ),
        split_counts=tallies.impact_counts(examples, "split"),
        balance_counts=tallies.balance_counts(examples, training_rows),
        split_notes=["test has no example of score 10"],
        history=pd.DataFrame(
            {
                "epoch": epochs,
                "training_loss": 0.1 / epochs,
                "validation_loss": 0.11 / epochs + 0.01,
                "validation_spearman": 0.6 - 0.4 / epochs,
            }
        ),
        best_epoch=12,
        metrics=metrics,
        undefined={
            subset: {"training_mean": {"spearman": "every prediction is the same"}}
            for subset in metrics
        },
        comparisons=pd.DataFrame(
            {
                "subset": ["carriers"],
                "baseline": ["boosted_trees"],
                "metric": ["spearman"],
                "difference": [0.41],
                "low": [0.2],
                "high": [0.6],
                "verdict": ["carriers: the head is better than boosted trees by rank correlation"],
            }
        ),
        headline=headline,
        predictions=predictions,
        provenance={"checkpoint": "evo-tiny", "device": "cpu", "torch": "2.13.0"},
    )


class Clock:
    """Stands where `time` does, and goes on only when told."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(cards, "Meter", lambda *named: progress.Meter(*named, started=clock.now))
    return clock

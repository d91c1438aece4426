from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from evoflow import progress
from evoflow.embed.embedder import EmbeddingReport, Provenance
from evoflow.embed.shard import EmbeddedShard
from evoflow.embed.store.datastore import Datastore
from evoflow.embed.store.handle import StoredEmbeddings
from evoflow.extract.examples import Extraction
from evoflow.report import cards
from evoflow.settings import Window
from evoflow.train.fit import Epoch, Fit
from evoflow.train.learning import Learning


def test_start_shows_files_contigs_warnings_and_settings(card, run):
    inputs = SimpleNamespace(
        files=pd.DataFrame({"role": ["reads"], "location": ["HG1.bam"]}),
        contigs=pd.DataFrame({"reference": ["chr1"], "clinvar": ["1"], "length": [1000]}),
        genome_build="GRCh38",
        warnings=("chrX is in the reads only",),
    )
    cards.show_inputs(card, run.settings, inputs)
    assert "chrX is in the reads only" in card.text()
    assert "GRCh38" in card.text()
    files, contigs, settings = card.of_type("table")
    assert files["data"] == [["reads", "HG1.bam"]]
    assert contigs["data"] == [["chr1", "1", "1,000"]]
    assert ["data.read_length", "150"] in settings["data"]


def test_extract_shows_every_reason(card, examples, run):
    cards.show_extraction(card, Extraction(examples, run.extraction))
    _, variants, reads = card.of_type("table")
    assert variants["data"] == [["not in ClinVar", "900", "90.0%"], ["kept", "100", "10.0%"]]
    assert reads["data"] == [["soft-clipped", "12", "100.0%"]]


def test_augment_shows_splits_balance_and_shards(card, examples, training_rows):
    cards.show_augmentation(card, examples, training_rows, [(0, 10), (10, 20)], notes=[], size="9")
    assert "2 shards" in card.text()
    assert len(card.of_type("vegaChart")) == 2


def test_augment_says_what_must_not_be_overlooked(card, examples, training_rows):
    cards.show_augmentation(
        card, examples, training_rows, [(0, 10)], notes=["the head cannot see 2"], size="9 x 150"
    )
    assert "> **Note.** the head cannot see 2" in card.text()
    assert "9 x 150 are embedded in 1 shards" in card.text()


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


def test_a_phase_is_a_bar_with_its_pace(card, clock):
    with cards.phases(card)("finding reads", "reads") as advance:
        clock.now += 6
        advance(3, 8)
        (bar,) = card.of_type("progressBar")
        assert (bar["label"], bar["value"], bar["max"]) == ("finding reads", 3, 8)
        assert "left" in bar["details"]
        advance(8, 8)
    assert "took" in card.of_type("progressBar")[0]["details"]


def test_a_card_is_refreshed_after_five_seconds_and_then_ever_more_rarely(card, clock):
    phases = cards.phases(card)
    refreshed = {}
    for number in range(2):  # the waits go on growing from phase to phase
        with phases("training", "steps") as advance:
            for done in range(1, 201):
                clock.now += 1
                advance(done, 1000)
                refreshed.setdefault(card.refreshed, 200 * number + done)
    assert list(refreshed.values()) == [1, 5, 15, 35, 75, 135, 195, 255, 315, 375]


def test_a_card_is_not_refreshed_when_a_phase_is_about_to_end(card, clock):
    phases = cards.phases(card)
    with phases("training", "epochs") as advance:
        clock.now += 96
        advance(96, 100)
        clock.now += 4
        advance(100, 100)
    assert card.refreshed == 0
    with phases("fitting the baselines", "baselines"):
        assert card.refreshed == 1


def test_the_training_card_draws_curves_when_it_is_refreshed(card, clock):
    live = cards.TrainingCard(card)
    with live.phases("training the head", "epochs") as advance:
        for number in range(1, 4):
            clock.now += 3
            live.epoch_ended(Epoch(number, 0.1, 0.2, 0.3, learning_rate=1e-3, seconds=3.0))
            advance(number, 100)
            assert len(card.of_type("vegaChart")) == (0 if number == 1 else 2)
    live.draw()
    losses, ranks = card.of_type("vegaChart")
    (drawn,) = losses["spec"]["datasets"].values()
    assert {row["epoch"] for row in drawn} == {1, 2, 3}
    assert ranks["spec"] != losses["spec"]


def test_embed_shows_speed_padding_and_what_made_the_embeddings(card):
    cards.show_embedding(
        card,
        EmbeddedShard(
            embeddings=StoredEmbeddings(
                "EvoFlow/1/embed/2", Datastore("local", "", ""), (4, 8, 16), np.dtype("float16"),
                rows_per_part=3, listing="",
            ),
            log_likelihood=np.zeros(4, dtype=np.float32),
            report=EmbeddingReport(4, 3, 1, 600, 0.125, seconds=2.0),
            provenance=Provenance(
                checkpoint="evo-tiny", revision=None, layer="final", tokens=Window(window=8),
                dtype="float32", device="cpu", tokens_per_batch=8192, versions={"torch": "2.13.0"},
            ),
        ),
    )  # fmt: skip
    took, made = card.of_type("table")
    assert ["sequences per second", "2.000"] in took["data"]
    assert ["padding waste", "12.5%"] in took["data"]
    assert ["stored of layer final", "4 x 8 x 16, float16, 0.0 MB in 2 parts"] in took["data"]
    assert ["device", "cpu"] in made["data"]
    assert ["tokens.window", "8"] in made["data"]


def test_train_shows_the_best_epoch_and_the_verdicts(card, run):
    fit = Fit(None, run.history.assign(seconds=0.5), best_epoch=2, device="cpu, float32")
    cards.show_learning(
        card, Learning(fit, run.predictions, None, run.comparisons, run.headline, "final")
    )
    (kept,) = card.of_type("table")
    assert ["best epoch", "2"] in kept["data"]
    assert ["its validation Spearman", "0.400"] in kept["data"]
    assert ["seconds", "6.000"] in kept["data"]
    assert "the head is better than" in card.text()


def test_train_compares_layers_and_says_what_it_leaves_out(card, run):
    fit = Fit(None, run.history.assign(seconds=0.5), best_epoch=2, device="cpu, float32")
    layers = pd.DataFrame(
        {
            "layer": ["2", "blocks.2"], "validation_spearman": [0.25, 0.5],
            "test_spearman": [0.75, 0.125], "low": 0.0, "high": 1.0, "best_epoch": [2, 3],
            "chosen": ["", "yes"],
        }
    )  # fmt: skip
    left_out = {"log_likelihood_ratio": "the blocks are too few"}
    cards.show_learning(
        card,
        Learning(
            fit, run.predictions, None, run.comparisons, run.headline, "blocks.2", layers, left_out
        ),
    )
    side_by_side = card.of_type("table")[1]["data"]
    assert side_by_side[1] == ["blocks.2", "0.500", "0.125", "0.000", "1.000", "3", "yes"]
    assert "No log likelihood ratio: the blocks are too few." in card.text()


@pytest.mark.parametrize(
    ("value", "leaves"),
    [
        ({"a": {"b": 1}}, {"a.b": 1}),
        ({"regions": ["chr1", "chr2"]}, {"regions": ["chr1", "chr2"]}),
        ({"people": [{"sample": "x"}]}, {"people.0.sample": "x"}),
    ],
)
def test_settings_are_shown_by_dotted_key(value, leaves):
    assert cards.flat(value) == leaves


def test_a_long_table_says_how_much_more_there_is():
    rows = cards.table(pd.DataFrame({"a": range(1000), "b": "x"})).render()["data"]
    assert len(rows) == 201
    assert rows[-1] == ["and 800 more", ""]


def test_many_individuals_are_shown_as_one(card, examples, run):
    several = pd.concat([examples.assign(individual=f"HG{n}") for n in range(31)])
    cards.show_extraction(card, Extraction(several, run.extraction))
    assert card.of_type("table")[0]["data"][0][0] == "31 individuals"

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from evoflow.embed.results import EmbeddingReport, Provenance
from evoflow.embed.shard import EmbeddedShard
from evoflow.embed.store.datastore import Datastore
from evoflow.embed.store.handle import StoredEmbeddings
from evoflow.report import cards
from evoflow.settings import Window


def test_start_shows_files_contigs_warnings_and_settings(card, run):
    inputs = SimpleNamespace(
        files=pd.DataFrame({"role": ["reads"], "location": ["HG1.bam"]}),
        contigs=pd.DataFrame({"reference": ["chr1"], "clinvar": ["1"], "length": [1000]}),
        genome_build="GRCh38",
        warnings=("chrX is in the reads only",),
    )
    cards.show_inputs(card, run.settings, inputs)
    assert "GRCh38" in card.text()
    notes, files, contigs, settings = card.of_type("table")
    assert ["chrX is in the reads only"] in notes["data"]
    assert files["data"] == [["reads", "HG1.bam"]]
    assert contigs["data"] == [["chr1", "1", "1,000"]]
    assert ["data.read_length", "150"] in settings["data"]


def test_a_phase_is_a_bar_with_its_pace(card, clock):
    with cards.phases(card)("finding reads", "reads") as advance:
        clock.now += 25
        advance(3, 8)
        (bar,) = card.of_type("progressBar")
        assert (bar["label"], bar["value"], bar["max"]) == ("finding reads", 3, 8)
        assert "left" in bar["details"]
        advance(8, 8)
    assert "took" in card.of_type("progressBar")[0]["details"]


def test_a_phase_that_counts_nothing_is_done_at_its_end(card):
    with cards.phases(card)("evaluating on the test split", "metrics"):
        (bar,) = card.of_type("progressBar")
        assert (bar["value"], bar["max"]) == (0, 1)
    (bar,) = card.of_type("progressBar")
    assert (bar["value"], bar["max"], bar["details"]) == (1, 1, "took 0 s")


def test_a_card_is_refreshed_after_twenty_seconds_and_then_ever_more_rarely(card, clock):
    phases = cards.phases(card)
    refreshed = {}
    for number in range(2):  # the waits go on growing from phase to phase
        with phases("training", "steps") as advance:
            for done in range(1, 201):
                clock.now += 1
                advance(done, 1000)
                refreshed.setdefault(card.refreshed, 200 * number + done)
    assert list(refreshed.values()) == [1, 20, 60, 120, 180, 240, 300, 360]


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

import pandas as pd

from evoflow.extract.examples import Extraction
from evoflow.report.charts import cards
from evoflow.train.fit import Epoch, Fit
from evoflow.train.learning import Learning


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
    assert "Note\nthe head cannot see 2" in card.text()
    assert "9 x 150 are embedded in 1 shards" in card.text()


def test_the_training_card_draws_curves_when_it_is_refreshed(card, clock):
    live = cards.TrainingCard(card)
    with live.phases("training the head", "epochs") as advance:
        for number in range(1, 4):
            clock.now += 11
            live.epoch_ended(Epoch(number, 0.1, 0.2, 0.3, learning_rate=1e-3, seconds=3.0))
            advance(number, 100)
            assert len(card.of_type("vegaChart")) == (0 if number == 1 else 2)
    live.draw()
    losses, ranks = card.of_type("vegaChart")
    (drawn,) = losses["spec"]["datasets"].values()
    assert {row["epoch"] for row in drawn} == {1, 2, 3}
    assert ranks["spec"] != losses["spec"]


def test_train_shows_the_best_epoch_and_the_verdicts(card, run):
    fit = Fit(None, run.history.assign(seconds=0.5), best_epoch=2, device="cpu, float32")
    cards.show_learning(
        card, Learning(fit, run.predictions, None, run.comparisons, run.headline, "final")
    )
    kept, _ = card.of_type("table")
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
    assert "No likelihood ratio: the blocks are too few." in card.text()


def test_many_individuals_are_shown_as_one(card, examples, run):
    several = pd.concat([examples.assign(individual=f"HG{n}") for n in range(31)])
    cards.show_extraction(card, Extraction(several, run.extraction))
    assert card.of_type("table")[0]["data"][0][0] == "31 individuals"

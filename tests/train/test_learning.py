from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
import torch

from evoflow.augment.augmentation import augment
from evoflow.settings import HeadSettings, ModelSettings
from evoflow.table import COLUMNS
from evoflow.train.beside import afterwards, beside
from evoflow.train.learning import learn

BESIDE = "evoflow.train.learning.beside"
SPLIT = {"split": {"block_size": 1000}}


@pytest.fixture(scope="module", autouse=True)
def in_this_process():
    """Train the one-hot CNN here: another process would import all anew."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BESIDE, lambda _: nullcontext(afterwards))
        yield


@pytest.fixture(scope="module")
def examples():
    """Reads in which an A became a T: the score is 10 behind a C, else 1; or nothing became."""
    rng = np.random.default_rng(0)
    rows = 400
    bases = rng.choice(list("ACGT"), size=(rows, 20))
    bases[:, 10] = "A"
    carries = np.arange(rows) % 2 == 0
    read = bases.copy()
    read[carries, 10] = "T"
    severe = bases[:, 11] == "C"
    values = {
        "individual": "A",
        "contig": "chr1",
        "position": np.arange(rows) * 1000 + 1,
        "ref": "A",
        "alt": "T",
        "impact": np.select([carries & severe, carries], ["HIGH", "LOW"], "NONE"),
        "label": np.select([carries & severe, carries], [10, 1], 0),
        "carries_alt": carries,
        "read_name": [f"read{number}" for number in range(rows)],
        "sequence": ["".join(row) for row in read],
        "reference_sequence": ["".join(row) for row in bases],
        "variant_offset": 10,
    }
    plain = {name: "" if kind == "str" else 0 for name, kind in COLUMNS.items()}
    return pd.DataFrame({**plain, **values})[[*COLUMNS, "label"]].astype(COLUMNS)


def learned(examples, settings, layers=("logits",), log_likelihood=None, **model):
    """Learn from layers: `noise` tells nothing, any other spells the sequences."""
    augmented = augment(examples, ModelSettings(**SPLIT | model), read_length=20, seed=0)
    sequences = augmented.sequences
    letters = np.array([list(text) for text in sequences["sequence"]])
    spelled = (letters[:, :, None] == np.array(list("ACGT"))).astype(np.float16)
    noise = np.random.default_rng(0).normal(size=spelled.shape).astype(np.float16)
    if log_likelihood is None:
        log_likelihood = np.linspace(-2, -1, len(sequences), dtype=np.float32)
    return augmented, learn(
        augmented.examples,
        augmented.rows,
        sequences,
        layers={layer: lambda k=layer: noise if k == "noise" else spelled for layer in layers},
        log_likelihood=np.broadcast_to(log_likelihood, len(sequences)),
        settings=settings,
        seed=0,
    )


@pytest.fixture(scope="module")
def settings():
    return HeadSettings(channels=8, kernel_size=3, layers=1, epochs=10, learning_rate=1e-2)


@pytest.fixture(scope="module")
def result(examples, settings):
    return learned(examples, settings)


@pytest.fixture(scope="module")
def quick(examples, settings):
    """Learn for a moment from a layer whose shards have no log-likelihoods."""

    def learn_quickly():
        short = settings.model_copy(update={"epochs": 2})
        return learned(examples, short, (2,), np.float32("nan"))[1]

    return learn_quickly


@pytest.fixture(scope="module")
def without_log_likelihoods(quick):
    return quick()


def test_the_test_split_is_predicted_once_an_allele(result):
    augmented, learning = result
    split = augmented.examples
    assert learning.predictions.index.tolist() == split[split["split"] == "test"].index.tolist()
    assert learning.predictions["head"].between(0, 10).all()


def test_the_head_finds_what_context_makes_of_an_allele(result):
    auroc = result[1].evaluation.metrics["carriers"]["head"]["auroc_high"]
    assert auroc[0] > 0.8


def test_all_models_stand_beside_the_head(result):
    learning = result[1]
    assert list(learning.evaluation.metrics["all"]) == [
        "head",
        "training_mean",
        "carrier_bit",
        "allele_type",
        "boosted_trees",
        "log_likelihood_ratio",
        "one_hot_cnn",
    ]
    models = set(learning.evaluation.metrics["all"])
    assert set(learning.comparisons["baseline"]) == models - {"head"}


def test_scores_are_calibrated_to_what_carried_alleles_have(result):
    augmented, learning = result
    split = augmented.examples[augmented.examples["carries_alt"]]
    checked = split.loc[split["split"] == "validation", "label"].mean()
    carriers = learning.predictions[learning.predictions["carries_alt"]]
    for model in ("head", "boosted_trees", "one_hot_cnn"):
        assert carriers[model].mean() == pytest.approx(checked, abs=0.7)


def test_one_bit_explains_what_reference_reads_add(result):
    metrics = result[1].evaluation.metrics
    assert metrics["all"]["carrier_bit"]["spearman"][0] > 0.7
    assert metrics["carriers"]["carrier_bit"]["spearman"][0] is None


def test_a_second_process_changes_no_prediction(quick, without_log_likelihoods, monkeypatch):
    monkeypatch.setattr(BESIDE, beside)
    torch.set_num_threads(2)  # one for each process
    expected = without_log_likelihoods.predictions
    pd.testing.assert_frame_equal(quick().predictions, expected, check_exact=True)


def test_without_log_likelihoods_their_baseline_is_left_out_with_the_reason(
    without_log_likelihoods,
):
    assert "log_likelihood_ratio" not in without_log_likelihoods.predictions
    (reason,) = without_log_likelihoods.left_out.values()
    assert reason.startswith("layer 2 needs only some of the model's blocks")


def test_of_several_layers_the_validation_rows_choose(examples, settings, result):
    one = result[1]
    _, learning = learned(examples, settings, ("noise", "logits"))
    assert learning.layer == "logits"
    pd.testing.assert_frame_equal(learning.predictions, one.predictions, check_exact=True)
    layers = learning.layers.set_index("layer")
    assert layers["chosen"].tolist() == ["", "yes"]
    assert layers.loc["logits", "validation_spearman"] > 0.5
    assert abs(layers.loc["noise", "validation_spearman"]) < 0.4
    value, low, high, _ = one.evaluation.metrics["carriers"]["head"]["spearman"]
    assert layers.loc["logits", ["test_spearman", "low", "high"]].tolist() == [value, low, high]
    assert one.layers is None
    assert one.left_out == {}


@pytest.fixture(scope="module")
def crossed(examples, settings):
    return learned(examples, settings, split={"folds": 3, "block_size": 1000})


def test_a_cross_validation_tests_every_example_once(examples, crossed):
    augmented, learning = crossed
    assert sorted(learning.predictions.index) == list(range(len(examples)))
    assert learning.headline.rows == examples["carries_alt"].sum()
    for fold, rows in augmented.rows.groupby("fold"):
        tested = rows[rows["split"] == "test"]["example"]
        assert not tested.isin(rows[rows["split"] != "test"]["example"]).any(), fold
    assert learning.evaluation.metrics["carriers"]["head"]["auroc_high"][0] > 0.8


def test_the_head_that_is_kept_learns_from_all_but_the_fold_that_stops_it(crossed):
    augmented, _ = crossed
    kept = augmented.rows[augmented.rows["fold"] == 3]
    assert set(kept["split"]) == {"train", "validation"}
    fold = augmented.examples["fold"].to_numpy()[kept["example"]]
    assert set(fold[kept["split"] == "train"]) == {1, 2}
    assert set(fold[kept["split"] == "validation"]) == {0}


def test_a_fold_is_predicted_as_if_it_were_the_only_test(crossed, settings):
    """Without the rows of the other folds the predictions of one stay as they are."""
    augmented, learning = crossed
    first = augmented.rows[augmented.rows["fold"] == 0]
    letters = np.array([list(text) for text in augmented.sequences["sequence"]])
    embeddings = (letters[:, :, None] == np.array(list("ACGT"))).astype(np.float16)
    alone = learn(
        augmented.examples,
        first,
        augmented.sequences,
        layers={"logits": lambda: embeddings},
        log_likelihood=np.linspace(-2, -1, len(letters), dtype=np.float32),
        settings=settings,
        seed=0,
    )
    together = learning.predictions.loc[alone.predictions.index]
    pd.testing.assert_frame_equal(alone.predictions, together, check_exact=True)

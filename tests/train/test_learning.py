import numpy as np
import pandas as pd
import pytest

from evoflow.augment.balance import balance
from evoflow.augment.sequences import unique_sequences
from evoflow.augment.split import assign_splits
from evoflow.settings import BalanceSettings, SplitSettings
from evoflow.table import COLUMNS
from evoflow.train.learning import learn


@pytest.fixture(scope="module")
def examples():
    """Reads in which an A became a T: the score is 10 behind a C, else 1; or nothing became."""
    rng = np.random.default_rng(0)
    rows = 800
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
        "impact_score": np.select([carries & severe, carries], [10, 1], 0),
        "carries_alt": carries,
        "read_name": [f"read{number}" for number in range(rows)],
        "sequence": ["".join(row) for row in read],
        "reference_sequence": ["".join(row) for row in bases],
        "variant_offset": 10,
    }
    plain = {name: "" if kind == "str" else 0 for name, kind in COLUMNS.items()}
    table = pd.DataFrame({**plain, **values})[list(COLUMNS)].astype(COLUMNS)
    return assign_splits(table, SplitSettings(block_size=1000), read_length=20, seed=0)


def learned(examples, settings, layers=("logits",), log_likelihood=None):
    """Learn from layers: `noise` tells nothing, any other spells the sequences."""
    training_rows = balance(examples, BalanceSettings(), seed=0)
    sequences, rows = unique_sequences(examples, training_rows)
    letters = np.array([list(text) for text in sequences["sequence"]])
    spelled = (letters[:, :, None] == np.array(list("ACGT"))).astype(np.float16)
    noise = np.random.default_rng(0).normal(size=spelled.shape).astype(np.float16)
    if log_likelihood is None:
        log_likelihood = np.linspace(-2, -1, len(sequences), dtype=np.float32)
    return learn(
        examples,
        rows,
        sequences,
        layers={layer: lambda k=layer: noise if k == "noise" else spelled for layer in layers},
        log_likelihood=np.broadcast_to(log_likelihood, len(sequences)),
        settings=settings,
        seed=0,
    )


@pytest.fixture(scope="module")
def result(examples):
    from evoflow.settings import HeadSettings

    settings = HeadSettings(channels=8, kernel_size=3, layers=1, epochs=15, learning_rate=5e-3)
    return settings, learned(examples, settings)


def test_the_test_split_is_predicted_once_an_allele(examples, result):
    predictions = result[1].predictions
    expected = examples[examples["split"] == "test"].index
    assert predictions.index.tolist() == expected.tolist()
    assert predictions["head"].between(0, 10).all()


def test_the_head_finds_what_context_makes_of_an_allele(result):
    auroc = result[1].evaluation.metrics["carriers"]["head"]["auroc_high"]
    assert auroc[0] > 0.8


def test_all_models_stand_beside_the_head(result):
    _, learning = result
    assert list(learning.evaluation.metrics["all"]) == [
        "head",
        "training_mean",
        "kmer_ridge",
        "one_hot_cnn",
        "log_likelihood_ratio",
    ]
    assert set(learning.comparisons["baseline"]) == set(learning.evaluation.metrics["all"]) - {
        "head"
    }


def test_without_log_likelihoods_their_baseline_is_left_out_with_the_reason(examples, result):
    settings, whole = result
    learning = learned(examples, settings, (2,), np.float32("nan"))
    assert set(whole.evaluation.metrics["all"]) - set(learning.evaluation.metrics["all"]) == {
        "log_likelihood_ratio"
    }
    assert "log_likelihood_ratio" not in learning.predictions
    (reason,) = learning.left_out.values()
    assert reason.startswith("layer 2 needs only some of the model's blocks")
    assert whole.left_out == {}


def test_of_several_layers_the_validation_rows_choose(examples, result):
    settings, one = result
    learning = learned(examples, settings, ("noise", "logits"))
    assert learning.layer == "logits"
    pd.testing.assert_frame_equal(learning.predictions, one.predictions, check_exact=True)
    layers = learning.layers.set_index("layer")
    assert layers["chosen"].tolist() == ["", "yes"]
    assert layers.loc["logits", "validation_spearman"] > 0.5
    assert abs(layers.loc["noise", "validation_spearman"]) < 0.4
    value, low, high, _ = one.evaluation.metrics["carriers"]["head"]["spearman"]
    assert layers.loc["logits", ["test_spearman", "low", "high"]].tolist() == [value, low, high]
    assert one.layers is None

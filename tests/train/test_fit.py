import itertools
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from evoflow.embed.store.parts import room
from evoflow.errors import InputError
from evoflow.train import fit as fitting
from evoflow.train.calibration import UNCALIBRATED
from evoflow.train.fit import fit
from evoflow.train.prediction import gather


def test_the_head_learns_a_signal(make_pairs, settings):
    training, validation, test = make_pairs(400), make_pairs(100, 1), make_pairs(100, 2)
    found = fit(training, validation, settings, seed=0)
    predicted = found.head.predict(test)
    assert spearmanr(predicted, test.target).statistic > 0.8
    assert predicted.min() >= 0
    assert predicted.max() <= 10


def test_the_optimizer_is_torchs_to_the_last_bit(make_pairs, settings, monkeypatch):
    rows = make_pairs(100), make_pairs(20, 1), settings
    found = fit(*rows, seed=0)
    monkeypatch.setattr(fitting, "_AdamW", torch.optim.AdamW)
    expected = fit(*rows, seed=0)
    for name, weight in expected.head.weights.items():
        np.testing.assert_array_equal(found.head.weights[name], weight)


def test_the_best_epoch_is_kept(make_pairs, settings):
    validation = make_pairs(60, 1)
    found = fit(make_pairs(200), validation, settings, seed=0)
    assert found.best_epoch == found.history["validation_spearman"].argmax() + 1
    carriers = validation.carriers()
    uncalibrated = replace(found.head, calibration=UNCALIBRATED)
    ranks = spearmanr(uncalibrated.predict(carriers), carriers.target).statistic
    assert ranks == pytest.approx(found.history["validation_spearman"].max(), abs=1e-6)
    assert ranks == pytest.approx(found.validation_spearman, abs=1e-6)


def test_an_epoch_is_not_better_by_the_error_of_a_sum(make_pairs, settings, monkeypatch):
    ranks = itertools.count(4503599627370496)
    monkeypatch.setattr(fitting, "rank_correlation", lambda *_: next(ranks) * 2**-53)
    found = fit(make_pairs(50), make_pairs(20, 1), settings, seed=0)
    assert found.best_epoch == 1


def test_training_stops_when_nothing_improves(make_pairs, settings):
    impatient = settings.model_copy(update={"patience": 2, "epochs": 200})
    found = fit(make_pairs(50), make_pairs(20, 1), impatient, seed=0)
    assert len(found.history) == found.best_epoch + 2


def test_training_that_diverges_is_refused_with_what_to_lower(make_pairs, settings):
    steep = settings.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(InputError, match=r"diverged.*learning_rate \(it is 1e\+30\)"):
        fit(make_pairs(50), make_pairs(20, 1), steep, seed=0)


def test_every_epoch_is_reported(make_pairs, settings):
    seen = []
    found = fit(make_pairs(50), make_pairs(20, 1), settings, seed=0, on_epoch=seen.append)
    assert [epoch.epoch for epoch in seen] == found.history["epoch"].tolist()
    assert seen[-1].learning_rate < max(epoch.learning_rate for epoch in seen)


def test_the_same_seed_gives_the_same_head_and_leaves_the_generator_alone(make_pairs, settings):
    import torch

    training, validation = make_pairs(50), make_pairs(20, 1)
    state = torch.get_rng_state()
    first, again, other = (fit(training, validation, settings, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(state, torch.get_rng_state())
    for name, weight in first.head.weights.items():
        np.testing.assert_array_equal(weight, again.head.weights[name])
    name = "project.weight"
    assert (first.head.weights[name] != other.head.weights[name]).any()


def test_a_scratch_file_does_not_change_the_head(make_pairs, settings):
    training, validation = make_pairs(50), make_pairs(20, 1)
    held = room(training.embeddings.shape, training.embeddings.dtype, memory=0)
    held[:] = training.embeddings
    scratch = replace(training, embeddings=held)
    heads = [fit(pairs, validation, settings, seed=0).head for pairs in (training, scratch)]
    for name, weight in heads[0].weights.items():
        np.testing.assert_array_equal(weight, heads[1].weights[name])


@pytest.mark.parametrize(("tokens", "width"), [(1, 7), (3, 1), (150, 4)])
def test_any_length_and_width_is_predicted(make_pairs, settings, tokens, width):
    settings = settings.model_copy(update={"epochs": 1, "kernel_size": 9})
    sizes = {"tokens": tokens, "width": width}
    found = fit(make_pairs(20, **sizes), make_pairs(10, 1, **sizes), settings, seed=0)
    assert found.head.weights["project.weight"].shape == (8, 2 * width)
    predicted = found.head.predict(make_pairs(30, 2, **sizes))
    assert predicted.shape == (30,)
    assert np.ptp(predicted) > 0


def test_reference_rows_do_not_choose_the_epoch(make_pairs, settings):
    training, validation = make_pairs(100), make_pairs(60, 1)
    scrambled = replace(
        validation,
        target=np.where(validation.carries, validation.target, 7).astype(np.float32),
    )
    first, again = (fit(training, side, settings, seed=0) for side in (validation, scrambled))
    assert first.best_epoch == again.best_epoch
    assert first.head.calibration == again.head.calibration


def test_both_strands_of_a_base_are_learnt_from_side_by_side(make_pairs, settings):
    """Embeddings of the other strand alone hold the signal, at the base's place from the end."""
    pairs = make_pairs(400)
    flipped = pairs.embeddings[:, ::-1].copy()
    nothing = np.zeros_like(pairs.embeddings)
    sequences = len(pairs.embeddings)
    both = replace(
        pairs,
        embeddings=np.concatenate([nothing, flipped]),
        read=np.hstack([pairs.read, pairs.read + sequences]),
        window=np.hstack([pairs.window, pairs.window + sequences]),
    )
    read, window = gather(both, np.arange(5), torch.device("cpu"))
    assert read.shape == (5, 6, 10)
    np.testing.assert_array_equal(read[:, :, 5:], pairs.embeddings[:5])
    assert (window[:, :, :5] == 0).all()
    found = fit(both, both, settings, seed=0)
    assert found.head.config.width == 10
    assert spearmanr(found.head.predict(both), both.target).statistic > 0.8


def test_two_levels_are_a_classification(make_pairs, settings):
    training, test = make_pairs(400), make_pairs(100, 1)
    training, test = (
        replace(side, target=(side.target > 4).astype(np.float32)) for side in (training, test)
    )
    found = fit(training, test, settings, seed=0, levels=(0.0, 1.0))
    predicted = found.head.predict(test)
    assert predicted.min() >= 0
    assert predicted.max() <= 1
    assert roc_auc_score(test.target, predicted) > 0.9


def test_a_small_head_needs_one_thread_and_leaves_the_others_alone(make_pairs, settings):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    seen = []
    try:
        pairs = make_pairs(20)
        fit(
            pairs,
            pairs,
            settings,
            seed=0,
            device="cpu",
            on_epoch=lambda _: seen.append(torch.get_num_threads()),
        )
        assert set(seen) == {1}
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_constant_validation_falls_back_to_the_loss(make_pairs, settings):
    validation = make_pairs(20, 1)
    validation = replace(validation, target=np.full_like(validation.target, 5))
    found = fit(make_pairs(50), validation, settings, seed=0)
    assert found.history["validation_spearman"].isna().all()
    assert found.best_epoch == found.history["validation_loss"].argmin() + 1


def test_a_weight_of_zero_is_as_good_as_no_row(make_pairs, settings):
    training = make_pairs(50)
    wrong = training.target.copy()
    wrong[25:] = 10 - wrong[25:]
    weight = np.where(np.arange(50) < 25, 1, 0).astype(np.float32)
    heads = [
        fit(replace(training, target=target, weight=weight), training, settings, seed=0).head
        for target in (training.target, wrong)
    ]
    np.testing.assert_array_equal(*(head.weights["project.weight"] for head in heads))


def test_one_huge_channel_does_not_drown_the_others(make_pairs, settings):
    training, validation, test = make_pairs(400), make_pairs(100, 1), make_pairs(100, 2)
    for pairs in (training, validation, test):
        pairs.embeddings[:, :, -1] = 3000 + 10 * pairs.embeddings[:, :, -1]
    found = fit(training, validation, settings, seed=0)
    predicted = found.head.predict(test)
    assert spearmanr(predicted, test.target).statistic > 0.8


def test_a_head_is_read_without_torch(make_pairs, settings, tmp_path):
    found = fit(make_pairs(20), make_pairs(10, 1), settings, seed=0)
    path = tmp_path / "head.pickle"
    path.write_bytes(pickle.dumps(found.head))
    code = (
        "import pickle, sys; head = pickle.load(open(sys.argv[1], 'rb'));"
        "assert 'torch' not in sys.modules; print(head.config.width)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("5\n", "")


def test_cudnn_stays_on_and_is_repeatable_while_training(make_pairs, settings):
    seen = []
    pairs = make_pairs(40)
    fit(
        pairs,
        pairs,
        settings.model_copy(update={"epochs": 1}),
        seed=0,
        on_epoch=lambda _: seen.append(
            (torch.backends.cudnn.enabled, torch.backends.cudnn.deterministic)
        ),
    )
    assert seen == [(True, True)]

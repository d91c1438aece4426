import pytest

from evoflow.labels.target import IMPACT, PATHOGENICITY, column, named, target_of
from evoflow.settings import TargetSettings
from evoflow.train.evaluation.comparison import COMPARED
from evoflow.train.evaluation.headline import CALLED, MEASURE
from evoflow.train.evaluation.metrics import METRICS

TARGETS = [IMPACT, PATHOGENICITY, column("function score")]


def test_settings_name_their_target():
    given = {"column": {"file": "scores.tsv", "name": "function score"}}
    settings = [TargetSettings(), TargetSettings(pathogenicity={}), TargetSettings(**given)]
    assert [target_of(each) for each in settings] == TARGETS


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.kind)
def test_a_target_is_found_by_its_kind_and_name(target):
    assert named(target.kind, target.name) == target


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'risk'"):
        named("risk", "risk")


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.kind)
def test_every_metric_of_a_target_is_known(target):
    assert set(target.metrics) <= set(METRICS)
    assert set(target.compared) <= set(target.metrics) & set(COMPARED)
    assert target.headline == target.compared[0]
    assert target.headline in CALLED.keys() & MEASURE.keys()
    assert target.ends in {(0, 10), (0, 1), None}

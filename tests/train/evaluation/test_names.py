import pytest

from evoflow.train.evaluation import metrics, names
from evoflow.train.evaluation.names import spoken


@pytest.mark.parametrize(
    ("model", "said"),
    [("head", "head"), ("one_hot_cnn", "one-hot CNN"), ("REVEL_score", "REVEL score")],
)
def test_names_are_those_that_people_say(model, said):
    assert spoken(model) == said


def test_every_metric_has_a_name_that_people_say():
    assert names.METRICS.keys() == metrics.METRICS.keys()

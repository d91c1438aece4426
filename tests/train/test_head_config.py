"""The levels of a head without any of its own."""

from evoflow.impact import LEVELS, SCORES
from evoflow.train.head_config import HeadConfig


def test_the_levels_are_the_impact_scores_from_low_to_high():
    assert LEVELS == HeadConfig(4, 2, 3, 1, 0.0).levels == (0.0, 1.0, 2.0, 5.0, 10.0)
    assert set(LEVELS) == set(SCORES.values())

"""What embedding took, summed up."""

import pytest

from evoflow.embed.results import Work, report_of
from evoflow.embed.store.cache import Use


def test_the_share_of_padding_and_the_speed_are_of_all_tokens_and_sequences():
    work = Work(unique_sequences=8, forward_passes=2, tokens=1000, padding=250, seconds=4.0)
    report = report_of(work, 12, Use(hits=4))
    assert report.padding_waste == 0.25
    assert report.sequences_per_second == 3
    assert (report.sequences, report.unique_sequences, report.cache.hits) == (12, 8, 4)


def test_where_all_is_looked_up_nothing_is_wasted():
    report = report_of(Work(seconds=0.5), 3)
    assert report.padding_waste == 0
    assert report.sequences_per_second == pytest.approx(6)

"""The cards that Metaflow knows by our names."""

from types import SimpleNamespace

from metaflow.plugins import CARDS

from evoflow.report.card_types import LiveCard, ReportCard, StepCard


def test_metaflow_knows_each_once():
    for kind in (StepCard, LiveCard, ReportCard):
        assert [each for each in CARDS if each.type == kind.type] == [kind]


def test_the_report_is_the_page_that_the_last_step_left():
    assert ReportCard().render({"report": SimpleNamespace(data="<html>")}) == "<html>"

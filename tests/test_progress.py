import threading

import pytest

from evoflow import progress
from evoflow.progress import Meter


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_says_what_how_much_how_fast_and_how_long(clock):
    meter = Meter("embedding", "sequences", started=100.0)
    clock[0] = 140.0
    meter.advance(1200, 5000)
    assert meter.line() == "embedding: 1,200 of 5,000 sequences, 30.0 sequences/s, 2 min left"


def test_slow_steps_are_given_in_seconds_each(clock):
    meter = Meter("training", "epochs", started=100.0)
    clock[0] = 150.0
    meter.advance(5, 20)
    assert meter.line() == "training: 5 of 20 epochs, 10.0 s each, 2 min left"


def test_what_has_not_begun_or_is_done_says_so(clock):
    meter = Meter("reading", "parts", started=100.0)
    clock[0] = 130.0
    assert meter.line() == "reading: 30 s so far"
    meter.advance(60, 60)
    assert meter.line() == "reading: 60 of 60 parts, 2.0 parts/s, took 30 s"


@pytest.mark.parametrize(
    ("seconds", "text"), [(9, "9 s"), (99, "99 s"), (720, "12 min"), (12_000, "3 h 20 min")]
)
def test_durations_are_readable(seconds, text):
    assert progress.duration(seconds) == text


def test_a_log_gets_lines_even_while_nothing_advances(capsys, monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.01)
    told = threading.Event()
    monkeypatch.setattr(Meter, "line", lambda self: told.set() or f"{self.what} {self.done}")
    with progress.shown("work", "parts") as advance:
        advance(3, 4)
        assert told.wait(10)
        advance(4, 4)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "work 3"
    assert lines[-1] == "work 4"


def test_quick_work_says_nothing_in_a_log(capsys):
    with progress.shown("work", "parts") as advance:
        advance(4, 4)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True)
    with progress.shown("work", "parts") as advance:
        advance(2, 4)
        advance(4, 4)
    assert "4/4" in capsys.readouterr().err


def test_the_lines_end_with_the_work_even_if_it_fails():
    before = threading.active_count()
    with pytest.raises(RuntimeError), progress.shown("work", "parts"):
        raise RuntimeError
    assert threading.active_count() == before

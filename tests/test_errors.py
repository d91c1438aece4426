"""The error that users read: whole across processes, without secrets, in one piece of text."""

import pickle

import pytest

from evoflow.errors import InputError, collected, first_line


def test_one_sentence_or_several():
    assert InputError("a.bam: is empty").problems == ["a.bam: is empty"]
    error = InputError(f"{name}: is empty" for name in ("a", "b"))
    assert str(error) == "a: is empty\nb: is empty"


def test_a_worker_process_hands_it_over_whole():
    error = pickle.loads(pickle.dumps(InputError(["a", "b"])))
    assert type(error) is InputError
    assert error.problems == ["a", "b"]


def test_a_signature_in_a_url_is_taken_out():
    (problem,) = InputError("https://host/a.bam?X-Amz-Signature=abc123: is cut off").problems
    assert "abc123" not in problem
    assert "host/a.bam" in problem


def test_bytes_that_are_no_text_can_be_printed():
    (problem,) = InputError(b"sample \xb5".decode(errors="surrogateescape")).problems
    assert problem == "sample \\xb5"


def test_problems_are_collected_and_other_errors_are_not():
    problems = ["first"]
    with collected(problems):
        raise InputError(["second", "third"])
    assert problems == ["first", "second", "third"]
    with pytest.raises(KeyError), collected(problems):
        raise KeyError


def test_a_message_of_another_library_is_one_line():
    assert first_line("  one\ntwo") == "one"
    assert first_line(TimeoutError()) == "TimeoutError"

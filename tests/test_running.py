"""What a user is told when a run ends badly."""

import errno
import shlex
import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY

from evoflow import running
from evoflow.running import ReadableError, how_to_go_on, run_flow
from tests.conftest import ROOT

SCRIPT = "flows/evo_flow.py"


def command_in(text):
    (line,) = [line for line in text.splitlines() if " resume " in line]
    return shlex.split(line)


def test_the_command_that_goes_on_leaves_out_configs_and_parameters():
    words = [SCRIPT, "--datastore", "s3", "--config", "data", "my run.yaml", "run"]
    words += ["--export-examples", "out.jsonl", "--max-workers", "4", "--with=retry"]
    command = command_in(how_to_go_on(words, "17"))
    assert command[1:] == [
        *[SCRIPT, "--datastore", "s3", "resume", "--origin-run-id", "17"],
        *["--max-workers", "4", "--with=retry"],
    ]


def test_a_resumed_run_goes_on_from_itself():
    words = [SCRIPT, "resume", "--origin-run-id", "17", "--run-id-file", "id"]
    command = command_in(how_to_go_on(words, "18"))
    assert command[2:] == ["resume", "--origin-run-id", "18", "--run-id-file", "id"]


def test_tasks_elsewhere_are_listed_and_stopped_by_commands_too():
    compute = str(ROOT / "config" / "compute" / "batch.yaml")
    words = [SCRIPT, "--config", "compute", compute, "run"]
    told = how_to_go_on(words, "17")
    assert f"{SCRIPT} --config compute {compute} batch kill --run-id 17" in told
    assert "kubernetes" not in told
    assert "batch" not in how_to_go_on([SCRIPT, "run"], "17")
    assert "kubernetes list --run-id 17" in how_to_go_on(
        [SCRIPT, "run", "--with", "kubernetes"], "17"
    )


def test_a_resumed_run_has_its_tasks_where_its_origin_had_them(monkeypatch):
    compute = SimpleNamespace(data={"target": "batch"})
    parameters = {"_parameters": SimpleNamespace(task={"compute": compute})}
    monkeypatch.setattr(running, "Run", {"EvoFlow/18": parameters}.__getitem__)
    words = [SCRIPT, "resume", "--origin-run-id", "17"]
    assert f"{SCRIPT} batch kill --run-id 18" in how_to_go_on(words, "18")
    assert "kill" not in how_to_go_on(words, "19")


def test_the_python_of_this_folder_is_shown_as_it_is_typed(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    assert command_in(how_to_go_on([SCRIPT, "run"], "17"))[0] == ".venv/bin/python"


def fails_with(error):
    """A flow whose command ends as Metaflow ends it after such an error."""

    def flow():
        with suppress(type(error)):
            raise error
        ended = SystemExit(1)
        ended.__context__ = error
        raise ended

    return flow


@pytest.mark.parametrize(
    ("error", "retries", "status"),
    [
        (ReadableError("no such file"), "3", METAFLOW_EXIT_DISALLOW_RETRY),
        (ReadableError("no such file"), "0", 1),
        (OSError("try again"), "3", 1),
    ],
)
def test_a_task_here_is_tried_again_unless_that_is_in_vain(error, retries, status):
    words = [SCRIPT, "step", "extract", "--max-user-code-retries", retries]
    with pytest.raises(SystemExit) as ended:
        run_flow(fails_with(error), words)
    assert ended.value.code == status


def test_a_lost_remote_task_is_tried_again(monkeypatch):
    def lost(*_, **__):
        raise ConnectionError

    monkeypatch.setattr(running, "Task", lost)
    words = [SCRIPT, "batch", "step", "embed", "--run-id", "1", "--task-id", "2"]
    with pytest.raises(SystemExit) as ended:
        run_flow(fails_with(OSError()), words)
    assert ended.value.code == 1


def test_a_run_that_succeeds_says_nothing(capsys):
    run_flow(lambda: None, [SCRIPT, "run"])
    assert capsys.readouterr() == ("", "")


def test_results_that_find_no_room_name_the_datastore(capsys, tmp_path):
    words = [SCRIPT, "--datastore-root", str(tmp_path), "step", "extract"]
    with pytest.raises(SystemExit):
        run_flow(fails_with(OSError(errno.ENOSPC, "No space left on device")), words)
    said = capsys.readouterr().err
    assert f"results of the step are kept in {tmp_path} (" in said
    assert "Make room there and resume" in said


@pytest.mark.parametrize(("kills", "said"), [((3, 4), True), ((3, 3), False), ((None, None), True)])
def test_a_task_that_was_killed_for_memory_is_told(monkeypatch, kills, said):
    monkeypatch.setattr(running, "killed_claims", lambda _: [13_000_000_000])
    monkeypatch.setattr(running, "machine_memory", lambda: 2_000_000_000)
    monkeypatch.setattr(running, "memory_kills", lambda: kills[1])
    lines = list(running._killed_for_memory(kills[0]))
    assert bool(lines) == said
    for line in lines:
        assert "killed, probably because memory ran out: it needed 13.0 GB, and 2.0 GB are" in line


def test_a_config_in_another_encoding_is_named(tmp_path, capsys):
    path = tmp_path / "data.yaml"
    path.write_bytes(b"demo: {}\n# caf\xe9\n")

    def flow():
        """End as Metaflow does where it cannot read a config."""
        raise SystemExit(1)

    with pytest.raises(SystemExit) as ended:
        run_flow(flow, [SCRIPT, "--config", "data", str(path), "run"])
    assert ended.value.code == 2
    assert f"the data config {path}: line 2: the byte 0xE9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [(["run", "--config", "data", "x.yaml"], True), (["--config", "data", "run", "run"], False)],
)
def test_a_config_after_run_is_told_where_it_goes(words, told, capsys):
    def flow():
        raise SystemExit(2)

    with pytest.raises(SystemExit):
        run_flow(flow, [SCRIPT, *words])
    assert ("--config goes before run" in capsys.readouterr().err) == told


@pytest.mark.parametrize(
    ("steps", "begun"),
    [(["_parameters", "start"], False), (["_parameters", "start", "extract"], True)],
)
def test_a_run_that_came_no_further_than_start_is_not_worth_resuming(monkeypatch, steps, begun):
    made = [SimpleNamespace(id=name) for name in steps]
    monkeypatch.setattr(running, "Run", {"EvoFlow/17": made}.__getitem__)
    assert running.is_begun("17") is begun
    assert running.is_begun("18")  # of which nothing can be learnt

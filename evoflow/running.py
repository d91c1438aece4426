"""What surrounds the flow's commands: how to resume after a failure, and when not to retry."""

import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from metaflow import Run, Task, current, namespace
from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY, MetaflowException
from metaflow.runtime import MAX_NUM_SPLITS

from evoflow.devices.ledger import killed_claims, machine_memory, memory_kills
from evoflow.errors import InputError
from evoflow.files.disks import is_full_disk, room_in
from evoflow.runs import FLOW
from evoflow.settings import parse_yaml
from evoflow.settings.yaml_text import decode

REMOTE = ("batch", "kubernetes")

KEPT = ("--max-workers", "--max-num-splits", "--max-log-size", "--with", "--tag", "--run-id-file")
"""Options of `run` that `resume` has too; parameters and configs come from the first run."""


class ReadableError(MetaflowException):
    """An input error, printed as a message without a traceback."""

    headline = "Input error"


NOTHING_DONE = "Nothing was computed yet. Once the cause is fixed, start the run again."
"""What a run is told that came no further than `start`."""


def run_flow(flow: Callable[[], object], arguments: Sequence[str] | None = None) -> None:
    """Run a flow's command line.

    A `run` or `resume` that fails, or is stopped by Ctrl-C, SIGTERM or a closed terminal, ends its
    tasks and says how to go on. A task that failed for what only the user can fix is not tried
    again, wherever it ran.

    Parameters
    ----------
    flow
        The flow's class.
    arguments
        The command line; default: this process's.
    """
    words = list(sys.argv if arguments is None else arguments)
    _refuse_other_encodings(words)
    begins_run = not {"run", "resume"}.isdisjoint(_without_configs(words))
    kills = memory_kills()
    if begins_run:
        _stop_like_ctrl_c()
    try:
        flow()
    except SystemExit as ended:
        if ended.code in (None, 0):
            raise
        if begins_run and current.run_id:
            for line in _killed_for_memory(kills):
                print(line, file=sys.stderr)
            run_id = str(current.run_id)
            told = how_to_go_on(words, run_id) if is_begun(run_id) else NOTHING_DONE
            print(told, file=sys.stderr)
        elif "--config" in words and "run" in words[: words.index("--config")]:
            print("--config goes before run", file=sys.stderr)
        elif "step" in words:
            if is_full_disk(ended.__context__):
                print(_full_datastore(words), file=sys.stderr)
            if _is_hopeless(words, ended):
                raise SystemExit(METAFLOW_EXIT_DISALLOW_RETRY) from ended
        raise


def is_begun(run_id: str) -> bool:
    """Whether a run came further than `start`, whose settings a resumed run would keep."""
    namespace(None)
    try:
        return any(step.id not in {"_parameters", "start"} for step in Run(f"{FLOW}/{run_id}"))
    except Exception:  # noqa: BLE001 - storage that fails: there may be work to go on with
        return True


def how_to_go_on(words: Sequence[str], run_id: str) -> str:
    """Write the command that resumes a run, from the command line that began it.

    Parameters
    ----------
    words
        The command line, the script first.
    run_id
        Of the run.
    """
    plain = _without_configs(words)
    at = next(i for i, word in enumerate(plain) if word in ("run", "resume"))
    before = plain[1:at]
    after = [
        word
        for option, value in pairwise([*plain[at + 1 :], ""])
        if option.partition("=")[0] in KEPT
        for word in ([option] if "=" in option else [option, value])
    ]
    command = [_shown(sys.executable), words[0], *before, "resume", "--origin-run-id", run_id]
    lines = [
        "Finished work is kept. To continue with the same settings, once the cause is fixed:",
        f"    {shlex.join([*command, *after])}",
        "To change a setting, start a new run.",
    ]
    target = _target_of_run(run_id) if "resume" in plain else _target(words)
    for remote in REMOTE:
        if any(word.split(":")[0] == remote for word in words) or target == remote:
            compute = _compute_config(words)
            configs = ["--config", "compute", compute] if compute else []
            own = [_shown(sys.executable), words[0], *configs, *before, remote]
            lines += [
                f"Tasks on {remote} may still be running. To list them, and to stop them:",
                f"    {shlex.join([*own, 'list', '--run-id', run_id])}",
                f"    {shlex.join([*own, 'kill', '--run-id', run_id])}",
            ]
    return "\n".join(lines)


def begins() -> bool:
    """Whether this command line begins a run or a deployment, whose tasks need this environment."""
    plain = set(_without_configs(sys.argv))
    deploys = "create" in plain and "card" not in plain  # a task creates its card by a command
    return deploys or not plain.isdisjoint({"run", "resume"})


def allowed_splits() -> int | None:
    """Return how many tasks Metaflow lets a step fan out to; None where no run begins here.

    It looks only after the step that fans out has run.
    """
    if "run" not in _without_configs(sys.argv):
        return None
    asked = _option(sys.argv, "--max-num-splits") or os.environ.get("METAFLOW_RUN_MAX_NUM_SPLITS")
    return int(asked) if asked and asked.isdigit() else MAX_NUM_SPLITS


def _stop_like_ctrl_c() -> None:
    """Have the signals that end a process do what Ctrl-C does: Metaflow then ends its tasks."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores one
            signal.signal(number, signal.default_int_handler)


def _refuse_other_encodings(words: Sequence[str]) -> None:
    """Say which config is not in UTF-8: Metaflow reads them first, and fails with a traceback."""
    for option, name, path in zip(words, words[1:], words[2:], strict=False):
        if option == "--config" and Path(path).is_file():
            try:
                decode(Path(path).read_bytes())
            except InputError as error:
                print(f"Error: the {name} config {path}: {error}", file=sys.stderr)
                raise SystemExit(2) from None


def _is_hopeless(words: Sequence[str], ended: SystemExit) -> bool:
    """Whether a task failed for what only the user can fix, here or on another machine."""
    if not any(remote in words for remote in REMOTE):
        retries = int(_option(words, "--max-user-code-retries") or 0)
        return isinstance(ended.__context__, ReadableError) and retries > 0
    run_id, task_id = _option(words, "--run-id"), _option(words, "--task-id")
    step = words[words.index("step") + 1]
    namespace(None)
    try:
        attempt = int(_option(words, "--retry-count") or 0)
        failure = Task(f"{FLOW}/{run_id}/{step}/{task_id}", attempt=attempt).exception
    except Exception:  # noqa: BLE001 - a task that left no word, or storage that fails: try again
        return False
    return str(getattr(failure, "type", "")).endswith(f".{ReadableError.__name__}")


def _killed_for_memory(kills: int | None) -> Iterator[str]:
    """Say which of this run's tasks were killed while they held a model in the machine's memory.

    Metaflow kills tasks too, when another one failed: the kernel's own count, as it was when the
    run began, tells these apart.
    """
    if kills is not None and memory_kills() == kills:
        return
    free = machine_memory()
    there = "" if free is None else f", and {free / 1e9:.1f} GB are free now"
    for needed in killed_claims(os.getpid()):
        yield (
            f"A task was killed, probably because memory ran out: it needed {needed / 1e9:.1f} GB"
            f"{there}. Give the machine more memory, end other programs that use it, or set "
            "model.dtype to bfloat16 or a lower model.tokens_per_batch."
        )


def _full_datastore(words: Sequence[str]) -> str:
    """Say where the artifacts are that found no room."""
    root = _option(words, "--datastore-root")
    folder = Path(root) if root and Path(root).is_dir() else Path.cwd()
    return (
        f"The disk is full: results of the step are kept in {folder} ({room_in(folder)}). Make "
        "room there and resume the run, or set METAFLOW_DATASTORE_SYSROOT_LOCAL to a folder with "
        "more room and start a new one."
    )


def _option(words: Sequence[str], name: str) -> str | None:
    for number, word in enumerate(words):
        if word == name and number + 1 < len(words):
            return words[number + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def _without_configs(words: Sequence[str]) -> list[str]:
    """Leave out `--config NAME FILE` and its like: `resume` takes them from the first run."""
    kept: list[str] = []
    skip = 0
    for word in words:
        if skip:
            skip -= 1
        elif word in ("--config", "--config-value"):
            skip = 2
        else:
            kept.append(word)
    return kept


def _target(words: Sequence[str]) -> str | None:
    """Read where the compute config of a command line sends the steps."""
    try:
        content = Path(_compute_config(words) or "").read_bytes()
        return str(parse_yaml(decode(content)).get("target"))
    except (InputError, OSError):
        return None


def _target_of_run(run_id: str) -> str | None:
    """Read where a run sends its steps; one that is resumed takes its configs from its origin."""
    namespace(None)
    try:
        return str(Run(f"{FLOW}/{run_id}")["_parameters"].task["compute"].data["target"])
    except Exception:  # noqa: BLE001 - the run may lack it, or its storage may fail
        return None


def _compute_config(words: Sequence[str]) -> str | None:
    for number, word in enumerate(words[:-2]):
        if (word, words[number + 1]) == ("--config", "compute"):
            return words[number + 2]
    return None


def _shown(program: str) -> str:
    """Name a program as it is typed in this folder."""
    path = Path(program)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else program

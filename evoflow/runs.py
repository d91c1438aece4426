"""Finding a run and its card through Metaflow's client."""

import re
from pathlib import Path
from typing import Any

from metaflow import Flow, Run, namespace
from metaflow.exception import MetaflowException

from evoflow.errors import InputError

FLOW = "EvoFlow"

REPORT = "evoflow_report"
"""Type of the card that the last step leaves."""

_REMOTE_FONT = re.compile(r'@import\s*"https://fonts\.googleapis\.com[^"]*";')


def find_run(name: str) -> Any:
    """Find a run of anybody by its name.

    Parameters
    ----------
    name
        `EvoFlow/123`, `123`, or `latest` for the latest that succeeded.

    Raises
    ------
    InputError
        When there is no such run in the metadata that Metaflow is configured to use.
    """
    namespace(None)
    try:
        if name != "latest":
            return Run(name if "/" in name else f"{FLOW}/{name}")
        run = Flow(FLOW).latest_successful_run
    except MetaflowException:
        run = None
    if run is None:
        raise InputError(f"run {name!r} is not in {_place()}; {_known()}")
    return run


def artifact(run: Any, step: str, name: str) -> Any:
    """Load an artifact that a step of a run has left.

    Raises
    ------
    InputError
        When the step did not finish, or left what this version cannot read.
    """
    try:
        return run[step].task[name].data
    except (KeyError, MetaflowException) as error:
        raise InputError(
            f"{run.pathspec} has not finished {step}: resume it, or name another run"
        ) from error
    except (ImportError, AttributeError, TypeError) as error:  # unpickling what has changed since
        raise InputError(
            f"{run.pathspec}: {name} was written by another version of evoflow ({error}): run the "
            "flow again, or use that version"
        ) from error


def report_html(run: Any) -> str:
    """Return the report of a finished run: one page that needs nothing else to be drawn."""
    return str(artifact(run, "end", "report"))


def self_contained(page: str) -> str:
    """Take out the one thing that a card loads: a font, without which the system's own serves."""
    return _REMOTE_FONT.sub("", page)


def _place() -> str:
    """Say where Metaflow looks for runs."""
    from metaflow import get_metadata
    from metaflow.plugins.datastores.local_storage import LocalStorage

    kind, _, where = str(get_metadata()).partition("@")
    if kind == "local":
        root = LocalStorage.get_datastore_root_from_config(lambda *_: None, create_on_absent=False)
        where = str(root or f"{Path.cwd()}, which has no .metaflow")
    return f"Metaflow's {kind} metadata ({where})"


def _known() -> str:
    try:
        runs = [run.pathspec for run, _ in zip(Flow(FLOW), range(5), strict=False)]
    except MetaflowException:
        runs = []
    if not runs:
        return (
            "there are no runs of the flow: start the command in the folder where it ran, with "
            "the same METAFLOW_ variables"
        )
    return f"the newest are {', '.join(runs)}"

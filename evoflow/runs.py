"""Finding a run and its card through Metaflow's client."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metaflow import Flow, Run, default_metadata, get_metadata, metadata, namespace
from metaflow.exception import MetaflowException
from metaflow.metaflow_config import DATASTORE_SYSROOT_LOCAL
from metaflow.plugins.datastores.local_storage import LocalStorage
from requests import RequestException

from evoflow.errors import InputError

FLOW = "EvoFlow"

REPORT = "evoflow_report"
"""Type of the card that the last step leaves."""

_REMEDY = (
    "there are no runs of the flow: start the command in the folder where it ran, or set "
    "METAFLOW_DATASTORE_SYSROOT_LOCAL to that folder (for runs kept elsewhere, the METAFLOW_ "
    "variables with which it ran)"
)
_REMOTE_FONT = re.compile(r'@import\s*"https://fonts\.googleapis\.com[^"]*";')


def find_run(name: str | int) -> Any:
    """Find a run of anybody by its name.

    Parameters
    ----------
    name
        `EvoFlow/123`, `123`, or `latest` for the latest that succeeded.

    It is looked for where Metaflow is configured to keep runs, then in the `.metaflow` of this
    folder and of those above it, and in that of evoflow's checkout.

    Raises
    ------
    InputError
        When there is no such run.
    """
    name = str(name)
    if not name.rpartition("/")[2]:
        raise InputError(f"run {name!r}: has no number; give {FLOW}/123, 123 or latest")
    namespace(None)
    looked, known = [], list[str]()
    for place in _places(name):
        looked.append(place)
        try:
            if name == "latest":
                run = Flow(FLOW).latest_successful_run
            else:
                run = Run(name if "/" in name else f"{FLOW}/{name}")
        except MetaflowException:
            run = None
        except RequestException as error:
            looked[-1] += f", which does not answer ({type(error).__name__})"
            continue
        if run is not None:
            return run
        known += _newest()
    _look_where_configured()
    raise InputError(
        f"run {name!r} is not in {', nor in '.join(looked)}; "
        + (f"the newest are {', '.join(known)}" if known else _REMEDY)
    )


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


def _places(name: str) -> Iterator[str]:
    """Have Metaflow look in one place after the other; say which each is.

    Where the user has named a folder, the latest run of another one is not meant.
    """
    _look_where_configured()
    kind, _, where = str(get_metadata()).partition("@")
    seen = {""}
    if kind == "local":
        root = LocalStorage.datastore_root
        seen.add(str(root or ""))
        where = str(root or f"{Path.cwd()} and above, where there is no .metaflow")
    yield f"Metaflow's {kind} metadata ({where})"
    if name == "latest" and (kind != "local" or DATASTORE_SYSROOT_LOCAL):
        return
    for folder in (Path.cwd(), *Path.cwd().parents, Path(__file__).resolve().parents[1]):
        kept = folder / ".metaflow"
        if str(kept) not in seen and kept.is_dir():
            seen.add(str(kept))
            metadata(f"local@{folder}")
            yield str(kept)


def _look_where_configured() -> None:
    """Undo `metadata`, which leaves its folder behind when its provider is changed."""
    default_metadata()
    LocalStorage.datastore_root = LocalStorage.get_datastore_root_from_config(
        lambda *_: None, create_on_absent=False
    )


def _newest() -> list[str]:
    try:
        return [run.pathspec for run, _ in zip(Flow(FLOW), range(5), strict=False)]
    except MetaflowException:
        return []

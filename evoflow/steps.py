"""What every step of the flow wears, and the YAML configs that the flow takes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metaflow import Config, user_step_decorator
from metaflow._vendor.click import UsageError

from evoflow.devices.parent import end_with_parent
from evoflow.errors import InputError
from evoflow.files.disks import readable_full_disk
from evoflow.running import ReadableError
from evoflow.settings import parse_yaml


@user_step_decorator  # type: ignore[untyped-decorator]
def readable_errors(
    _step_name: str, _flow: Any, _inputs: Any = None, _attributes: Any = None
) -> Iterator[None]:
    """Show what a user can fix as a message instead of a traceback; end with the run."""
    end_with_parent()
    try:
        with readable_full_disk():
            yield
    except InputError as error:
        raise ReadableError("\n".join(error.problems)) from None


def yaml_config(name: str, default: Path, what: str) -> Config:
    """Declare a config that is read from a YAML file.

    Parameters
    ----------
    name
        The config's name on the command line.
    default
        The file that is read where the command line names none.
    what
        The first words of its help.
    """

    def parse(text: str) -> dict[str, Any]:
        try:
            return parse_yaml(text)
        except InputError as error:
            raise UsageError(f"the {name} config: {error}") from None

    told = f"{what}; docs/settings.md lists its keys"
    return Config(name, default=str(default), parser=parse, help=told)

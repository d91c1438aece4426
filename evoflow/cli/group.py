"""The group of all commands, and what they share: errors as messages, one rule for outputs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from evoflow import __version__
from evoflow.errors import InputError
from evoflow.files.atomic import check_can_be_written
from evoflow.secrets import redact

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Commands(click.Group):
    """Commands whose input errors, and files that cannot be opened, are messages."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            raise click.ClickException("\n".join(error.problems)) from error
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(redact(f"{error.filename}: {error.strerror}")) from error


@click.group(cls=_Commands, context_settings=HELP)
@click.version_option(__version__, prog_name="evoflow")
def main() -> None:
    """Learn how severe a DNA variant is from the reads that carry it.

    The whole flow is `python flows/evo_flow.py run`; these commands run parts of it and read
    the results of a run. `evoflow COMMAND --help` explains each, with an example.
    """


processes_option = click.option(
    "--processes",
    type=click.IntRange(min=0),
    default=0,
    show_default="one per core",
    help="Number of worker processes.",
)


def output_option(what: str, *, folder: bool = False) -> Callable[[Any], Any]:
    """Give a command its `--output` and `--force`."""
    path = click.Path(path_type=Path)
    kind = "folder" if folder else "file"

    def decorate(command: Any) -> Any:
        command = click.option("--force", is_flag=True, help=f"Replace an existing {kind}.")(
            command
        )
        return click.option("--output", required=True, type=path, help=what)(command)

    return decorate


def check_output(path: Path, *, force: bool, suffixes: tuple[str, ...] = ()) -> None:
    """Refuse an output that could not be written or would replace something, before any work.

    Raises
    ------
    InputError
        When the name does not end as it must, its folder is not there or takes no file, or it is
        there already and `force` is not set.
    """
    if suffixes and not path.name.endswith(suffixes):
        raise InputError(f"--output {path}: its name must end in {', '.join(suffixes)}")
    if path.is_file():
        if not suffixes:
            raise InputError(f"--output {path}: is a file; name a folder")
        if not force:
            raise InputError(f"--output {path}: already exists; name another file, or add --force")
        check_can_be_written(path, "--output")
    elif path.is_dir() and not suffixes:
        if any(path.iterdir()) and not force:
            raise InputError(
                f"--output {path}: already exists and is not empty; name another folder, or add "
                "--force"
            )
    else:
        check_can_be_written(path, "--output")

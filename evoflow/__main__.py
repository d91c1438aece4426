"""The command line: `python -m evoflow COMMAND`. Each command is one step without the flow."""

from typing import Any

import click

from evoflow import __version__
from evoflow.errors import InputError


class _Commands(click.Group):
    """Commands whose input errors are messages, not tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            raise click.ClickException("\n".join(error.problems)) from error


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="evoflow")
def main() -> None:
    """Learn how severe a DNA variant is from the reads that carry it."""


if __name__ == "__main__":
    main(prog_name="python -m evoflow")

"""The command line: `evoflow COMMAND`."""

from evoflow.cli import making, reading, scoring
from evoflow.cli.group import main

__all__ = ["main", "making", "reading", "scoring"]

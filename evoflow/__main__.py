"""The command line, also as `python -m evoflow COMMAND`."""

from evoflow.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main(prog_name="evoflow")

"""The command line: `python -m evoflow COMMAND`. Each command is one step without the flow."""

from pathlib import Path
from typing import Any

import click

from evoflow import __version__
from evoflow.errors import InputError
from evoflow.settings import read_data_settings, read_model_settings


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
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="evoflow")
def main() -> None:
    """Learn how severe a DNA variant is from the reads that carry it."""


@main.command()
@click.argument("settings", type=click.Path(path_type=Path), metavar="DATA.yaml")
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), help="JSON lines, one example each."
)
@click.option("--processes", default=0, show_default="one a core", help="Processes to work in.")
def extract(settings: Path, output: Path, processes: int) -> None:
    """Make the table of examples from reads, variants, ClinVar and a reference."""
    from evoflow import demo
    from evoflow.extract import examples, preflight

    data = demo.prepare(read_data_settings(settings))
    inputs = preflight.check(data)
    for warning in inputs.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(inputs.contigs.to_string(index=False))
    extraction = examples.extract_examples(data, processes=processes)
    examples.write_jsonl(extraction.examples, output)
    totals = extraction.counts.groupby(["subject", "reason"], sort=False)["count"].sum()
    click.echo(totals.to_string())
    click.echo(f"{len(extraction.examples):,} examples are in {output}")


@main.command()
@click.argument("settings", type=click.Path(path_type=Path), metavar="MODEL.yaml")
@click.argument("sequences", type=click.Path(path_type=Path), metavar="SEQUENCES.fasta")
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), help="A safetensors file."
)
def embed(settings: Path, sequences: Path, output: Path) -> None:
    """Embed the sequences of a FASTA file, with the log-likelihood of each."""
    from evoflow.embed.command import embed_fasta

    made_by = embed_fasta(read_model_settings(settings), sequences, output)
    click.echo(f"{made_by.checkpoint} ran on {made_by.device} in {made_by.dtype}")
    click.echo(f"the embeddings are in {output}")


@main.command()
@click.argument("run")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True)
def report(run: str, output: Path) -> None:
    """Write the report of RUN (EvoFlow/123, 123 or latest) as one HTML file."""
    from evoflow.report import runs

    output.write_text(runs.report_html(runs.find_run(run)), encoding="utf-8")
    click.echo(f"the report is in {output}")


if __name__ == "__main__":
    main(prog_name="python -m evoflow")

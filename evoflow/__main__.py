"""The command line: `evoflow COMMAND`. Each command is one step without the flow."""

from pathlib import Path
from typing import Any

import click

from evoflow import __version__
from evoflow.atomic import check_can_be_written
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
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON lines, one example each.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=0),
    default=0,
    show_default="one a core",
    help="Processes to work in.",
)
def extract(settings: Path, output: Path, processes: int) -> None:
    """Make the table of examples from reads, variants, ClinVar and a reference."""
    from evoflow import demo
    from evoflow.extract import examples
    from evoflow.inputs import preflight
    from evoflow.progress import shown
    from evoflow.table import write_jsonl

    data = demo.prepare(read_data_settings(settings))
    check_can_be_written(output, "--output")
    inputs = preflight.check(data)
    for warning in inputs.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"genome build: {inputs.genome_build or 'unknown'}")
    click.echo(inputs.contigs.to_string(index=False))
    with shown("finding reads", "parts") as advance:
        extraction = examples.extract_examples(data, processes=processes, progress=advance)
    write_jsonl(extraction.examples, output)
    totals = extraction.counts.groupby(["subject", "reason"])["count"].sum()
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
@click.argument("checkpoint")
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="A new folder.",
)
def convert(checkpoint: str, output: Path) -> None:
    """Turn the pickle of a published Evo 2 CHECKPOINT into safetensors files.

    CHECKPOINT is a known name (evo2-7b-base, evo2-7b, evo2-7b-262k), a .pt file or a folder that
    holds one. The flow does this itself for known names; the folder serves machines without a
    network.
    """
    from evoflow.embed.evo2.checkpoint import convert_named

    convert_named(checkpoint, output)
    click.echo(f"the checkpoint is in {output}; set model.checkpoint to it")


@main.command()
@click.argument("run")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True)
def report(run: str, output: Path) -> None:
    """Write the report of RUN (EvoFlow/123, 123 or latest) as one HTML file."""
    from evoflow import runs

    output.write_text(runs.report_html(runs.find_run(run)), encoding="utf-8")
    click.echo(f"the report is in {output}")


@main.command()
@click.argument("run")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), required=True)
def export(run: str, output: Path) -> None:
    """Write the head of RUN (EvoFlow/123, 123 or latest) as a folder that others can use."""
    from evoflow.predict.export import export_run

    export_run(run, output)
    click.echo(f"the head, its metrics and its model card are in {output}")


@main.command()
@click.argument("head", metavar="RUN_OR_HEAD")
@click.option("--output", type=click.Path(path_type=Path), required=True, help=".tsv or .vcf.gz")
@click.option("--data", help="Data YAML, a path or URL: score from reads.")
@click.option("--variants", help="VCF or BCF, a path or URL: score without reads.")
@click.option("--reference", help="FASTA of --variants, a path or URL.")
@click.option("--model", type=click.Path(path_type=Path), help="Model YAML: device, dtype, batch.")
@click.option("--processes", default=0, show_default="one a core", help="Processes to work in.")
def predict(
    *,
    head: str,
    output: Path,
    data: str | None,
    variants: str | None,
    reference: str | None,
    model: Path | None,
    processes: int,
) -> None:
    """Score variants with the head of a run, or with one that `export` wrote.

    Either all alleles of the individuals of --data from their reads, or the alleles of --variants
    written into --reference.
    """
    from evoflow.predict.commands import predict_individuals, predict_variants
    from evoflow.predict.export import find_head
    from evoflow.predict.files import check_output, write_predictions
    from evoflow.predict.variants_file import in_words
    from evoflow.remote.local_files import local_whole

    if (data is None) == (variants is None) or (variants is None) != (reference is None):
        raise click.UsageError("give either --data, or --variants with --reference")
    check_output(output, [each for each in (data, variants, reference) if each])
    trained = find_head(head)
    asked = read_model_settings(model) if model else None
    if variants is None:
        settings = read_data_settings(Path(local_whole(str(data))))
        files = [str(settings.reference), str(settings.clinvar)]
        files += [path for each in settings.individuals for path in (each.reads, each.variants)]
        check_output(output, files)
        found = predict_individuals(trained, settings, asked, processes=processes)
    else:
        found = predict_variants(trained, variants, str(reference), asked)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    made_by = {"head": head, "checkpoint": trained.checkpoint}
    write_predictions(found, output, made_by | {"revision": trained.revision or "none"})
    scored = found.alleles["score"].notna().sum()
    click.echo(f"{scored:,} of {len(found.alleles):,} alleles are scored in {output}")
    if found.left_out:
        click.echo(f"{found.left_out.total():,} were left out: {in_words(found.left_out)}")


if __name__ == "__main__":
    main(prog_name="evoflow")

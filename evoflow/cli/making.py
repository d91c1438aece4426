"""Commands that make something without a run: examples, embeddings, checkpoints."""

from pathlib import Path

import click

from evoflow.cli.group import check_output, main, output_option, processes_option


@main.command()
@click.argument("settings", type=click.Path(path_type=Path), metavar="DATA.yaml")
@output_option("A .jsonl file: JSON lines, one example each.")
@processes_option
def extract(settings: Path, output: Path, *, force: bool, processes: int) -> None:
    """Make the table of examples without running the flow.

    DATA.yaml is a data config: it names reads, variants, ClinVar and a reference.

    \b
    Example:
      evoflow extract mine.yaml --output examples.jsonl
    """
    from evoflow import demo
    from evoflow.inputs import preflight
    from evoflow.labels.check import allele_values, given_columns
    from evoflow.labels.examples import labelled_examples
    from evoflow.progress import shown
    from evoflow.settings import TargetSettings, read_data_settings
    from evoflow.table import write_jsonl

    data = demo.prepare(read_data_settings(settings))
    check_output(output, force=force, suffixes=(".jsonl",))
    target = TargetSettings()
    given = given_columns(data, target)
    inputs = preflight.check(data)
    values, _ = allele_values(given, data, target)
    for warning in inputs.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"genome build: {inputs.genome_build or 'unknown'}")
    click.echo(inputs.contigs.to_string(index=False))
    with shown("finding reads", "parts") as advance:
        extraction = labelled_examples(data, target, values, processes=processes, progress=advance)
    write_jsonl(extraction.examples, output)
    totals = extraction.counts.groupby(["subject", "reason"])["count"].sum()
    click.echo(totals.to_string())
    click.echo(f"{len(extraction.examples):,} examples are in {output}")


@main.command()
@click.argument("settings", type=click.Path(path_type=Path), metavar="MODEL.yaml")
@click.argument("sequences", type=click.Path(path_type=Path), metavar="SEQUENCES.fasta")
@output_option("A .safetensors file.")
def embed(settings: Path, sequences: Path, output: Path, *, force: bool) -> None:
    """Embed the sequences of a FASTA file.

    Their log-likelihoods are written too. MODEL.yaml is a model config, as for the flow.

    \b
    Example:
      evoflow embed config/model/evo-1-8k.yaml reads.fasta --output reads.safetensors
    """
    from evoflow.embed.command import embed_fasta
    from evoflow.settings import read_model_settings

    model = read_model_settings(settings)
    check_output(output, force=force, suffixes=(".safetensors",))
    made_by = embed_fasta(model, sequences, output)
    click.echo(f"{made_by.checkpoint} ran on {made_by.device} in {made_by.dtype}")
    click.echo(f"the embeddings are in {output}")


@main.command()
@click.argument("checkpoint")
@output_option("A folder.", folder=True)
def convert(checkpoint: str, output: Path, *, force: bool) -> None:
    """Convert a published Evo 2 checkpoint to safetensors files.

    CHECKPOINT is a known name (evo2-7b-base, evo2-7b-262k, evo2-7b, evo2-7b-microviridae), a .pt
    file or a folder that holds one. The flow converts known names by itself; use this command for
    machines without a network.

    \b
    Example:
      evoflow convert evo2_7b_base.pt --output evo2-7b-base
    """
    from evoflow.embed.evo2.checkpoint import convert_named

    check_output(output, force=force)
    convert_named(checkpoint, output, replace=force)
    click.echo(f"the checkpoint is in {output}; set model.checkpoint to it")

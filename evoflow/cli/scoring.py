"""Commands that score variants, and say why."""

from pathlib import Path

import click

from evoflow.cli.group import check_output, main, output_option, processes_option
from evoflow.files.atomic import new_file
from evoflow.metaflow_config import require_metaflow

model_option = click.option(
    "--model", type=click.Path(path_type=Path), help="Model YAML, for device, dtype and batch."
)


@main.command()
@click.argument("head", metavar="RUN_OR_HEAD")
@output_option("A .tsv, .tsv.gz, .vcf or .vcf.gz file.")
@click.option("--data", help="Data YAML, a path or URL: score from reads.")
@click.option("--variants", help="VCF or BCF, a path or URL: score without reads.")
@click.option("--reference", help="FASTA of --variants, a path or URL.")
@model_option
@processes_option
def predict(
    *,
    head: str,
    output: Path,
    force: bool,
    data: str | None,
    variants: str | None,
    reference: str | None,
    model: Path | None,
    processes: int,
) -> None:
    """Score variants with a trained head.

    Give --data to score all alleles of its individuals from their reads, or --variants and
    --reference to score the alleles of a VCF without reads. RUN_OR_HEAD is a run (EvoFlow/123, 123
    or latest) or a folder that `evoflow export` wrote.

    \b
    Examples:
      evoflow predict head --data mine.yaml --output predictions.tsv
      evoflow predict head --variants new.vcf --reference ref.fa --output predictions.vcf.gz
    """
    require_metaflow()
    from evoflow.predict import files
    from evoflow.predict.commands import predict_individuals, predict_variants
    from evoflow.predict.export import find_head
    from evoflow.predict.variants_file import in_words
    from evoflow.remote.local_files import local_whole
    from evoflow.settings import read_data_settings, read_model_settings

    if (data is None) == (variants is None) or (variants is None) != (reference is None):
        raise click.UsageError("give either --data, or --variants with --reference")
    check_output(output, force=force, suffixes=files.ENDINGS)
    files.refuse_input(output, [each for each in (data, variants, reference) if each])
    trained = find_head(head)
    asked = read_model_settings(model) if model else None
    if variants is None:
        settings = read_data_settings(Path(local_whole(str(data))))
        inputs = [str(settings.reference), str(settings.clinvar)]
        inputs += [path for each in settings.individuals for path in (each.reads, each.variants)]
        files.refuse_input(output, inputs)
        found = predict_individuals(trained, settings, asked, processes=processes)
    else:
        found = predict_variants(trained, variants, str(reference), asked)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    made_by = {"head": head, "checkpoint": trained.checkpoint, "score": trained.target.score}
    files.write_predictions(found, output, made_by | {"revision": trained.revision or "none"})
    scored = found.alleles["score"].notna().sum()
    click.echo(f"{scored:,} of {len(found.alleles):,} alleles are scored in {output}")
    if found.left_out:
        click.echo(f"{found.left_out.total():,} were left out ({in_words(found.left_out)})")


@main.command()
@click.argument("head", metavar="RUN_OR_HEAD")
@output_option("An .html file.")
@click.option("--variants", required=True, help="VCF or BCF, a path or URL, of a few alleles.")
@click.option("--reference", required=True, help="FASTA of --variants, a path or URL.")
@model_option
def explain(
    *,
    head: str,
    output: Path,
    force: bool,
    variants: str,
    reference: str,
    model: Path | None,
) -> None:
    """Show which bases move the score of each allele of a VCF.

    Each allele is written into the reference; then every base around it is changed, one at a time,
    and the head scores each sequence. RUN_OR_HEAD is as for `evoflow predict`.

    \b
    Example:
      evoflow explain head --variants one.vcf --reference ref.fa --output one.html
    """
    require_metaflow()
    from evoflow.predict.explain import page_of_variants
    from evoflow.predict.export import find_head
    from evoflow.settings import read_model_settings

    check_output(output, force=force, suffixes=(".html",))
    asked = read_model_settings(model) if model else None
    page = page_of_variants(find_head(head), variants, reference, asked)
    with new_file(output) as beside:
        beside.write_text(page, encoding="utf-8")
    click.echo(f"the explanation is in {output}")

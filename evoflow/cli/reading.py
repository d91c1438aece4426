"""Commands that read what a run left: its report, its head, one of its alleles."""

from pathlib import Path

import click

from evoflow.cli.group import check_output, main, output_option
from evoflow.files.atomic import new_file
from evoflow.metaflow_config import require_metaflow


@main.command()
@click.argument("run")
@output_option("An .html file.")
@click.option(
    "--allele", metavar="CONTIG:POSITION:REF:ALT", help="Only this allele, with its reads."
)
def report(run: str, output: Path, *, force: bool, allele: str | None) -> None:
    """Write the report of a run as one HTML file.

    RUN is EvoFlow/123, 123 or latest. With --allele, write a page about one allele of the run
    instead: the reads that carry it, aligned to the reference, and which bases of the read moved
    the head's score.

    \b
    Examples:
      evoflow report latest --output report.html
      evoflow report latest --allele chr1:11213:A:T --output allele.html
    """
    require_metaflow()
    from evoflow import runs

    check_output(output, force=force, suffixes=(".html",))
    found = runs.find_run(run)
    if allele is None:
        page = runs.report_html(found)
    else:
        from evoflow.predict.explain import page_of_allele

        page = page_of_allele(found, allele)
    with new_file(output) as beside:
        beside.write_text(page, encoding="utf-8")
    click.echo(f"the report of {found.pathspec} is in {output}")


@main.command()
@click.argument("run")
@output_option("A folder.", folder=True)
def export(run: str, output: Path, *, force: bool) -> None:
    """Write the trained head of a run to a folder that you can pass on.

    RUN is EvoFlow/123, 123 or latest.

    \b
    Example:
      evoflow export latest --output head
    """
    require_metaflow()
    from evoflow.predict.export import export_run

    check_output(output, force=force)
    export_run(run, output)
    click.echo(f"the head, its metrics and its model card are in {output}")

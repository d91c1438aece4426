"""Labels and users' columns checked before any work."""

from evoflow.errors import InputError, collected
from evoflow.labels import pathogenicity
from evoflow.labels.allele_values import AlleleValues, GivenColumn, column_name, match
from evoflow.labels.target import LABEL
from evoflow.labels.values_file import read_values
from evoflow.remote import local_files
from evoflow.settings import AlleleColumn, DataSettings, TargetSettings


def given_columns(data: DataSettings, target: TargetSettings) -> list[GivenColumn]:
    """Read the columns that the settings name; the files alone are looked at.

    Raises
    ------
    InputError
        With a problem per column that cannot be read.
    """
    wanted: list[tuple[str, str, AlleleColumn]] = [
        (column_name(column), f"data.columns[{number}]", column)
        for number, column in enumerate(data.columns)
    ]
    problems = []
    if target.column is not None:
        wanted.append((LABEL, "model.target.column", target.column))
        problems += [
            f"{key}: is the target, which no baseline may see; remove it"
            for _, key, column in wanted[:-1]
            if (column.file, column.name) == (target.column.file, target.column.name)
        ]
    given = []
    for name, key, column in wanted:
        with collected(problems):
            values = read_values(column, key, requester_pays=data.requester_pays)
            given.append(GivenColumn(name, column.file, values))
    if problems:
        raise InputError(problems)
    return given


def allele_values(
    given: list[GivenColumn], data: DataSettings, target: TargetSettings
) -> tuple[AlleleValues, list[str]]:
    """Check that the inputs have what the target needs, and find the users' values of alleles.

    Parameters
    ----------
    given
        What `given_columns` read.
    data
        The inputs, as `preflight.check` accepts them.
    target
        What the head learns.

    Returns
    -------
    values : AlleleValues
        Of the alleles that ClinVar lists.
    warnings : list of str
        What is odd about ClinVar's fields.

    Raises
    ------
    InputError
        With all problems.
    """
    problems: list[str] = []
    warnings: list[str] = []
    if target.pathogenicity is not None:
        with collected(problems):
            local = local_files.localise(data)
            with local_files.urls_named(data, local):
                warnings += pathogenicity.check_fields(
                    str(local.clinvar), min_stars=target.pathogenicity.min_stars
                )
    with collected(problems):
        values = match(given, data)
    if problems:
        raise InputError(problems)
    return values, warnings

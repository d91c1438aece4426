"""The built-in demo: a small simulated genome, ClinVar records and one person's reads.

Everything is simulated: no base, record or read comes from a real genome. The genes are true
genes, though, so that what an allele does to its gene can be seen in the sequence.
"""

import json
from contextlib import suppress
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

from numpy.random import default_rng

from evoflow.errors import InputError
from evoflow.files.atomic import new_folder
from evoflow.files.cache import cache_folder
from evoflow.settings import DataSettings, DemoSettings, Individual

__all__ = ["prepare"]

_MANIFEST = "manifest.json"


def prepare(data: DataSettings) -> DataSettings:
    """Make the demo's files, or find them in the cache, and name them in the settings.

    Parameters
    ----------
    data
        Settings; returned as they are where `demo` is None.

    Returns
    -------
    DataSettings
        `data` without `demo` and with the reference, ClinVar and the individual of the demo.

    Raises
    ------
    InputError
        Where the cache folder cannot be written to.
    """
    if data.demo is None:
        return data
    from evoflow.demo import files

    folder = cache_folder() / f"demo-{_digest(data.demo)}"
    try:
        if not _is_whole(folder):
            _make_beside(folder, data.demo)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"{folder}: {reason}; set EVOFLOW_CACHE to a folder that can be written to"
        ) from error
    individual = Individual(
        sample=files.SAMPLE,
        reads=str(folder / files.READS),
        variants=str(folder / files.VARIANTS),
    )
    named = {
        "demo": None,
        "reference": str(folder / files.REFERENCE),
        "clinvar": str(folder / files.CLINVAR),
        "individuals": (individual,),
    }
    return data.model_copy(update=named)


def make(folder: Path, demo: DemoSettings) -> None:
    """Simulate the demo and write its files into an existing folder."""
    from evoflow.demo import files
    from evoflow.demo.clinvar import make_clinvar
    from evoflow.demo.genes import make_genome
    from evoflow.demo.individual import make_individual
    from evoflow.demo.reads import simulate_reads

    rng = default_rng(demo.seed)
    genome = make_genome(rng)
    clinvar = make_clinvar(rng, genome)
    calls = make_individual(rng, genome, clinvar)
    files.write_reference(folder / files.REFERENCE, genome)
    files.write_clinvar(folder / files.CLINVAR, genome, clinvar)
    files.write_variants(folder / files.VARIANTS, genome, calls, rng)
    reads = (
        read
        for contig, sequence in genome.sequences.items()
        for read in simulate_reads(
            rng, contig, sequence, [call for call in calls if call.allele.contig == contig]
        )
    )
    files.write_reads(folder / files.READS, genome, reads)


def _digest(demo: DemoSettings) -> str:
    """Identify what the files depend on: settings, this package's code, and who writes them."""
    digest = blake2b(demo.model_dump_json().encode(), digest_size=8)
    for library in ("numpy", "pysam"):
        digest.update(f"{library}={version(library)}".encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()


def _is_whole(folder: Path) -> bool:
    """Whether every file that the folder's manifest lists is there in its full size."""
    try:
        sizes = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == size
        for name, size in sizes.items()
    )


def _make_beside(folder: Path, demo: DemoSettings) -> None:
    """Make the demo in a folder beside, then rename it: nobody ever sees half a demo."""
    with new_folder(folder) as made:
        make(made, demo)
        sizes = {path.name: path.stat().st_size for path in sorted(made.iterdir())}
        (made / _MANIFEST).write_text(json.dumps(sizes, indent=2), encoding="utf-8")
        if folder.exists() and not _is_whole(folder):
            with suppress(FileNotFoundError):  # another process repairs it at this moment
                folder.rename(made.with_name("damaged"))

"""Remote inputs as local files: headers and indexes at once, the rest when it is needed.

`localise` swaps a URL for the path of its mirror, and a path with `${VARIABLE}` for what it means:
the result is what everything that reads files can open.
Before a part of such a file is read, `provide_contig` or `provide_reference` must be called; of
files that were local from the start these know nothing and do nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from evoflow.errors import InputError
from evoflow.files.htslib import is_bgzipped, open_records, quiet
from evoflow.remote.answers import UnavailableError
from evoflow.remote.byte_ranges import Intervals, contigs_of_fasta, read_index
from evoflow.remote.mirror import Mirror
from evoflow.remote.own_indexes import ends_early, index_of, with_own_index
from evoflow.settings import DataSettings, is_remote, resolve, split_query

_READS = (".bai", ".csi", ".crai"), "samtools index"
_VARIANTS = (".tbi", ".csi"), "bcftools index"
_REFERENCE = (".fai",), "samtools faidx"
_ANEW = "make sure that its index belongs to it"
_SAMPLED = 1 << 22
"""Bytes of a contig that are enough for a look at its first records."""
_FILES_AT_ONCE = 8
_WHOLE = [(0, 1 << 60)]
_START = 18
"""Bytes of the first BGZF block's head, by which a format is known."""
_END = 64
"""Bytes at a file's end that hold the end-of-file marker of its format."""


def localise(data: DataSettings) -> DataSettings:
    """Swap every URL for a local path.

    Parameters
    ----------
    data
        Settings; those without a URL come back as they are.

    Raises
    ------
    InputError
        With the problems of all URLs.
    """
    local, problems = localise_reachable(data)
    if problems:
        raise InputError(problems)
    return local


def localise_reachable(data: DataSettings) -> tuple[DataSettings, list[str]]:
    """Swap the URLs that can be read; return the problems of the others, which stay."""
    kinds = {str(data.reference): _REFERENCE, str(data.clinvar): _VARIANTS}
    for person in data.individuals:
        kinds |= {person.reads: _READS, person.variants: _VARIANTS}
    plain = {location: _path(location) for location in kinds if "${" in location}
    urls = [location for location in kinds if is_remote(location)]
    problems: list[str] = []

    def swap(url: str) -> str:
        try:
            return _localise(url, *kinds[url], requester_pays=data.requester_pays)
        except InputError as error:
            problems.extend(error.problems)
            return url

    with ThreadPoolExecutor(_FILES_AT_ONCE) as threads:
        paths = plain | dict(zip(urls, threads.map(swap, urls), strict=True))
    here = [each for each in kinds if not is_remote(each) and each != str(data.reference)]
    paths |= {location: with_own_index(plain.get(location, location)) for location in here}
    if all(location == path for location, path in paths.items()):
        return data, problems
    people = [
        person.model_copy(
            update={
                "reads": paths.get(person.reads, person.reads),
                "variants": paths.get(person.variants, person.variants),
            }
        )
        for person in data.individuals
    ]
    files = {
        "reference": paths.get(str(data.reference), data.reference),
        "clinvar": paths.get(str(data.clinvar), data.clinvar),
        "individuals": tuple(people),
    }
    return data.model_copy(update=files), sorted(problems)


def _path(location: str) -> str:
    """Expand the variables of a path; a URL keeps them until it is asked for."""
    try:
        return location if is_remote(location) else resolve(location)
    except ValueError as error:
        raise InputError(str(error)) from error


def local_reference(location: str, *, requester_pays: bool = False) -> str:
    """Name a local path of a FASTA; of a remote one only what its contigs are is here yet."""
    if not is_remote(location):
        return _path(location)
    return _localise(location, *_REFERENCE, requester_pays=requester_pays)


def local_whole(location: str, *, requester_pays: bool = False) -> str:
    """Name a local path of a file that is read from its start to its end; it needs no index."""
    if not is_remote(location):
        return _path(location)
    mirror = Mirror.of(location, requester_pays=requester_pays)
    mirror.provide_whole()
    return str(mirror.path)


@contextmanager
def urls_named(data: DataSettings, local: DataSettings) -> Iterator[None]:
    """Name the URLs of `data`, not the paths of `local`, in the errors raised inside."""
    with named(dict(zip(_locations(local), _locations(data), strict=True))):
        yield


def with_urls(text: str, data: DataSettings, local: DataSettings) -> str:
    """Name the URLs of `data`, not the paths of `local`, in a text."""
    for path, url in zip(_locations(local), _locations(data), strict=True):
        text = text.replace(path, url)
    return text


@contextmanager
def named(urls: Mapping[str, str]) -> Iterator[None]:
    """Name URLs, given by their local paths, in the errors raised inside."""
    try:
        yield
    except InputError as error:
        problems = error.problems
        for path, url in urls.items():
            problems = [problem.replace(path, url) for problem in problems]
        raise InputError(problems) from error


def _locations(data: DataSettings) -> list[str]:
    people = [path for person in data.individuals for path in (person.reads, person.variants)]
    return [str(data.reference), str(data.clinvar), *people]


def _localise(url: str, endings: tuple[str, ...], make: str, *, requester_pays: bool) -> str:
    """Mirror a file with its index and its head."""
    mirror = Mirror.of(url, requester_pays=requester_pays)
    size = mirror.described.size
    _place_index(mirror, endings, make)
    mirror.provide([(0, _START), (size - _END, size)])
    if endings == _REFERENCE[0]:
        with named({str(mirror.path): url}):
            packed = is_bgzipped(mirror.path)
        if packed:
            _place_index(mirror, (".gzi",), make)
        return str(mirror.path)
    listed = read_index(_index_of(mirror.path))
    mirror.provide([listed.head(size), listed.behind(size)])
    if ends_early(str(mirror.path), listed):
        raise InputError(
            f"{mirror.url}: goes on behind the last record of its index, which is of an earlier "
            f"file; make it with `{make} {mirror.path.name}` and upload it"
        )
    return str(mirror.path)


def _place_index(mirror: Mirror, endings: tuple[str, ...], make: str) -> None:
    """Link the whole index to beside the mirrored file."""
    base, query = split_query(mirror.url)
    for ending in endings:
        for name in (base + ending, base.rpartition(".")[0] + ending):
            try:
                index = Mirror.of(name + query, requester_pays=mirror.requester_pays)
            except UnavailableError:  # S3 also refuses what is not there
                continue
            index.provide_whole()
            if ending not in {".fai", ".gzi"}:
                with named({str(index.path): index.url}):
                    read_index(index.path)
            index.link_from(mirror.path.with_name(mirror.path.name + ending))
            return
    signed = " (a signature in a URL often opens one file alone: then download both files)"
    raise InputError(
        f"{mirror.url}: has no index ({' or '.join(endings)}) beside it; make it with "
        f"`{make} {mirror.path.name}` and upload it{signed if query.startswith('?') else ''}"
    )


def _index_of(path: Path) -> Path:
    index = index_of(str(path))
    if index is None:
        raise InputError(f"{path}: its index is gone from the cache; start again")
    return index.resolve()


def provide_contig(path: str, contig: str, intervals: Intervals) -> None:
    """Fetch what is needed to read some intervals of a contig's reads or variants.

    Parameters
    ----------
    path
        A BAM, CRAM, VCF or BCF; nothing happens unless it is a mirror.
    contig
        The contig as the file spells it.
    intervals
        0-based and half-open.

    Raises
    ------
    InputError
        When the source fails, or no record comes although the index lists some.
    """
    mirror = Mirror.at(path)
    if mirror is None:
        return
    index = read_index(_index_of(mirror.path))
    number = _number(path, contig, index.names)
    if number is None:
        return
    mirror.provide(index.holding(number, intervals))
    held = index.holding(number, _WHOLE)
    if held:
        mirror.provide([min(held)])
        _check_yields(path, contig)


def provide_start(path: str, contig: str) -> None:
    """Fetch the first records of a contig; else as `provide_contig`."""
    mirror = Mirror.at(path)
    if mirror is None:
        return
    index = read_index(_index_of(mirror.path))
    number = _number(path, contig, index.names)
    if number is not None and (held := index.holding(number, _WHOLE)):
        start = min(held)[0]
        mirror.provide([(start, start + _SAMPLED)])


def _number(path: str, contig: str, names: tuple[str, ...]) -> int | None:
    """Find a contig's number in the index, which often is that in the file's header."""
    if names:
        return names.index(contig) if contig in names else None
    with open_records(path) as opened:
        number = opened.get_tid(contig)
        return number if number >= 0 else None


@lru_cache(maxsize=1024)
def _check_yields(path: str, contig: str) -> None:
    """Refuse silence: where the index lists records of a contig, one must come.

    Raises
    ------
    InputError
        When none does.
    """
    try:
        with quiet(), open_records(path) as opened:
            any_comes = any(True for _ in opened.fetch(contig))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {contig} cannot be read ({error}); {_ANEW}") from error
    if not any_comes:
        raise InputError(f"{path}: gives no record of {contig}, which its index lists; {_ANEW}")


def provide_reference(path: str, contigs: Iterable[str]) -> None:
    """Fetch whole contigs of a FASTA; nothing happens unless it is a mirror."""
    mirror = Mirror.at(path)
    if mirror is None:
        return
    fai, gzi = (mirror.path.with_name(mirror.path.name + ending) for ending in (".fai", ".gzi"))
    table = gzi if gzi.exists() else None
    mirror.provide(contigs_of_fasta(fai, table, contigs))

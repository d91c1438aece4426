"""Objects as files of a folder."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from evoflow.embed.objects.protocol import fill
from evoflow.errors import InputError
from evoflow.files.atomic import whole_file


class FolderObjects:
    """Objects as files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def names(self, folder: str) -> list[str]:
        """See `Objects`."""
        found = (path for path in (self.folder / folder).glob("*") if path.name[0] != ".")
        return sorted(f"{folder}/{path.name}" for path in found if path.is_file())

    def size(self, name: str) -> int | None:
        """See `Objects`."""
        path = self.folder / name
        with _named(path):
            return path.stat().st_size if path.is_file() else None

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """See `Objects`."""
        path = self.folder / name
        with _named(path), path.open("rb") as file:
            file.seek(start)
            return file.read() if stop is None else file.read(stop - start)

    def read_into(self, name: str, start: int, buffers: Sequence[memoryview]) -> None:
        """See `Objects`."""
        path = self.folder / name
        with _named(path), path.open("rb", buffering=0) as file:
            file.seek(start)
            for buffer in buffers:
                fill(file.readinto, buffer)

    def write(self, name: str, content: bytes) -> None:
        """See `Objects`."""
        with self._whole(name) as beside:
            beside.write_bytes(content)

    def write_file(self, name: str, path: Path) -> None:
        """See `Objects`."""
        with self._whole(name) as beside:
            shutil.copyfile(path, beside)

    def create(self, name: str, content: bytes) -> bool:
        """See `Objects`."""
        path = self.folder / name
        with _named(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with path.open("xb") as file:
                    file.write(content)
            except FileExistsError:
                return False
        return True

    @contextmanager
    def _whole(self, name: str) -> Iterator[Path]:
        """Name a file that becomes the object when it is complete."""
        path = self.folder / name
        with _named(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as beside:
                yield beside


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in errors of the disk."""
    try:
        yield
    except FileNotFoundError:
        raise
    except EOFError as error:
        raise InputError(f"{path}: ends too early") from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error

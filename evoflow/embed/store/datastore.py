"""Raw bytes in the datastore of a flow; the only module that calls Metaflow's datastores.

An artifact is pickled, hashed and gzipped, which takes several times as long as computing the
embeddings in it. These calls store bytes as they are, in the same content-addressed store: it is
how Metaflow keeps code packages.
"""

import hashlib
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from metaflow.datastore.flow_datastore import FlowDataStore
from metaflow.plugins import DATASTORES

from evoflow.errors import InputError


class LostBlobError(Exception):
    """A blob is not in its datastore, or is not what was once stored."""


@dataclass(frozen=True)
class Datastore:
    """The address of a flow's datastore: small, and good in any process.

    Attributes
    ----------
    kind
        Metaflow's name of it: `local`, `s3`, `azure` or `gs`.
    root
        Folder or URL under which all flows are.
    flow
        Name of the flow.
    """

    kind: str
    root: str
    flow: str

    @classmethod
    def of(cls, step: Any) -> Self:
        """Name the datastore to which the artifacts of a running step go."""
        parent = step._datastore.parent_datastore  # noqa: SLF001 - Metaflow has no public way
        root = str(parent.datastore_root)
        root = str(Path(root).absolute()) if parent.TYPE == "local" else root
        return cls(parent.TYPE, root, parent.flow_name)

    def save(self, content: bytes) -> str:
        """Store bytes and return their key, the SHA-1 of them; equal bytes are stored once.

        Raises
        ------
        InputError
            If the disk does not take them.
        """
        try:
            ((_, key),) = _opened(self).save_data(iter([content]), len_hint=1)
        except OSError as error:
            raise InputError(
                f"the datastore {self.root} cannot take embeddings ({error.strerror or error}); "
                "make room or set its permissions, then resume the run: the finished shards "
                "are kept"
            ) from error
        return str(key)

    def load(self, key: str) -> bytes:
        """Return the bytes of a key.

        Raises
        ------
        LostBlobError
            If they are not there, or are others.
        """
        try:
            ((_, content),) = _opened(self).load_data([key], force_raw=True)
        except TypeError as error:  # Metaflow opens None where a blob is missing
            raise LostBlobError(f"{self.address(key)} is gone:") from error
        if hashlib.sha1(content, usedforsecurity=False).hexdigest() != key:
            raise LostBlobError(f"{self.address(key)} is damaged: delete it, and then")
        return bytes(content)

    def require_room(self, size: int) -> None:
        """Refuse so many bytes where the datastore is a disk that has too little room for them.

        Raises
        ------
        InputError
            Saying how much is free.
        """
        if self.kind != "local":
            return
        free = shutil.disk_usage(self.root).free
        if size > free:
            raise InputError(
                f"the datastore {self.root} has {free / 1e9:.1f} GB free, but the embeddings take "
                f"{size / 1e9:.1f} GB; make room, start the flow in another folder (or set "
                "METAFLOW_DATASTORE_SYSROOT_LOCAL), store less of each read "
                "(model.embedding.tokens), or take fewer (data.regions, data.reads_per_variant)"
            )

    def address(self, key: str) -> str:
        """Say where the bytes of a key are."""
        return f"{self.root}/{self.flow}/data/{key[:2]}/{key}"


@cache
def _opened(datastore: Datastore) -> FlowDataStore:
    """Connect once per process; Metaflow's stores may be used by several threads."""
    kinds = {storage.TYPE: storage for storage in DATASTORES}
    return FlowDataStore(datastore.flow, storage_impl=kinds[datastore.kind], ds_root=datastore.root)

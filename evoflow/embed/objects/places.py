"""The place that a setting names, and whether it can be read and written."""

from pathlib import Path

from evoflow.embed.objects.folder import FolderObjects
from evoflow.embed.objects.protocol import Objects
from evoflow.embed.objects.s3 import S3Objects
from evoflow.errors import InputError
from evoflow.settings import is_remote, resolve, split_s3


def open_objects(location: str, setting: str = "compute.embedding_cache") -> Objects:
    """Open a folder or an `s3://bucket/prefix`.

    Parameters
    ----------
    location
        The folder or prefix, as it stands in settings.
    setting
        The setting that names it, for messages.

    Raises
    ------
    InputError
        For another kind of URL, and where the location cannot be listed.
    """
    try:
        opened = resolve(location)
    except ValueError as error:
        raise InputError(f"{setting}: {error}") from error
    if is_remote(opened) and not (split_s3(opened) or [""])[0]:
        raise InputError(f"{setting}: {location} is neither a folder nor s3://bucket/prefix")
    from botocore.exceptions import BotoCoreError

    objects: Objects
    try:
        objects = S3Objects(opened) if is_remote(opened) else FolderObjects(Path(opened))
        objects.names("probe")
    except (OSError, BotoCoreError, InputError) as error:
        raise InputError(
            f"{setting}: {location} cannot be listed ({error}); check that it "
            "exists and that you may list, read and write it"
        ) from error
    return objects


def require_writable(location: str, setting: str) -> None:
    """Refuse a folder or prefix that does not take an object.

    Raises
    ------
    InputError
        Naming the setting.
    """
    objects = open_objects(location, setting)
    try:
        objects.write("probe/writable", b"")
    except InputError as error:
        raise InputError(
            f"{setting}: {location} cannot be written ({error}); make room, set its permissions "
            "or name another place"
        ) from error

"""S3 clients, whatever state the user's AWS configuration is in.

What is public needs no login, so a broken one must not bar it: a profile that does not exist, half
of a key pair, an expired token, a single sign-on that is over, a credential process that fails or
hangs, a configuration file that cannot be read.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from evoflow.errors import InputError

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

LOGIN_SECONDS = 60.0
"""How long a login may take; a credential process may wait for somebody who is not there."""

_UNSET = (None, None, None, None)
_NO_PROFILE = {"profile": _UNSET}
_NO_FILES = _NO_PROFILE | dict.fromkeys(
    ("config_file", "credentials_file"), (None, None, os.devnull, None)
)
"""Session variables of botocore: without `AWS_PROFILE`, and also without configuration files."""


class LoginError(InputError):
    """There is no AWS login, or it fails."""


def anonymous_client(config: "Config", endpoint: str | None = None) -> Any:
    """Make a client that needs no login; region and endpoint come from what can be read.

    Parameters
    ----------
    config
        Of the client.
    endpoint
        URL of the server; None: as AWS is configured.

    Raises
    ------
    InputError
        When the region or the endpoint is not valid.
    """
    from botocore import UNSIGNED
    from botocore.exceptions import BotoCoreError

    unsigned = config.merge(type(config)(signature_version=UNSIGNED))
    for variables in ({}, _NO_PROFILE):
        try:
            return _client(_session(variables), unsigned, endpoint)
        except (BotoCoreError, OSError, ValueError):
            continue
    with _configured():
        return _client(_session(_NO_FILES), unsigned, endpoint)


def signed_client(config: "Config", endpoint: str | None = None) -> Any:
    """Make a client with the user's login; parameters as for `anonymous_client`.

    Raises
    ------
    LoginError
        When there is none, or it fails or does not answer.
    InputError
        When the region or the endpoint is not valid.
    """
    session = _logged_in()
    with _configured():
        return _client(session, config, endpoint)


def _logged_in() -> "boto3.Session":
    """Log in, in a thread that is left behind when it hangs."""
    outcome: SimpleQueue[boto3.Session | Exception | None] = SimpleQueue()

    def log_in() -> None:
        try:
            session = _session({})
            credentials = session.get_credentials()
            if credentials is not None:
                credentials.get_frozen_credentials()  # single sign-on fails no sooner
            outcome.put(session if credentials is not None else None)
        except Exception as error:  # noqa: BLE001 - each way to log in fails in its own way
            outcome.put(error)

    Thread(target=log_in, daemon=True).start()
    try:
        found = outcome.get(timeout=LOGIN_SECONDS)
    except Empty:
        raise LoginError(f"the AWS login did not answer for {LOGIN_SECONDS:.0f} s") from None
    if found is None:
        raise LoginError("there is no AWS login")
    if isinstance(found, Exception):
        raise LoginError(f"the AWS login fails ({_said(found)})") from found
    return found


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")


def _session(variables: dict[str, tuple[Any, ...]]) -> "boto3.Session":
    import boto3
    from botocore.session import Session

    return boto3.Session(botocore_session=Session(session_vars=variables))


def _client(session: "boto3.Session", config: "Config", endpoint: str | None) -> Any:
    region = session.region_name or "us-east-1"
    return session.client("s3", region_name=region, config=config, endpoint_url=endpoint)


@contextmanager
def _configured() -> Iterator[None]:
    """Say which of the user's settings no client can be made with."""
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except (BotoCoreError, OSError, ValueError) as error:
        raise InputError(
            f"S3 cannot be used ({_said(error)}); check AWS_ENDPOINT_URL, AWS_REGION and "
            "~/.aws/config"
        ) from error

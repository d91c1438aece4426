"""S3 clients, whatever state the user's AWS configuration is in.

What is public needs no login, so a broken one must not bar it: a profile that does not exist, half
of a key pair, an expired token, a single sign-on that is over, a credential process that fails or
hangs, a configuration file that cannot be read.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from evoflow.errors import InputError

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
    from botocore.loaders import Loader
    from botocore.session import Session

LOGIN_SECONDS = 60.0
"""How long a login, or its renewal, may take: a credential process may wait for somebody."""

_NEARLY_OVER = 600
"""Seconds before they run out in which botocore insists on renewing credentials."""

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


class _Asked:
    """A question that is answered in a thread, which is left behind when it hangs."""

    def __init__(self, question: Callable[[], Any]) -> None:
        self._question = question
        self._answer: Any = None
        self._error: Exception | None = None
        self._thread = Thread(target=self._ask, daemon=True)
        self._thread.start()
        self._thread.join(LOGIN_SECONDS)

    def _ask(self) -> None:
        try:
            self._answer = self._question()
        except Exception as error:  # noqa: BLE001 - each way to log in fails in its own way
            self._error = error

    @property
    def hangs(self) -> bool:
        return self._thread.is_alive()

    def answer(self) -> Any:
        """Return the answer, or raise what came in its place."""
        if self.hangs:
            raise LoginError(f"the AWS login did not answer for {LOGIN_SECONDS:.0f} s")
        if self._error is not None:
            raise LoginError(f"the AWS login fails ({_said(self._error)})") from self._error
        return self._answer


class _Login:
    """Credentials that are renewed now and then, each time like the first: limited in time."""

    def __init__(self, credentials: "RefreshableCredentials") -> None:
        self._credentials = credentials
        self._renewing = Lock()
        self._renewal: _Asked | None = None

    def load_credentials(self) -> "_Login":
        """Be botocore's provider of credentials, too."""
        return self

    def get_frozen_credentials(self) -> "ReadOnlyCredentials":
        """Renew the credentials if it is time to, and return them.

        Raises
        ------
        LoginError
            When they have run out, or nearly so, and cannot be renewed.
        """
        current = self._credentials
        if not current.refresh_needed():
            return current.get_frozen_credentials()
        with self._renewing:
            if self._renewal is None or not self._renewal.hangs:
                self._renewal = _Asked(current.get_frozen_credentials)
            if not self._renewal.hangs or current.refresh_needed(_NEARLY_OVER):
                return self._renewal.answer()
        # A renewal that hangs holds botocore's lock: what is asked for now is what there was.
        return _Asked(current.get_frozen_credentials).answer()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._credentials, name)


def _logged_in() -> "boto3.Session":
    """Log in with what AWS is configured to use."""
    import boto3
    from botocore.credentials import RefreshableCredentials

    def log_in() -> boto3.Session | None:
        session = _bare_session({})
        credentials = session.get_component("credential_provider").load_credentials()
        if credentials is None:
            return None
        credentials.get_frozen_credentials()  # single sign-on fails no sooner
        if isinstance(credentials, RefreshableCredentials):
            session.register_component("credential_provider", _Login(credentials))
        return boto3.Session(botocore_session=session)

    # It writes a traceback for each renewal that fails; we say what follows from it.
    logging.getLogger("botocore.credentials").setLevel(logging.ERROR)
    session = _Asked(log_in).answer()
    if session is None:
        raise LoginError("there is no AWS login")
    return session


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")


def _session(variables: dict[str, tuple[Any, ...]]) -> "boto3.Session":
    import boto3

    return boto3.Session(botocore_session=_bare_session(variables))


def _bare_session(variables: dict[str, tuple[Any, ...]]) -> "Session":
    from botocore.session import Session

    session = Session(session_vars=variables)
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


@cache
def _loader(data_path: str | None) -> "Loader":
    """Keep what botocore reads of its descriptions of S3, which takes longer than all the rest."""
    from botocore.loaders import create_loader

    return create_loader(data_path)


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

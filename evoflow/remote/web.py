"""Files on web servers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from evoflow.errors import InputError
from evoflow.remote.answers import (
    CHUNK,
    CONNECT_SECONDS,
    READ_SECONDS,
    Body,
    Description,
    TransientError,
    broken_connection,
    refusal,
    stretch,
)

if TYPE_CHECKING:
    import requests

_REASON_BYTES = 4096


@cache
def _session() -> "requests.Session":
    import requests

    session = requests.Session()
    session.headers["Accept-Encoding"] = "identity"  # compressed on the way, sizes would lie
    return session


@dataclass(frozen=True)
class WebFile:
    """A file on a web server."""

    url: str

    def describe(self) -> Description:
        """Ask for size and version; see `Source`."""
        # Not HEAD: signed URLs allow but one method, and only an answer to a range gives the size.
        with self._ask(0, 1) as answer:
            body = self._body(answer, 0)
        return Description(body.size, body.version, None)

    def read(self, start: int, stop: int) -> Body:
        """Ask for the bytes from `start` up to, not including, `stop`; see `Source`."""
        return self._body(self._ask(start, stop), start)

    def _body(self, answer: "requests.Response", asked: int) -> Body:
        found = stretch(self.url, asked, answer.status_code, answer.headers)
        return Body(_version(answer), *found, _chunks(answer))

    def _ask(self, start: int, stop: int) -> "requests.Response":
        import requests

        try:
            answer = _session().get(
                self.url,
                headers={"Range": f"bytes={start}-{stop - 1}"},
                stream=True,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            raise broken_connection(self.url, error) from error
        except (OSError, ValueError) as error:
            # OSError: all of requests' own, and a REQUESTS_CA_BUNDLE that is not there.
            # ValueError: the URL, or that of a redirect, cannot be parsed.
            raise InputError(f"{self.url}: cannot be read ({error}); check the URL") from error
        if answer.status_code not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            with answer:
                wait, reason = answer.headers.get("Retry-After", ""), _reason(answer)
            raise refusal(self.url, answer.status_code, wait, reason)
        return answer


def _reason(answer: "requests.Response") -> str:
    """Read why the stores of Amazon, Google and Microsoft refuse a signed URL; else nothing."""
    from urllib3.exceptions import HTTPError

    try:
        body = answer.raw.read(_REASON_BYTES, decode_content=True)
    except HTTPError:
        return ""
    found = re.search(rb"<Message>([^<]+)</Message>", body)
    return " ".join(found[1].decode(errors="replace").split()).rstrip(".") if found else ""


def _version(answer: "requests.Response") -> str:
    return answer.headers.get("ETag") or answer.headers.get("Last-Modified", "")


def _chunks(answer: "requests.Response") -> Iterator[bytes]:
    from urllib3.exceptions import HTTPError

    with answer:
        try:
            # As they are: some servers declare a .gz file to be a compressed plain one.
            yield from answer.raw.stream(CHUNK, decode_content=False)
        except HTTPError as error:
            raise TransientError("the answer was cut short") from error

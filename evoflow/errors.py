"""The one error that a user of evoflow is meant to read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from evoflow.secrets import redact


class InputError(Exception):
    """Something a user can fix: each problem names the file, the value and how to fix it.

    Secrets of URLs and the values of variables are taken out of the text.

    Parameters
    ----------
    problems
        One sentence, or several that are reported together.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        listed = [problems] if isinstance(problems, str) else list(problems)
        self.problems = [redact(printable(problem)) for problem in listed]
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type["InputError"], tuple[list[str]]]:
        """Cross process borders whole."""
        return type(self), (self.problems,)


def printable(text: str) -> str:
    r"""Write bytes that were not UTF-8, which Python keeps as surrogates, with a backslash.

    >>> print(printable(b"10 \xb5g".decode(errors="surrogateescape")))
    10 \xb5g
    """
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def first_line(reason: object) -> str:
    """Return the first line of a message; where it has none, the kind of error."""
    return (str(reason).strip().splitlines() or [type(reason).__name__])[0]


@contextmanager
def collected(problems: list[str]) -> Iterator[None]:
    """Add the problems of an error to a list instead of stopping at it."""
    try:
        yield
    except InputError as error:
        problems += error.problems

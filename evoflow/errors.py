"""The one error that a user of evoflow is meant to read."""

from collections.abc import Iterable


class InputError(Exception):
    """Something a user can mend: each problem names the file, the value and the mend.

    Parameters
    ----------
    problems
        One sentence, or several that are reported together.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type["InputError"], tuple[list[str]]]:
        """Cross process borders whole."""
        return type(self), (self.problems,)

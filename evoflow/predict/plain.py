"""Text of files and people, made safe to stand in the Markdown of a model card."""

import re

from evoflow.secrets import redact

_LOOSE = re.compile(r"[\x00-\x1f\x7f]+")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: object) -> str:
    r"""Write text so that Markdown and HTML show it as it is.

    Every punctuation character gets a backslash, as CommonMark has it, control characters become
    spaces, and secrets are taken out. All text that is not this package's own goes through here.

    >>> plain("<b>*rs1*</b>")
    '\\<b\\>\\*rs1\\*\\<\\/b\\>'
    """
    return _PUNCTUATION.sub(r"\\\1", _LOOSE.sub(" ", redact(str(text))))

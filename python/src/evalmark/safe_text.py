"""Texts of models and datasets, made safe for terminals and the logs of CI systems.

What the program prints is safe already; this is for what was decoded from JSON or XML since.
"""

from __future__ import annotations

import re
import unicodedata

#: What the logs of CI systems take for commands: ``::`` at the beginning of a line (GitHub), and
#: ``##[``, ``##vso[``, ``##teamcity[`` and their like anywhere (Azure, TeamCity, GitHub).
_LINE_COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
_COMMAND = re.compile(r"#(?=#[\w.-]*\[)")

#: Invisible characters that change how others are read: controls, formats (bidirectional overrides,
#: tags), line and paragraph separators, surrogates, and private ones.
_ACTING = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co"})


def safe_text(text: str) -> str:
    r"""Escapes whatever would act instead of being seen as ``\u{…}``; line breaks and tabs stay."""
    shown = "".join(char if _is_shown(char) else _escaped(char) for char in text)
    shown = _LINE_COMMAND.sub(r"\1\\u{3a}", shown)
    return _COMMAND.sub(r"\\u{23}", shown)


def safe_line(text: str) -> str:
    """The same on one line."""
    return safe_text(text.replace("\n", "\\n").replace("\t", "\\t"))


def _is_shown(char: str) -> bool:
    if char.isascii():
        return char.isprintable() or char in "\n\t"
    return unicodedata.category(char) not in _ACTING


def _escaped(char: str) -> str:
    return f"\\u{{{ord(char):x}}}"

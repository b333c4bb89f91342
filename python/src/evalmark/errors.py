"""What can go wrong; every error is an :class:`EvalmarkError`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class EvalmarkError(Exception):
    """The base of all errors of this package."""


class BinaryNotFoundError(EvalmarkError):
    """The ``evalmark`` program is nowhere to be found."""

    def __init__(self, searched: Sequence[Path]) -> None:
        places = "".join(f"\n  {place}" for place in searched)
        super().__init__(
            "the evalmark program was not found; it comes with the wheel (`pip install evalmark`), "
            f"and the variable EVALMARK_BIN names another one. Searched:{places}\n  PATH"
        )


class ProgramError(EvalmarkError):
    """What is taken for the program cannot be started, or answers like another."""

    def __init__(self, program: Path, why: str) -> None:
        super().__init__(
            f"{program} {why}; is it an evalmark of this machine, and as new as this package? The variable "
            "EVALMARK_BIN names another one"
        )
        self.program = program


class NoRunError(EvalmarkError):
    """A path that is no run folder."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} is no run folder: {why}. A run's folder is `reports/SUITE/RUN_ID`, and holds run.json"
        )
        self.path = path


class FormatVersionError(EvalmarkError):
    """A file whose format version this package does not read."""

    def __init__(self, path: Path, found: object, readable: range) -> None:
        known = f"{readable.start} to {readable.stop - 1}"
        if isinstance(found, int) and not isinstance(found, bool) and found >= readable.stop:
            what = f"has format version {found}, of a later evalmark: upgrade this package"
        elif found is None:
            what = "has no format version: it is no file of evalmark, or damaged"
        else:
            what = f"has format version {found!r}, which is older than any that is read"
        super().__init__(f"{path} {what} (versions {known} are read)")
        self.path = path


class MissingFileError(EvalmarkError):
    """A file that the run does not have."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} is not there: {why}")
        self.path = path


class MissingLibraryError(EvalmarkError):
    """A library for data frames that is not installed."""

    def __init__(self, library: str, extra: str, instead: str) -> None:
        super().__init__(f"{library} is not installed: `pip install 'evalmark[{extra}]'`, or {instead}")


class CommandError(EvalmarkError):
    """The program ended without a result.

    Attributes:
        exit_code: its exit code; 2 is a usage or configuration error, 130 an interruption.
        stderr: what it said, made safe for terminals and logs.
    """

    def __init__(self, arguments: Sequence[str], exit_code: int, stderr: str) -> None:
        command = " ".join(["evalmark", *arguments])
        said = stderr.strip() or "it said nothing"
        super().__init__(f"`{command}` ended with exit code {exit_code}:\n{said}")
        self.exit_code = exit_code
        self.stderr = stderr


class PairingError(EvalmarkError):
    """Items that do not pair up as the program pairs them."""

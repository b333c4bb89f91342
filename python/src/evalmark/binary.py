"""Where the ``evalmark`` program is, and running it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalmark.errors import BinaryNotFoundError, ProgramError
from evalmark.safe_text import safe_line, safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Seconds that an interrupted program has to write what it got.
_GRACE_SECONDS = 30.0


def find_binary() -> Path:
    """Finds the program: ``EVALMARK_BIN``, then what came with this wheel, then ``PATH``.

    Raises:
        BinaryNotFoundError: there is none, or ``EVALMARK_BIN`` names no file.
    """
    if named := os.environ.get("EVALMARK_BIN"):
        if Path(named).is_file():
            return Path(named)
        raise BinaryNotFoundError([Path(named)])
    name = f"evalmark{sysconfig.get_config_var('EXE') or ''}"
    searched = [folder / name for folder in dict.fromkeys(_script_folders())]
    for path in searched:
        if path.is_file():
            return path
    if found := shutil.which("evalmark"):
        return Path(found)
    raise BinaryNotFoundError(searched)


def _script_folders() -> Iterator[Path]:
    """Where installers put the programs of wheels."""
    yield Path(sysconfig.get_path("scripts"))
    # `pip install --user`
    yield Path(sysconfig.get_path("scripts", scheme=sysconfig.get_preferred_scheme("user")))
    # A virtual environment that runs on a base interpreter's packages.
    yield Path(sysconfig.get_path("scripts", vars={"base": sys.base_prefix}))
    # `pip install --target FOLDER` and `--prefix`: beside the package, or some folders above it.
    package = Path(__file__).resolve().parent
    yield package.parent / "bin"
    if len(package.parents) > 3:
        yield package.parents[3] / ("Scripts" if sys.platform == "win32" else "bin")


class Finished:
    """How a run of the program ended.

    Attributes:
        program: the program.
        arguments: its command line, without the program.
        exit_code: its exit code.
        stdout: what it printed: data.
        stderr: what it said beside that, made safe for terminals and logs.
    """

    def __init__(
        self, program: Path, arguments: Sequence[str], exit_code: int, stdout: str, stderr: str
    ) -> None:
        self.program = program
        self.arguments = tuple(arguments)
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = safe_text(stderr)

    def document(self) -> dict[str, Any]:
        """The JSON document that it printed: the first, where others follow, which are other reports.

        Raises:
            ProgramError: there is none.
        """
        try:
            found, _ = json.JSONDecoder().raw_decode(self.stdout.lstrip())
        except ValueError:
            found = None
        if not isinstance(found, dict):
            command = safe_line(" ".join(self.arguments))
            raise ProgramError(self.program, f"printed no JSON document for `{command}`")
        return found


def run_binary(
    arguments: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Runs the program to its end and collects what it prints, without colours.

    An interruption (Ctrl-C) reaches the program too, which then has time to write a run that can be
    resumed.

    Args:
        arguments: the command line, without the program.
        cwd: the folder to run in; this process's by default.
        env: variables beside those of this process.

    Raises:
        BinaryNotFoundError: there is no program.
        ProgramError: it cannot be started.
    """
    program = find_binary()
    variables = {**os.environ, "NO_COLOR": "1", **(env or {})}
    try:
        process = subprocess.Popen(
            [str(program), *arguments],
            cwd=cwd,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise ProgramError(program, f"cannot be started: {error.strerror or error}") from error
    with process:
        try:
            stdout, stderr = process.communicate()
        except BaseException:
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
    return Finished(program, arguments, process.returncode, stdout, stderr)

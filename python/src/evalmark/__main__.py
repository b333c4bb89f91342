"""``python -m evalmark``: the program, with the same arguments and exit codes."""

from __future__ import annotations

import os
import subprocess
import sys

from evalmark.binary import find_binary
from evalmark.errors import BinaryNotFoundError


def main() -> int:
    """Becomes the program, or runs it where a process cannot become another."""
    try:
        command = [str(find_binary()), *sys.argv[1:]]
    except BinaryNotFoundError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if sys.platform != "win32":
        os.execv(command[0], command)  # noqa: S606
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

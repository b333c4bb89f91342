"""Runs the parts that are named, each in a folder of its own, and ends with 1 where one fails."""

import importlib
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

PARTS = {"answers": "answers", "transformers": "transformers_serve", "sdks": "sdk_requests"}


def main(names: list[str]) -> int:
    # Whoever ends the script ends its servers with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    failed = []
    for name in names:
        folder = Path(tempfile.mkdtemp(prefix=f"evalmark-{name}-"))
        # A suite reads no file outside of its repository.
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        print(f"== {name} (logs and runs: {folder})", flush=True)
        if not importlib.import_module(PARTS[name]).check(folder):
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all parts hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

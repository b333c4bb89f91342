"""Unpacks the archive and installs the wheel of a folder, and runs the quickstart with both: `smoke.py FOLDER`."""

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def only(folder, *patterns):
    found = [path for pattern in patterns for path in folder.rglob(pattern)]
    if len(found) != 1:
        raise SystemExit(f"not one of {patterns} in {folder}, but {found}")
    return found[0]


def quickstart(program, out):
    print(f"{program} run suites/quickstart.yaml", flush=True)
    options = ["--quiet", "--cache-dir", out / "cache", "--out", out / "reports"]
    subprocess.run([program, "run", ROOT / "suites/quickstart.yaml", *options], check=True)


def main(folder):
    dist = Path(folder).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        shutil.unpack_archive(only(dist, "*.tar.gz", "*.zip"), scratch / "archive")
        quickstart(only(scratch / "archive", "evalmark", "evalmark.exe"), scratch / "of-archive")

        venv.create(scratch / "venv", with_pip=True)
        programs = next(path for path in (scratch / "venv/bin", scratch / "venv/Scripts") if path.is_dir())
        install = [shutil.which("python", path=programs), "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, only(dist, "*.whl")], check=True)
        quickstart(shutil.which("evalmark", path=programs), scratch / "of-wheel")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Tries evalmark against real servers: `run.py --evalmark PROGRAM [CHECK...]`.

A check is a file of `checks`. It says what it needs, and its function `check` starts servers, has evalmark send to
them, and reads back what they have. Each runs in a process of its own, with its packages in an environment of its own.
"""

import argparse
import ast
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[3] / "target" / "servers"


class Needs:
    """What a check says of itself, read without running it: its imports are not there yet."""

    def __init__(self, path):
        names = ("PACKAGES", "NPM_PACKAGES", "PROGRAMS", "TAKES_MINUTES")
        found = dict.fromkeys(names, ())
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) in names:
                found[node.targets[0].id] = ast.literal_eval(node.value)
        # From PyPI, each with its version.
        self.packages = found["PACKAGES"]
        # From npm, each with its version.
        self.npm_packages = found["NPM_PACKAGES"]
        # By the name of the program, with Debian's package.
        self.programs = dict(found["PROGRAMS"])
        # Whether it takes too long for every change; it then runs where it is named.
        self.takes_minutes = bool(found["TAKES_MINUTES"])


def environment(name, needs):
    """The Python of a check, with its packages, and the folder of those of Node.js."""
    folder = HOME / name
    packages = (*needs.packages, *needs.npm_packages)
    if not packages:
        return Path(sys.executable), folder
    told = folder / "installed"
    wanted = "\n".join(packages)
    python = folder / "bin" / "python"
    if not (told.is_file() and told.read_text() == wanted):
        started = time.monotonic()
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        if needs.packages:
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *needs.packages]
            subprocess.run(pip, check=True)
        if needs.npm_packages:
            npm = ["npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            subprocess.run([*npm, *needs.npm_packages], check=True)
        told.write_text(wanted)
        print(f"        {name}: {' '.join(packages)} installed in {time.monotonic() - started:.0f} s", flush=True)
    return python, folder / "node_modules"


def run(name, needs, evalmark):
    """Whether a check passes."""
    missing = [f"{program} (Debian: {package})" for program, package in needs.programs.items() if not shutil.which(program)]
    if missing:
        print(f"FAILED  {name}: not installed: {', '.join(missing)}", flush=True)
        return False
    python, node_modules = environment(name, needs)
    started = time.monotonic()
    command = [python, HERE / "one.py", "--evalmark", evalmark, name]
    # Where Node.js looks for packages that no folder above a script has.
    told = {**os.environ, "NODE_PATH": str(node_modules)}
    passes = subprocess.run(command, env=told, check=False).returncode == 0
    print(f"{'ok    ' if passes else 'FAILED'}  {name} ({time.monotonic() - started:.1f} s)", flush=True)
    return passes


def main():
    checks = {path.stem: Needs(path) for path in sorted((HERE / "checks").glob("*.py"))}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evalmark", required=True, type=Path, help="the program under test")
    parser.add_argument("checks", nargs="*", choices=[*checks, []], metavar="CHECK", help=", ".join(checks))
    options = parser.parse_args()
    evalmark = options.evalmark.resolve()
    if not os.access(evalmark, os.X_OK):
        parser.error(f"{evalmark} is no program: build it with `cargo build -p evalmark`")
    names = options.checks or [name for name, needs in checks.items() if not needs.takes_minutes]
    failed = [name for name in names if not run(name, checks[name], evalmark)]
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs every CI recipe for real: `run.py --evalmark PROGRAM [RECIPE...]`.

Each recipe is run on four changes (a pass, a regression, an inconclusive one, a missing baseline), each in a pull
request and on a release branch. The tools of requirements.txt have to be on PATH; CONTRIBUTING.md says which others.
"""

import argparse
import importlib
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from fixtures import Fixtures

RECIPES = ("static", "publishing", "github_plain", "github_action", "github_cached_baseline", "gitlab", "jenkins", "bitbucket", "precommit")


class Report:
    """What was checked, one line each."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0

    def check(self, name, function, *arguments):
        started = time.monotonic()
        try:
            function(*arguments)
        except Exception:
            self.failed += 1
            print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
        else:
            self.passed += 1
            print(f"ok      {name} ({time.monotonic() - started:.1f} s)", flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skipped {name}: {why}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evalmark", required=True, type=Path, help="the program under test")
    parser.add_argument("--keep", action="store_true", help="keep the repositories, and say where they are")
    parser.add_argument("recipes", nargs="*", choices=[*RECIPES, []], metavar="RECIPE", help=", ".join(RECIPES))
    options = parser.parse_args()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    scratch = Path(tempfile.mkdtemp(prefix="evalmark-recipes-"))
    report = Report()
    try:
        fixtures = Fixtures(options.evalmark, scratch)
        for name in options.recipes or RECIPES:
            importlib.import_module(name).check(fixtures, report)
    finally:
        if options.keep:
            print(f"kept in {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)
    print(f"{report.passed} passed, {report.failed} failed, {report.skipped} skipped")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())

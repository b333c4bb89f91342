"""`ci/github.yml` under act, on every case; and this repository's own gate."""

import re
import subprocess

from fixtures import CASES, Case
from workflow import ROOT, act

WORDS = {"pass": "pass", "regressed": "regressed", "inconclusive": "inconclusive", "missing baseline": "incomparable"}


def one(fixtures, case):
    text = (ROOT / "ci/github.yml").read_text()
    repository = fixtures.repository(case, text, ".github/workflows/evalmark.yml")
    done = act(fixtures, repository, case, text)
    assert (done.code == 0) == case.passes, done.log
    explains(done, case)
    uploaded(done, "report.html")
    uploaded(done, "junit.xml")


def explains(done, case):
    """What came of the case is told without opening the log: by annotations and the summary."""
    kind = "error" if not case.passes else "warning" if case.change == "inconclusive" else "notice"
    assert done.commands(kind), done.log
    assert "Summary - " in done.log, done.log
    summary = done.log.partition("Summary - ")[2]
    assert re.search(rf"\*\*{WORDS[case.change]}\*\*.* · topics: ", summary), done.log
    for told in done.commands("error") + done.commands("warning") + done.commands("notice"):
        assert "from the model" not in told, told


def uploaded(done, name):
    assert list(done.artifacts.rglob(name)), [str(path) for path in done.artifacts.rglob("*")]


def the_gate_of_this_repository(fixtures):
    clone = fixtures.scratch / "evalmark"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", clone], check=True)
    text = (ROOT / ".github/workflows/gate.yml").read_text()
    done = act(fixtures, clone, Case("pass", True, True), text, file="gate.yml")
    assert done.code == 0 and "IMPROVED" in done.log, done.log
    uploaded(done, "report.html")


def check(fixtures, report):
    for case in CASES:
        report.check(f"github.yml: {case}", one, fixtures, case)
    report.check("gate.yml: the quickstart", the_gate_of_this_repository, fixtures)

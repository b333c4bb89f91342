"""`ci/github-cached-baseline.yml` under act: main makes the baseline that pull requests are compared with."""

from fixtures import CASES, Case, git
from workflow import ROOT, act

RECIPE = (ROOT / "ci/github-cached-baseline.yml").read_text()
WORKFLOW = ".github/workflows/evalmark.yml"


def run(fixtures, case, cache):
    """Runs the case in a clone without a baseline of its own."""
    repository = fixtures.repository(case, RECIPE, WORKFLOW)
    git(repository, "rm", "--quiet", "-r", "--ignore-unmatch", "reports/baselines")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "No baseline in git")
    if not case.pull_request:
        git(repository, "checkout", "--quiet", "-B", "main")
    return act(fixtures, repository, case, RECIPE, "--env", f"STAND_IN_CACHE={cache}")


def main_makes_it_and_pull_requests_meet_it(fixtures):
    cache = fixtures.scratch / "cached-baseline"
    cache.mkdir()
    first = run(fixtures, Case("pass", True, False), cache)
    assert first.code != 0 and first.commands("error"), f"a pull request before main has to fail\n{first.log}"
    made = run(fixtures, Case("pass", False, True), cache)
    assert made.code == 0 and len(list(cache.glob("*/topics/main/run.json"))) == 1, made.log
    for case in CASES:
        if case.pull_request and case.change != "missing baseline":
            done = run(fixtures, case, cache)
            assert (done.code == 0) == case.passes, f"{case}\n{done.log}"
    # A main that regresses is no baseline, and one that passes replaces the last.
    before = sorted(cache.glob("*"))
    red = run(fixtures, Case("regressed", False, False), cache)
    assert red.code != 0 and sorted(cache.glob("*")) == before, red.log
    again = run(fixtures, Case("pass", False, True), cache)
    assert again.code == 0, again.log


def check(fixtures, report):
    report.check("github-cached-baseline.yml: main makes it, pull requests meet it", main_makes_it_and_pull_requests_meet_it, fixtures)

"""`ci/bitbucket-pipelines.yml`: the pipeline that Bitbucket would choose, its steps run in a shell."""

import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import ruamel.yaml

from fixtures import CASES, Case

HERE = Path(__file__).resolve().parent
RECIPE = (HERE.parent / "bitbucket-pipelines.yml").read_text()


def steps(recipe, branch, pull_request):
    """Returns the steps for a branch, or for a pull request from it."""
    pipelines = ruamel.yaml.YAML(typ="safe").load(recipe)["pipelines"]
    chosen = pipelines["pull-requests" if pull_request else "branches"]
    fitting = [pattern for pattern in chosen if fnmatchcase(branch, pattern.replace("**", "*"))]
    return [one["step"] for one in chosen[fitting[0]]] if fitting else []


def run(fixtures, case, environ=None):
    repository = fixtures.repository(case, RECIPE, "bitbucket-pipelines.yml")
    environ = {**(environ or fixtures.environment()), "CI": "true"}
    if case.pull_request:
        environ["BITBUCKET_PR_ID"] = "7"
    log, code = "", 0
    for step in steps(RECIPE, "feature" if case.pull_request else "release/1", case.pull_request):
        # One shell for the lines of a step, which ends at the first that fails.
        script = "\n".join(["set -e", *step["script"]])
        done = subprocess.run(["bash", "-c", script], cwd=repository, env=environ, capture_output=True, text=True, timeout=60)
        log, code = log + done.stdout + done.stderr, done.returncode
        for pattern in step["artifacts"]:
            assert list(repository.glob(pattern)), pattern
        if code:
            break
    return repository, code, log


def one(fixtures, case):
    repository, code, log = run(fixtures, case)
    assert log, "no step was chosen"
    assert (code == 0) == case.passes, log
    # Where Bitbucket looks for reports.
    found = [path for path in repository.rglob("*.xml") if re.search(r"/test-(results|reports)/", str(path))]
    assert len(found) == 1, found


def chooses_its_branches(_):
    assert steps(RECIPE, "main", False) and steps(RECIPE, "release/1", False) and steps(RECIPE, "feature", True)
    assert not steps(RECIPE, "feature", False)


def installs_the_package(fixtures):
    python = fixtures.scratch / "bitbucket-python"
    subprocess.run([sys.executable, "-m", "virtualenv", "--quiet", python], check=True)
    environ = {**fixtures.environ, **fixtures.package_index(), "PATH": f"{python}/bin:{fixtures.environ['PATH']}"}
    _, code, log = run(fixtures, Case("pass", True, True), environ)
    assert code == 0 and (python / "bin/evalmark").exists(), log


def check(fixtures, report):
    for case in CASES:
        report.check(f"bitbucket-pipelines.yml: {case}", one, fixtures, case)
    for extra in (chooses_its_branches, installs_the_package):
        report.check(f"bitbucket-pipelines.yml: {extra.__name__.replace('_', ' ')}", extra, fixtures)

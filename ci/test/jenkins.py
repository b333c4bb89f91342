"""`ci/Jenkinsfile`, parsed and run by groovy with the steps that it uses."""

import os
import shutil
import subprocess
from pathlib import Path

from fixtures import CASES, Case

HERE = Path(__file__).resolve().parent
RECIPE = (HERE.parent / "Jenkinsfile").read_text()


def java_home():
    return os.environ.get("JAVA_HOME") or str(Path(shutil.which("java")).resolve().parents[1])


def run(fixtures, case, recipe=RECIPE, environ=None):
    repository = fixtures.repository(case, recipe, "Jenkinsfile")
    environ = {**(environ or fixtures.environment()), "JAVA_HOME": java_home()}
    if case.pull_request:
        environ["CHANGE_ID"] = "7"
    command = ["groovy", HERE / "jenkins.groovy", "Jenkinsfile"]
    done = subprocess.run(command, cwd=repository, env=environ, capture_output=True, text=True, timeout=60)
    return repository, done.returncode, done.stdout + done.stderr


def one(fixtures, case):
    _, code, log = run(fixtures, case)
    assert (code == 0) == case.passes, log
    assert "junit: " in log and "junit.xml" in log, log
    assert "archive: " in log and "report.html" in log, log


def installs_the_package(fixtures):
    environ = {**fixtures.environ, **fixtures.package_index()}
    repository, code, log = run(fixtures, Case("pass", True, True), environ=environ)
    assert code == 0 and (repository / ".evalmark-venv/bin/evalmark").exists(), log


def misspelt(fixtures):
    """What runs it can fail: a word that Jenkins does not know ends it."""
    _, code, log = run(fixtures, Case("pass", True, True), RECIPE.replace("archiveArtifacts", "archiveArtefacts"))
    assert code != 0 and "archiveArtefacts" in log, log


def check(fixtures, report):
    if not (shutil.which("groovy") and shutil.which("java")):
        report.skip("Jenkinsfile", "groovy is not installed")
        return
    for case in CASES:
        report.check(f"Jenkinsfile: {case}", one, fixtures, case)
    for extra in (installs_the_package, misspelt):
        report.check(f"Jenkinsfile: {extra.__name__.replace('_', ' ')}", extra, fixtures)

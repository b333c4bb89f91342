"""The hook `evalmark-check`, run by pre-commit from a clone of a repository that has it."""

import shutil
import subprocess
from pathlib import Path

from fixtures import Case, git

ROOT = Path(__file__).resolve().parents[2]


def hooks(fixtures):
    """Returns a repository with the manifest at a commit, as pre-commit clones it."""
    folder = fixtures.scratch / "hooks"
    if not folder.exists():
        folder.mkdir()
        shutil.copy(ROOT / ".pre-commit-hooks.yaml", folder)
        git(fixtures.scratch, "init", "--quiet", folder)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "The hooks")
    commit = subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return folder, commit.stdout.strip()


def run(fixtures, break_suite):
    folder, commit = hooks(fixtures)
    config = f"repos:\n  - repo: {folder}\n    rev: {commit}\n    hooks:\n      - id: evalmark-check\n"
    repository = fixtures.repository(Case("pass", True, True), config, ".pre-commit-config.yaml")
    environ = fixtures.environment(PRE_COMMIT_HOME=str(fixtures.scratch / "pre-commit"))
    subprocess.run(["pre-commit", "install"], cwd=repository, env=environ, check=True, capture_output=True)
    suite = repository / "suites/topics.yaml"
    text = suite.read_text()
    suite.write_text(text.replace("margin:", "margn:") if break_suite else f"{text}# A remark.\n")
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--all", "--message", "A change"]
    done = subprocess.run(command, cwd=repository, env=environ, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def stops_a_mistake(fixtures):
    code, log = run(fixtures, True)
    assert code == 1 and "margn" in log and "did you mean" in log.lower(), log


def lets_a_good_suite_pass(fixtures):
    code, log = run(fixtures, False)
    assert code == 0 and "Passed" in log, log


def checks_only_suites(fixtures):
    """Prompts and other YAML below suites/ are no suites."""
    folder, commit = hooks(fixtures)
    config = f"repos:\n  - repo: {folder}\n    rev: {commit}\n    hooks:\n      - id: evalmark-check\n"
    repository = fixtures.repository(Case("pass", True, True), config, ".pre-commit-config.yaml")
    environ = fixtures.environment(PRE_COMMIT_HOME=str(fixtures.scratch / "pre-commit"))
    (repository / "suites/prompts/chat.yaml").write_text("messages: []\n")
    git(repository, "add", "--all")
    command = ["pre-commit", "run", "--all-files", "--verbose"]
    done = subprocess.run(command, cwd=repository, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "topics" in done.stdout and "chat" not in done.stdout, done.stdout + done.stderr


def check(fixtures, report):
    for one in (stops_a_mistake, lets_a_good_suite_pass, checks_only_suites):
        report.check(f"pre-commit: {one.__name__.replace('_', ' ')}", one, fixtures)

"""GitHub workflows under act, on this machine: no container, no GitHub."""

import json
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fixtures import Fixtures

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).resolve().parent / "stand_ins"
USES = re.compile(r"uses: ([\w.-]+/[\w.-]+)(?:/[\w.-]+)*@([0-9a-f]{40})")


@dataclass
class Done:
    """What a job came to."""

    code: int
    log: str
    artifacts: Path

    def commands(self, kind):
        """Returns the annotations of a kind that the runner has taken from the log, as act shows them."""
        sign = {"error": "❗", "warning": "🚧", "notice": "❓"}[kind]
        return [line for line in self.log.splitlines() if sign in line and f"::{kind}" in line]


def action_copy(fixtures: Fixtures):
    """Returns a folder with the action as a checkout of it would have it, without what is built beside it."""
    copy = fixtures.scratch / "action"
    if not copy.exists():
        copy.mkdir()
        shutil.copy(ROOT / "action.yml", copy)
        shutil.copytree(ROOT / "ci/github", copy / "ci/github", ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def local_actions(fixtures, texts):
    """Returns act's options for every action that the texts use; those of GitHub are stood in for."""
    options = []
    for name, commit in sorted({found for text in texts for found in USES.findall(text)}):
        if name == "OWNER/evalmark":
            folder = action_copy(fixtures)
        else:
            # act checks out by itself.
            folder = STAND_INS / name.replace("/", "+")
            if not folder.is_dir():
                continue
        options += ["--local-repository", f"{name}@{commit}={folder}"]
    return options


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def act(fixtures, repository, case, workflow, *more, file="evalmark.yml", **environ):
    """Runs a workflow of a repository for the event of a case."""
    scratch = repository.parent / f"{repository.name}-act"
    scratch.mkdir()
    artifacts = scratch / "artifacts"
    artifacts.mkdir()
    event = {"pull_request": {"number": 7, "head": {"ref": "feature"}, "base": {"ref": "main"}}}
    event = event if case.pull_request else {"ref": "refs/heads/release/1"}
    (scratch / "event.json").write_text(json.dumps(event))
    command = ["act", "pull_request" if case.pull_request else "push"]
    command += ["--eventpath", scratch / "event.json", "--platform", "ubuntu-latest=-self-hosted"]
    command += ["--workflows", f".github/workflows/{file}", "--action-cache-path", scratch / "cache"]
    command += ["--artifact-server-path", artifacts, "--artifact-server-addr", "127.0.0.1"]
    command += ["--artifact-server-port", str(free_port()), "--no-cache-server"]
    command += ["--env", f"STAND_IN_ARTIFACTS={artifacts}", "--secret", "GITHUB_TOKEN=token-of-the-test"]
    command += local_actions(fixtures, [workflow, (ROOT / "action.yml").read_text()])
    # act takes the repository's name from there.
    subprocess.run(["git", "-C", repository, "remote", "set-url", "origin", "https://github.com/team/evals"], check=True)
    run = subprocess.run(
        [*command, *more], cwd=repository, env=fixtures.environment(**environ), capture_output=True, text=True, timeout=300
    )
    log = run.stdout + run.stderr
    assert "token-of-the-test" not in log.replace("::add-mask::token-of-the-test", ""), log
    return Done(run.returncode, log, artifacts)

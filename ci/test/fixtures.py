"""Repositories of a team that uses evalmark: recorded answers, a committed baseline, and what has become of them."""

import base64
import csv
import hashlib
import os
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

ITEMS = 80
TOPICS = ("billing", "delivery", "login", "refund")
# A model's answer that tries to speak to whoever shows it.
HOSTILE = "other\n::error::from the model\n##[error]from the model\n@everyone <!-- --> ![x](http://192.0.2.1/x) | ${{ github.token }} `x`"

SUITE = """\
name: {name}
dataset: {{ path: ../datasets/{name}.csv, id: id, target: topic }}
prompts:
  - name: one-word
    file: prompts/{name}.j2
models:
  - name: small
    provider: recorded
    recorded: {{ column: answer }}
metrics:
  - name: topic
    exact: {{ normalize: [trim, casefold] }}
gate:
  baseline: main
  # The recipe has to ask for it.
  baseline_optional: true
  metrics: {{ topic: {{ margin: 0.05 }} }}
"""


@dataclass(frozen=True)
class Case:
    """One run of a recipe, and what has to come of it."""

    change: str
    pull_request: bool
    passes: bool

    def __str__(self):
        return f"{self.change} on a {'pull request' if self.pull_request else 'release branch'}"


CASES = [
    Case("pass", True, True),
    Case("pass", False, True),
    Case("regressed", True, False),
    Case("regressed", False, False),
    Case("inconclusive", True, True),
    Case("inconclusive", False, False),
    Case("missing baseline", True, False),
    Case("missing baseline", False, False),
]

# How many right answers are lost, and how many wrong ones are mended.
CHANGES = {"baseline": (0, 0), "pass": (0, 0), "regressed": (30, 0), "inconclusive": (4, 3), "missing baseline": (0, 0)}


def answers(lost, mended):
    for number in range(ITEMS):
        topic = TOPICS[number % len(TOPICS)]
        wrong = number % 5 == 0
        rank = number // 5 if wrong else number - number // 5 - 1
        if wrong:
            answer = topic if rank < mended else "other"
        else:
            answer = HOSTILE if rank < lost else topic
        yield {"id": f"m{number:02}", "message": f"message {number}", "topic": topic, "answer": answer}


def write_dataset(path, change):
    rows = list(answers(*CHANGES[change]))
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def git(folder, *arguments):
    options = ["-c", "user.name=evalmark", "-c", "user.email=evalmark@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", "-C", folder, *options, *arguments], check=True, stdout=subprocess.DEVNULL)


class Fixtures:
    """The repository as it was when its baseline was made, from which each case gets a copy of its own."""

    def __init__(self, evalmark, scratch):
        self.evalmark, self.scratch, self.count = Path(evalmark).resolve(), Path(scratch), 0
        # A cache for all: nothing is asked, and nothing of the user's is touched.
        self.environ = {**os.environ, "XDG_CACHE_HOME": str(self.scratch / "cache")}
        for name in ("CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
            self.environ.pop(name, None)
        self.programs = self.scratch / "programs"
        self.programs.mkdir()
        (self.programs / "evalmark").symlink_to(self.evalmark)
        self.origin = self.scratch / "origin"
        self._make_origin()

    def _make_origin(self):
        for folder in ("suites/prompts", "datasets"):
            (self.origin / folder).mkdir(parents=True)
        for name in ("tone", "topics"):
            (self.origin / f"suites/{name}.yaml").write_text(SUITE.format(name=name))
            (self.origin / f"suites/prompts/{name}.j2").write_text("Name the topic in one word: {{ message }}\n")
            write_dataset(self.origin / f"datasets/{name}.csv", "baseline")
        (self.origin / ".gitignore").write_text("/evalmark-report/\n/reports/*\n!/reports/baselines/\n/.evalmark-venv/\n")
        for name in ("tone", "topics"):
            self._evalmark("run", f"suites/{name}.yaml", "--new-baseline", "--run-id", "first")
            self._evalmark("baseline", "promote", f"reports/{name}/first", "main")
        git(self.scratch, "init", "--quiet", self.origin)
        git(self.origin, "add", ".")
        git(self.origin, "commit", "--quiet", "--message", "The baseline")

    def _evalmark(self, *arguments):
        command = [self.evalmark, *arguments]
        subprocess.run(command, cwd=self.origin, env=self.environ, check=True, capture_output=True)

    def repository(self, case, recipe, path):
        """Returns a clone with the case's change and the recipe at the path where its CI looks for it."""
        self.count += 1
        clone = self.scratch / f"repository-{self.count}"
        git(self.scratch, "clone", "--quiet", self.origin, clone)
        write_dataset(clone / "datasets/topics.csv", case.change)
        if case.change == "missing baseline":
            git(clone, "rm", "--quiet", "-r", "reports/baselines/topics")
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        (clone / path).write_text(recipe)
        git(clone, "checkout", "--quiet", "-b", "feature" if case.pull_request else "release/1")
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", "--message", case.change)
        return clone

    def environment(self, **more):
        """The environment of a job: evalmark is on PATH."""
        path = f"{self.programs}{os.pathsep}{self.environ['PATH']}"
        return {**self.environ, "PATH": path, **more}

    def package_index(self):
        """Returns what makes pip find a package called evalmark that runs the program under test."""
        folder = self.scratch / "index"
        folder.mkdir(exist_ok=True)
        script = f'#!/bin/sh\nexec "{self.evalmark}" "$@"\n'
        info = "evalmark-0.1.0.dist-info"
        files = {
            "evalmark-0.1.0.data/scripts/evalmark": script,
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: evalmark\nVersion: 0.1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        lines = []
        with zipfile.ZipFile(folder / "evalmark-0.1.0-py3-none-any.whl", "w") as wheel:
            for name, text in files.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = 0o100755 << 16
                wheel.writestr(entry, text)
                digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
                lines.append(f"{name},sha256={digest},{len(text.encode())}\n")
            wheel.writestr(f"{info}/RECORD", "".join(lines) + f"{info}/RECORD,,\n")
        return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}

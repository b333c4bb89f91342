"""A project with suites on recorded answers: one passes, one regressed, one cannot tell."""

from __future__ import annotations

import csv
import importlib.metadata
import io
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from evalmark import find_binary

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]

#: Acts on terminals, and on the logs of CI systems, if anything lets it.
HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x1b[0m \u202egnp.exe ##vso[task.complete]"


@dataclass(frozen=True)
class Item:
    """A row: what was answered when the baseline was made, and what is answered now."""

    item_id: str
    right_before: bool
    right_now: bool


def suite_text(name: str, answers: str, gate: str = "baseline: main") -> str:
    return f"""\
name: {name}
dataset: {{ path: {name}.csv, id: id, target: label }}
prompts:
  - {{ name: plain, template: '{{{{ text }}}}' }}
models:
  - {{ name: small, provider: recorded, recorded: {{ column: {answers} }} }}
metrics:
  - {{ name: exact, exact: {{}} }}
  - {{ name: answered, regex: {{ pattern: '.' }} }}
gate:
  {gate}
  metrics: {{ exact: {{ margin: 0.05 }}, answered: {{ margin: 0.5 }} }}
"""


def write_suite(folder: Path, name: str, items: list[Item], gate: str = "baseline: main") -> None:
    """A suite, its dataset and its baseline `main`."""
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["id", "text", "label", "before", "now"])
    for number, item in enumerate(items):
        answers = ["yes" if right else f"no {HOSTILE}" for right in (item.right_before, item.right_now)]
        table.writerow([item.item_id, f"question {number}", "yes", *answers])
    (folder / f"{name}.csv").write_text(text.getvalue(), encoding="utf-8")
    suite = folder / f"{name}.yaml"
    suite.write_text(suite_text(name, "before", gate), encoding="utf-8")
    root = folder.parent
    evalmark(root, "run", f"suites/{name}.yaml", "--run-id", "first", "--new-baseline", "--quiet")
    evalmark(root, "baseline", "promote", f"reports/{name}/first", "main")
    shutil.rmtree(root / "reports" / name)
    suite.write_text(suite_text(name, "now", gate), encoding="utf-8")


def evalmark(folder: Path, *arguments: str) -> str:
    """Runs the program, which must end well."""
    command = [str(find_binary()), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a CI job's variables nor a user's cache decide what is tested."""
    for name in ("CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EVALMARK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("EVALMARK_BIN", str(find_binary()))
    # The summary's lines end where the screen does.
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="session")
def built_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three suites in `suites/`, with their baselines."""
    root = tmp_path_factory.mktemp("project")
    suites = root / "suites"
    steady = [Item(f"i{n:03}", right_before=n % 10 > 0, right_now=n % 10 > 0) for n in range(400)]
    write_suite(suites, "passing", steady)
    worse = [
        Item(f"i{n:03}{HOSTILE if n == 1 else ''}", right_before=n % 10 > 0, right_now=n % 3 == 0)
        for n in range(200)
    ]
    write_suite(suites, "regressed", worse)
    few = [Item(f"i{n:03}", right_before=True, right_now=n > 0) for n in range(12)]
    write_suite(suites, "inconclusive", few)
    return root


@pytest.fixture
def project(pytester: pytest.Pytester, built_project: Path) -> pytest.Pytester:
    """A copy of the project that pytest can run in."""
    shutil.copytree(built_project, pytester.path, dirs_exist_ok=True)
    return pytester


@pytest.fixture
def plugin() -> tuple[str, ...]:
    """What loads the plugin: nothing, where the package is installed."""
    points = importlib.metadata.entry_points(group="pytest11")
    return () if "evalmark" in points.names else ("-p", "evalmark.pytest_plugin")


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of the quickstart."""
    out = tmp_path_factory.mktemp("quickstart")
    command = [str(find_binary()), "run", "suites/quickstart.yaml", "--out", str(out), "--format", "json"]
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=environment)
    return Path(json.loads(done.stdout)["run_dir"])

"""What the checkers of each system say about the recipes and workflows."""

import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted((ROOT / "ci").glob("github*.yml"))
WORKFLOWS = [*sorted((ROOT / ".github/workflows").glob("*.yml")), *RECIPES]
SHELL = [ROOT / "ci/github/install.sh"]


def passes(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def schema(name, *files):
    transform = ["--data-transform", "gitlab-ci"] if name == "gitlab-ci" else []
    passes("check-jsonschema", "--builtin-schema", f"vendor.{name}", *transform, *files)


def suites():
    """Every suite fits the schema that editors check it by, and one with a wrong key does not."""
    command = ["check-jsonschema", "--schemafile", ROOT / "docs/src/suite.schema.json"]
    folders = ["suites", "suites/examples", "suites/providers"]
    paths = sorted(path for folder in folders for path in ROOT.glob(f"{folder}/*.yaml"))
    passes(*command, *paths)
    with tempfile.TemporaryDirectory() as folder:
        wrong = Path(folder, "wrong.yaml")
        wrong.write_text(paths[0].read_text().replace("\nmetrics:", "\nmetrix:"))
        done = subprocess.run([*command, wrong], capture_output=True, text=True, timeout=120)
        assert done.returncode == 1 and "metrix" in done.stdout, done.stdout + done.stderr


def check(_, report):
    # Every finding counts, those of the strictest persona too.
    report.check("zizmor", passes, "zizmor", "--offline", "--no-ignores", "--persona=auditor", ROOT, *RECIPES)
    report.check("actionlint", passes, "actionlint", *WORKFLOWS)
    report.check("schema of workflows", schema, "github-workflows", *WORKFLOWS)
    report.check("schema of action.yml", schema, "github-actions", ROOT / "action.yml")
    report.check("schema of dependabot.yml", schema, "dependabot", ROOT / ".github/dependabot.yml")
    report.check("schema of gitlab.yml", schema, "gitlab-ci", ROOT / "ci/gitlab.yml")
    report.check("schema of bitbucket-pipelines.yml", schema, "bitbucket-pipelines", ROOT / "ci/bitbucket-pipelines.yml")
    report.check("schema of suites", suites)
    report.check("pre-commit's manifest", passes, "pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml")
    if shutil.which("shellcheck"):
        report.check("shellcheck", passes, "shellcheck", *SHELL)
    else:
        report.skip("shellcheck", "it is not installed")

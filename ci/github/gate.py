"""The action's second step: runs the suites with every report, and leaves verdict and exit code as outputs.

A verdict does not end this step: the reports are delivered first. Only the standard library is used.
"""

import glob
import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from commands import tell

# From the worst to the best.
ANSWERS = ("regressed", "incomparable", "inconclusive", "pass", "improved")


class Mistake(Exception):
    """An input of the action that cannot be used."""


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def suites(patterns):
    found = []
    for pattern in lines(patterns):
        fitting = sorted(path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path))
        if not fitting:
            raise Mistake(f"no file fits `{pattern}` of the input suites")
        found += [path for path in fitting if path not in found]
    if not found:
        raise Mistake("the input suites is empty")
    return found


def inconclusive(policy, event):
    if policy == "auto":
        return "warn" if event.startswith("pull_request") else "fail"
    return policy


def command(environ, report_dir):
    arguments = [environ["EVALMARK"], "run", "--out", str(report_dir)]
    arguments += ["--inconclusive", inconclusive(environ["INCONCLUSIVE"], environ["GITHUB_EVENT_NAME"])]
    arguments += ["--fail-on", environ["FAIL_ON"]]
    if environ["REQUIRE_BASELINE"] == "true":
        arguments.append("--require-baseline")
    files = {
        "markdown": "comment.md",
        "junit": "junit.xml",
        "sarif": "evalmark.sarif",
        "json": "verdict.json",
        "github": "annotations.txt",
    }
    for form, name in files.items():
        arguments += ["--report", f"{form}={report_dir / name}"]
    # A file whose name looks like an option is none.
    return [*arguments, *lines(environ["ARGS"]), "--", *suites(environ["SUITES"])]


def run(arguments):
    """Returns the exit code, and what went to stderr from the first error on."""
    # The runner takes no commands from what a suite or a model says between these two lines.
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    said = []
    try:
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, encoding="utf-8", errors="replace") as process:
            for line in process.stderr:
                sys.stderr.write(line)
                sys.stderr.flush()
                if said or line.startswith("error:"):
                    said.append(line)
        # A signal that ended it has a negative number here, and 128 more than its own in a shell.
        code = process.returncode
        return (code if code >= 0 else 128 - code), "".join(said).strip()
    finally:
        print(f"\n::{token}::", flush=True)


def answer(file):
    """Returns the worst answer of the verdicts in evalmark's JSON: one verdict, or the summary of several suites."""
    if not file.is_file():
        return "none"
    document = json.loads(file.read_text(encoding="utf-8")) or {}
    given = {one["answer"] for one in document.get("suites", [document]) if one.get("answer")}
    return next((one for one in ANSWERS if one in given), "none")


def verdict(report_dir, code):
    """Returns exit code and verdict. A run that did not do what it should has neither passed nor improved."""
    # Arguments such as `--help` end well and run nothing.
    file = report_dir / "verdict.json"
    code = 4 if code == 0 and not file.is_file() else code
    given = answer(file)
    return code, "none" if code != 0 and given in ("pass", "improved") else given


def told(text):
    """An error as Markdown, as it is: a block of code."""
    quoted = "".join(f"    {line}\n" for line in text.splitlines())
    return f"### ❌ evalmark gave no verdict\n\n{quoted}\n"


def summary(environ, text):
    """Adds an error to the step's summary, as text."""
    path = environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(told(text))


def main(environ):
    os.chdir(environ["WORKING_DIRECTORY"])
    report_dir = Path(environ["REPORT_DIR"]).resolve()
    if report_dir in (Path.cwd(), *Path.cwd().parents):
        raise Mistake("the input report-dir is a folder of its own")
    shutil.rmtree(report_dir, ignore_errors=True)
    report_dir.mkdir(parents=True)
    try:
        code, error = run(command(environ, report_dir))
    except Mistake as mistake:
        code, error = 2, str(mistake)
    code, given = verdict(report_dir, code)
    annotations = report_dir / "annotations.txt"
    if annotations.is_file():
        print(annotations.read_text(encoding="utf-8"), flush=True)
    elif code != 0:
        error = error or f"evalmark left no verdict: exit code {code}"
        tell("error", error[:2000])
        summary(environ, error)
    comment = report_dir / "comment.md"
    if code != 0 and not comment.is_file():
        # An earlier comment, such as one that says pass, must not stand for this run.
        comment.write_text(told((error or f"exit code {code}")[:20_000]), encoding="utf-8")
    with open(environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as file:
        file.write(f"verdict={given}\n")
        file.write(f"exit-code={code}\nreport-dir={report_dir}\n")


if __name__ == "__main__":
    try:
        main(os.environ)
    except Mistake as mistake:
        tell("error", str(mistake))
        sys.exit(2)

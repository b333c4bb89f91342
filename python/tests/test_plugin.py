"""Suites as test items: what is collected, and what each answer becomes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import HOSTILE, suite_text

from evalmark.pytest_plugin import glob_to_pattern, is_suite

if TYPE_CHECKING:
    from pathlib import Path

Plugin = tuple[str, ...]


def runs(project: pytest.Pytester, suite: str) -> list[Path]:
    """The folders of a suite's runs."""
    return sorted((project.path / "reports" / suite).glob("*/run.json"))


def test_each_answer_becomes_an_outcome(project: pytest.Pytester, plugin: Plugin) -> None:
    result = project.runpytest_subprocess(*plugin, "-v")
    # Two comparisons each; of twelve items, the one about any answer cannot tell either.
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] >= 2, outcomes
    assert sum(outcomes.values()) == 6
    result.stdout.fnmatch_lines_random(
        [
            "suites/passing.yaml::plain/small/exact PASSED*",
            "suites/regressed.yaml::plain/small/exact FAILED*",
            "suites/regressed.yaml::plain/small/answered PASSED*",
            "suites/inconclusive.yaml::plain/small/exact FAILED*",
        ]
    )
    assert [len(runs(project, name)) for name in ("passing", "regressed", "inconclusive")] == [1, 1, 1]


def test_a_regression_says_what_the_verdict_says(project: pytest.Pytester, plugin: Plugin) -> None:
    result = project.runpytest_subprocess(*plugin, "suites/regressed.yaml", "-rf")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*regressed: plain · small · exact*",
            "regressed: exact fell from 90.0 % to 3?.? %: *",
            "baseline: 90.0 %",
            "margin: 5 points",
            "flipped items: *",
            "  i0?? (1 -> 0)",
            "*answer  *",
            "report: reports/regressed/*/report.html",
            "*evalmark reports*",
            "FAILED suites/regressed.yaml::plain/small/exact - GateFailure: regressed: exact fell *",
        ]
    )
    # The texts of broken items, from the dataset and from models, act on nobody's terminal or log.
    text = result.stdout.str()
    assert "\\u{1b}]0;owned" in text
    assert not any(part in text for part in ("\x1b", "\x07", "\u202e", "##vso["))
    assert HOSTILE not in text


def test_inconclusive_fails_or_is_expected_to(project: pytest.Pytester, plugin: Plugin) -> None:
    selected = (*plugin, "suites/inconclusive.yaml", "-k", "exact", "-rx")
    assert project.runpytest_subprocess(*selected).parseoutcomes() == {"failed": 1, "deselected": 1}
    result = project.runpytest_subprocess(*selected, "--evalmark-inconclusive", "xfail")
    assert result.parseoutcomes() == {"xfailed": 1, "deselected": 1}
    assert result.ret == 0
    result.stdout.fnmatch_lines(["XFAIL suites/inconclusive.yaml::plain/small/exact - *12 items cannot*"])
    project.makeini("[pytest]\nevalmark_inconclusive = xfail\n")
    assert project.runpytest_subprocess(*selected).ret == 0
    assert project.runpytest_subprocess(*selected, "--evalmark-inconclusive=fail").ret == 1
    project.makeini("[pytest]\nevalmark_inconclusive = maybe\n")
    result = project.runpytest_subprocess(*selected)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*evalmark_inconclusive is fail or xfail, not 'maybe'"])


def test_a_suite_with_nothing_selected_is_not_run(project: pytest.Pytester, plugin: Plugin) -> None:
    result = project.runpytest_subprocess(*plugin, "-k", "passing and exact")
    assert result.parseoutcomes() == {"passed": 1, "deselected": 5}
    assert [len(runs(project, name)) for name in ("passing", "regressed", "inconclusive")] == [1, 0, 0]
    result = project.runpytest_subprocess(*plugin, "suites/regressed.yaml::plain/small/answered")
    assert result.parseoutcomes() == {"passed": 1}
    assert project.runpytest_subprocess(*plugin, "-m", "not evalmark").ret == (
        pytest.ExitCode.NO_TESTS_COLLECTED
    )


def test_collecting_runs_nothing(project: pytest.Pytester, plugin: Plugin) -> None:
    result = project.runpytest_subprocess(*plugin, "--collect-only", "-q")
    result.stdout.fnmatch_lines(["suites/passing.yaml::plain/small/exact", "*6 tests collected*"])
    assert not any(runs(project, name) for name in ("passing", "regressed", "inconclusive"))


def test_a_missing_baseline_fails_before_anything_is_asked(project: pytest.Pytester, plugin: Plugin) -> None:
    (project.path / "suites" / "fresh.yaml").write_text(suite_text("passing", "now", "baseline: none"))
    result = project.runpytest_subprocess(*plugin, "suites/fresh.yaml", "-rf")
    assert result.parseoutcomes() == {"failed": 2}
    result.stdout.fnmatch_lines(
        ["*there is no baseline 'none' of suite 'passing'*", "hint: *--new-baseline*promote*"]
    )
    assert not runs(project, "passing")
    result = project.runpytest_subprocess(*plugin, "suites/fresh.yaml", "--evalmark-new-baseline", "-rs")
    assert result.parseoutcomes() == {"skipped": 2}
    result.stdout.fnmatch_lines(["*no baseline none yet: nothing was compared"])
    # A gate that lets it be missing is compared with nothing, except in a CI job.
    optional = suite_text("passing", "now", "baseline: none\n  baseline_optional: true")
    (project.path / "suites" / "fresh.yaml").write_text(optional)
    assert project.runpytest_subprocess(*plugin, "suites/fresh.yaml").parseoutcomes() == {"skipped": 2}


def test_in_ci_an_optional_baseline_is_required(
    project: pytest.Pytester, plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    optional = suite_text("passing", "now", "baseline: none\n  baseline_optional: true")
    (project.path / "suites" / "fresh.yaml").write_text(optional)
    result = project.runpytest_subprocess(*plugin, "suites/fresh.yaml")
    assert result.ret == 1
    assert "passed" not in result.parseoutcomes()
    result.stdout.fnmatch_lines(["*there is no baseline `none`*"])


def test_what_cannot_be_compared_is_an_error(project: pytest.Pytester, plugin: Plugin) -> None:
    # Another dataset than the baseline's: no item pairs up.
    data = project.path / "suites" / "passing.csv"
    data.write_text(data.read_text().replace("question", "riddle"))
    result = project.runpytest_subprocess(*plugin, "suites/passing.yaml", "-rE")
    assert result.parseoutcomes() == {"errors": 2}
    result.stdout.fnmatch_lines(["ERROR suites/passing.yaml::plain/small/exact - NoVerdict: *"])


def test_mistakes_of_a_suite_are_told_when_it_is_collected(project: pytest.Pytester, plugin: Plugin) -> None:
    broken = suite_text("passing", "now").replace("metrics:\n", "metrix:\n")
    (project.path / "suites" / "broken.yaml").write_text(broken)
    result = project.runpytest_subprocess(*plugin)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*ERROR collecting suites/broken.yaml*", "*metrix*"])


def test_a_run_that_does_not_begin_is_an_error(project: pytest.Pytester, plugin: Plugin) -> None:
    result = project.runpytest_subprocess(*plugin, "suites/passing.yaml", "--evalmark-args=--no-such-option")
    assert result.parseoutcomes() == {"errors": 2}
    result.stdout.fnmatch_lines(["*ended with exit code 2*", "*unexpected argument '--no-such-option'*"])


def test_only_suites_are_collected(project: pytest.Pytester, plugin: Plugin) -> None:
    suites = project.path / "suites"
    (suites / "values.yaml").write_text("replicas: 3\nmodels: 2\n")
    (project.path / "docker-compose.yaml").write_text("services: {}\n")
    (project.path / "elsewhere.yaml").write_text((suites / "passing.yaml").read_text())
    collected = project.runpytest_subprocess(*plugin, "--collect-only", "-q").stdout.str()
    assert "6 tests collected" in collected
    assert "elsewhere" not in collected
    # What is named is collected, as a file of any other tests is.
    (suites / "copy.yaml").write_text((suites / "passing.yaml").read_text())
    moved = (suites / "passing.yaml").read_text().replace("path: ", "path: suites/")
    (project.path / "elsewhere.yaml").write_text(moved)
    assert project.runpytest_subprocess(*plugin, "elsewhere.yaml").parseoutcomes() == {"passed": 2}
    project.makeini("[pytest]\nevalmark_suites =\n    evals/**/*.yaml\n    else*.yaml\n")
    collected = project.runpytest_subprocess(*plugin, "--collect-only", "-q").stdout.str()
    assert "2 tests collected" in collected
    assert "elsewhere.yaml::plain/small/exact" in collected


def test_settings_reach_the_run(project: pytest.Pytester, plugin: Plugin) -> None:
    project.makeini("[pytest]\nevalmark_out = kept\nevalmark_args = --run-id mine\n")
    suite = "suites/passing.yaml"
    result = project.runpytest_subprocess(
        *plugin, suite, "--evalmark-baseline=reports/baselines/passing/main"
    )
    assert result.parseoutcomes() == {"passed": 2}
    assert (project.path / "kept/passing/mine/verdict.json").is_file()


def test_what_arguments_leave_out_is_skipped(project: pytest.Pytester, plugin: Plugin) -> None:
    suite = project.path / "suites" / "passing.yaml"
    second = "  - { name: second, template: 'Again: {{ text }}' }\nmodels:\n"
    suite.write_text(suite.read_text().replace("models:\n", second))
    for command in (["run", str(suite), "--run-id", "both"], ["baseline", "promote", "--force"]):
        more = ["reports/passing/both", "main"] if command[0] == "baseline" else ["--new-baseline"]
        subprocess.run(
            [os.environ["EVALMARK_BIN"], *command, *more], cwd=project.path, check=False, capture_output=True
        )
    assert project.runpytest_subprocess(*plugin, str(suite)).parseoutcomes() == {"passed": 4}
    result = project.runpytest_subprocess(*plugin, str(suite), "--evalmark-args=--prompt second")
    assert result.parseoutcomes() == {"passed": 2, "skipped": 2}


def test_the_fixture_runs_a_suite(project: pytest.Pytester, plugin: Plugin) -> None:
    project.makepyfile(
        test_own="""
        def test_it(run_suite, tmp_path):
            run = run_suite("suites/passing.yaml", run_id="one")
            assert run.verdict.passes
            assert run.path == tmp_path / "reports" / "passing" / "one"
            assert run_suite("suites/regressed.yaml").verdict.answer == "regressed"
        """
    )
    assert project.runpytest_subprocess(*plugin, "test_own.py").parseoutcomes() == {"passed": 1}


def test_a_project_without_suites_pays_nothing(pytester: pytest.Pytester, plugin: Plugin) -> None:
    pytester.makepyfile("def test_it(): pass")
    (pytester.path / "values.yaml").write_text("replicas: 3\n")
    code = (
        "import sys, pytest; code = pytest.main(sys.argv[1:]);"
        "loaded = sorted(name for name in sys.modules if name.startswith(('evalmark', 'polars', 'pandas')));"
        "print('loaded', loaded); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *plugin, str(pytester.path)], capture_output=True, text=True, check=True
    )
    assert "1 passed" in done.stdout
    assert "loaded ['evalmark', 'evalmark.pytest_plugin']" in done.stdout


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (suite_text("a", "now"), True),
        ("dataset:\n  path: a.csv\nmetrix: []\nprompts: []\n", True),
        ('{"name": "a", "dataset": {"path": "a.csv"}, "prompts": []}', True),
        ("name: a\nmodels: 2\n", False),
        ("values:\n  models: 2\n  metrics: true\n", False),
        ("- dataset\n- prompts\n", False),
        ("\x00\xff", False),
    ],
)
def test_suites_are_known_by_their_keys(tmp_path: Path, text: str, expected: bool) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    assert is_suite(path) is expected
    assert not is_suite(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("**/suites/*.yaml", "suites/a.yaml", True),
        ("**/suites/*.yaml", "x/y/suites/a.yaml", True),
        ("**/suites/*.yaml", "suites/deep/a.yaml", False),
        ("*.suite.yaml", "x/y/a.suite.yaml", True),
        ("*.suite.yaml", "x/asuite.yaml", False),
        ("evals/**/*.y?ml", "evals/a/b/c.yaml", True),
        ("evals/*.yaml", "other/evals/a.yaml", False),
    ],
)
def test_globs_begin_at_the_root(glob: str, path: str, expected: bool) -> None:
    assert bool(re.match(glob_to_pattern(glob), path)) is expected

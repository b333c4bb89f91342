"""Runs that compare well and are incomplete all the same, and suites that change while they are tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conftest import suite_text

from evalmark import find_binary

if TYPE_CHECKING:
    import pytest

Plugin = tuple[str, ...]


def test_a_run_that_ends_incomplete_passes_no_test(project: pytest.Pytester, plugin: Plugin) -> None:
    # Every comparison passes, and the exit code is 4: a report that was asked for could not be written.
    more = "--evalmark-args=--report markdown=suites/passing.yaml/none.md"
    result = project.runpytest_subprocess(*plugin, "suites/passing.yaml", more, "-rE")
    assert result.parseoutcomes() == {"errors": 2}
    result.stdout.fnmatch_lines(["*the run is incomplete (exit code 4)*", "*none.md cannot be written*"])


def test_what_cannot_be_told_for_lack_of_answers_is_no_expected_failure(
    project: pytest.Pytester, plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The program ends with 4 where answers are missing, whatever the verdict's answer is.
    program = project.path / "evalmark-lacking"
    program.write_text(f'#!/bin/sh\n"{find_binary()}" "$@"\ncode=$?\n[ "$1" = run ] && exit 4\nexit $code\n')
    program.chmod(0o755)
    monkeypatch.setenv("EVALMARK_BIN", str(program))
    result = project.runpytest_subprocess(
        *plugin, "suites/inconclusive.yaml", "--evalmark-inconclusive=xfail", "-rE"
    )
    assert result.parseoutcomes() == {"errors": 2}


def test_a_gate_that_goes_away_after_collection_is_an_error(project: pytest.Pytester, plugin: Plugin) -> None:
    without = suite_text("passing", "now").partition("gate:")[0]
    project.makeconftest(
        f"""
        import pathlib

        def pytest_collection_finish(session):
            (pathlib.Path(session.config.rootpath) / "suites" / "passing.yaml").write_text({without!r})
        """
    )
    result = project.runpytest_subprocess(*plugin, "suites/passing.yaml", "-rE")
    assert result.parseoutcomes() == {"errors": 2}
    result.stdout.fnmatch_lines(["*the run was not gated*"])

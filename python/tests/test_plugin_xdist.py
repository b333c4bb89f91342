"""The same under pytest-xdist: each suite is run once, whoever asks first."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

Plugin = tuple[str, ...]


def test_a_suite_is_run_once(
    project: pytest.Pytester, plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(project.mkdir("temporary")))
    alone = project.runpytest_subprocess(*plugin, "-p", "xdist").parseoutcomes()
    result = project.runpytest_subprocess(*plugin, "-p", "xdist", "-n", "2", "-rf")
    assert result.parseoutcomes() == alone
    for name in ("passing", "regressed", "inconclusive"):
        # One of each session.
        assert len(list((project.path / "reports" / name).glob("*/run.json"))) == 2
    result.stdout.fnmatch_lines(
        [
            "regressed: exact fell from *",
            "*evalmark reports*",
            "FAILED suites/regressed.yaml::plain/small/exact - GateFailure: regressed: exact fell *",
        ]
    )
    assert not list(Path(project.path / "temporary").glob("evalmark-pytest-*")), tempfile.gettempdir()


def test_only_what_is_selected_runs(project: pytest.Pytester, plugin: Plugin) -> None:
    result = project.runpytest_subprocess(*plugin, "-p", "xdist", "-n", "2", "-k", "regressed")
    assert result.parseoutcomes() == {"passed": 1, "failed": 1}
    assert [path.name for path in sorted((project.path / "reports").iterdir())] == ["baselines", "regressed"]

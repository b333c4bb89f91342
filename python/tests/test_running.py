"""The program from Python: where it is found, running and gating suites, and how failures are told."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest
from conftest import HOSTILE, ROOT

import evalmark as ev
from evalmark import binary
from evalmark.safe_text import safe_line, safe_text
from evalmark.suites import plan_suite

if TYPE_CHECKING:
    from pathlib import Path


def test_a_suite_runs_and_is_gated(built_project: Path, tmp_path: Path) -> None:
    options = {"out": tmp_path, "cwd": built_project}
    passing = ev.run_suite("suites/passing.yaml", run_id="one", **options)  # type: ignore[call-overload]
    assert passing.path == tmp_path / "passing" / "one"
    assert passing.verdict.answer == "pass"
    regressed = ev.run_suite("suites/regressed.yaml", out=tmp_path, cwd=built_project, frame="pandas")
    assert regressed.verdict is not None
    assert (regressed.verdict.answer, regressed.verdict.passes) == ("regressed", False)
    part = ev.run_suite("suites/passing.yaml", out=tmp_path, cwd=built_project, limit=5, prompts=["plain"])
    assert part.samples().height == 5
    baseline = built_project / "reports/baselines/passing/main"
    verdict = ev.gate(passing, baseline)
    assert (verdict.answer, verdict.baseline) == ("pass", str(baseline))
    assert passing.verdict == verdict
    # The baseline stands beside the suite, wherever this process is.
    assert ev.paired_differences(passing, "main", "exact").rows.height == 400
    with pytest.raises(ev.CommandError, match="ended with exit code"):
        ev.gate(tmp_path / "none", baseline)


def test_a_plan_names_the_comparisons(built_project: Path) -> None:
    plan = ev.plan_suite("suites/passing.yaml", cwd=built_project)
    assert (plan.suite, plan.baseline, plan.is_baseline_missing) == ("passing", "main", False)
    assert [one.metric for one in plan.comparisons] == ["answered", "exact"]


def test_a_run_that_does_not_begin_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(f"name: '{HOSTILE.encode('unicode_escape').decode()}'\nmetrix: []\n")
    with pytest.raises(ev.CommandError) as caught:
        ev.run_suite("suite.yaml", cwd=tmp_path)
    assert caught.value.exit_code == 2
    assert "unknown key `metrix`" in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("#!/bin/sh\n", 0o644, "cannot be started: Permission denied"),
        ("\x7fELF", 0o755, "cannot be started: Exec format error"),
        ("#!/bin/sh\n", 0o755, "printed no JSON document for `plan suite.yaml"),
        ("#!/bin/sh\necho '[1]'\n", 0o755, "printed no JSON document"),
        ("#!/bin/sh\necho not JSON\n", 0o755, "printed no JSON document"),
    ],
)
def test_another_program_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, mode: int, words: str
) -> None:
    program = tmp_path / "evalmark"
    program.write_text(text)
    program.chmod(mode)
    monkeypatch.setenv("EVALMARK_BIN", str(program))
    with pytest.raises(ev.ProgramError, match=re.escape(words)):
        plan_suite("suite.yaml")


def test_the_program_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVALMARK_BIN", str(tmp_path / "none"))
    with pytest.raises(ev.BinaryNotFoundError, match="none"):
        ev.find_binary()
    monkeypatch.delenv("EVALMARK_BIN")
    monkeypatch.setattr(sysconfig, "get_path", lambda *_, **__: str(tmp_path / "scripts"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(binary, "__file__", str(tmp_path / "lib" / "evalmark" / "binary.py"))
    with pytest.raises(ev.BinaryNotFoundError, match="pip install evalmark"):
        ev.find_binary()
    # The later ones take precedence.
    for folder in ("path", "lib/bin", "scripts"):
        (tmp_path / folder).mkdir(parents=True)
        program = tmp_path / folder / "evalmark"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        assert ev.find_binary() == program


def test_the_module_is_the_program() -> None:
    command = [sys.executable, "-m", "evalmark"]
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    (version,) = re.findall(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert done.stdout == f"evalmark {version}\n"
    assert subprocess.run([*command, "no-such"], capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, naïve ✓ 日本\tx\n", "plain, naïve ✓ 日本\tx\n"),
        ("\x1b[31mred\x07\r", "\\u{1b}[31mred\\u{7}\\u{d}"),
        ("a\u202eb\u2028c\ufeff\U000e0041", "a\\u{202e}b\\u{2028}c\\u{feff}\\u{e0041}"),
        ("::error::x\n  ::warning::y a::b", "\\u{3a}:error::x\n  \\u{3a}:warning::y a::b"),
        ("##vso[task] ##[error] ## heading", "\\u{23}#vso[task] \\u{23}#[error] ## heading"),
    ],
)
def test_texts_do_not_act(text: str, shown: str) -> None:
    assert safe_text(text) == shown
    assert safe_line("a\nb\tc") == "a\\nb\\tc"

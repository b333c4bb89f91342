"""Suites as pytest's test items: what is collected, when a suite runs, and what each answer becomes."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import warnings
import xml.etree.ElementTree as ET
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evalmark.binary import run_binary
from evalmark.errors import EvalmarkError
from evalmark.file_lock import file_lock
from evalmark.pytest_plugin import shared_folder
from evalmark.run import read_run
from evalmark.safe_text import safe_line, safe_text
from evalmark.suites import PlannedComparison, SuitePlan, plan_suite, run_command
from evalmark.verdict import Comparison, Verdict, read_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _pytest._code.code import ExceptionInfo, TerminalRepr, TracebackStyle

#: How many broken items a failure shows with their texts.
_SHOWN_ITEMS = 3

#: The exit code of a run that is incomplete or cannot be compared.
_INCOMPLETE = 4


class GateFailure(Exception):  # noqa: N818
    """A comparison that does not pass; its text is for people."""

    # The summary of a session names the class, and need not name the module.
    __module__ = "builtins"


class NoVerdict(Exception):  # noqa: N818
    """A suite that could not be run or compared."""

    __module__ = "builtins"


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What running a suite came to, as the processes of a session share it.

    Attributes:
        run_dir: the run's folder; ``None`` where there is no ended run.
        error: why there is none.
        details: of each comparison of the verdict, in its order, the figures behind it as text.
        stderr: what the program said beside its results.
        is_incomplete: whether it ended with 4: there is less than was asked for, whatever was compared.
    """

    run_dir: str | None = None
    error: str | None = None
    details: tuple[str, ...] = ()
    stderr: str = ""
    is_incomplete: bool = False


class SuiteFile(pytest.File):
    """A suite file; what it gates is known without asking a model."""

    plan: SuitePlan

    def collect(self) -> Iterable[pytest.Item]:
        """One item for each comparison that the suite gates."""
        try:
            self.plan = plan_suite(
                suite_argument(self),
                out=out_folder(self.config),
                cwd=self.config.rootpath,
                arguments=_baseline_arguments(self.config),
            )
        except EvalmarkError as error:
            raise self.CollectError(str(error)) from error
        if not self.plan.comparisons:
            warnings.warn(
                pytest.PytestCollectionWarning(
                    f"{self.nodeid} gates nothing (no `gate` with a baseline or a limit), so there is "
                    "nothing to test"
                ),
                stacklevel=1,
            )
        for comparison in self.plan.comparisons:
            name = safe_line("/".join([comparison.prompt, comparison.model, comparison.metric]))
            if comparison.measure == "level":
                name += "/limit"
            yield ComparisonItem.from_parent(self, name=name, comparison=comparison)

    def result(self) -> SuiteResult:
        """What running the suite came to: it is run when this is first asked for, once in a session."""
        key = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        shared = shared_folder(self.config)
        with file_lock(shared / f"{key}.lock"):
            kept = shared / f"{key}.json"
            if kept.exists():
                found = json.loads(kept.read_text(encoding="utf-8"))
                return SuiteResult(**{**found, "details": tuple(found["details"])})
            result = self._run(shared / f"{key}.xml")
            kept.write_text(json.dumps(asdict(result)), encoding="utf-8")
            return result

    def _run(self, junit: Path) -> SuiteResult:
        config = self.config
        command = ["run", suite_argument(self), "--out", str(out_folder(config))]
        command += [*_baseline_arguments(config), f"--report=junit={junit}"]
        command += ["--new-baseline"] if config.getoption("evalmark_new_baseline") else []
        command += config.getini("evalmark_args")
        command += [word for words in config.getoption("evalmark_args") for word in shlex.split(words)]
        try:
            ended = run_command(command, cwd=config.rootpath)
        except EvalmarkError as error:
            return SuiteResult(error=str(error))
        is_incomplete = ended.exit_code == _INCOMPLETE
        return SuiteResult(str(ended.run_dir), None, _details(junit), ended.stderr, is_incomplete)


class ComparisonItem(pytest.Item):
    """A gated comparison: one metric of one prompt and model against the baseline, or its limit."""

    parent: SuiteFile

    def __init__(self, *, comparison: PlannedComparison, **more: Any) -> None:  # noqa: ANN401
        super().__init__(**more)
        self.planned = comparison
        self.result = SuiteResult()
        self.add_marker(pytest.mark.evalmark)
        for word in (
            self.parent.plan.suite,
            comparison.prompt,
            comparison.model,
            comparison.metric,
        ):
            self.extra_keyword_matches.add(word)

    def setup(self) -> None:
        """Runs the suite, unless another item did; what has no verdict is an error, no failure."""
        super().setup()
        if self._lacks_baseline():
            return
        self.result = self.parent.result()
        if self.result.run_dir is None:
            raise NoVerdict(safe_text(self.result.error or "the suite could not be run"))
        run_dir = Path(self.result.run_dir)
        self.user_properties.append(("evalmark_run", str(run_dir)))
        self.user_properties.append(("evalmark_report", _shown_path(run_dir / "report.html", self.config)))
        verdict = self._verdict()
        position = self._position(verdict)
        if position is None and self._is_left_out():
            pytest.skip("left out of the run by its arguments")
        if position is None:
            raise NoVerdict(safe_text(f"{verdict.answer}: {verdict.says}\n{self.result.stderr}"))
        comparison = verdict.comparisons[position]
        self.user_properties.append(("evalmark_answer", comparison.answer))
        if comparison.answer == "incomparable":
            raise NoVerdict(self._explained(verdict, position))
        if self.result.is_incomplete and self._hides_what_lacks(verdict, comparison):
            raise NoVerdict(safe_text(f"the run is incomplete (exit code 4)\n{self.result.stderr}"))

    def runtest(self) -> None:
        """Passes, fails, or is an expected failure, by the verdict's answer."""
        if self._lacks_baseline():
            raise GateFailure(self._missing_baseline())
        verdict = self._verdict()
        position = self._position(verdict)
        comparison = verdict.comparisons[position or 0]
        if comparison.passes:
            self._check_others(verdict)
        elif comparison.answer == "inconclusive" and self._xfails():
            pytest.xfail(safe_line(comparison.says))
        else:
            raise GateFailure(self._explained(verdict, position or 0))

    def repr_failure(
        self, excinfo: ExceptionInfo[BaseException], style: TracebackStyle | None = None
    ) -> str | TerminalRepr:
        """What the verdict says, without a traceback."""
        if isinstance(excinfo.value, (GateFailure, NoVerdict)):
            return excinfo.getrepr(style="value")
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The suite's file, and the comparison by its names."""
        planned = self.planned
        names = [planned.prompt, planned.model, planned.metric]
        names += ["limit"] if planned.measure == "level" else []
        return self.path, 0, safe_line(f"{self.parent.plan.suite}: {' · '.join(names)}")

    def _lacks_baseline(self) -> bool:
        """Whether the baseline that the gate demands is not there; then no model is asked."""
        plan = self.parent.plan
        may_lack = plan.is_baseline_optional or self.config.getoption("evalmark_new_baseline")
        return plan.is_baseline_missing and not may_lack

    def _verdict(self) -> Verdict:
        """The verdict of the suite's run; the item is skipped where the run is the first."""
        path = Path(self.result.run_dir or "") / "verdict.json"
        verdict = read_verdict(path) if path.exists() else None
        is_first = self.parent.plan.is_baseline_missing and self.planned.measure != "level"
        if verdict is None and not self.parent.plan.is_baseline_missing:
            raise NoVerdict(safe_text(f"the run was not gated\n{self.result.stderr}"))
        if verdict is None or (is_first and verdict.passes):
            pytest.skip(f"no baseline {safe_line(self.parent.plan.baseline or '')} yet: nothing was compared")
        return verdict

    def _is_left_out(self) -> bool:
        """Whether the run's arguments left the item's prompt or model out."""
        record = read_run(self.result.run_dir or "").record
        options, prompts = record["options"], [prompt["name"] for prompt in record["prompts"]]
        is_part = bool(options["prompts"] or options["models"])
        return is_part and not (self.planned.prompt in prompts and self.planned.model in record["models"])

    def _position(self, verdict: Verdict) -> int | None:
        """Which comparison of the verdict this is."""
        keys = [_key(comparison) for comparison in verdict.comparisons]
        return keys.index(_key(self.planned)) if _key(self.planned) in keys else None

    def _hides_what_lacks(self, verdict: Verdict, comparison: Comparison) -> bool:
        """Whether nothing but the exit code tells that the run is incomplete.

        A test that fails tells it, as does the one that is an error because nothing could be compared.
        """
        told_elsewhere = any(one.answer == "incomparable" for one in verdict.comparisons)
        return comparison.answer == "inconclusive" or (comparison.passes and not told_elsewhere)

    def _check_others(self, verdict: Verdict) -> None:
        """A comparison that was not known before the run must not go unnoticed."""
        planned = {_key(comparison) for comparison in self.parent.plan.comparisons}
        failing = [_key(one) for one in verdict.comparisons if not one.passes]
        if verdict.passes or (failing and planned.issuperset(failing)):
            return
        raise GateFailure(safe_text(f"{verdict.answer}: {verdict.says}"))

    def _xfails(self) -> bool:
        chosen: str | None = self.config.getoption("evalmark_inconclusive")
        chosen = chosen or self.config.getini("evalmark_inconclusive")
        return chosen == "xfail"

    def _missing_baseline(self) -> str:
        plan, suite, out = self.parent.plan, suite_argument(self.parent), out_folder(self.config)
        more = "" if str(out) == "reports" else f" --out {shlex.quote(str(out))}"
        return safe_text(
            f"no baseline: there is no baseline {plan.baseline!r} of suite {plan.suite!r} to compare with, "
            "and no model was asked\n"
            f"hint: `evalmark run {shlex.quote(suite)} --new-baseline{more}`, then `evalmark baseline "
            f"promote {plan.suite}:latest {plan.baseline}{more}`; or, where there need not be one yet, "
            "`pytest --evalmark-new-baseline`"
        )

    def _explained(self, verdict: Verdict, position: int) -> str:
        """The verdict's own words and figures, the items that flipped, and the first with their texts."""
        comparison = verdict.comparisons[position]
        details = self.result.details
        text = details[position] if position < len(details) else f"{comparison.answer}: {comparison.says}"
        parts = [text, self._broken(verdict, comparison)]
        page = Path(self.result.run_dir or "") / "report.html"
        parts.append(f"report: {_shown_path(page, self.config)}")
        return safe_text("\n\n".join(part for part in parts if part))

    def _broken(self, verdict: Verdict, comparison: Comparison) -> str:
        """The first items that score worse, with question, target and both answers."""
        if comparison.measure != "difference" or comparison.n_flips == 0:
            return ""
        run_dir = _from_root(Path(str(self.result.run_dir)), self.config)
        command = ["diff", verdict.baseline, run_dir, "--only=worse"]
        command += [f"--limit={_SHOWN_ITEMS}", f"--metric={comparison.metric}"]
        command += [f"--prompt={comparison.prompt}", f"--model={comparison.model}"]
        command += ["--out", str(out_folder(self.config))]
        finished = run_binary(command, cwd=self.config.rootpath)
        return finished.stdout.strip("\n") if finished.exit_code == 0 else ""


def out_folder(config: pytest.Config) -> Path:
    """The folder of runs and baselines, from the root directory."""
    return Path(config.getoption("evalmark_out") or config.getini("evalmark_out"))


def suite_argument(file: SuiteFile) -> str:
    """The suite's path as the program gets it."""
    return _from_root(file.path, file.config)


def _from_root(path: Path, config: pytest.Config) -> str:
    """A path from the root directory, where it is below that."""
    return str(path.relative_to(config.rootpath) if path.is_relative_to(config.rootpath) else path)


def _baseline_arguments(config: pytest.Config) -> list[str]:
    baseline = config.getoption("evalmark_baseline")
    return ["--baseline", baseline] if baseline else []


def _shown_path(path: Path, config: pytest.Config) -> str:
    """A path from the folder that the user is in, where it is below that."""
    folder = config.invocation_params.dir
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _key(comparison: PlannedComparison | Comparison) -> tuple[str, str, str, bool]:
    """What a comparison is known by before and after a run."""
    is_limit = comparison.measure == "level"
    return (comparison.prompt, comparison.model, comparison.metric, is_limit)


def _details(junit: Path) -> tuple[str, ...]:
    """The texts of the cases, which stand in the order of the verdict's comparisons."""
    try:
        # The program wrote it a moment ago, and writes no document type.
        cases = ET.parse(junit).iter("testcase")  # noqa: S314
        return tuple("".join(case.itertext()).strip() for case in cases)
    except (OSError, ET.ParseError):
        return ()

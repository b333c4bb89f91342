"""Running and gating suites from Python: the program does both."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from evalmark.binary import run_binary
from evalmark.errors import CommandError
from evalmark.run import Run, read_run
from evalmark.verdict import Measure, Verdict, verdict_of_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import polars as pl

    from evalmark.frames import FrameKind

#: Exit codes of a run that has ended: passed, regressed, inconclusive, and incomplete or incomparable.
ENDED = (0, 1, 3, 4)


@overload
def run_suite(
    path: str | Path,
    *,
    out: str | Path = ...,
    run_id: str | None = ...,
    baseline: str | Path | None = ...,
    new_baseline: bool = ...,
    prompts: Sequence[str] = ...,
    models: Sequence[str] = ...,
    limit: int | None = ...,
    epochs: int | None = ...,
    concurrency: int | None = ...,
    max_cost: float | None = ...,
    no_cache: bool = ...,
    cache_dir: str | Path | None = ...,
    allow_exec: bool = ...,
    arguments: Sequence[str] = ...,
    cwd: str | Path | None = ...,
    env: Mapping[str, str] | None = ...,
    frame: Literal["polars"] = ...,
) -> Run[pl.DataFrame]: ...
@overload
def run_suite(
    path: str | Path,
    *,
    out: str | Path = ...,
    run_id: str | None = ...,
    baseline: str | Path | None = ...,
    new_baseline: bool = ...,
    prompts: Sequence[str] = ...,
    models: Sequence[str] = ...,
    limit: int | None = ...,
    epochs: int | None = ...,
    concurrency: int | None = ...,
    max_cost: float | None = ...,
    no_cache: bool = ...,
    cache_dir: str | Path | None = ...,
    allow_exec: bool = ...,
    arguments: Sequence[str] = ...,
    cwd: str | Path | None = ...,
    env: Mapping[str, str] | None = ...,
    frame: Literal["pandas"],
) -> Run[pd.DataFrame]: ...
def run_suite(
    path: str | Path,
    *,
    out: str | Path = "reports",
    run_id: str | None = None,
    baseline: str | Path | None = None,
    new_baseline: bool = False,
    prompts: Sequence[str] = (),
    models: Sequence[str] = (),
    limit: int | None = None,
    epochs: int | None = None,
    concurrency: int | None = None,
    max_cost: float | None = None,
    no_cache: bool = False,
    cache_dir: str | Path | None = None,
    allow_exec: bool = False,
    arguments: Sequence[str] = (),
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    frame: FrameKind = "polars",
) -> Run[Any]:
    """Runs a suite, and gates it where it has a gate: ``evalmark run``.

    A regression is no exception: ``run.verdict`` has the answer.

    Args:
        path: the suite file.
        out: the folder of runs and baselines.
        run_id: the name of the run's folder; by default the time and a few digits.
        baseline: the baseline to compare with, by name or folder, instead of the suite's.
        new_baseline: whether there may be no baseline yet.
        prompts: only these prompts.
        models: only these models.
        limit: only the first items, so many of them.
        epochs: how many answers to request for each item.
        concurrency: the most concurrent requests of each model.
        max_cost: US dollars at which the run stops; it can be resumed.
        no_cache: whether no answer is shared with other runs.
        cache_dir: the folder of shared answers.
        allow_exec: whether the suite's ``command`` metrics may run programs.
        arguments: more of the command line, as ``evalmark run`` takes it.
        cwd: the folder to run in, which relative paths begin at.
        env: variables beside those of this process, such as keys.
        frame: the library of the run's data frames.

    Raises:
        CommandError: the run did not begin, such as for a mistake in the suite, or was interrupted.
        BinaryNotFoundError: there is no program to run.
    """
    options: list[tuple[str, object]] = [
        ("--out", out),
        ("--run-id", run_id),
        ("--baseline", baseline),
        ("--limit", limit),
        ("--epochs", epochs),
        ("--concurrency", concurrency),
        ("--max-cost", max_cost),
        ("--cache-dir", cache_dir),
    ]
    command = ["run", os.fspath(path)]
    for option, value in options:
        command += [] if value is None else [option, str(value)]
    for option, values in (("--prompt", prompts), ("--model", models)):
        command += [option, *values] if values else []
    flags = {"--new-baseline": new_baseline, "--no-cache": no_cache, "--allow-exec": allow_exec}
    command += [flag for flag, is_set in flags.items() if is_set]
    ended = run_command([*command, *arguments], cwd=cwd, env=env)
    return read_run(ended.run_dir, frame=frame)


@dataclass(frozen=True, slots=True)
class EndedRun:
    """What a run of the program left.

    Attributes:
        run_dir: the run's folder.
        exit_code: 0, 1, 3 or 4.
        stderr: remarks and warnings, made safe for terminals and logs.
    """

    run_dir: Path
    exit_code: int
    stderr: str


def run_command(
    command: Sequence[str],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
) -> EndedRun:
    """Runs a command line of ``evalmark run`` or ``resume`` on one suite, and says where its run is.

    Raises:
        CommandError: there is no ended run.
    """
    command = [*command, "--format", "json", "--quiet"]
    folder = Path.cwd() if cwd is None else Path(cwd)
    finished = run_binary(command, cwd=folder, env=env)
    if finished.exit_code not in ENDED or not finished.stdout.strip():
        raise CommandError(command, finished.exit_code, finished.stderr)
    document = finished.document()
    return EndedRun(folder / document["run_dir"], finished.exit_code, finished.stderr)


def gate(
    run: Run[Any] | str | Path,
    baseline: str | Path,
    *,
    out: str | Path | None = None,
    new_baseline: bool = False,
    arguments: Sequence[str] = (),
) -> Verdict:
    """The verdict on a finished run against a baseline: ``evalmark gate``.

    The run's folder keeps it.

    Args:
        run: the run, or its folder.
        baseline: the baseline, by name or folder.
        out: the folder of runs and baselines; by default the one that the run is in.
        new_baseline: whether there may be no baseline yet; then only the limits are checked.
        arguments: more of the command line, as ``evalmark gate`` takes it.

    Raises:
        CommandError: there is no verdict, such as for a folder that is no run's.
    """
    path = run.path if isinstance(run, Run) else Path(run)
    folder = path.parent.parent if out is None else Path(out)
    command = ["gate", str(path), "--baseline", str(baseline), "--out", str(folder)]
    command += ["--new-baseline"] if new_baseline else []
    command += [*arguments, "--format", "json"]
    finished = run_binary(command)
    if finished.exit_code not in ENDED or not finished.stdout.strip():
        raise CommandError(command, finished.exit_code, finished.stderr)
    if isinstance(run, Run):
        # The folder has another verdict than the one that may have been read.
        run.__dict__.pop("verdict", None)
    return verdict_of_json(finished.stdout, path)


@dataclass(frozen=True, slots=True)
class PlannedComparison:
    """A comparison that a gate is going to make."""

    prompt: str
    model: str
    metric: str
    measure: Measure


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """What a run of a suite would gate, known before anything is asked.

    Attributes:
        suite: the suite's name.
        comparisons: every comparison of the gate, in the order of the verdict.
        baseline: the baseline's name; ``None`` where the gate names none.
        is_baseline_missing: whether there is none of this name yet.
        is_baseline_optional: whether the gate lets it be missing.
    """

    suite: str
    comparisons: tuple[PlannedComparison, ...]
    baseline: str | None
    is_baseline_missing: bool
    is_baseline_optional: bool


def plan_suite(
    path: str | Path,
    *,
    out: str | Path = "reports",
    cwd: str | Path | None = None,
    arguments: Sequence[str] = (),
) -> SuitePlan:
    """What a suite would gate: ``evalmark plan``, which asks no model.

    Args:
        path: the suite file.
        out: the folder of runs and baselines.
        cwd: the folder to run in, which relative paths begin at.
        arguments: more of the command line, as ``evalmark plan`` takes it.

    Raises:
        CommandError: the suite has mistakes, which are all in the message.
    """
    command = ["plan", os.fspath(path), "--out", str(out), *arguments, "--format", "json"]
    finished = run_binary(command, cwd=None if cwd is None else Path(cwd))
    if finished.exit_code != 0:
        raise CommandError(command, finished.exit_code, finished.stderr)
    found = finished.document()
    names = ("prompt", "model", "metric", "measure")
    comparisons = (PlannedComparison(*(one[name] for name in names)) for one in found["comparisons"])
    baseline = found["baseline"] or {}
    return SuitePlan(
        suite=found["suite"],
        comparisons=tuple(comparisons),
        baseline=baseline.get("name"),
        is_baseline_missing=baseline.get("is_missing", False),
        is_baseline_optional=baseline.get("is_optional", False),
    )

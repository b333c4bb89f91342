"""A run's folder: its files as data frames, its verdict, and what follows from them."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, overload

from evalmark.errors import EvalmarkError, FormatVersionError, MissingFileError, NoRunError
from evalmark.frames import FrameKind, Frames, FrameT, frames_of
from evalmark.verdict import Verdict, read_verdict

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

#: Versions of ``run.json`` that are read.
READABLE_VERSIONS = range(1, 3)


@overload
def read_run(path: str | Path, *, frame: Literal["polars"] = ...) -> Run[pl.DataFrame]: ...
@overload
def read_run(path: str | Path, *, frame: Literal["pandas"]) -> Run[pd.DataFrame]: ...
def read_run(path: str | Path, *, frame: FrameKind = "polars") -> Run[Any]:
    """Opens a run's folder, or a baseline's.

    Nothing but ``run.json`` is read before it is asked for, and no library is imported before a frame is.

    Args:
        path: the folder, such as ``reports/SUITE/RUN_ID``.
        frame: the library of its data frames.

    Raises:
        NoRunError: the folder is not there, or is no run's.
        FormatVersionError: another version of evalmark wrote it, and it is not read.
    """
    return Run(Path(path), frame)


class Run(Generic[FrameT]):
    """A run's folder.

    Attributes:
        path: the folder.
        record: ``run.json``: what was run, when, with which counts, totals and options.
    """

    def __init__(self, path: Path, frame: FrameKind) -> None:
        self.path = path
        self.record: dict[str, Any] = _record(path)
        self._kind = frame

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}: {self.suite}, {self.status})"

    @property
    def suite(self) -> str:
        """The suite's name."""
        return str(self.record["suite"])

    @property
    def run_id(self) -> str:
        """The run's id, which is the name of its folder."""
        return str(self.record["run_id"])

    @property
    def status(self) -> str:
        """How far it got: ``running``, ``interrupted``, ``partial`` or ``complete``."""
        return str(self.record["status"])

    @property
    def report(self) -> Path:
        """The path of the page for people, ``report.html``."""
        return self.path / "report.html"

    @cached_property
    def verdict(self) -> Verdict | None:
        """The verdict, as ``verdict.json`` holds it; ``None`` where the run was not gated."""
        path = self.path / "verdict.json"
        return read_verdict(path) if path.exists() else None

    def samples(self) -> FrameT:
        """One row for each answer: prompt x model x item x epoch.

        Scores are in the columns ``score.METRIC`` (null where there is none) and slices in
        ``slice.COLUMN``; latencies are in milliseconds, costs in US dollars.
        """
        return self._read("samples", "a baseline keeps no samples, and an unfinished run has none yet")

    def scores(self) -> FrameT:
        """One row for each metric of each answer: ``score``, ``passed``, ``reason``, the judge's words."""
        return self._read("scores", "an unfinished run has none yet")

    def summary(self) -> FrameT:
        """One row for each prompt x model x metric, over all items (``slice`` is null) or one slice.

        ``estimate`` with ``ci_low`` and ``ci_high`` is in units of the metric; ``statistic`` says what
        it is. ``sum_samples``, ``sum_input_tokens``, ``sum_output_tokens`` and ``sum_cost_usd`` (US
        dollars) stand in one row of each prompt and model, and so sum rightly.
        """
        return self._read("summary", "a baseline keeps no summary, and an unfinished run has none yet")

    def run_values(self) -> FrameT:
        """One row for each value of the whole run, such as macro F1 or a class's recall."""
        return self._read("run_values", "none of the run's metrics is a value of the whole run")

    def confusion(self) -> FrameT:
        """One row for each pair of classes: how many answers of one were taken for the other."""
        return self._read("confusion", "none of the run's metrics classifies")

    def leaderboard(self, metric: str) -> FrameT:
        """The prompts and models by one metric, the best first.

        Its columns are ``prompt``, ``model``, ``estimate``, ``ci_low``, ``ci_high``, ``n_items`` and
        ``group``: rows that share a letter do not differ significantly, as ``evalmark compare`` says;
        it is null where it says nothing. See :func:`evalmark.leaderboard`.
        """
        from evalmark.comparing import leaderboard

        return leaderboard(self, metric)

    @cached_property
    def frames(self) -> Frames[FrameT]:
        """What makes frames of this run's library.

        Raises:
            MissingLibraryError: it is not installed.
        """
        return frames_of(self._kind)

    def file(self, name: str, why: str = "the run does not have it") -> Path:
        """The path of one of its files.

        Raises:
            MissingFileError: it is not there, and ``why`` says what that means.
        """
        path = self.path / name
        if not path.is_file():
            raise MissingFileError(path, why)
        return path

    def _read(self, name: str, why: str) -> FrameT:
        return self.frames.read(self.file(f"{name}.parquet", why))


def _record(path: Path) -> dict[str, Any]:
    """``run.json``, checked for what every run has."""
    if not path.exists():
        raise NoRunError(path, "it is not there")
    file = path / "run.json"
    if not file.is_file():
        raise NoRunError(path, "it has no run.json")
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EvalmarkError(f"{file} is damaged: {error}") from error
    version = record.get("format_version") if isinstance(record, dict) else None
    if version not in READABLE_VERSIONS:
        raise FormatVersionError(file, version, READABLE_VERSIONS)
    missing = [key for key in ("suite", "run_id", "status", "options") if key not in record]
    if missing:
        raise EvalmarkError(f"{file} is damaged: it has no {', '.join(missing)}")
    return dict(record)

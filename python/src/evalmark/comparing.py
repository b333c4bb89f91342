"""Leaderboards and paired differences: rows for analysis, beside what the program decided about them.

Intervals, groups and p-values come from the run's files and from ``evalmark compare``; none is computed
here. What is computed is a difference of two scores of one item.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from evalmark.binary import run_binary
from evalmark.errors import CommandError, EvalmarkError, PairingError
from evalmark.frames import FrameT
from evalmark.verdict import Comparison, Verdict, verdict_of_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evalmark.frames import ColumnType
    from evalmark.run import Run

_LEADERBOARD: dict[str, ColumnType] = {
    "prompt": "text",
    "model": "text",
    "estimate": "float",
    "ci_low": "float",
    "ci_high": "float",
    "n_items": "int",
    "group": "text",
}

_DIFFERENCES: dict[str, ColumnType] = {
    "prompt": "text",
    "model": "text",
    "item_id": "text",
    "baseline": "float",
    "candidate": "float",
    "difference": "float",
}


def leaderboard(run: Run[FrameT], metric: str) -> FrameT:
    """The prompts and models of a run by one metric, the best first.

    Args:
        run: a run with a summary.
        metric: the metric's name.

    Returns:
        A frame with ``prompt``, ``model``, ``estimate`` and its 95 % interval ``ci_low`` and
        ``ci_high`` in units of the metric, ``n_items`` (how many items stand behind it), and ``group``:
        rows that share a letter do not differ significantly. It is null where there is only one row,
        too many to compare every pair, or the metric is a value of the whole run.

    Raises:
        EvalmarkError: the run has no such metric.
    """
    path = run.file("summary.parquet", "a baseline keeps no summary")
    wanted = ["metric", "slice", "better", *_LEADERBOARD]
    rows = [row for row in run.frames.rows(path, wanted) if row["slice"] is None]
    found = [row for row in rows if row["metric"] == metric]
    if not found:
        known = ", ".join(sorted({row["metric"] for row in rows}))
        raise EvalmarkError(f"{run.path} has no metric {metric!r}; it has {known}")
    groups = _groups(run, metric) if len(found) > 1 else {}
    lower_is_better = found[0].get("better") == "lower"

    def rank(row: dict[str, Any]) -> tuple[bool, float]:
        estimate = row["estimate"]
        if estimate is None or math.isnan(estimate):
            return (True, 0.0)
        return (False, estimate if lower_is_better else -estimate)

    for row in found:
        row["group"] = groups.get((row["prompt"], row["model"]))
    ranked = [{key: row.get(key) for key in _LEADERBOARD} for row in sorted(found, key=rank)]
    return run.frames.of_rows(ranked, _LEADERBOARD)


def _groups(run: Run[Any], metric: str) -> dict[tuple[str, str], str]:
    """The letters of ``evalmark compare``, by prompt and model."""
    arguments = ["compare", str(run.path), "--format", "json"]
    finished = run_binary(arguments)
    if finished.exit_code != 0:
        if "too many to compare" in finished.stderr:
            return {}
        raise CommandError(arguments, finished.exit_code, finished.stderr)
    boards = finished.document()["boards"]
    places = [place for board in boards if board["metric"] == metric for place in board["places"]]
    return {(place["prompt"], place["model"]): place["group"] for place in places}


@dataclass(frozen=True)
class PairedDifferences(Generic[FrameT]):
    """Scores of the same items in two runs.

    Attributes:
        rows: one row for each prompt, model and item that both runs scored: ``baseline`` and
            ``candidate`` (means over the epochs) and ``difference`` (candidate minus baseline), in units
            of the metric.
        comparisons: what the program says of them, one for each prompt and model: the mean
            difference with its bounds, p-values, and the answer.
    """

    rows: FrameT
    comparisons: tuple[Comparison, ...]


def paired_differences(
    run: Run[FrameT], baseline: Run[Any] | str | Path, metric: str, *, out: str | Path | None = None
) -> PairedDifferences[FrameT]:
    """The difference that each item makes between a baseline and a run.

    The verdict of the run answers, where it is about this baseline, and ``evalmark compare`` where it is
    not.

    Args:
        run: the later run.
        baseline: the earlier one: a run, a folder, or the name of a baseline of the run's suite.
        metric: the metric's name.
        out: the folder of runs and baselines; by default the one that the run is in.

    Raises:
        EvalmarkError: the two cannot be compared, or have no such metric.
        PairingError: the items do not pair up here as they do for the program.
    """
    from evalmark.run import Run

    out = run.path.parent.parent if out is None else Path(out)
    named = str(baseline.path) if isinstance(baseline, Run) else str(baseline)
    verdict = _compared(run, named, out)
    comparisons = tuple(one for one in verdict.of_metric(metric) if one.measure != "level")
    if not comparisons:
        known = ", ".join(sorted({one.metric for one in verdict.comparisons}))
        raise EvalmarkError(f"no metric {metric!r} is gated in {run.path}; gated are {known}")
    folder = baseline.path if isinstance(baseline, Run) else _folder(named, run, out)
    before = _item_scores(run, folder / "scores.parquet", metric, _renames(verdict))
    after = _item_scores(run, run.file("scores.parquet"), metric, {})
    rows: list[dict[str, Any]] = []
    for comparison in comparisons:
        rows.extend(_pairs(comparison, before, after))
    return PairedDifferences(run.frames.of_rows(rows, _DIFFERENCES), comparisons)


def _compared(run: Run[Any], baseline: str, out: Path) -> Verdict:
    verdict = run.verdict
    if verdict is not None and verdict.baseline == baseline and verdict.comparisons:
        return verdict
    arguments = ["compare", baseline, str(run.path), "--out", str(out), "--format", "json"]
    finished = run_binary(arguments)
    if not finished.stdout.strip():
        raise CommandError(arguments, finished.exit_code, finished.stderr)
    return verdict_of_json(finished.stdout, run.path)


def _folder(named: str, run: Run[Any], out: Path) -> Path:
    """The folder of a baseline: a path, or where the program found the name."""
    if (Path(named) / "run.json").is_file():
        return Path(named)
    arguments = ["baseline", "show", named, "--out", str(out), "--format", "json"]
    finished = run_binary(arguments)
    listed = finished.document()["baselines"] if finished.exit_code == 0 else []
    folders = [Path(one["baseline_dir"]) for one in listed if one["suite"] == run.suite]
    if folders:
        return folders[0]
    # The program looks beside the suite and above it, too; its path begins where the run was begun.
    started_in = run.record["options"].get("working_dir") or "."
    suite = Path(started_in, run.record.get("suite_path", "")).absolute()
    for folder in suite.parents:
        found = folder / "reports" / "baselines" / run.suite / named
        if (found / "run.json").is_file():
            return found
    raise EvalmarkError(
        f"there is no baseline {named!r} of suite {run.suite!r} in {out} or above {suite.parent}"
    )


def _renames(verdict: Verdict) -> dict[str, str]:
    """The baseline's prompts that have another name in the run, to that name."""
    changes = verdict.changes or ()
    renamed = [change for change in changes if change.kind == "prompt_renamed"]
    return {str(change.baseline): str(change.candidate) for change in renamed}


@dataclass(frozen=True, slots=True)
class _ItemScore:
    item_hash: str | None
    score: float | None


_ItemScores = dict[tuple[str, str], dict[str, _ItemScore]]


def _item_scores(run: Run[Any], path: Path, metric: str, renames: dict[str, str]) -> _ItemScores:
    """The mean score of each item over its epochs, by prompt and model; ``None`` where one is missing."""
    wanted = ["prompt", "model", "item_id", "item_hash", "metric", "score"]
    scores: defaultdict[tuple[str, str, str], list[float | None]] = defaultdict(list)
    hashes: dict[tuple[str, str, str], str | None] = {}
    for row in run.frames.rows(path, wanted):
        if row["metric"] == metric:
            prompt = renames.get(row["prompt"], row["prompt"])
            key = (prompt, row["model"], row["item_id"])
            scores[key].append(row["score"])
            hashes[key] = row.get("item_hash")
    found: _ItemScores = defaultdict(dict)
    for (prompt, model, item_id), values in scores.items():
        item = _ItemScore(hashes[prompt, model, item_id], _mean(values))
        found[prompt, model][item_id] = item
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _pairs(comparison: Comparison, before: _ItemScores, after: _ItemScores) -> Iterable[dict[str, Any]]:
    """The pairs that the program compared.

    They are items of one content, or, where the dataset only gained columns, items of one id.
    """
    variant = (comparison.prompt, comparison.model)
    then, now = before.get(variant, {}), after.get(variant, {})
    scored = [
        (item_id, then[item_id], item)
        for item_id, item in now.items()
        if item_id in then and None not in (item.score, then[item_id].score)
    ]
    same = [pair for pair in scored if pair[1].item_hash == pair[2].item_hash]
    for pairs in (same, scored):
        if len(pairs) == comparison.counts.paired:
            return [
                {
                    "prompt": comparison.prompt,
                    "model": comparison.model,
                    "item_id": item_id,
                    "baseline": old.score,
                    "candidate": new.score,
                    "difference": (new.score or 0.0) - (old.score or 0.0),
                }
                for item_id, old, new in pairs
            ]
    raise PairingError(
        f"{comparison.prompt} · {comparison.model} · {comparison.metric}: the program pairs "
        f"{comparison.counts.paired} items, and {len(same)} pair up here. The files have changed since "
        "they were compared, or item ids come from elsewhere than the baseline's"
    )

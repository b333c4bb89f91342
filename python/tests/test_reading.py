"""Run folders as frames and verdicts, against what the program says of them itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import fields
from typing import TYPE_CHECKING

import polars as pl
import pytest
from conftest import ROOT, evalmark

import evalmark as ev
from evalmark import verdict as shapes

if TYPE_CHECKING:
    from pathlib import Path


def test_frames_have_the_same_rows_in_both_libraries(quickstart: Path) -> None:
    polars, pandas = ev.read_run(quickstart), ev.read_run(quickstart, frame="pandas")
    assert (polars.suite, polars.status, polars.run_id) == ("quickstart", "complete", quickstart.name)
    for name, rows in (("samples", 480), ("scores", 960), ("summary", 24)):
        one, other = getattr(polars, name)(), getattr(pandas, name)()
        assert (one.height, list(one.columns)) == (rows, list(other.columns))
        assert len(other) == rows
    assert polars.samples().schema["score.intent"] == pl.Float64
    assert str(pandas.samples()["started_at"].dtype).endswith("UTC]")


def test_a_verdict_is_what_the_file_says(quickstart: Path) -> None:
    run = ev.read_run(quickstart)
    verdict = run.verdict
    assert verdict is not None
    found = json.loads((quickstart / "verdict.json").read_text())
    assert (verdict.answer, verdict.passes, verdict.says) == ("improved", True, found["says"])
    comparison = verdict.comparison("few-shot", "smollm2", "intent")
    (same,) = [
        one for one in found["comparisons"] if (one["prompt"], one["metric"]) == ("few-shot", "intent")
    ]
    assert (comparison.estimate, comparison.lower, comparison.upper) == tuple(
        same[key] for key in ("estimate", "lower", "upper")
    )
    assert comparison.counts.paired == 240
    assert comparison.flips[0].item_id == same["flips"][0]["item_id"]
    assert len(verdict.slices) == 20
    assert verdict.changes is not None
    assert verdict.changes[0].kind == "prompt_edited"
    with pytest.raises(KeyError):
        verdict.comparison("few-shot", "smollm2", "nothing")
    with pytest.raises(AttributeError):
        verdict.answer = "pass"  # type: ignore[misc]


@pytest.mark.parametrize(
    "shape", ["Change", "Comparison", "Counts", "Flip", "SliceFinding", "Unpaired", "Verdict"]
)
def test_dataclasses_have_the_keys_of_the_schema(shape: str) -> None:
    schema = json.loads(evalmark(ROOT, "schema", "verdict"))
    properties = schema["properties"] if shape == "Verdict" else schema["$defs"][shape]["properties"]
    # The words of a changed prompt are for pages.
    documented = set(properties) - ({"diff"} if shape == "Change" else set())
    assert {field.name for field in fields(getattr(shapes, shape))} == documented


def test_a_leaderboard_is_the_summary_with_the_groups_of_compare(quickstart: Path) -> None:
    run = ev.read_run(quickstart)
    board = run.leaderboard("format")
    whole = run.summary().filter(pl.col("slice").is_null(), pl.col("metric") == "format")
    expected = whole.sort("estimate", descending=True)
    for column in ("prompt", "model", "estimate", "ci_low", "ci_high", "n_items"):
        assert board[column].to_list() == expected[column].to_list()
    assert board["group"].to_list() == ["a", "b"]
    assert run.leaderboard("intent")["group"].to_list() == ["a", "a"]
    pandas = ev.read_run(quickstart, frame="pandas").leaderboard("format")
    assert pandas["group"].tolist() == ["a", "b"]
    assert pandas["estimate"].tolist() == board["estimate"].to_list()
    with pytest.raises(ev.EvalmarkError, match="no metric 'nothing'; it has format, intent"):
        run.leaderboard("nothing")


def test_a_board_of_one_row_or_a_run_value_has_no_groups(tmp_path: Path) -> None:
    run = ev.run_suite("suites/examples/classification.yaml", out=tmp_path, cwd=ROOT)
    summary = run.summary().filter(pl.col("slice").is_null())
    for metric in summary["metric"].unique().to_list():
        board = run.leaderboard(metric)
        assert board.height == summary.filter(pl.col("metric") == metric).height
    assert run.run_values().height > 0
    assert run.confusion().height > 0


def test_paired_differences_are_the_pairs_of_the_verdict(quickstart: Path) -> None:
    run = ev.read_run(quickstart)
    assert run.verdict is not None
    baseline = ev.read_run(ROOT / "reports/baselines/quickstart/main")
    for named in (baseline, baseline.path, "main"):
        found = ev.paired_differences(run, named, "intent")
        assert [one.metric for one in found.comparisons] == ["intent", "intent"]
        assert found.rows.height == 480
        means = found.rows.group_by("prompt").agg(pl.col("difference").mean())
        for prompt, mean in means.iter_rows():
            comparison = run.verdict.comparison(prompt, "smollm2", "intent")
            assert mean == pytest.approx(comparison.estimate)
    flips = found.rows.filter(pl.col("prompt") == "few-shot", pl.col("difference") != 0)
    assert flips.height == run.verdict.comparison("few-shot", "smollm2", "intent").n_flips
    pandas = ev.paired_differences(ev.read_run(quickstart, frame="pandas"), baseline, "intent")
    assert pandas.rows["difference"].sum() == pytest.approx(found.rows["difference"].sum())
    with pytest.raises(ev.EvalmarkError, match="no metric 'nothing' is gated"):
        ev.paired_differences(run, baseline, "nothing")
    with pytest.raises(ev.EvalmarkError, match="nothing"):
        ev.paired_differences(run, "nothing", "intent")


def test_files_that_changed_since_do_not_pair_up(quickstart: Path, tmp_path: Path) -> None:
    shutil.copytree(quickstart, tmp_path / "quickstart" / "run")
    folder = tmp_path / "baseline"
    shutil.copytree(ROOT / "reports/baselines/quickstart/main", folder)
    run = ev.read_run(tmp_path / "quickstart" / "run")
    scores = pl.read_parquet(folder / "scores.parquet")
    scores.filter(pl.col("item_id") != "T-001").write_parquet(folder / "scores.parquet")
    found = json.loads((run.path / "verdict.json").read_text())
    (run.path / "verdict.json").write_text(json.dumps({**found, "baseline": str(folder)}))
    with pytest.raises(ev.PairingError, match="the program pairs 240 items, and 239 pair up here"):
        ev.paired_differences(run, folder, "intent")


def test_what_is_not_there_is_told(tmp_path: Path, quickstart: Path) -> None:
    with pytest.raises(ev.NoRunError, match="it is not there"):
        ev.read_run(tmp_path / "none")
    with pytest.raises(ev.NoRunError, match=r"it has no run\.json"):
        ev.read_run(tmp_path)
    run = ev.read_run(quickstart)
    with pytest.raises(ev.MissingFileError, match="none of the run's metrics classifies"):
        run.confusion()
    baseline = ev.read_run(ROOT / "reports/baselines/quickstart/main")
    assert baseline.verdict is None
    with pytest.raises(ev.MissingFileError, match="a baseline keeps no samples"):
        baseline.samples()
    with pytest.raises(ValueError, match='frame is "polars" or "pandas"'):
        ev.read_run(quickstart, frame="arrow").scores()  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("version", "message"),
    [(0, "older than any"), (99, "of a later evalmark"), (None, "no format version")],
)
def test_other_formats_are_told(tmp_path: Path, version: int | None, message: str) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"format_version": version, "suite": "s"}))
    with pytest.raises(ev.FormatVersionError, match=message):
        ev.read_run(tmp_path)
    (tmp_path / "verdict.json").write_text(json.dumps({"format_version": version}))
    with pytest.raises(ev.FormatVersionError, match=message):
        ev.read_verdict(tmp_path / "verdict.json")


def test_damaged_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ev.EvalmarkError, match="is damaged"):
        ev.read_run(tmp_path)
    (tmp_path / "run.json").write_text('{"format_version": 2}')
    with pytest.raises(ev.EvalmarkError, match="it has no suite, run_id"):
        ev.read_run(tmp_path)
    (tmp_path / "verdict.json").write_text('{"format_version": 1}')
    with pytest.raises(ev.EvalmarkError, match="is damaged"):
        ev.read_verdict(tmp_path / "verdict.json")


def test_a_library_that_is_not_installed_is_told(quickstart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ev.MissingLibraryError, match=r"pip install 'evalmark\[polars\]'"):
        ev.read_run(quickstart).samples()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ev.MissingLibraryError, match=r"pip install 'evalmark\[pandas\]'"):
        ev.read_run(quickstart, frame="pandas").samples()


def test_importing_imports_no_library() -> None:
    code = "import sys, evalmark; evalmark.read_run; print({'polars', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_public_name_is_there() -> None:
    assert ev.__all__ == sorted(ev.__all__)
    for name in ev.__all__:
        assert getattr(ev, name).__module__.startswith("evalmark.")
    assert set(ev.__all__) <= set(dir(ev))
    with pytest.raises(AttributeError, match="nothing_such"):
        ev.nothing_such  # noqa: B018

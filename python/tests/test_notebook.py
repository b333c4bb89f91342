"""The notebook runs on the quickstart's run, shows its numbers, and is kept without outputs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient

if TYPE_CHECKING:
    from pathlib import Path

NOTEBOOK = ROOT / "notebooks" / "analysis.ipynb"

#: What is asked of the notebook when it has run.
ASK = """
import json
print(json.dumps({
    "headline": headline,
    "boards": {metric: board.to_dicts() for metric, board in boards.items()},
    "pairs": paired.group_by("prompt", "metric").agg(mean=pl.col("difference").mean()).to_dicts(),
    "answer": verdict.answer,
    "samples": int(trade["samples"].sum()),
    "tokens": int(trade["input_tokens"].sum() + trade["output_tokens"].sum()),
}))
"""


@pytest.fixture(scope="module")
def executed(quickstart: Path) -> dict[str, Any]:
    """The notebook's own figures, after all of its cells have run."""
    patch = pytest.MonkeyPatch()
    patch.setenv("EVALMARK_RUN", str(quickstart))
    patch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))  # type: ignore[no-untyped-call]
    try:
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": NOTEBOOK.parent}}).execute()
    finally:
        patch.undo()
    shown = [cell.outputs for cell in notebook.cells[:-1] if cell.cell_type == "code"]
    assert all(shown), "every cell shows something"
    kinds = {kind for outputs in shown for output in outputs for kind in output.get("data", ())}
    assert {"image/png", "text/html"} <= kinds
    (said,) = notebook.cells[-1].outputs
    found: dict[str, Any] = json.loads(said["text"])
    return found


def test_headline_numbers_are_those_of_the_files(executed: dict[str, Any], quickstart: Path) -> None:
    # Read without this package.
    query = "select prompt, model, metric, estimate, ci_low, ci_high from read_parquet(?) where slice is null"
    summary = duckdb.execute(query, [str(quickstart / "summary.parquet")]).fetchall()
    assert len(summary) == 4
    verdict = json.loads((quickstart / "verdict.json").read_text())
    comparisons = {(one["prompt"], one["metric"]): one for one in verdict["comparisons"]}
    for prompt, model, metric, estimate, low, high in summary:
        assert executed["headline"].pop(f"{prompt} · {model} · {metric}") == pytest.approx(
            estimate, abs=1e-12
        )
        (row,) = [row for row in executed["boards"][metric] if row["prompt"] == prompt]
        assert (row["estimate"], row["ci_low"], row["ci_high"]) == (estimate, low, high)
        comparison = comparisons[prompt, metric]
        assert comparison["candidate_mean"] == pytest.approx(estimate, abs=1e-12)
        (pairs,) = [row for row in executed["pairs"] if (row["prompt"], row["metric"]) == (prompt, metric)]
        assert pairs["mean"] == pytest.approx(comparison["estimate"], abs=1e-12)
    assert executed["headline"] == {}
    assert executed["answer"] == verdict["answer"]
    record = json.loads((quickstart / "run.json").read_text())
    assert executed["samples"] == record["counts"]["planned"]
    totals = record["totals"]
    assert executed["tokens"] == totals["input_tokens"] + totals["output_tokens"]


def test_it_is_kept_without_outputs() -> None:
    command = [sys.executable, "-m", "nbstripout", "--verify", str(NOTEBOOK)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `nbstripout {NOTEBOOK.relative_to(ROOT)}`\n{done.stdout}{done.stderr}"

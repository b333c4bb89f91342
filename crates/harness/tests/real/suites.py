"""The one suite: twenty questions, asked of a server in one protocol and read back from its run."""

import csv
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import polars

CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Germany": "Berlin", "Portugal": "Lisbon", "Austria": "Vienna",
    "Greece": "Athens", "Poland": "Warsaw", "Norway": "Oslo", "Sweden": "Stockholm", "Finland": "Helsinki",
    "Denmark": "Copenhagen", "Hungary": "Budapest", "Ireland": "Dublin", "Belgium": "Brussels", "Japan": "Tokyo",
    "China": "Beijing", "Egypt": "Cairo", "Cuba": "Havana", "Peru": "Lima",
}  # fmt: skip
QUESTION = "What is the capital of {{ country }}? Answer in one sentence."
# The same as the model's own chat template writes it, for a protocol that has no conversations. A template's last line
# break is left out unless it is an expression.
RAW = (
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
    f"<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant{{{{ '\\n' }}}}"
)


@dataclass
class Case:
    """A server in one protocol."""

    name: str
    model: dict
    template: str = QUESTION
    flags: tuple[str, ...] = ()
    env: dict[str, str] | None = None


def write(folder: Path, case: Case, metrics: list[dict] | None = None, more_models: list[dict] | None = None) -> Path:
    """Writes dataset and suite; JSON is YAML."""
    with open(folder / "capitals.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["country", "capital"])
        rows.writerows(CAPITALS.items())
    model = {"name": "m", "limits": {"concurrency": 4, "attempts": 2, "timeout": "120s"}, **case.model}
    model["params"] = {"temperature": 0, "max_tokens": 24, **model.get("params", {})}
    suite = {
        "name": case.name,
        "dataset": {"path": "capitals.csv", "id": "country", "target": "capital"},
        "prompts": [{"name": "p", "template": case.template}],
        "models": [model, *(more_models or [])],
        "metrics": metrics or [{"name": "names-it", "includes": {}}],
    }
    path = folder / f"{case.name}.yaml"
    path.write_text(json.dumps(suite, indent=1))
    return path


def evalmark(folder: Path, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    command = [os.environ["EVALMARK_BIN"], *words]
    environment = {**os.environ, **(env or {})}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


def run(folder: Path, case: Case, **more) -> polars.DataFrame:
    """Asks, and returns the samples; whatever is no success ends the script with what was said."""
    path = write(folder, case, **more)
    words = ["run", path.name, "--out", "reports", "--run-id", "r", "--no-cache", "--quiet", *case.flags]
    done = evalmark(folder, *words, env=case.env)
    if done.returncode != 0:
        raise SystemExit(f"{case.name}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return samples(folder, case.name)


def samples(folder: Path, suite: str) -> polars.DataFrame:
    return polars.read_parquet(folder / "reports" / suite / "r" / "samples.parquet").sort("item_id")

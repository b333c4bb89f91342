"""What a check uses: servers that end with it, a suite with runs, and HTTP on this machine."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

SUITE = """\
name: support
dataset: { path: rows.csv, id: id, target: intent, slices: [channel] }
prompts:
  - name: production
    template: "Which intent is this? {{ text }}"
models:
  - name: small
    provider: recorded
    recorded: { column: answer }
metrics:
  - name: exact
    exact: {}
gate: { baseline: main, metrics: { exact: { margin: 0.03 } } }
"""

ITEMS = 120


class World:
    """A folder with a suite, and the servers of a check."""

    def __init__(self, evalmark, folder):
        self.evalmark, self.folder = evalmark, folder
        self.running = []

    def port(self):
        """A port of 127.0.0.1 that is free."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return free.getsockname()[1]

    def start(self, *command, ready, environment=(), seconds=60):
        """Starts a server, and waits until it answers at `ready`: an address, or a port that is open."""
        log = self.folder / f"{len(self.running)}-{Path(command[0]).name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **dict(environment)},
                cwd=self.folder,
                # What it starts itself ends with it.
                start_new_session=True,
            )
        self.running.append((process, log))

        def answers():
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
            if isinstance(ready, int):
                with socket.create_connection(("127.0.0.1", ready), timeout=1):
                    return True
            return self.get(ready) is not None

        self.eventually(answers, seconds)
        return process, log

    def end(self):
        """Ends every server that was started, by its process id."""
        for ask in (signal.SIGTERM, signal.SIGKILL):
            for process, _ in self.running:
                if process.poll() is None or ask == signal.SIGKILL:
                    try:
                        os.killpg(process.pid, ask)
                    except ProcessLookupError:
                        pass
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline and any(process.poll() is None for process, _ in self.running):
                time.sleep(0.05)
        self.running.clear()

    def tell_logs(self):
        """The ends of the servers' logs, for whoever looks for a mistake."""
        for process, log in self.running:
            lines = log.read_text(errors="replace").splitlines()[-20:]
            print(f"--- {log.name} ({process.args[0]})", *lines, sep="\n", file=sys.stderr)

    def eventually(self, condition, seconds=30):
        """Waits until a condition holds; answers with what it answers."""
        deadline, problem = time.monotonic() + seconds, None
        while time.monotonic() < deadline:
            try:
                found = condition()
                if found:
                    return found
                problem = f"it answers {found!r}"
            except (OSError, LookupError, ValueError) as error:
                problem = repr(error)
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {problem}")

    def get(self, url, **headers):
        """The text that an address answers with."""
        return self.send("GET", url, None, **headers)

    def json(self, url, **headers):
        return json.loads(self.get(url, **headers))

    def post_json(self, url, value):
        text = self.send("POST", url, json.dumps(value).encode(), **{"content-type": "application/json"})
        return json.loads(text or "null")

    def send(self, method, url, body, **headers):
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.read().decode()
        except urllib.error.HTTPError as error:
            raise OSError(f"{url} answers {error.code}: {error.read()[:500]!r}") from error

    def run_evalmark(self, *arguments, code=0, **environment):
        """Runs the program in the folder; answers with what it prints."""
        command = [str(self.evalmark), *(str(part) for part in arguments)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("EVALMARK_", "CI"))}
        ran = subprocess.run(
            command,
            cwd=self.folder,
            env={**kept, "EVALMARK_RUN_URL": "https://ci.example/runs/1", **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = f"{' '.join(command)} ended with {ran.returncode}, not {code}\n{ran.stdout}\n{ran.stderr}"
        assert ran.returncode == code, said
        return ran.stdout

    def suite(self, receivers="", wrong=0, more=""):
        """Writes `suite.yaml`: 120 items, of which so many have a wrong answer; `receivers` stand under `export`."""
        rows = [
            (f"ticket-{i}", f"I want to talk about order {i}", ("mail", "chat")[i % 2], f"intent-{i % 7}",
             "other" if i < wrong else f"intent-{i % 7}")
            for i in range(ITEMS)
        ]
        with (self.folder / "rows.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("id", "text", "channel", "intent", "answer"), *rows])
        export = f"export:\n{receivers}" if receivers else ""
        (self.folder / "suite.yaml").write_text(f"{SUITE}{more}{export}")

    def regressed_run(self, receivers, **environment):
        """A run that regressed against its baseline, whose receivers have not been told; answers with its folder."""
        self.suite(wrong=4)
        self.run_evalmark("run", "suite.yaml", "--run-id", "before", "--new-baseline")
        self.run_evalmark("baseline", "promote", "reports/support/before", "main")
        self.suite(wrong=40)
        self.run_evalmark("run", "suite.yaml", "--run-id", "after", code=1, **environment)
        self.suite(receivers, wrong=40)
        return self.folder / "reports/support/after"

"""Holds `evalmark prompts push|pull|drift` against MLflow's own server and client.

    python -m venv target/mlflow && target/mlflow/bin/pip install mlflow==3.17.2
    cargo build -p evalmark && target/mlflow/bin/python crates/integrations/tests/real/mlflow_prompts.py

It starts the real server on this machine. What evalmark pushes, `mlflow.genai.load_prompt` must read and fill in as
evalmark does; what evalmark pulls must be the file that was pushed, byte for byte; and what MLflow's client registers
must become a file that evalmark's lint accepts.
"""

import json, os, pathlib, signal, subprocess, tempfile

from mlflow_server import ROOT, free_port, start

PROGRAM = ROOT / "target/debug/evalmark"
TEXT = """---
description: Greets people
owner: support
provider: openai
model: gpt-4o-mini
parameters: { temperature: 0.0, max_tokens: 20, stop: END }   # kept as written
variables:
  name: { type: string, example: Ada }
---

Greet {{ name }} — briefly, with “quotes”, 日本語 and 🙂.
{% include 'fragments/tone.j2' %}
"""
CHAT = """---
variables:
  topics: { type: list, trusted: true, example: [money, delivery] }
  message: { type: string, example: Where is it? }
---
system:
{% for topic in topics %}{{ topic }} {% endfor %}

user:
<message>
{{ message }}
</message>
"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        port = free_port()
        server = start(folder, port)
        try:
            compare(folder, f"http://127.0.0.1:{port}")
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()
    print("all alike")


def compare(folder, url):
    import mlflow
    from mlflow import MlflowClient

    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)
    work = folder / "work"
    (work / "prompts/fragments").mkdir(parents=True)
    (work / "prompts/support").mkdir()
    (work / "registries.yaml").write_text(f"mlflow: {{ url: '{url}', aliases: {{ prod: production }} }}\n")
    (work / "prompts/greet.md").write_text(TEXT)
    (work / "prompts/support/topic.md").write_text(CHAT)
    (work / "prompts/fragments/tone.j2").write_text("Be kind.\n")
    git(work, "init", "-q")
    git(work, "add", ".")
    git(work, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    commit = git(work, "rev-parse", "HEAD").strip()

    # What is pushed is read and filled in by MLflow as evalmark does it.
    names = ["greet", "support/topic"]
    pushed = evalmark(work, 0, "push", *names, "--to", "mlflow", "--message", "first", "--alias", "staging")["prompts"]
    assert [(one["name"], one["version"], one["is_new"]) for one in pushed] == [
        ("greet", 1, True),
        ("support.topic", 1, True),
    ], pushed
    text = mlflow.genai.load_prompt("prompts:/greet/1")
    assert text.is_text_prompt and text.commit_message == "first", text
    assert text.model_config == {
        "provider": "openai",
        "model_name": "gpt-4o-mini",
        "temperature": 0.0,
        "max_tokens": 20,
        "stop_sequences": ["END"],
    }, text.model_config
    assert text.tags["evalmark_commit"] == commit and text.tags["evalmark_hash"] == pushed[0]["hash"], text.tags
    assert text.variables == {"name"}
    rendered = evalmark(work, 0, "render", "greet", "--var", "name=Ada")["messages"]
    assert text.format(name="Ada") == rendered[0]["content"], (text.format(name="Ada"), rendered)
    chat = mlflow.genai.load_prompt("prompts:/support.topic@staging")
    assert not chat.is_text_prompt
    values = {"topics": ["money", "delivery"], "message": "Where is it?"}
    rendered = evalmark(work, 0, "render", "support/topic")["messages"]
    assert chat.format(**values) == rendered, (chat.format(**values), rendered)

    # The same again makes no version.
    again = evalmark(work, 0, "push", *names, "--to", "mlflow")["prompts"]
    assert [(one["version"], one["is_new"]) for one in again] == [(1, False), (1, False)], again
    assert evalmark(work, 0, "drift", "--from", "mlflow")["same"]

    # What is pulled is what was pushed.
    for name, file in [("greet", TEXT), ("support/topic", CHAT)]:
        path = work / f"prompts/{name}.md"
        path.unlink()
        assert evalmark(work, 0, "pull", name, "--from", "mlflow")["pulled"]["as_pushed"]
        assert path.read_text() == file, path.read_text()

    # A change in a fragment is a new version; an older file is known, and newer there.
    (work / "prompts/fragments/tone.j2").write_text("Be very kind.\n")
    assert states(work, 4) == {"greet": "changed_here", "support/topic": "same"}
    assert evalmark(work, 0, "push", "greet", "--to", "mlflow")["prompts"][0]["version"] == 2
    assert "Be very kind." in mlflow.genai.load_prompt("prompts:/greet/2").template
    (work / "prompts/fragments/tone.j2").write_text("Be kind.\n")
    assert states(work, 4)["greet"] == "newer_there"
    evalmark(work, 2, "push", "greet", "--to", "mlflow")
    (work / "prompts/fragments/tone.j2").write_text("Be very kind.\n")

    # An alias moves, and MLflow's client sees it.
    evalmark(work, 0, "push", "greet", "--to", "mlflow", "--alias", "production")
    assert mlflow.genai.load_prompt("prompts:/greet@production").version == 2

    # What MLflow's client registers is pulled, and what is edited there is not buried.
    mlflow.genai.register_prompt(
        name="greet",
        template="Say hello to {{ first.name }}, 100 {% sure.",
        commit_message="by hand",
        tags={"team": "x"},
        response_format={"type": "object"},
        model_config={"model_name": "gpt-4o", "temperature": 0.5},
    )
    assert states(work, 4)["greet"] == "edited_there"
    evalmark(work, 2, "push", "greet", "--to", "mlflow")
    (work / "prompts/greet.md").write_text(TEXT + "\nlocal change\n")
    evalmark(work, 2, "pull", "greet", "--from", "mlflow")
    (work / "prompts/greet.md").write_text(TEXT)
    pulled = evalmark(work, 0, "pull", "greet", "--from", "mlflow")["pulled"]
    assert not pulled["as_pushed"] and len(pulled["lost"]) == 2, pulled
    rendered = evalmark(work, 0, "render", "greet", "--var", 'first={"name": "Ada"}')["messages"]
    assert rendered[0]["content"] == "Say hello to Ada, 100 {% sure.", rendered
    assert states(work, 0)["greet"] == "same"
    mlflow.genai.register_prompt(
        name="theirs",
        template=[
            {"role": "system", "content": "You are {{ style }}."},
            {"role": "user", "content": "{% if q %}{{ q }}{% else %}nothing{% endif %}"},
        ],
    )
    evalmark(work, 0, "pull", "theirs", "--from", "mlflow")
    rendered = evalmark(work, 0, "render", "theirs", "--var", "style=kind", "--var", "q=why")["messages"]
    assert rendered == mlflow.genai.load_prompt("theirs").format(style="kind", q="why"), rendered
    found = evalmark(work, 0, "lint", "theirs", "greet")["findings"]
    assert [one for one in found if one["level"] == "error"] == [], found

    # A model is no prompt.
    MlflowClient().create_registered_model("model")
    (work / "prompts/model.md").write_text(TEXT)
    evalmark(work, 2, "push", "model", "--to", "mlflow")


def states(work, code):
    listed = evalmark(work, code, "drift", "greet", "support/topic", "--from", "mlflow")
    return {one["prompt"]: one["state"] for one in listed["prompts"]}


def evalmark(work, code, *arguments):
    ran = subprocess.run(
        [PROGRAM, "prompts", *arguments, "--format", "json"], cwd=work, capture_output=True, text=True
    )
    assert ran.returncode == code, (arguments, ran.returncode, ran.stdout, ran.stderr)
    return json.loads(ran.stdout) if ran.stdout else None


def git(work, *arguments):
    return subprocess.run(["git", *arguments], cwd=work, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()

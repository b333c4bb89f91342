"""The offline folder is read back by the client of Weights & Biases itself: its log by the reader, its tables as files."""

import json
import sys
from pathlib import Path

# The last versions have their reader in a program; this one has it in Python.
PACKAGES = ("wandb==0.17.9", "setuptools==80.9.0")


def check(world):
    import wandb

    run = world.regressed_run("  - wandb: { project: quality }\n")
    world.run_evalmark("export", run, "--to", "wandb")
    (log,) = world.folder.glob("**/outbox/wandb/offline-run-*/run-*.wandb")
    records = list(read(wandb, log))
    kinds = [record.WhichOneof("record_type") for record in records]
    assert kinds == ["header", "run", "history", "summary", "files", "exit", "final", "footer"], kinds
    assert records[1].run.project == "quality" and records[1].run.display_name
    summary = {item.key: json.loads(item.value_json) for item in records[3].summary.update}
    assert summary["verdict"] == "regressed", summary
    assert any(abs(value - 80 / 120) < 1e-9 for value in summary.values() if isinstance(value, float)), summary
    for item in records[4].files.files:
        table = json.loads((log.parent / "files" / item.path).read_text())
        assert all(len(row) == len(table["columns"]) for row in table["data"])
    samples = json.loads((log.parent / "files" / summary["samples"]["path"]).read_text())
    assert len(samples["data"]) == 120 and records[5].exit.exit_code == 1
    print(f"        wandb: {kinds}, {len(records[4].files.files)} tables", file=sys.stderr)


def read(wandb, log: Path):
    """The records of a log, by the client's own reader."""
    wandb._assert_is_internal_process = True
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal.datastore import DataStore

    store = DataStore()
    store.open_for_scan(str(log))
    while (data := store.scan_data()) is not None:
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        yield record

"""Prometheus scrapes a monitor that follows logs; the rules of the suite pass promtool, and an alert reaches Alertmanager."""

import json
import os
import signal
from datetime import datetime, timedelta, timezone

PACKAGES = ("prometheus-client==0.23.1",)
PROGRAMS = (
    ("prometheus", "prometheus"),
    ("promtool", "prometheus"),
    ("prometheus-alertmanager", "prometheus-alertmanager"),
)

LOGS = """\
logs:
  fields: { id: $.id, time: $.at, output: $.answer, target: $.right, error: $.error }
"""


def line(i, at, answer):
    record = {"id": f"r{i}", "at": at.isoformat(), "answer": answer, "right": "yes"}
    return json.dumps(record | ({} if i % 10 else {"error": "upstream timed out"})) + "\n"


def check(world):
    from prometheus import promtool, start_alertmanager, start_prometheus

    world.suite(wrong=4)
    world.run_evalmark("run", "suite.yaml", "--run-id", "before", "--new-baseline")
    world.run_evalmark("baseline", "promote", "reports/support/before", "main")
    world.suite(wrong=4, more=LOGS)
    # Ten days as released, then ten in which every answer is wrong.
    first = datetime.now(timezone.utc) - timedelta(days=20)
    lines = [
        line(i, first + timedelta(minutes=14.4 * i), "yes" if i < 1000 else "no") for i in range(1999)
    ]
    (world.folder / "app.jsonl").write_text("".join(lines) + "{broken\n")
    port = world.port()
    address = f"127.0.0.1:{port}"
    command = (world.evalmark, "monitor", "suite.yaml", "--from", "app.jsonl", "--follow", "--metrics", address)
    process, _ = world.start(*command, ready=f"http://{address}/metrics")
    text = world.eventually(lambda: drifting(world, address), 60)

    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["evalmark_monitor_records"].type == "counter", families["evalmark_monitor_records"]
    assert families["evalmark_monitor_scores"].type == "summary", families["evalmark_monitor_scores"]
    promtool("check", "metrics", stdin=world.get(f"http://{address}/metrics"))
    rules = world.run_evalmark("export", "prometheus-rules", "suite.yaml")
    alerts = start_alertmanager(world)
    prometheus = start_prometheus(world, targets=[address], rules=rules, alerts=alerts)
    promtool("check", "rules", str(world.folder / "prometheus" / "rules.yml"))
    assert prometheus.value("evalmark_monitor_lines_total") == 2000
    assert prometheus.value("evalmark_monitor_failed_records_total") == 200
    assert prometheus.value("evalmark_monitor_damaged_lines_total") == 1
    fired = world.eventually(lambda: world.json(f"http://{alerts}/api/v2/alerts"))
    named = {(alert["labels"]["alertname"], alert["labels"].get("stream")) for alert in fired}
    assert ("EvalmarkDrift", "exact") in named, fired
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=30) == 0, process.returncode


def drifting(world, address):
    """The figures, once the drift is called."""
    text = world.get(f"http://{address}/metrics", accept="application/openmetrics-text; version=1.0.0")
    return text if 'evalmark_drift_alarm{suite="support",stream="exact"} 1' in text else None

"""The rules of a suite raise what they should, and nothing else, by `promtool test rules`."""

import json

PROGRAMS = (("promtool", "prometheus"),)

ANNOTATIONS = {
    "EvalmarkRegressed": (
        "the gate does not pass",
        "The latest run regressed against its baseline, is inconclusive or is incomplete.",
    ),
    "EvalmarkSamplesFail": (
        "samples have no answer",
        "10% of the samples of the latest run have no answer.",
    ),
    "EvalmarkDrift": (
        "exact drifts",
        "Production is no longer as the released run was; `evalmark monitor status` says since when, and what changed with it.",
    ),
    "EvalmarkMonitorStale": ("no new records", "The newest record of production is 1h 10m 0s old."),
    "EvalmarkMonitorGone": ("nobody watches production", "No `evalmark monitor --follow --metrics` is scraped."),
    "EvalmarkRecordsFail": ("production fails", "20% of the records of the last hour have no answer."),
}

LOGS = "logs: { fields: { output: $.answer } }\n"



def check(world):
    from prometheus import promtool

    world.suite(more=LOGS)
    rules = world.folder / "rules.yml"
    rules.write_text(world.run_evalmark("export", "prometheus-rules", "suite.yaml"))
    assert "SUCCESS" in promtool("check", "rules", str(rules))
    of = 'suite="support"'
    series = {
        f"evalmark_passes{{{of}}}": "1+0x9 0+0x60",
        f"evalmark_run_started_seconds{{{of}}}": "0+0x80",
        f'evalmark_run_samples{{{of},outcome="failed"}}': "0+0x9 12+0x60",
        f'evalmark_run_samples{{{of},outcome="answered"}}': "120+0x9 108+0x60",
        f'evalmark_drift_alarm{{{of},stream="exact"}}': "0+0x9 1+0x60",
        f"evalmark_monitor_newest_record_seconds{{{of}}}": "0+0x80",
        f"evalmark_monitor_lines_total{{{of}}}": "0+100x80",
        f"evalmark_monitor_damaged_lines_total{{{of}}}": "0+0x80",
        f"evalmark_monitor_records_total{{{of}}}": "0+100x80",
        f"evalmark_monitor_failed_records_total{{{of}}}": "0+20x80",
        # Another suite's.
        'evalmark_passes{suite="other"}': "0+0x80",
    }

    def alert(at, name, *labels):
        summary, description = ANNOTATIONS.get(name, ("", ""))
        told = {"summary": f"support: {summary}", "description": description}
        expected = [{"exp_labels": one, "exp_annotations": told} for one in labels]
        return {"eval_time": at, "alertname": name, "exp_alerts": expected}

    page = {"severity": "page", "suite": "support"}
    warning = {"severity": "warning", "suite": "support"}
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    alert("5m", "EvalmarkRegressed"),
                    alert("20m", "EvalmarkRegressed", page),
                    alert("5m", "EvalmarkSamplesFail"),
                    alert("20m", "EvalmarkSamplesFail", warning),
                    alert("5m", "EvalmarkDrift"),
                    alert("20m", "EvalmarkDrift", page | {"stream": "exact"}),
                    alert("40m", "EvalmarkRunStale"),
                    alert("40m", "EvalmarkMonitorStale"),
                    alert("70m", "EvalmarkMonitorStale", warning),
                    alert("70m", "EvalmarkRecordsFail", warning),
                    alert("70m", "EvalmarkLinesDamaged"),
                    alert("70m", "EvalmarkMonitorGone"),
                ],
            },
            {
                "interval": "1m",
                "input_series": [
                    {"series": f"evalmark_passes{{{of}}}", "values": "0+0x80"},
                    {"series": f"evalmark_overridden{{{of}}}", "values": "1+0x80"},
                ],
                "alert_rule_test": [
                    alert("20m", "EvalmarkRegressed"),
                    alert("20m", "EvalmarkMonitorGone", warning),
                ],
            },
        ],
    }
    (world.folder / "tests.yml").write_text(json.dumps(tests))
    promtool("test", "rules", str(world.folder / "tests.yml"))

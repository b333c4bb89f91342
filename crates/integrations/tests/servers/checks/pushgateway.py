"""The Pushgateway keeps a run's figures; Prometheus scrapes them, an alert fires, and Alertmanager has it."""

PROGRAMS = (
    ("prometheus", "prometheus"),
    ("promtool", "prometheus"),
    ("prometheus-pushgateway", "prometheus-pushgateway"),
    ("prometheus-alertmanager", "prometheus-alertmanager"),
)

RULES = """\
groups:
  - name: evalmark
    rules:
      - { alert: PromptRegressed, expr: evalmark_passes == 0, labels: { severity: page } }
"""


def check(world):
    from prometheus import start_alertmanager, start_prometheus

    gateway = f"127.0.0.1:{world.port()}"
    world.start("prometheus-pushgateway", f"--web.listen-address={gateway}", ready=f"http://{gateway}/-/ready")
    run = world.regressed_run(f"  - pushgateway: {{ url: 'http://{gateway}' }}\n")
    world.run_evalmark("export", run, "--to", "pushgateway")
    pushed = world.get(f"http://{gateway}/metrics")
    assert 'evalmark_passes{instance="",job="evalmark",suite="support"} 0' in pushed, pushed
    alerts = start_alertmanager(world)
    prometheus = start_prometheus(world, targets=[gateway], rules=RULES, alerts=alerts, honor_labels=True)
    assert prometheus.value('evalmark_score{suite="support",metric="exact"}') == 80 / 120
    fired = world.eventually(lambda: world.json(f"http://{alerts}/api/v2/alerts"))
    assert fired[0]["labels"]["alertname"] == "PromptRegressed", fired
    assert fired[0]["labels"]["suite"] == "support", fired

"""Prometheus scrapes the viewer with a token, in both forms; without the token, nobody is let in."""

PACKAGES = ("prometheus-client==0.23.1",)
PROGRAMS = (("prometheus", "prometheus"), ("promtool", "prometheus"))

TOKEN = "a-token-of-the-checks"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def check(world):
    from prometheus import promtool, start_prometheus

    world.regressed_run("")
    port = world.port()
    token = {"METRICS_TOKEN": TOKEN}
    command = (world.evalmark, "view", "reports", "--no-open", "--port", port, "--metrics-token-env", "METRICS_TOKEN")
    world.start(*command, ready=port, environment=token)
    url = f"http://127.0.0.1:{port}/metrics"
    for refused in ({}, {"authorization": "Bearer wrong"}):
        try:
            world.get(url, **refused)
        except OSError as error:
            assert "answers 401" in str(error), error
        else:
            raise AssertionError("anybody is let in")
    bearer = {"authorization": f"Bearer {TOKEN}"}
    promtool("check", "metrics", stdin=world.get(url, **bearer))
    text = world.get(url, accept=OPEN_METRICS, **bearer)
    assert text.endswith("# EOF\n") and "# UNIT evalmark_run_started_seconds seconds\n" in text, text

    # The parser of Prometheus' own client is stricter than that of the server.
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"evalmark_score", "evalmark_passes", "evalmark_runs"} <= names, names
    login = f"authorization: {{ credentials: {TOKEN} }}"
    prometheus = start_prometheus(world, targets=[f"127.0.0.1:{port}"], login=login)
    assert prometheus.value("evalmark_passes") == 0
    assert prometheus.value('evalmark_runs{suite="support",state="complete"}') == 2

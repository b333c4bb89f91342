"""Prometheus takes a run by remote write, and promtool finds nothing to complain of in the textfile."""

PROGRAMS = (("prometheus", "prometheus"), ("promtool", "prometheus"))


def check(world):
    from prometheus import promtool, start_prometheus

    prometheus = start_prometheus(world, flags=["--web.enable-remote-write-receiver"])
    textfiles = world.folder / "textfiles"
    textfiles.mkdir()
    run = world.regressed_run(
        f"  - prometheus_remote_write: {{ url: 'http://{prometheus.address}/api/v1/write', labels: {{ env: checked }} }}\n"
        "  - textfile: {}\n"
    )
    world.run_evalmark("export", run, "--to", "prometheus_remote_write")
    assert prometheus.value('evalmark_score{suite="support",env="checked",metric="exact"}') == 80 / 120
    assert prometheus.value('evalmark_run_samples{outcome="answered"}') == 120
    world.run_evalmark("export", run, "--to", "textfile", EVALMARK_TEXTFILE_DIR=str(textfiles))
    (written,) = textfiles.iterdir()
    assert written.name == "evalmark_support.prom", written
    promtool("check", "metrics", stdin=written.read_text())

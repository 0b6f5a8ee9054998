"""Metrics of several workers: they add up, in the format of Prometheus, whatever becomes of a worker."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nightlatch.doors.http.metrics import COUNTERS, MEDIA_TYPE, Metrics, clear

WORKER = """
import sys
from pathlib import Path
from nightlatch.doors.http.metrics import Metrics
metrics = Metrics(Path(sys.argv[1]))
for line in sys.stdin:
    metrics.request("public", "/sessions/whoami", "GET", 200, float(line))
    print("counted", flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    clear(tmp_path / "metrics")
    return tmp_path / "metrics"


def samples(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    families = text_string_to_metric_families(metrics.render().decode())
    return {(s.name, tuple(sorted(s.labels.values()))): s.value for family in families for s in family.samples}


def worker(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )


def tell(process: subprocess.Popen[str], seconds: float) -> None:
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "counted\n"


def stop(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_request_is_counted_by_port_route_method_and_status(folder) -> None:
    metrics = Metrics(folder)
    metrics.request("public", "/sessions/whoami", "GET", 200, 0.003)
    metrics.request("public", "/sessions/whoami", "GET", 401, 0.003)
    metrics.request("admin", "/identities/{id}", "GET", 200, 0.003)
    metrics.request("admin", "/identities/{id}", "GET", 200, 0.003)
    found = samples(metrics)
    assert found["nightlatch_http_requests_total", ("/sessions/whoami", "200", "GET", "public")] == 1
    assert found["nightlatch_http_requests_total", ("/sessions/whoami", "401", "GET", "public")] == 1
    assert found["nightlatch_http_requests_total", ("/identities/{id}", "200", "GET", "admin")] == 2
    metrics.close()


def test_the_times_of_a_route_are_a_cumulative_histogram(folder) -> None:
    metrics = Metrics(folder)
    for seconds in (0.0005, 0.0006, 0.3, 60):
        metrics.request("public", "/p", "GET", 200, seconds)
    found = samples(metrics)
    name = "nightlatch_http_request_seconds"
    assert [
        found[f"{name}_bucket", tuple(sorted(("/p", le, "public")))]
        for le in ("0.0005", "0.001", "0.25", "0.5", "10.0", "+Inf")
    ] == [1, 2, 2, 3, 3, 4]
    assert found[f"{name}_count", ("/p", "public")] == 4
    assert found[f"{name}_sum", ("/p", "public")] == pytest.approx(60.3011)
    metrics.close()


def test_counters_have_their_labels_and_those_without_labels_start_at_zero(folder) -> None:
    metrics = Metrics(folder)
    assert samples(metrics)["nightlatch_sessions_issued_total", ()] == 0
    metrics.count("nightlatch_sessions_issued_total")
    metrics.count("nightlatch_sessions_ended_total", 50, reason="admin")
    metrics.count("nightlatch_refused_total", limit="header_bytes")
    found = samples(metrics)
    assert found["nightlatch_sessions_issued_total", ()] == 1
    assert found["nightlatch_sessions_ended_total", ("admin",)] == 50
    assert found["nightlatch_refused_total", ("header_bytes",)] == 1
    metrics.close()


@pytest.mark.parametrize("labels", [{}, {"limit": "x"}, {"reason": "x", "more": "y"}])
def test_a_counter_with_other_labels_is_a_mistake(folder, labels) -> None:
    metrics = Metrics(folder)
    with pytest.raises(ValueError, match="reason"):
        metrics.count("nightlatch_sessions_ended_total", **labels)
    with pytest.raises(KeyError):
        metrics.count("nightlatch_no_such_total")
    metrics.close()


def test_every_counter_is_described(folder) -> None:
    metrics = Metrics(folder)
    for name, (_, labels) in COUNTERS.items():
        metrics.count(name, **dict.fromkeys(labels, "x"))
    text = metrics.render().decode()
    for name, (said, _) in COUNTERS.items():
        assert f"# HELP {name} {said}\n# TYPE {name} counter\n" in text
    assert MEDIA_TYPE.startswith("text/plain; version=")
    metrics.close()


def test_a_label_cannot_break_its_line(folder) -> None:
    metrics = Metrics(folder)
    metrics.count("nightlatch_sessions_ended_total", reason='a"b\\c\nd 5')
    assert samples(metrics)["nightlatch_sessions_ended_total", ('a"b\\c\nd 5',)] == 1
    metrics.close()


def test_workers_add_up_and_a_dead_one_is_not_forgotten(folder) -> None:
    here, other = Metrics(folder), worker(folder)
    requests = ("nightlatch_http_requests_total", ("/sessions/whoami", "200", "GET", "public"))
    here.request("public", "/sessions/whoami", "GET", 200, 0.001)
    tell(other, 0.001)
    tell(other, 2)
    assert samples(here)[requests] == 3
    stop(other)
    assert samples(here)[requests] == 3
    successor = worker(folder)
    tell(successor, 0.001)
    assert samples(here)[requests] == 4
    assert samples(here)["nightlatch_http_request_seconds_count", ("/sessions/whoami", "public")] == 4
    assert len(list(folder.glob("*.db"))) == 4
    stop(successor)
    here.close()


def test_many_series_make_the_file_grow_and_lose_nothing(folder) -> None:
    metrics, reader = Metrics(folder), Metrics(folder)
    for number in range(300):
        metrics.request("public", f"/route/{number}", "GET", 200, 0.001)
    found = samples(reader)
    assert sum(value for (name, _), value in found.items() if name == "nightlatch_http_requests_total") == 300
    metrics.close()
    reader.close()


def test_two_sets_in_one_process_share_nothing(tmp_path) -> None:
    clear(tmp_path / "a")
    clear(tmp_path / "b")
    one, two = Metrics(tmp_path / "a"), Metrics(tmp_path / "b")
    one.count("nightlatch_sessions_issued_total")
    assert samples(two)["nightlatch_sessions_issued_total", ()] == 0
    one.close()
    two.close()


def test_an_earlier_run_is_cleared_away(folder) -> None:
    metrics = Metrics(folder)
    metrics.count("nightlatch_sessions_issued_total")
    metrics.close()
    clear(folder)
    metrics = Metrics(folder)
    assert samples(metrics)["nightlatch_sessions_issued_total", ()] == 0
    metrics.close()


def test_requests_that_are_all_alike_are_counted_with_the_others(folder: Path) -> None:
    with closing(Metrics(folder)) as metrics:
        count = metrics.requests("public", "/sessions/whoami", "GET", 200)
        metrics.request("public", "/sessions/whoami", "GET", 200, 0.0001)
        for seconds in (0.0001, 0.003):
            count(seconds)
        found = samples(metrics)
    whoami = "/sessions/whoami"
    assert found["nightlatch_http_requests_total", tuple(sorted((whoami, "200", "GET", "public")))] == 3
    buckets = {bound: found["nightlatch_http_request_seconds_bucket", tuple(sorted((whoami, bound, "public")))] for bound in ("0.0005", "+Inf")}  # fmt: skip
    assert buckets == {"0.0005": 2, "+Inf": 3}

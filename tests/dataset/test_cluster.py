"""A dataset written by a Dask cluster: the bytes of the serial run, whatever befalls workers, or a clear refusal."""

import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import COMPACT
from dask import config
from distributed import Client, LocalCluster, Security

from acc_decel import dask_client
from acc_decel.dataset import cluster, generate

pytestmark = pytest.mark.slow

EVENTS, PARTITION = 5_000, 256
PARTS = -(-EVENTS // PARTITION)
QUIET = {"dashboard_address": ":0", "silence_logs": 50}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("serial")
    generate(COMPACT, folder, events=EVENTS, seed=5, partition=PARTITION)
    return bytes_of(folder)


@pytest.fixture(scope="module")
def dask() -> Iterator[LocalCluster]:
    soon = {"distributed.comm.timeouts.connect": "1s"}  # the scheduler may ask a killed worker for what it has finished
    with config.set(soon), LocalCluster(n_workers=2, threads_per_worker=2, processes=True, **QUIET) as running:
        yield running


@pytest.fixture
def spread(dask, tmp_path) -> Callable[..., Path]:
    """Have the cluster write the dataset of `serial`: its folder."""

    def spread(on_events: Callable[[int], None] = lambda _: None, scheduler: str = dask.scheduler_address) -> Path:
        asked = {"events": EVENTS, "seed": 5, "partition": PARTITION}
        generate(COMPACT, tmp_path / "spread", **asked, scheduler=scheduler, on_events=on_events)
        return tmp_path / "spread"

    return spread


@contextmanager
def on_workers(dask: LocalCluster, change: Callable[[], None], undo: Callable[[], None]) -> Iterator[None]:
    """Change something in the workers for a while; both must be functions in functions, for these travel by value."""
    with Client(dask.scheduler_address, set_as_default=False) as client:
        client.wait_for_workers(2)
        client.run(change)
        try:
            yield
        finally:
            client.wait_for_workers(2)
            client.run(undo)


def test_a_worker_killed_half_way_leaves_no_trace_in_the_bytes(dask, spread, serial):
    done: list[int] = []

    def kill_half_way(events: int) -> None:
        done.append(events)
        if len(done) == PARTS // 2:
            os.kill(dask.workers[0].pid, signal.SIGKILL)

    assert bytes_of(spread(kill_half_way)) == serial
    assert sum(done) == EVENTS


def test_a_run_begun_by_one_machine_is_finished_by_the_cluster(spread, serial, tmp_path):
    generate(COMPACT, tmp_path / "spread", events=1_000, seed=5, partition=PARTITION)
    kept = (tmp_path / "spread" / "part-00000.parquet").stat().st_mtime_ns
    (tmp_path / "spread" / "part-00001.parquet").write_bytes(serial["part-00001.parquet"][:-1])
    assert bytes_of(spread()) == serial
    assert (tmp_path / "spread" / "part-00000.parquet").stat().st_mtime_ns == kept


def test_the_command_answers_as_without_a_cluster(dask, serial, tmp_path):
    asked = ("--events", EVENTS, "--seed", 5, "--partition", PARTITION, "--output", tmp_path / "spread", "--json")
    command = [sys.executable, "-m", "acc_decel", "generate", *asked, "--scheduler", dask.scheduler_address]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(serial["manifest.json"])
    assert f"{EVENTS}/{EVENTS}" in done.stderr
    assert bytes_of(tmp_path / "spread") == serial


def test_the_scheduler_never_holds_more_than_a_few_partitions(dask, spread, serial, monkeypatch):
    monkeypatch.setattr(cluster, "MAX_SUBMITTED", 3)
    held: list[int] = []
    assert bytes_of(spread(lambda _: held.append(len(dask.scheduler.tasks)))) == serial
    assert len(held) == PARTS
    assert max(held) <= 3 + 2  # and what has just been finished


def test_a_partition_that_kills_its_worker_is_named_and_the_others_stay(dask, spread, serial, tmp_path, monkeypatch):
    monkeypatch.setattr(dask.scheduler, "allowed_failures", 0)

    def deadly() -> None:
        from acc_decel.dataset import cluster  # noqa: PLC0415

        real = cluster.write_partition
        cluster.write_partition = lambda plan, number: os._exit(1) if number == 12 else real(plan, number)

    def forget() -> None:
        from acc_decel.dataset import cluster, partition  # noqa: PLC0415

        cluster.write_partition = partition.write_partition

    sentence = r"part-000\d\d\.parquet must be written by a worker\. Got 1 workers .* tcp://"
    with on_workers(dask, deadly, forget), pytest.raises(OSError, match=sentence):
        spread()
    left = bytes_of(tmp_path / "spread")
    assert "part-00000.parquet" in left
    assert left.items() <= serial.items()
    generate(COMPACT, tmp_path / "spread", events=EVENTS, seed=5, partition=PARTITION)
    assert bytes_of(tmp_path / "spread") == serial


def test_a_full_disk_of_a_worker_is_told_and_a_later_run_resumes(dask, spread, serial):
    def full() -> None:
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))

    def free() -> None:
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    with on_workers(dask, full, free), pytest.raises(OSError, match=r"must be written, .* Got: File too large"):
        spread()
    assert bytes_of(spread()) == serial


def test_a_worker_without_the_package_is_refused(dask, spread, tmp_path):
    def hide() -> None:
        import sys  # noqa: PLC0415

        sys.hidden = {n: m for n, m in sys.modules.items() if n.split(".")[0] == "acc_decel"}  # type: ignore[attr-defined]
        sys.modules |= dict.fromkeys(["acc_decel", *sys.hidden])  # type: ignore[attr-defined]

    def show() -> None:
        import sys  # noqa: PLC0415

        del sys.modules["acc_decel"]
        sys.modules |= sys.hidden  # type: ignore[attr-defined]

    with on_workers(dask, hide, show), pytest.raises(ValueError, match=r"must run acc-decel\[train\] .*acc_decel"):
        spread()
    assert not list((tmp_path / "spread").iterdir())


VERSIONS = {"of the package": "acc-decel", "of a library": "pyarrow"}


@pytest.mark.parametrize("name", VERSIONS.values(), ids=VERSIONS.keys())
def test_a_worker_of_another_version_is_refused(dask, spread, tmp_path, name):
    def pretend() -> None:
        from acc_decel.dataset import cluster  # noqa: PLC0415

        cluster.real = cluster.version
        cluster.version = lambda n: "9.9" if n == name else cluster.real(n)
        cluster.software.cache_clear()

    def stop() -> None:
        from acc_decel.dataset import cluster  # noqa: PLC0415

        cluster.version = cluster.real
        cluster.software.cache_clear()

    sentence = rf"must write the same bytes as this machine\. Got 9\.9 for {name}, not .*install the same"
    with on_workers(dask, pretend, stop), pytest.raises(ValueError, match=sentence):
        spread()
    assert not list((tmp_path / "spread").iterdir())


def test_a_worker_that_computes_other_numbers_is_refused(dask, spread):
    def other() -> None:
        from acc_decel.dataset import cluster, events  # noqa: PLC0415

        events.real = events.stops
        events.stops = lambda *a, **k: {n: 1.0001 * column for n, column in events.real(*a, **k).items()}
        cluster.software.cache_clear()

    def same() -> None:
        from acc_decel.dataset import cluster, events  # noqa: PLC0415

        events.stops = events.real
        cluster.software.cache_clear()

    with on_workers(dask, other, same), pytest.raises(ValueError, match="for first 1024 events, not"):
        spread()


def test_a_worker_that_does_not_see_the_folder_is_refused(dask, spread, tmp_path):
    def blind() -> None:
        from pathlib import Path  # noqa: PLC0415

        Path.seen, Path.is_file = Path.is_file, lambda _: False

    def seeing() -> None:
        from pathlib import Path  # noqa: PLC0415

        Path.is_file = Path.seen

    with on_workers(dask, blind, seeing), pytest.raises(ValueError, match="must see the folder"):
        spread()
    assert not list((tmp_path / "spread").iterdir())


def test_a_scheduler_of_another_version_is_refused(spread, monkeypatch):
    monkeypatch.setattr(Client, "run_on_scheduler", lambda *_: {"acc-decel": "9.9"})
    with pytest.raises(ValueError, match=r"The scheduler tcp://.* must run .*9\.9"):
        spread()


@pytest.fixture
def web() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "foo://host:1"])
def test_an_address_without_a_scheduler_is_refused(spread, tmp_path, monkeypatch, address):
    monkeypatch.setattr(dask_client, "TIMEOUT_S", 0.5)
    with pytest.raises(ConnectionError, match=f"Got {re.escape(address)}, no Dask there .*dask scheduler"):
        spread(scheduler=address)
    assert not (tmp_path / "spread").exists()


def test_another_server_is_no_scheduler(spread, monkeypatch, web):
    monkeypatch.setattr(dask_client, "TIMEOUT_S", 0.5)
    with pytest.raises(ConnectionError, match="no Dask there"):
        spread(scheduler=web)


def test_a_scheduler_without_workers_is_told(spread, monkeypatch):
    monkeypatch.setattr(cluster, "WORKER_TIMEOUT_S", 0.5)
    with (
        LocalCluster(n_workers=0, processes=False, protocol="tcp", **QUIET) as empty,
        pytest.raises(ConnectionError, match=r"must have a worker.*dask worker"),
    ):
        spread(scheduler=empty.scheduler_address)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "node.pem", folder / "node.key"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=node"]
    subprocess.run([*new, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return str(cert), str(key)


def tls_settings(cert: str, key: str) -> dict[str, str]:
    return dict(zip(dask_client.TLS_FILES, (cert, cert, key), strict=True))


def test_an_encrypted_cluster_writes_the_same_bytes(serial, spread, certificate):
    cert, key = certificate
    ends = {
        f"tls_{end}_{part}": path
        for end in ("scheduler", "worker", "client")
        for part, path in (("cert", cert), ("key", key))
    }
    security = Security(tls_ca_file=cert, require_encryption=True, **ends)
    with (
        LocalCluster(n_workers=1, processes=False, protocol="tls", security=security, **QUIET) as encrypted,
        config.set(tls_settings(cert, key)),
    ):
        assert encrypted.scheduler_address.startswith(dask_client.TLS_ADDRESS)
        assert bytes_of(spread(scheduler=encrypted.scheduler_address)) == serial


@pytest.mark.parametrize("lost", dask_client.TLS_FILES)
@pytest.mark.parametrize("found", [None, "nowhere.pem"])
def test_a_certificate_that_is_missing_is_named_with_its_setting(spread, certificate, lost, found):
    settings = tls_settings(*certificate) | {lost: found}
    with config.set(settings), pytest.raises(ValueError, match=rf"^{re.escape(lost)} of Dask must name .* as DASK_DIS"):
        spread(scheduler="tls://127.0.0.1:1")

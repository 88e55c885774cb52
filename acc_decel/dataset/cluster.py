"""The same partitions on a Dask cluster: each worker writes its own to a folder that all machines see."""

from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from distributed import Client, Future, as_completed
from distributed.scheduler import KilledWorker

from acc_decel.dask_client import connected
from acc_decel.dataset.partition import Plan, WrittenPartition, events_table, parquet_bytes, write_partition
from acc_decel.factors import schema
from acc_decel.files import temporary_path
from acc_decel.physics import Vehicle

WORKER_TIMEOUT_S = 5  # until there must be a first worker
MAX_SUBMITTED = 1_000  # partitions that the scheduler has at a time: enough to keep hundreds of workers busy
SAMPLE_EVENTS = 1_024  # every machine simulates them to show that it writes the same bytes
LIBRARIES = ("numpy", "scipy", "numba", "pyarrow")  # their versions determine the bytes


@dataclass(frozen=True)
class Job:
    """What a worker must know, besides the number of its partition."""

    plan: Plan
    marker: Path  # a file in the folder of the dataset, for as long as the work takes
    software: dict[str, str]  # of the machine that runs the command


@contextmanager
def open_writers(plan: Plan, scheduler: str) -> Iterator[Iterator[WrittenPartition]]:
    """The partitions of `plan`, each as soon as a worker of `scheduler` has written it.

    Each worker must first show that it sees the folder and writes the same bytes as this machine. If a worker is lost,
    another one gets its partition, as often as Dask's setting `distributed.scheduler.allowed-failures` permits. Raises
    ValueError or OSError with the reason if that fails; finished partitions stay.
    """
    with connected(scheduler) as client, _folder_marker(plan.folder) as marker, _translated_errors(plan, scheduler):
        job = Job(plan, marker, software(plan.vehicle, plan.seed))
        _check_scheduler(client, scheduler)
        _check_workers(client, job)
        yield _write_all(client, job)


def release() -> dict[str, str]:
    """Version of this code and of its factors."""
    return {"acc-decel": version("acc-decel"), "factor schema": schema()}


@lru_cache(maxsize=8)
def software(vehicle: Vehicle, seed: int) -> dict[str, str]:
    """Everything that determines the bytes: versions, and a digest of the first events as this machine writes them."""
    sample = sha256(parquet_bytes(events_table(vehicle, seed=seed, first=0, events=SAMPLE_EVENTS))).hexdigest()[:16]
    return release() | {name: version(name) for name in LIBRARIES} | {f"first {SAMPLE_EVENTS} events": sample}


def refusal(job: Job) -> str | None:
    """Why this worker may not work on `job`, as the end of a sentence that names the worker; None if it may."""
    if not job.marker.is_file():
        return f"must see the folder {job.plan.folder}. Got none, or another: mount it there under the same path."
    own = software(job.plan.vehicle, job.plan.seed)
    differences = [
        f"{own.get(name)} for {name}, not {expected}"
        for name, expected in job.software.items()
        if own.get(name) != expected
    ]
    if differences:
        return (
            f"must write the same bytes as this machine. Got {'; '.join(differences)}: install the same versions, or "
            "start this command on a machine like the workers."
        )
    return None


def task(job: Job, number: int) -> WrittenPartition:
    """Partition `number`, written by this worker. It is checked again: it may have joined after the check of all."""
    if reason := refusal(job):
        raise ValueError(f"A worker {reason}")
    return write_partition(job.plan, number)


def _write_all(client: Client, job: Job) -> Iterator[WrittenPartition]:
    numbers = iter(range(job.plan.files))
    first = [_submit(client, job, number) for number in islice(numbers, MAX_SUBMITTED)]
    running = as_completed(first, loop=client.loop)
    del first  # as_completed drops each finished future to free its memory; this list would keep them
    for future in running:
        yield future.result()
        for number in islice(numbers, 1):
            running.add(_submit(client, job, number))


def _submit(client: Client, job: Job, number: int) -> "Future[WrittenPartition]":  # not generic in older Dask
    return client.submit(task, job, number, key=f"{job.plan.file(number).name} {job.marker.name}")


@contextmanager
def _folder_marker(folder: Path) -> Iterator[Path]:
    """A file by which workers recognise the folder. If this run is killed, the next one deletes it."""
    marker = temporary_path(folder / "workers")
    folder.mkdir(parents=True, exist_ok=True)
    marker.touch()
    try:
        yield marker
    finally:
        marker.unlink(missing_ok=True)


@contextmanager
def _translated_errors(plan: Plan, scheduler: str) -> Iterator[None]:
    """Turn failures of the cluster into errors that say what to do."""
    resume = "the same command resumes with the partitions that are finished"
    try:
        yield
    except KilledWorker as error:
        file, lost = str(error.task).split()[0], error.allowed_failures + 1
        raise OSError(
            f"{plan.folder / file} must be written by a worker. Got {lost} workers in a row that died over it, "
            f"the last {error.last_worker.address}: see its log, and its memory ({plan.partition} events in a file). "
            f"Then {resume}."
        ) from error
    except ImportError as error:  # of a worker that joined after the check
        raise ValueError(
            f"Every worker must run acc-decel[train] {release()['acc-decel']}. Got: {error}. Install it. Then {resume}."
        ) from error
    except CancelledError as error:
        raise ConnectionError(
            f"The scheduler {scheduler} must run until everything is written. Got no more answer ({error}): start it "
            f"again with its workers, then {resume}."
        ) from error


def _check_scheduler(client: Client, scheduler: str) -> None:
    try:
        found: object = client.run_on_scheduler(release)
    except Exception as error:  # anything that its Python may raise
        found = error
    if found != release():
        raise ValueError(
            f"The scheduler {scheduler} must run {release()}. Got {found}: install the same acc-decel for it."
        )


def _check_workers(client: Client, job: Job) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKER_TIMEOUT_S)
    except TimeoutError as error:
        raise ConnectionError(
            f"The scheduler must have a worker. Got none in {WORKER_TIMEOUT_S} s: start one with `dask worker`."
        ) from error
    for worker, reason in sorted(client.run(refusal, job, on_error="return").items()):
        if isinstance(reason, Exception):
            raise ValueError(
                f"Worker {worker} must run acc-decel[train] {release()['acc-decel']}. Got {reason!r}: install it "
                "there, or see its log."
            ) from reason
        if reason:
            raise ValueError(f"Worker {worker} {reason}")

"""The same partitions on a Dask cluster: every worker simulates its own and writes them to a folder that all see."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from uuid import uuid4

from distributed import Client, Future, Security, as_completed
from distributed.comm.core import connect
from distributed.scheduler import KilledWorker

from acc_decel.dataset.partition import Plan, WrittenPartition, events_table, parquet_bytes, write_partition
from acc_decel.factors import schema
from acc_decel.physics import Vehicle

TIMEOUT_S = 5  # for the scheduler to answer, and for a first worker to be there
IN_FLIGHT = 1_000  # partitions that the scheduler knows at a time: enough to keep hundreds of workers busy
SAMPLE = 1_024  # events that every machine simulates to show that it writes the same bytes
LIBRARIES = ("numpy", "scipy", "numba", "pyarrow")  # whose versions decide on the bytes


@dataclass(frozen=True)
class Job:
    """What a worker is told of the work, next to the number of a partition."""

    plan: Plan
    mark: Path  # lies in the folder as long as the work goes on
    software: dict[str, str]  # of the machine that asks


@contextmanager
def open_writers(plan: Plan, scheduler: str) -> Iterator[Iterator[WrittenPartition]]:
    """Have the workers known to `scheduler` write the partitions of `plan`; iterate over them as they get finished.

    Each worker must first show that it sees the folder and writes the same bytes as this machine. A partition whose
    worker is lost goes to another, as often as Dask's setting `distributed.scheduler.allowed-failures` permits. Raises
    ValueError or OSError with the reason if that fails; what is finished stays.
    """
    with _connect(scheduler) as client, _folder_marker(plan.folder) as mark, _translated_errors(plan, scheduler):
        job = Job(plan, mark, software(plan.vehicle, plan.seed))
        _check_scheduler(client, scheduler)
        _check_workers(client, job)
        yield _write_all(client, job)


def release() -> dict[str, str]:
    """Which code this is."""
    return {"acc-decel": version("acc-decel"), "factor schema": schema()}


@lru_cache(maxsize=8)
def software(vehicle: Vehicle, seed: int) -> dict[str, str]:
    """All that decides on the bytes: versions, and a digest of the first events as this machine writes them."""
    sample = sha256(parquet_bytes(events_table(vehicle, seed=seed, first=0, events=SAMPLE))).hexdigest()[:16]
    return release() | {name: version(name) for name in LIBRARIES} | {f"first {SAMPLE} events": sample}


def refusal(job: Job) -> str | None:
    """Why this process may not work on `job`, as the rest of a sentence about it; None if it may."""
    if not job.mark.is_file():
        return f"must see the folder {job.plan.folder}. Got none, or another: mount it there under the same path."
    here = software(job.plan.vehicle, job.plan.seed)
    other = [
        f"{here.get(name)} for {name}, not {told}" for name, told in job.software.items() if here.get(name) != told
    ]
    if other:
        return (
            f"must write the same bytes as this machine. Got {'; '.join(other)}: install the same versions, or start "
            "this command on a machine like the workers."
        )
    return None


def task(job: Job, number: int) -> WrittenPartition:
    """Partition `number` written by this worker, which may have joined after the others were checked."""
    if reason := refusal(job):
        raise ValueError(f"A worker {reason}")
    return write_partition(job.plan, number)


def _write_all(client: Client, job: Job) -> Iterator[WrittenPartition]:
    waiting = iter(range(job.plan.files))
    first = [_submit(client, job, number) for number in islice(waiting, IN_FLIGHT)]
    running = as_completed(first, loop=client.loop)
    del first  # as_completed lets go of a future once it is finished; so must we
    for future in running:
        yield future.result()
        for number in islice(waiting, 1):
            running.add(_submit(client, job, number))


def _submit(client: Client, job: Job, number: int) -> "Future[WrittenPartition]":  # not generic in older Dask
    return client.submit(task, job, number, key=f"{job.plan.file(number).name} {job.mark.name}")


@contextmanager
def _connect(scheduler: str) -> Iterator[Client]:
    try:
        with ThreadPoolExecutor(1) as other:  # the caller, a notebook say, may have an event loop of its own
            other.submit(asyncio.run, _knocked(scheduler)).result()
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"scheduler must be the address of a running Dask scheduler, like tcp://host:8786. Got {scheduler}, no "
            f"Dask there ({str(error) or f'silent for {TIMEOUT_S} s'}): start one with `dask scheduler`, or do without."
        ) from error
    with Client(scheduler, timeout=TIMEOUT_S, set_as_default=False) as client:
        yield client


async def _knocked(scheduler: str) -> None:
    """Dask's handshake and no more: a Client that gets no answer hangs once more when it is deleted."""
    knock = connect(scheduler, timeout=TIMEOUT_S, **Security().get_connection_args("client"))
    comm = await asyncio.wait_for(knock, TIMEOUT_S + 1)  # Dask's own limit does not count from where something answers
    await comm.close()


@contextmanager
def _folder_marker(folder: Path) -> Iterator[Path]:
    """A file by which a worker knows the folder; a killed run's is swept away by the next, like a partial file."""
    mark = folder / f".workers.{uuid4().hex[:12]}.partial"
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


@contextmanager
def _translated_errors(plan: Plan, scheduler: str) -> Iterator[None]:
    """Failures of the cluster as a sentence, with what to do."""
    again = "the same command resumes with the partitions that are finished"
    try:
        yield
    except KilledWorker as error:
        file, lost = str(error.task).split()[0], error.allowed_failures + 1
        raise OSError(
            f"{plan.folder / file} must be finished by a worker. Got {lost} workers in a row that were lost over it, "
            f"the last {error.last_worker.address}: see its log, and its memory ({plan.partition} events in a file). "
            f"Then {again}."
        ) from error
    except ImportError as error:  # of a worker that came later than the check
        raise ValueError(
            f"Every worker must run acc-decel[train] {release()['acc-decel']}. Got: {error}. Install it. Then {again}."
        ) from error
    except CancelledError as error:
        raise ConnectionError(
            f"The scheduler {scheduler} must be there until all is written. Got no more answer ({error}): start it "
            f"again with its workers, then {again}."
        ) from error


def _check_scheduler(client: Client, scheduler: str) -> None:
    try:
        told: object = client.run_on_scheduler(release)
    except Exception as error:  # whatever its Python raises there
        told = error
    if told != release():
        raise ValueError(
            f"The scheduler {scheduler} must run {release()}. Got {told}: install the same acc-decel for it."
        )


def _check_workers(client: Client, job: Job) -> None:
    try:
        client.wait_for_workers(1, timeout=TIMEOUT_S)
    except TimeoutError as error:
        raise ConnectionError(
            f"The scheduler must have a worker. Got none in {TIMEOUT_S} s: start one with `dask worker`."
        ) from error
    for worker, reason in sorted(client.run(refusal, job, on_error="return").items()):
        if isinstance(reason, Exception):
            raise ValueError(
                f"Worker {worker} must run acc-decel[train] {release()['acc-decel']}. Got {reason!r}: install it "
                "there, or see its log."
            ) from reason
        if reason:
            raise ValueError(f"Worker {worker} {reason}")

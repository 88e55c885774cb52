"""Recordings with random damage: answered, or refused with the file's name; quick, and without much memory.

The suite tries a few damaged files of each format. More are tried by

    ACC_DECEL_MUTATIONS=2000 pytest tests/drives/test_mutated_recordings.py

of which the seeds differ from those of the suite after the first ones; ACC_DECEL_FIRST_SEED=N begins at another seed.
"""

import logging
import os
import resource
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asammdf
import numpy as np
import pytest

from acc_decel import drives
from acc_decel.drives.formats.mdf import LEVELS, LINKS
from tests.drives.test_can_tables import write as write_table
from tests.drives.test_text_formats import FILES
from tests.drives.test_vehicles import fcd
from tests.helpers.one_braking import acceleration, speed, table
from tests.helpers.recorded_files import dbc, frames, write_bus_mf4, write_log, write_mf4

MUTATIONS = int(os.environ.get("ACC_DECEL_MUTATIONS", "12"))
FIRST_SEED = int(os.environ.get("ACC_DECEL_FIRST_SEED", "0"))
MAX_S, MAX_KB = 10.0, 1_000_000  # of CPU time: a busy machine may stop for longer
MAX_WAIT_S = 300.0
ROWS = slice(500, 1000, 4)  # of the drive, with the whole braking in them: few, so that many files can be tried
WORDS = (
    b"nan",
    b"inf",
    b"-1e308",
    b"1e18",
    b"",
    b"\x00",
    b"\xff\xfe",
    b",",
    b";",
    b"\n",
    b'"',
    b"#",
    b"00:00:00",
    b"\xe4",
)


BINARY = ("csv", "parquet", "npy", "folder", "log", "asc", "blf", "trc", "mf4", "bus.mf4")
TABLES = ("cabana", "savvycan", "python-can")  # frames of a bus as CSV


def write(kind: str, folder: Path) -> tuple[Path, Path]:
    """A recording of this kind, and the file of it that is damaged."""
    drive = table().iloc[ROWS]
    in_kmh = drive.set_axis(["t", "Speed (km/h)", "Accel Long (m/s2)"], axis=1)
    in_kmh = in_kmh.assign(**{"Speed (km/h)": 3.6 * in_kmh["Speed (km/h)"]})
    dbc(folder)
    path = folder / f"drive.{kind}"
    if kind == "csv":
        drive.to_csv(path, index=False)
    elif kind == "parquet":
        drive.to_parquet(path)
    elif kind == "npy":
        for name, value in {"speed": speed(), "accel": acceleration()}.items():
            np.save(folder / f"{name}__t.npy", drive["time"].to_numpy())
            np.save(folder / f"{name}__value.npy", value[ROWS])
        return folder, folder / "speed__t.npy"
    elif kind == "folder":
        drive[["time", "speed_mps"]].to_csv(folder / "Location.csv", index=False)
        drive[["time", "accel_long"]].to_csv(folder / "Accelerometer.csv", index=False)
        return folder, folder / "Location.csv"
    elif kind == "mf4":
        write_mf4(path, in_kmh)
    elif kind in FILES:
        path = folder / kind
        path.write_text(shortened(FILES[kind]()))
    elif kind in TABLES:
        path = write_table(folder / f"{kind}.csv", kind)
        lines = path.read_text().split("\n")
        path.write_text("\n".join([lines[0], *lines[2 * ROWS.start + 1 : 2 * ROWS.stop : 4]]))
    elif kind == "xml":
        path = fcd(folder)
        lines = path.read_text().split("\n")
        steps = ["\n".join(lines[i : i + 6]) for i in range(2, len(lines) - 1, 6)]
        path.write_text("\n".join([*lines[:2], *steps[ROWS], lines[-1]]))
    elif kind == "bus.mf4":
        write_bus_mf4(path, [frames(in_kmh)])
    else:
        write_log(path, *frames(in_kmh))
    return path, path


def shortened(text: str) -> str:
    """A long text of lines without elements, without the lines before and after the braking."""
    lines = text.split("\n")
    is_long = len(lines) > 100 and not text.startswith("<")
    return "\n".join([*lines[:50], *lines[50 + len(lines) // 6 : len(lines) // 2]]) if is_long else text


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """The content with one kind of damage."""
    data = bytearray(content)
    first, last = sorted(rng.integers(0, len(data), 2).tolist())
    match int(rng.integers(6)):
        case 0:
            for place in rng.integers(0, len(data), 12):
                data[place] ^= 1 << int(rng.integers(8))
        case 1:
            del data[last:]
        case 2:
            del data[first:last]
        case 3:
            data[first : first + 200] = rng.bytes(200)
        case 4:
            data[last:last] = data[first:last]
        case _:
            for place in sorted(rng.integers(0, len(data), 8).tolist()):
                data[place:place] = WORDS[int(rng.integers(len(WORDS)))]
    return bytes(data)


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer, so that a reader that hangs fails instead of the whole run."""

    def interrupt(*_: object) -> None:
        raise TimeoutError(f"longer than {seconds} s of CPU time, or {MAX_WAIT_S} s")

    timers = ((signal.ITIMER_PROF, signal.SIGPROF, seconds), (signal.ITIMER_REAL, signal.SIGALRM, MAX_WAIT_S))
    for timer, number, limit in timers:
        signal.signal(number, interrupt)
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for timer, _, _ in timers:
            signal.setitimer(timer, 0)


def fault_of(recording: Path, vehicle: str | None) -> str:
    """What is wrong with how a damaged recording is read; "" if it is answered or refused as it must."""
    start = time.process_time()
    try:
        with warnings.catch_warnings(action="ignore"), interrupted_after(2 * MAX_S):
            drives.find_events(recording, vehicle_id=vehicle)
    except (ValueError, OSError) as error:
        if recording.name not in str(error):
            return f"no name of the file: {error}"
    except Exception as error:  # what a user would get as a traceback
        return f"{type(error).__name__}: {error}"
    duration = time.process_time() - start
    return f"{duration:.1f} s" if duration > MAX_S else ""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [*BINARY, *TABLES, "xml", *FILES])
def test_random_damage_is_answered_or_refused_by_name(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(logging.getLogger("can"), "disabled", True)
    recording, file = write(kind, tmp_path)
    whole = file.read_bytes()
    vehicle = "veh0" if kind == "xml" else None
    drives.find_events(recording, vehicle_id=vehicle)  # loads what is needed, and shows that the whole file is answered
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    faults = {}
    for seed in range(FIRST_SEED, FIRST_SEED + MUTATIONS):
        file.write_bytes(mutated(whole, np.random.default_rng(seed)))
        if fault := fault_of(recording, vehicle):
            faults[seed] = fault
    assert not faults
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < MAX_KB


def test_an_mf4_that_claims_more_records_than_it_holds_does_not_hang(tmp_path):
    recording, file = write("mf4", tmp_path)
    file.write_bytes(mutated(file.read_bytes(), np.random.default_rng(461)))  # it took minutes
    assert not fault_of(recording, None)


def test_an_mf4_with_a_channel_outside_of_its_record_does_not_end_the_program(tmp_path):
    recording, file = write("bus.mf4", tmp_path)
    file.write_bytes(mutated(file.read_bytes(), np.random.default_rng(1051)))
    with pytest.raises(ValueError, match="outside of its record of 24 bytes"):  # asammdf reads beyond the record
        drives.find_events(recording)


def test_an_mf4_whose_list_of_blocks_is_a_ring_is_refused_at_once(tmp_path):
    recording, file = write("mf4", tmp_path)
    file.write_bytes(mutated(file.read_bytes(), np.random.default_rng(1392)))  # it had no end
    with interrupted_after(MAX_S), pytest.raises(ValueError, match="a list of blocks that comes back to byte"):
        drives.find_events(recording)


@pytest.mark.parametrize("version", ["3.30", "4.10"])
def test_every_list_of_an_mdf_file_may_be_the_ring(tmp_path, version):
    mdf = asammdf.MDF(version=version)
    for name in ("speed", "brake"):
        mdf.append([asammdf.Signal(np.arange(5.0), np.arange(5.0), name=name)])
    path = mdf.save(tmp_path / f"drive{'.mf4' if version > '4' else '.mdf'}", overwrite=True)
    mdf.close()
    assert [*drives.inspect_recording(path).channels]
    whole, links = path.read_bytes(), LINKS[b"##HD" if version > "4" else b"HD"]

    def address(at: int) -> int:
        return int.from_bytes(whole[at : at + links.size], "little")

    block = address(links.first)
    for _ in range(LEVELS):
        ring = block.to_bytes(links.size, "little")
        path.write_bytes(whole[: block + links.next] + ring + whole[block + links.next + links.size :])
        with interrupted_after(MAX_S), pytest.raises(ValueError, match=f"comes back to byte {block}"):
            drives.inspect_recording(path)
        block = address(block + links.part)

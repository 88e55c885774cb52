"""Recordings with random damage: answered, or refused with the file's name; quick, and without much memory."""

import logging
import resource
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from tests.drives.test_can_tables import write as write_table
from tests.drives.test_text_formats import FILES
from tests.drives.test_vehicles import fcd
from tests.helpers.one_braking import TIME, acceleration, speed, table
from tests.helpers.recorded_files import dbc, frames, write_bus_mf4, write_log, write_mf4

MUTATIONS = 24
MAX_S, MAX_KB = 10.0, 1_000_000
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


def write(kind: str, folder: Path) -> tuple[Path, Path]:
    """A recording of this kind, and the file of it that is damaged."""
    columns = {"t": TIME, "Speed (km/h)": 3.6 * speed(), "Accel Long (m/s2)": acceleration()}
    bus = pd.DataFrame(columns).iloc[::4]
    dbc(folder)
    path = folder / f"drive.{kind}"
    if kind == "csv":
        table().to_csv(path, index=False)
    elif kind == "parquet":
        table().to_parquet(path)
    elif kind == "npy":
        for name, value in {"speed": speed(), "accel": acceleration()}.items():
            np.save(folder / f"{name}__t.npy", TIME)
            np.save(folder / f"{name}__value.npy", value)
        return folder, folder / "speed__t.npy"
    elif kind == "mf4":
        write_mf4(path, bus)
    elif kind in FILES:
        path = folder / kind
        path.write_text(FILES[kind]())
    elif kind == "bus.csv":
        write_table(path, "cabana")
    elif kind == "xml":
        path = fcd(folder)
    elif kind == "bus.mf4":
        write_bus_mf4(path, [frames(bus)])
    else:
        write_log(path, *frames(bus))
    return path, path


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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "kind", ["csv", "parquet", "npy", "log", "asc", "blf", "mf4", "bus.mf4", "bus.csv", "xml", *FILES]
)
def test_random_damage_is_answered_or_refused_by_name(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(logging.getLogger("can"), "disabled", True)
    recording, file = write(kind, tmp_path)
    whole = file.read_bytes()
    vehicle = "veh0" if kind == "xml" else None
    drives.find_events(recording, vehicle_id=vehicle)  # loads what is needed, and shows that the whole file is answered
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(MUTATIONS):
        file.write_bytes(mutated(whole, np.random.default_rng(seed)))
        start = time.monotonic()
        with warnings.catch_warnings(action="ignore"):
            try:
                drives.find_events(recording, vehicle_id=vehicle)
            except (ValueError, OSError) as error:
                assert recording.name in str(error), seed
        assert time.monotonic() - start < MAX_S, seed
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < MAX_KB

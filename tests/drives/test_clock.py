"""Clocks that stray, stand still, pass midnight or are set: the braking is found and no time is invented."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from acc_decel.drives.aligning import MAX_GRID_GAP_S, correlation, gaps_closed, size_ratio
from acc_decel.drives.clock import Clock, gap_notes, is_stray, recorded_seconds
from acc_decel.drives.series import Series
from tests.helpers.one_braking import TIME, acceleration, is_found, speed, table

EPOCH, YEAR = 1.7e9, 3.15e7
HOURS = (TIME[-1] - TIME[0]) / 3600


def stamped(where: object, stamp: object, since: float = 0.0) -> np.ndarray:
    """The times `since` a start, with other stamps at some rows."""
    time = TIME + since
    time[where] = stamp
    return time


STRAY = {
    "first 0, then since 1970": (stamped(0, 0.0, EPOCH), 1),
    "first two 0": (stamped(slice(0, 2), [0.0, 0.05], EPOCH), 2),
    "first far before": (stamped(0, -1e15), 1),
    "last far off": (stamped(-1, 1e9), 1),
    "last beyond any date": (stamped(-1, 1e300), 1),
    "last a year later": (stamped(-1, EPOCH + YEAR, EPOCH), 1),
    "first far off": (stamped(0, 1e12), 1),
    "two far off inside": (stamped(slice(900, 902), [YEAR, YEAR + 0.05]), 2),
    "last before the first": (stamped(-1, -1.0), 1),
    "infinite": (stamped(7, np.inf), 1),
}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(("time", "count"), STRAY.values(), ids=STRAY)
def test_a_stray_stamp_costs_its_record_and_nothing_else(tmp_path, time, count, ending):
    path = tmp_path / f"drive.{ending}"
    table(time=time).to_csv(path, index=False) if ending == "csv" else table(time=time).to_parquet(path)
    drive = drives.find_events(path)
    first = 0.05 * count if time[0] != drive.clean.start else 0.0
    assert is_found(drive, since=-first)
    assert drive.dropped_frames == count
    assert drive.hours == pytest.approx(HOURS, abs=1e-4)
    assert drives.inspect_recording(path).duration_s == pytest.approx(3600 * HOURS, abs=0.5)


def test_a_comparison_over_a_year_takes_memory_for_its_records_only():
    time = TIME + YEAR * (TIME >= 30)
    pair = [Series(time, value, 0.05, 0.0) for value in (speed(), acceleration())]
    closed = gaps_closed(*pair)
    assert all(np.ptp(series.time) < np.ptp(TIME) + MAX_GRID_GAP_S for series in closed)
    assert len(correlation(*pair)[0]) == len(correlation(*closed)[0])
    assert size_ratio(*pair) == pytest.approx(1.0, abs=0.02)


def written(path: Path, time: object) -> drives.DriveEvents:
    """The events of the drive with these times, from a CSV file."""
    table(time=time).to_csv(path / "drive.csv", index=False)
    return drives.find_events(path / "drive.csv")


def texts(start: str, moved: np.ndarray, pattern: str = "%Y-%m-%d %H:%M:%S.%f") -> np.ndarray:
    """Dates as text, from a start on."""
    return (pd.Timestamp(start) + pd.to_timedelta(TIME + moved, unit="s")).strftime(pattern).to_numpy()


LATER = (TIME >= 30).astype(float)  # the second part of the drive
CONTINUED = {
    "seconds of the day over midnight": ((86_370 + TIME) % 86_400, "midnight"),
    "time of day over midnight": (texts("2024-03-01 23:59:30", 0 * TIME, "%H:%M:%S.%f"), "midnight"),
    "a date that stays the same over midnight": (
        np.char.add("2024-03-01 ", texts("2024-03-01 23:59:30", 0 * TIME, "%H:%M:%S.%f").astype(str)),
        "midnight",
    ),
    "local time in autumn": (texts("2024-10-27 02:59:30", -3600 * LATER), "set back by an hour"),
}


@pytest.mark.parametrize(("time", "words"), CONTINUED.values(), ids=CONTINUED)
def test_a_clock_on_the_wall_is_continued_and_said(tmp_path, time, words):
    drive = written(tmp_path, time)
    assert is_found(drive)
    assert drive.hours == pytest.approx(HOURS, abs=1e-6)
    assert any(words in note for note in drive.notes)
    assert drive.dropped_frames == 0


GAPS = {
    "local time in spring": (texts("2024-03-31 01:59:30", 3600 * LATER), 3600.0, "summer time"),
    "an hour without records": (TIME + 3600 * LATER, 3600.0, "summer time"),
    "a year without records": (TIME + YEAR * LATER, YEAR, "no record for 3.15e+07 s from 29.95 s on"),
    "a clock set after ten records": (TIME + EPOCH * (TIME > 0.47), EPOCH, "no record for 1.7e+09 s"),
}


@pytest.mark.parametrize(("time", "gap", "words"), GAPS.values(), ids=GAPS)
def test_a_gap_is_noted_and_is_no_recorded_time(tmp_path, time, gap, words):
    drive = written(tmp_path, time)
    assert is_found(drive, since=gap)
    assert drive.hours == pytest.approx(HOURS, abs=1e-4)
    assert any(words in note for note in drive.notes)
    assert drive.events["quality"].to_list() == ["good"]


BROKEN = {
    "a year between records": (np.arange(len(TIME)) * YEAR, "check the unit of [time]"),
    "two clocks in turn": (TIME + YEAR * (np.arange(len(TIME)) % 2), "must have times that rise"),
    "backward": (TIME[::-1], "runs backward"),
    "starts again": (np.where(TIME < 40, TIME, TIME - 40), "must have times that rise"),
}


@pytest.mark.parametrize(("time", "words"), BROKEN.values(), ids=BROKEN)
def test_a_clock_that_cannot_be_right_is_refused(tmp_path, time, words):
    with pytest.raises(ValueError, match=r"drive\.csv") as error:
        written(tmp_path, time)
    assert words in str(error.value)


def test_durations_and_times_of_day_in_parquet_are_times(tmp_path):
    path = tmp_path / "drive.parquet"
    for unit in ("ns", "ms"):
        table(time=pd.to_timedelta(TIME, unit="s").astype(f"timedelta64[{unit}]")).to_parquet(path)
        assert is_found(drives.find_events(path))
    table(time=pd.to_datetime(TIME, unit="s").time).to_parquet(path)
    assert is_found(drives.find_events(path))
    table(speed_mps=pd.to_timedelta(speed(), unit="s")).to_parquet(path)
    with pytest.raises(ValueError, match="holds no number"):
        drives.find_events(path)


def test_durations_as_text_are_times(tmp_path):
    assert is_found(written(tmp_path, pd.to_timedelta(TIME, unit="s").astype(str)))


def test_stray_stamps_of_arrays_are_dropped_each_in_its_clock(tmp_path):
    for name, value in {"speed": speed(), "imu_accel": acceleration()}.items():
        np.save(tmp_path / f"{name}__t.npy", stamped(0, 0.0, EPOCH))
        np.save(tmp_path / f"{name}__value.npy", value)
    drive = drives.find_events(tmp_path)
    assert is_found(drive, since=-0.05)
    assert drive.dropped["stray time"] == 2


def test_a_clock_is_continued_over_the_border_of_two_blocks():
    clock = Clock()
    times = [clock.continued(block) for block in (np.arange(86_390.0, 86_400.0), np.arange(0.0, 10.0))]
    assert np.concatenate(times).tolist() == np.arange(86_390.0, 86_410.0).tolist()
    assert clock.midnights == 1


def test_one_wrong_stamp_is_no_midnight():
    time = 86_370 + np.arange(20.0)
    time[7] = 0.0
    assert Clock().continued(time).tolist() == time.tolist()


def test_a_slow_but_steady_clock_has_no_gap():
    time = np.arange(50) * 300.0
    assert not is_stray(time).any()
    assert gap_notes(time) == ()
    assert recorded_seconds(time) == 49 * 300.0


def test_many_gaps_are_counted_and_only_the_first_told():
    time = np.concatenate([np.arange(20.0) + 1e4 * i for i in range(6)])
    assert len(gap_notes(time)) == 4
    assert gap_notes(time)[-1] == "5 gaps in all"

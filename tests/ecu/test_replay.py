"""The task of the emulated ECU: a drive held at ticks of 10 ms, answered one mailbox at a time, within its deadline."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy import ndarray

from acc_decel.ecu import MAX_AGE, PERIOD, CortexM, TaskRun, deadline_utilisation, sample_and_hold, tick_times
from acc_decel.ecu.ticks import MAX_DRIVE
from acc_decel.export.firmware_files import firmware_files, write_firmware
from acc_decel.factors import FACTORS, column_names
from acc_decel.outputs import OUTPUTS
from acc_decel.predictor import Predictor, columns_of
from acc_decel.status import NOT_AVAILABLE_SHIFT, OUTSIDE_DOMAIN, REFUSED
from tests.helpers.random_net import random_events, random_net, spoiled

AGES = {f.name: MAX_AGE for f in FACTORS}
CHOICE = next(f for f in FACTORS if f.levels)
MILLISECOND = 1000


def column(name: str) -> int:
    return column_names().index(name)


@given(
    times=st.lists(st.integers(0, MILLISECOND), min_size=1, max_size=8).map(sorted),
    seed=st.integers(0, 2**32),
    age=st.integers(0, MILLISECOND),
)
def test_every_tick_has_the_last_value_that_is_not_too_old(times: list[int], seed: int, age: int) -> None:
    rng = np.random.default_rng(seed)
    columns = random_events(rng, len(times))
    columns[rng.random(columns.shape) < 0.5] = np.nan
    time = np.array(times) / MILLISECOND
    ticks = tick_times(time)
    got = sample_and_hold(FACTORS, time, columns, ticks, max_age=AGES | {"speed": age / MILLISECOND})
    name = column("speed")
    for i in range(len(ticks)):
        now = times[0] + 10 * i
        sampled = [row for row, at in enumerate(times) if at <= now and not np.isnan(columns[row, name])]
        fresh = sampled and now - times[sampled[-1]] <= age
        np.testing.assert_array_equal(got[i, name], columns[sampled[-1], name] if fresh else np.float32(np.nan))


def test_the_probabilities_of_a_choice_are_held_together() -> None:
    columns = np.full((3, len(column_names())), np.nan, "f4")
    own = [column(c) for c in CHOICE.columns]
    columns[0, own] = np.eye(len(own))[0]
    columns[1, own[1]] = 0.5  # a part is a sample, too, which the firmware refuses
    time = np.array([0.0, 0.01, 0.02])
    got = sample_and_hold(FACTORS, time, columns, time, max_age=AGES)
    np.testing.assert_array_equal(got[:, own], columns[[0, 1, 1]][:, own])


@pytest.mark.parametrize("start", [0.0, 0.1, 1.7e9])
def test_ticks_go_from_the_first_row_to_the_last(start: float) -> None:
    for rows in (1, 2, 8, 71):
        ticks = tick_times(start + 0.1 * np.arange(rows))
        assert len(ticks) == 10 * (rows - 1) + 1
        np.testing.assert_allclose(np.diff(ticks), PERIOD, atol=1e-6)
    assert len(tick_times(np.array([0.0, 0.0199]))) == 2


def test_a_drive_in_milliseconds_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 14400 s. Got 60000 s: give its times in seconds"):
        tick_times(np.array([0.0, 60_000.0]))
    assert len(tick_times(np.array([0.0, MAX_DRIVE]))) == MAX_DRIVE / PERIOD + 1


def test_the_deadline_is_used_up_by_ten_milliseconds_of_cycles() -> None:
    np.testing.assert_allclose(deadline_utilisation(np.array([800_000, 8_000]), 80.0), [1.0, 0.01])


@pytest.fixture(scope="module")
def events() -> ndarray:
    rng = np.random.default_rng(11)
    events = random_events(rng, 60)
    return np.concatenate([events[:40], spoiled(rng, events[40:])])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, events: ndarray) -> Path:
    path = tmp_path_factory.mktemp("firmware")
    write_firmware(path, firmware_files(random_net(np.random.default_rng(7)), model="random", golden=events[:8]))
    return path


@pytest.fixture(scope="module")
def core(folder: Path) -> CortexM:
    return CortexM(folder)


@pytest.fixture(scope="module")
def drive(core: CortexM, events: ndarray) -> TaskRun:
    return core.task(events)


def test_the_task_answers_one_mailbox_at_a_time_as_it_does_many(core: CortexM, drive: TaskRun, events: ndarray) -> None:
    outputs, status = core.predict_array(events)
    np.testing.assert_array_equal(drive.outputs.view("i4"), outputs.view("i4"))
    np.testing.assert_array_equal(drive.status, status)
    assert 0 < (status & REFUSED != 0).sum() < len(events)


def test_the_task_takes_the_prediction_and_little_else(core: CortexM, drive: TaskRun, events: ndarray) -> None:
    report = core.report(events)
    answered, outside = drive.status & REFUSED == 0, drive.status & OUTSIDE_DOMAIN != 0
    inside = answered & ~outside
    assert drive.cycles is not None and report.cycles is not None
    for task, prediction, most in (
        (drive.instructions, report.instructions_per_prediction, report.instructions_outside),
        (drive.cycles, report.cycles, report.cycles_outside),
    ):
        assert prediction < task[inside].min() == task[inside].max() < prediction + 40
        assert most is not None and most < task[outside].max() < most + 40
        assert 0 < task[~answered].max() < prediction


def test_every_tick_is_told_and_a_core_without_timings_has_no_cycles(folder: Path, events: ndarray) -> None:
    told: list[int] = []
    run = CortexM(folder, core="cortex-m7").task(events[:5], ticked=lambda: told.append(1))
    assert (sum(told), run.cycles) == (5, None)
    assert len(CortexM(folder).task(events[:0]).status) == 0


ROWS = 21  # every 10 ms
BRAKING = pd.DataFrame(
    {
        "time_s": np.arange(ROWS) / 100,
        "speed": 20.0 - 0.05 * np.arange(ROWS),
        "brake_pressure_bar": [80.0, *[np.nan] * (ROWS - 1)],
        "surface": ["asphalt", *[None] * 9, "ice", *[None] * (ROWS - 11)],
    }
)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("build")


@pytest.fixture
def written(tmp_path: Path):
    def written(table: pd.DataFrame) -> Path:
        table.to_csv(tmp_path / "drive.csv", index=False)
        return tmp_path / "drive.csv"

    return written


@pytest.mark.slow
def test_a_drive_is_answered_tick_by_tick_within_the_deadline(answered, written, build: Path, tmp_path: Path) -> None:
    target, picture = tmp_path / "answers.parquet", tmp_path / "drive.png"
    told = answered("replay", written(BRAKING), "--mass", 1500, "--max-age", 0.1, "--max-age",
                    "brake_pressure_bar=9", "--build", build, "--output", target, "--plot", picture)  # fmt: skip
    answers = pd.read_parquet(target)
    np.testing.assert_allclose(answers["time_s"], BRAKING["time_s"])
    known = BRAKING.drop(columns="time_s").ffill().assign(mass=1500.0)
    net = Predictor()
    expected, status = net.predict_array(columns_of(known, net.factors))
    np.testing.assert_allclose(answers[[*OUTPUTS]], expected, atol=1e-4)
    np.testing.assert_array_equal(answers["status"], status)
    assert told["ticks"] == told["answered"] == len(told["answers"]) == ROWS
    assert (told["refused"], told["deadlines_missed"], told["clock_mhz"]) == (0, 0, 80)
    assert told["cycles_max"] == answers["cycles"].max() > answers["instructions"].max() == told["instructions_max"]
    assert told["deadline_utilisation_max"] == pytest.approx(told["cycles_max"] / 800_000)
    assert told["deadline_utilisation_mean"] == pytest.approx(answers["cycles"].mean() / 800_000)
    assert told["max_abs_difference"] < 1e-4
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_value_that_is_too_old_is_not_available_any_more(answered, written, build: Path) -> None:
    told = answered("replay", written(BRAKING), "--max-age", 0.05, "--max-age", "surface=0.07", "--build", build)
    index = {f.name: NOT_AVAILABLE_SHIFT + i for i, f in enumerate(FACTORS)}
    missing = {name: [bool(row["status"] >> bit & 1) for row in told["answers"]] for name, bit in index.items()}
    assert missing["surface"] == [i in (8, 9) or i > 17 for i in range(ROWS)]
    assert missing["brake_pressure_bar"] == [i > 5 for i in range(ROWS)]
    assert not any(missing["speed"] + missing["abs"])  # equipment that no column names is the standard one all the time
    assert told["refused"] == ROWS - 6
    assert sum(status["ticks"] for status in told["statuses"]) == ROWS
    assert all(row["deceleration"] is None for row in told["answers"][6:])


def test_a_slow_clock_misses_its_deadline_and_says_so(run, written, build: Path) -> None:
    code, out, err = run("replay", written(BRAKING), "--clock-mhz", 0.1, "--build", build)
    assert code == 0, err
    assert f"{ROWS} missed" in out
    assert f"{ROWS}/{ROWS}" in err  # progress


@pytest.mark.slow
def test_without_timings_the_deadline_is_not_known(run, written, build: Path, tmp_path: Path) -> None:
    picture = tmp_path / "drive.svg"
    code, out, err = run("replay", written(BRAKING), "--core", "cortex-m7", "--build", build, "--plot", picture)
    assert code == 0, err
    assert "no manual gives the cycles of an instruction of the cortex-m7" in out
    assert "<svg" in picture.read_text()


BAD_DRIVES = {
    "no rows": (BRAKING.iloc[:0], "at least one event"),
    "no time": (BRAKING.drop(columns="time_s"), "must have a column time_s"),
    "time backwards": (BRAKING.iloc[[0, 2, 1]], "time_s in line 4 must be at least 0.02 s"),
    "time in words": (BRAKING.assign(time_s="noon"), "time_s in line 2 must be a number [s]. Got 'noon'"),
    "time missing": (BRAKING.assign(time_s=[0.0, *[np.nan] * (ROWS - 1)]), "time_s in line 3 must be a number"),
    "milliseconds": (BRAKING.assign(time_s=1e6 * BRAKING["time_s"]), "in seconds"),
    "no speed": (BRAKING.drop(columns="speed"), "must have a column speed of 1 to 70 m/s"),
    "unknown column": (BRAKING.assign(sped=1.0), "Did you mean speed?"),
    "no level": (BRAKING.assign(surface="lava"), "surface in line 2 must be one of asphalt"),
}


@pytest.mark.parametrize(("table", "said"), BAD_DRIVES.values(), ids=BAD_DRIVES.keys())
def test_a_bad_drive_is_refused(refused, written, tmp_path: Path, table: pd.DataFrame, said: str) -> None:
    sentence = refused("replay", written(table), "--output", tmp_path / "answers.csv")
    assert said in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["drive.csv"]


BAD_OPTIONS = {
    "age of what": (["--max-age", "sped=1"], "Did you mean speed?"),
    "age in words": (["--max-age", "speed=old"], "--max-age must be seconds, or FACTOR=seconds, at least 0"),
    "age below 0": (["--max-age", "-1"], "--max-age must be seconds"),
    "clock": (["--clock-mhz", "0"], "--clock-mhz must be above 0 [MHz]. Got 0."),
    "kind of table": (["--output", "answers.txt"], "answers.txt must end in .csv or .parquet"),
    "kind of picture": (["--plot", "drive.bmp"], "drive.bmp must end in .png or .svg"),
    "twice": (["--speed", "20"], "speed must be a column of"),
}


@pytest.mark.parametrize(("options", "said"), BAD_OPTIONS.values(), ids=BAD_OPTIONS.keys())
def test_bad_options_are_refused(refused, written, options: list[str], said: str) -> None:
    assert said in refused("replay", written(BRAKING), *options)


def test_a_drive_that_is_not_there_is_refused(refused) -> None:
    assert "nowhere.csv must be a readable csv table" in refused("replay", "nowhere.csv")


def test_one_event_and_a_table_have_no_task(run) -> None:
    code, _, err = run("ecu", "--task", "drive.csv")
    assert code == 2
    assert "--task" in err

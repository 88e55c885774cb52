"""Recordings whose units, sizes or descriptions cannot be right: never called good, and the answer says why."""

import json

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from tests.helpers.one_braking import TIME, acceleration, is_found, speed, table


def without_accelerometer(name: str, values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"time": TIME, name: values})


@pytest.mark.parametrize("name", ["speed", "Speed", "velocity", "v", "vx", "vehicle_speed", "obd_speed", "spd"])
def test_whole_numbers_without_a_unit_are_kmh_and_said_so_in_every_answer(tmp_path, answered, name):
    folder = tmp_path / "drives"
    folder.mkdir()
    without_accelerometer(name, (3.6 * speed()).round().astype(int)).to_csv(folder / "drive.csv", index=False)
    answer = answered("drives", "events", folder / "drive.csv")
    assert [event["mean_deceleration"] for event in answer["events"]] == pytest.approx([2.4], abs=0.2)
    said = f"'{name}' has no unit and holds whole numbers: taken as km/h"
    assert said in answer["notes"]
    assert said in answered("drives", "score", folder)["files"][0]["notes"]
    report = answered("drives", "fleet", folder, "--output", tmp_path / "fleet", "--workers", 1)
    assert said in report["files"][0]["notes"]


@pytest.mark.parametrize("name", ["speed", "velocity", "v", "vx"])
def test_small_whole_numbers_without_a_unit_are_refused(tmp_path, refused, name):
    without_accelerometer(name, (1.5 * speed()).round().astype(int)).to_csv(tmp_path / "drive.csv", index=False)
    assert f"unit of '{name}' is not stated" in refused("drives", "events", tmp_path / "drive.csv")


def test_speed_in_si_is_taken_by_its_name_where_it_is_no_whole_number(tmp_path):
    without_accelerometer("speed", speed()).to_csv(tmp_path / "drive.csv", index=False)
    assert is_found(drives.find_events(tmp_path / "drive.csv"))


@pytest.mark.parametrize("factor", [0.4, 0.62, 0.8, 1.25, 1.609, 2.5])
def test_a_speed_that_the_accelerometer_contradicts_is_never_good(tmp_path, factor):
    records = table(speed_mps=factor * speed()).rename(columns={"accel_long": "accel_long_mps2"})
    records.to_csv(tmp_path / "drive.csv", index=False)
    drive = drives.find_events(tmp_path / "drive.csv", threshold=0.8)
    assert len(drive.events) > 0
    assert drive.events["quality"].str.contains("contradicted").all()
    (note,) = (note for note in drive.notes if note.startswith("speed changes"))
    assert float(note.split()[2]) == pytest.approx(factor, rel=0.03)


@pytest.mark.parametrize("factor", [0.93, 1.0, 1.08])
def test_a_speed_within_the_tolerance_is_good(tmp_path, factor):
    table(speed_mps=factor * speed()).to_csv(tmp_path / "drive.csv", index=False)
    assert drives.find_events(tmp_path / "drive.csv").events["quality"].to_list() == ["good"]


def test_noise_of_one_of_the_two_is_no_contradiction(tmp_path):
    noise = np.random.default_rng(3).normal(0, 0.8, len(TIME))
    table(accel_long=acceleration() + noise).to_csv(tmp_path / "drive.csv", index=False)
    assert drives.find_events(tmp_path / "drive.csv").events["quality"].to_list() == ["good"]


def test_an_accelerometer_that_fits_in_no_unit_is_refused_or_not_used(tmp_path, refused):
    table(speed_mps=3.6 * speed()).to_csv(tmp_path / "drive.csv", index=False)
    assert "speed changes 3.6 times as fast" in refused("drives", "events", tmp_path / "drive.csv")


def test_one_implausible_event_puts_the_recording_in_doubt(tmp_path):
    hard, mild = np.interp(TIME, [5, 8, 20], [40, 0, 0]), np.interp(TIME, [30, 45, 50, 58], [0, 30, 30, 0])
    without_accelerometer("speed_mps", hard + mild).to_csv(tmp_path / "drive.csv", index=False)
    events = drives.find_events(tmp_path / "drive.csv").events
    assert events["quality"].to_list() == ["speed_only implausible", "speed_only doubtful"]


def test_an_accelerometer_that_pauses_in_the_braking_leaves_it_to_the_speed(tmp_path):
    records = table()
    records.loc[(TIME > 34.8) & (TIME < 42.8), "accel_long"] = np.nan
    records.to_csv(tmp_path / "drive.csv", index=False)
    assert "speed_only" in drives.find_events(tmp_path / "drive.csv").events["quality"][0]


def test_an_overlap_too_short_to_compare_is_not_good(tmp_path):
    table().iloc[700:880].to_csv(tmp_path / "drive.csv", index=False)  # 9 s
    text = '[time]\nchannel = "time"\nunit = "s"\n[speed]\nchannel = "speed_mps"\nunit = "m/s"\n'
    (tmp_path / "drive.toml").write_text(text + '[acceleration]\nchannel = "accel_long"\nunit = "m/s^2"\n')
    assert "unaligned" in drives.find_events(tmp_path / "drive.csv").events["quality"][0]


ENTRIES = {
    "lag of a year": ("[speed]\n", "lag = 3.15e7\n", "[speed]: lag must be -10 to 10 s. Got 3.15e+07"),
    "lag before": ("[acceleration]\n", "lag = -11\n", "[acceleration]: lag must be -10 to 10 s. Got -11"),
    "lag without end": ("[speed]\n", "lag = inf\n", "[speed]: lag must be a number"),
    "lag of 400 digits": ("[speed]\n", f"lag = 1{'0' * 400}\n", "[speed]: lag must be a number"),
    "sign of 400 digits": ("[speed]\n", f"sign = 1{'0' * 400}\n", "[speed]: sign must be a number"),
    "sign without value": ("[speed]\n", "sign = nan\n", "[speed]: sign must be a number"),
    "mass of an ant": ("[known]\n", "mass = 0.001\n", "[known]: mass must be 600 to 5000 kg"),
    "grade in per cent": ("[known]\n", "grade = 3\n", "[known]: grade must be -0.2 to 0.2"),
    "water of 400 digits": ("[known]\n", f"water_film_mm = 1{'0' * 400}\n", "[known]: water_film_mm must be"),
    "nested": ("[known]\n", f"mass = {'[' * 3000}{']' * 3000}\n", "must be a recording description in TOML"),
}


@pytest.mark.parametrize(("section", "entry", "words"), ENTRIES.values(), ids=ENTRIES)
def test_numbers_of_a_description_that_no_car_has_are_refused_with_their_entry(
    tmp_path, refused, section, entry, words
):
    table().to_csv(tmp_path / "drive.csv", index=False)
    text = (
        '[time]\nchannel = "time"\nunit = "s"\n[speed]\nchannel = "speed_mps"\nunit = "m/s"\n'
        '[acceleration]\nchannel = "accel_long"\nunit = "m/s^2"\n[known]\n'
    )
    (tmp_path / "drive.toml").write_text(text.replace(section, section + entry))
    assert words in refused("drives", "events", tmp_path / "drive.csv")


def test_a_description_may_begin_with_a_byte_order_mark(tmp_path):
    table().to_csv(tmp_path / "drive.csv", index=False)
    toml = drives.inspect_recording(tmp_path / "drive.csv").proposal.toml
    (tmp_path / "drive.toml").write_text(toml, "utf-8-sig")
    assert is_found(drives.find_events(tmp_path / "drive.csv"))


def test_the_last_line_counts_the_flagged_events_and_says_why(tmp_path, run):
    table(speed_mps=1.5 * speed()).to_csv(tmp_path / "drive.csv", index=False)
    _, out, _ = run("drives", "events", tmp_path / "drive.csv", "-o", tmp_path / "events.csv")
    lines = out.splitlines()
    assert lines[-1].startswith("flagged: 1 of 1 events: 1 contradicted (speed and acceleration differ in size")
    assert lines[-2] == f"1 events written to {tmp_path / 'events.csv'}"
    code, out, _ = run("drives", "events", tmp_path / "drive.csv", "--json")
    assert code == 0
    assert json.loads(out)["flags"] == {"contradicted": 1}
    table().to_csv(tmp_path / "drive.csv", index=False)
    assert run("drives", "events", tmp_path / "drive.csv")[1].splitlines()[-1] == "flagged: 0 of 1 events"


DESCRIBED = '[time]\nchannel = "time"\nunit = "s"\n[speed]\nchannel = "speed_mps"\nunit = "m/s"\n'


@pytest.mark.parametrize("threshold", ["nan", "inf", "-1", "0.5", "21"])
@pytest.mark.parametrize("command", ["events", "score", "fleet", "scenarios"])
def test_a_threshold_that_no_event_can_have_is_refused_before_anything_is_read(tmp_path, refused, command, threshold):
    table().to_csv(tmp_path / "drive.csv", index=False)
    output = {"fleet": ["-o", tmp_path / "fleet"], "scenarios": ["-o", tmp_path / "fleet.toml"]}.get(command, [])
    sentence = refused("drives", command, tmp_path / "drive.csv", "--threshold", threshold, *output)
    assert sentence.startswith("threshold must be above 0.5 m/s^2, the edge of an event, and at most 20")
    assert not (tmp_path / "fleet").exists()


@pytest.mark.parametrize("added", [",7", ",7,8", ",,7"])
def test_rows_with_more_fields_than_the_header_are_left_out_and_counted(tmp_path, added):
    lines = table().to_csv(index=False).splitlines()
    wrong = [f"{line}{added}" if row % 40 == 7 else line for row, line in enumerate(lines)]
    (tmp_path / "drive.csv").write_text("\n".join(wrong))
    drive = drives.find_events(tmp_path / "drive.csv")
    assert is_found(drive)
    assert "40 rows have more fields than the header and are left out: correct the file" in drive.notes


def test_a_table_of_which_many_rows_do_not_fit_is_refused(tmp_path, refused):
    lines = table().to_csv(index=False).splitlines()
    wrong = [f"{line},7" if 700 < row <= 860 else line for row, line in enumerate(lines)]
    (tmp_path / "drive.csv").write_text("\n".join(wrong))
    sentence = refused("drives", "events", tmp_path / "drive.csv")
    assert "must have rows of as many fields as its header. Got more in 160 of 1600" in sentence


def test_decimal_commas_in_some_rows_of_a_table_with_commas_move_no_value(tmp_path):
    lines = table().to_csv(index=False).splitlines()
    wrong = [line.replace(".", ",") if row % 40 == 7 else line for row, line in enumerate(lines)]
    (tmp_path / "drive.csv").write_text("\n".join(wrong))
    drive = drives.find_events(tmp_path / "drive.csv")
    assert is_found(drive)
    assert drive.dropped == {}


def test_a_delimiter_at_the_end_of_a_row_is_no_field(tmp_path):
    lines = table().to_csv(index=False).splitlines()
    rows = [f"{line}," if row % 40 == 7 else line for row, line in enumerate(lines)]
    (tmp_path / "drive.csv").write_text("\n".join(rows))
    drive = drives.find_events(tmp_path / "drive.csv")
    assert is_found(drive)
    assert not any("fields" in note for note in drive.notes)


@pytest.mark.parametrize("with_accelerometer", [True, False])
def test_a_speed_whose_sign_is_turned_is_refused_with_the_entry_that_turns_it(tmp_path, refused, with_accelerometer):
    records = table(speed_mps=-speed())
    records = records if with_accelerometer else records.drop(columns="accel_long")
    records.to_csv(tmp_path / "drive.csv", index=False)
    assert "write sign = -1 into its section" in refused("drives", "events", tmp_path / "drive.csv")
    (tmp_path / "drive.toml").write_text(DESCRIBED + "sign = -1\n")
    assert is_found(drives.find_events(tmp_path / "drive.csv"))


def test_a_switch_is_no_speed(tmp_path, refused):
    table(speed_mps=speed() > 10).to_parquet(tmp_path / "drive.parquet")
    (tmp_path / "drive.toml").write_text(DESCRIBED)
    assert "that is a switch, name another channel" in refused("drives", "events", tmp_path / "drive.parquet")


@pytest.mark.parametrize("section", ["time", "speed"])
def test_a_channel_is_described_once(tmp_path, refused, section):
    table().to_csv(tmp_path / "drive.csv", index=False)
    channel = {"time": "time", "speed": "speed_mps"}[section]
    entry = f'[acceleration]\nchannel = "{channel}"\nunit = "m/s^2"\n'
    (tmp_path / "drive.toml").write_text(DESCRIBED + entry)
    assert f"must name each channel once. Got '{channel}'" in refused("drives", "events", tmp_path / "drive.csv")


def test_a_time_that_a_format_does_not_need_is_said_to_be_ignored(tmp_path):
    (tmp_path / "drive").mkdir()
    for name, values in (("speed_mps__t", TIME), ("speed_mps__value", speed())):
        np.save(tmp_path / "drive" / f"{name}.npy", values)
    (tmp_path / "car.toml").write_text(DESCRIBED)
    drive = drives.find_events(tmp_path / "drive", description_file=tmp_path / "car.toml")
    assert is_found(drive)
    assert "[time] of the description is not used: the format has the time of each record" in drive.notes


def test_a_symbolic_link_is_the_same_recording(tmp_path):
    table().to_csv(tmp_path / "drive.csv", index=False)
    (tmp_path / "alias.csv").symlink_to(tmp_path / "drive.csv")
    assert len(drives.list_recordings([tmp_path])) == 1
    assert len(drives.list_recordings([tmp_path / "drive.csv", tmp_path / "alias.csv"])) == 1

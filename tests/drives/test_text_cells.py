"""Text in a column of numbers: missing values that are counted and told, and a column that holds too much of it."""

import numpy as np
import pytest

from acc_decel import drives
from tests.helpers.one_stop import acceleration, is_found, speed, table

WORDS = ("-", "n/a", "NaN", "", "---", "null", "#N/A", "Err", "--.-", "#DIV/0!", "no data", "-inf", "12.3*", "1.234,5")
FORMS = {"points": (".", ","), "decimal commas": (",", ";"), "tabs": (",", "\t"), "quoted commas": (",", ",")}
EVERY = 40  # rows, one of which holds text


def written(path, cell, *, every=EVERY, decimal=".", delimiter=",", column=1):
    """The drive with a cell in place of some numbers of one column, on line 7 first."""
    frame = table(**{"speed [m/s]": speed().round(3), "accel_long [m/s^2]": acceleration(), "odd": 1.5})
    rows = [line.split("|") for line in frame.to_csv(index=False, sep="|", decimal=decimal).splitlines()]
    for row in rows[6::every]:
        row[column] = cell
    path.write_text("".join(delimiter.join(f'"{text}"' for text in row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("form", FORMS)
def test_a_few_cells_of_text_are_missing_and_the_others_count(tmp_path, word, form):
    decimal, delimiter = FORMS[form]
    drive = drives.find_events(written(tmp_path / "drive.csv", word, decimal=decimal, delimiter=delimiter))
    assert is_found(drive), drive.events.to_string()
    assert drive.dropped["not a number"] == len(speed()) // EVERY
    assert drive.dropped_frames == len(speed()) // EVERY
    if word in ("-", "Err", "1.234,5"):  # pandas knows the others
        told = f"'speed [m/s]' holds text in 10 of 400 records, like {word!r} in line 7: taken as missing"
        assert told in drive.notes


def test_a_word_for_missing_may_stand_in_most_cells(tmp_path):
    drive = drives.find_events(written(tmp_path / "drive.csv", "---", every=2))
    assert is_found(drive)


def test_a_column_with_much_text_is_refused_with_column_line_and_cell(tmp_path, refused):
    path = written(tmp_path / "drive.csv", "fast", every=5)
    sentence = refused("drives", "events", path)
    assert "'speed [m/s]' holds text in 79 of 400 records, like 'fast' in line 7" in sentence
    (tmp_path / "drive.toml").write_text(
        '[time]\nchannel = "time"\nunit = "s"\n[speed]\nchannel = "speed [m/s]"\nunit = "m/s"\n'
    )
    sentence = refused("drives", "events", path)
    assert "must have numbers in 'speed [m/s]'. Got text in 79 of 400 records, like 'fast' in line 7" in sentence


def test_an_accelerometer_with_much_text_is_not_used_and_that_is_told(tmp_path):
    drive = drives.find_events(written(tmp_path / "drive.csv", "low", every=3, column=2))
    assert "acceleration" not in drive.description.channels
    assert any(note.startswith("'accel_long [m/s^2]' is not used: it holds text in") for note in drive.notes)


def test_the_line_is_that_of_the_file_also_below_comments_and_blank_lines(tmp_path):
    path = written(tmp_path / "drive.csv", "Err")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(["a title", "", *lines[:3], "# a comment, with, many, more, fields", "", *lines[3:]]))
    drive = drives.find_events(path)
    assert is_found(drive)
    assert "'speed [m/s]' holds text in 10 of 400 records, like 'Err' in line 11: taken as missing" in drive.notes


def test_inspect_says_how_many_cells_hold_text(tmp_path):
    channels = {c.name: c for c in drives.inspect_recording(written(tmp_path / "drive.csv", "Err")).channels}
    assert channels["speed [m/s]"].note == "10 missing, 10 hold text like 'Err'"
    assert "text" not in channels["accel_long [m/s^2]"].note


def test_the_minus_of_typesetters_is_a_minus(tmp_path):
    frame = table(**{"speed [m/s]": speed(), "ax [m/s^2]": [f"{a:.3f}".replace("-", "\u2212") for a in acceleration()]})
    frame.to_csv(tmp_path / "drive.csv", index=False)
    drive = drives.find_events(tmp_path / "drive.csv")
    assert is_found(drive)
    assert np.isfinite(drive.clean.lag_correlation)

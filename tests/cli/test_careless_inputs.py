"""Careless numbers and tables: what is answered, and what is refused in one sentence, on the command line."""

import random
import re

import pytest

from acc_decel import FACTORS

SURFACES = next(f for f in FACTORS if f.name == "surface").columns
PLAIN = "speed,brake_pressure_bar\n20,80\n"

NUMBERS = {  # --speed, or another option: what is said
    "nan": (("--speed", "nan"), "speed is required"),
    "inf": (("--speed", "inf"), "speed must be 1 to 70 m/s .* Got inf"),
    "below 0": (("--speed", "-5"), "speed must be 1 to 70 m/s .* Got -5"),
    "beyond any float": (("--speed", "1e999"), "speed must be 1 to 70 m/s .* Got inf"),
    "beyond float32": (("--speed", "1e308"), r"speed must be 1 to 70 m/s .* Got 1e\+308"),
    "a little too much": (("--speed", "70.00001"), "speed must be 1 to 70 m/s .* Got 70.00001"),
    "km/h": (("--speed", "120"), "Got 120. If that was km/h, give 33.33"),
    "Pa": (("--brake-pressure-bar", "16000000"), "If that was Pa, give 160"),
    "percent": (("--grade", "5"), "If that was %, give 0.05"),
    "kelvin": (("--road-temperature-c", "290"), "If that was K, give 16.85"),
    "a decimal comma": (("--speed", "33,3"), "speed must be a number of 1 to 70 m/s .* Got '33,3'"),
    "with its unit": (("--speed", "33 m/s"), "Got '33 m/s'"),
    "a word for a switch": (("--abs", "maybe"), "abs must be a number of 0 to 1 .* Got 'maybe'"),
    "Cyrillic": (("--surface", "асфальт"), "surface must be one of asphalt, .* Got 'асфальт'"),
    "a Cyrillic letter": (("--surface", "aspһalt"), "surface must be one of asphalt"),
    "a capital": (("--surface", "Ice"), "surface must be one of asphalt, .* Got 'Ice'"),
    "unknown level": (("--tyre-kind", "slick"), "tyre_kind must be one of summer"),
    "empty": (("--surface", ""), "--surface must not be empty"),
    "empty with equals": (("--speed=",), "--speed must not be empty"),
}


@pytest.mark.parametrize(("words", "said"), NUMBERS.values(), ids=NUMBERS.keys())
def test_a_careless_number_is_refused(run, words, said):
    stop = {"--speed": "20", "--brake-pressure-bar": "80"}
    given = dict([words]) if len(words) == 2 else {words[0]: None}
    options = {name: value for name, value in (stop | given).items() if value is not None}
    flat = [word for pair in options.items() for word in pair] + [
        name for name, value in given.items() if value is None
    ]
    code, out, err = run("predict", *flat)
    assert (code, out) == (2, "")
    assert_said(said, err)


def assert_said(said: str, err: str) -> None:
    """The sentence, wherever a frame around it breaks its lines."""
    assert re.search(said, " ".join(err.replace("│", " ").split())), err
    assert "Traceback" not in err


@pytest.mark.parametrize("word", ["1", "yes", "on", "True", "1.0"])
def test_a_switch_takes_its_words(answered, word):
    stop = ("predict", "--speed", 20, "--brake-pressure-bar", 80)
    assert answered(*stop, "--abs", word) == answered(*stop)


def test_digits_of_another_width_are_digits(answered):
    plain, wide = (answered("predict", "--speed", s, "--brake-pressure-bar", 80) for s in ("20", "\uff12\uff10"))
    assert plain == wide


@pytest.mark.parametrize("missing", [(), ("--brake-pressure-bar", 80), ("--surface", "ice")])
def test_what_is_required_is_named(refused, missing):
    assert "is required" in refused("predict", *missing)


ANSWERED = {  # a table and the plain one that it means
    "NA words": ("speed,brake_pressure_bar,mass\n20,80,NA\n20,80,nan\n20,80,null\n20,80,\n", PLAIN),
    "probabilities": (
        f"speed,brake_pressure_bar,{','.join(SURFACES)}\n20,80,1,0,0,0,0,0\n",
        "speed,brake_pressure_bar,surface\n20,80,asphalt\n",
    ),
    "quoted numbers": ('speed,brake_pressure_bar\n"20","80"\n', PLAIN),
    "numbers with spaces": ("speed, brake_pressure_bar\n20, 80 \n 20,80\n", PLAIN),
    "spaces around a level": (
        "speed,brake_pressure_bar,surface\n20,80, ice\n20,80,ice \n",
        "speed,brake_pressure_bar,surface\n20,80,ice\n",
    ),
    "exponents": ("speed,brake_pressure_bar\n2e1,8E+1\n", PLAIN),
    "words of a switch": ("speed,brake_pressure_bar,abs\n20,80,yes\n20,80,on\n", PLAIN),
    "a gap in a switch": ("speed,brake_pressure_bar,abs\n20,80,True\n20,80,TRUE\n", PLAIN),
}


@pytest.mark.parametrize(("table", "plain"), ANSWERED.values(), ids=ANSWERED.keys())
def test_a_table_means_what_it_says(answered, tmp_path, table, plain):
    (tmp_path / "t.csv").write_text(table)
    (tmp_path / "plain.csv").write_text(plain)
    rows = answered("predict", "--input", tmp_path / "t.csv")["predictions"]
    (expected,) = answered("predict", "--input", tmp_path / "plain.csv")["predictions"]
    assert all(row == expected for row in rows)


REFUSED = {
    "a row of units": ("speed,brake_pressure_bar\nm/s,bar\n20,80\n", "speed in line 2 must be a number .* Got 'm/s'"),
    "two headers glued": (
        "speed,brake_pressure_bar\n20,80\nspeed,brake_pressure_bar\n",
        "speed in line 3 .* Got 'speed'",
    ),
    "a row of commas": ("speed,brake_pressure_bar\n20,80\n,\n", "speed in line 3 is required"),
    "a row of commas after blank lines": ("speed,brake_pressure_bar\n\n20,80\n\n,\n", "speed in line 5 is required"),
    "probabilities that sum to 1.2": (
        "speed,brake_pressure_bar,surface_ice,surface_asphalt\n20,80,0.6,0.6\n",
        "adding up to 1",
    ),
    "a decimal comma in quotes": ('speed,brake_pressure_bar\n"20,5",80\n', "speed must be a number .* Got '20,5'"),
    "no name of a column": ("20,80\n21,80\n", "must have columns of braking factors only"),
    "a misspelt factor": ("speed,break_pressure_bar\n20,80\n", "Did you mean brake_pressure_bar"),
    "a comma at the end of rows": (
        "speed,brake_pressure_bar,mass\n20,80,1500,\n",
        "Got 4 in line 2, the last one empty",
    ),
    "an index without a name": ("speed,brake_pressure_bar\n0,20,80\n", "2 fields .* Got 3 in line 2"),
    "a switch between": (
        "speed,brake_pressure_bar,abs\n20,80,maybe\n",
        "abs must be a number of 0 to 1 .* Got 'maybe'",
    ),
    "a truth for a number": ("speed,brake_pressure_bar,mass\n20,80,True\n", "mass must be a number .* Got True"),
}


@pytest.mark.parametrize("command", ["predict", "ecu"])
@pytest.mark.parametrize(("table", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_careless_table_is_refused(refused, tmp_path, table, said, command):
    (tmp_path / "t.csv").write_text(table)
    strict = ("--on-refusal", "raise") if command == "predict" else ()
    assert_said(said, refused(command, "--input", tmp_path / "t.csv", *strict))


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_are_refused(refused, tmp_path, seed):
    (tmp_path / "t.csv").write_bytes(random.Random(seed).randbytes(4000))
    assert "t.csv must" in refused("predict", "--input", tmp_path / "t.csv")


TABLES = {  # a command that reads a table: its words before the file, and a header of three columns
    "predict": (("predict", "--input"), "speed,brake_pressure_bar,mass"),
    "ecu": (("ecu", "--input"), "speed,brake_pressure_bar,mass"),
    "replay": (("replay",), "time_s,speed,brake_pressure_bar"),
    "evaluate": (("evaluate", "--tests"), "name,braking_distance_m,speed"),
    "correct": (("drives", "correct", "-o", "x.json"), "speed,brake_pressure_bar,deceleration"),
    "bound": (("drives", "bound", "-o", "x.json"), "speed,brake_pressure_bar,deceleration"),
    "adapt": (("drives", "adapt", "--vehicle", "compact", "-o", "x.toml"), "speed,brake_pressure_bar,deceleration"),
    "scenarios": (("drives", "scenarios", "-o", "x.toml"), "start_s,end_s,initial_speed"),
}


@pytest.mark.parametrize(("words", "header"), TABLES.values(), ids=TABLES.keys())
@pytest.mark.parametrize(
    ("row", "fields"), [("1,20,80,5", 4), ("1,20,80,", 4), ("1,20", 2)], ids=["too long", "a comma more", "too short"]
)
def test_every_command_refuses_a_row_that_does_not_fit(refused, tmp_path, monkeypatch, words, header, row, fields):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(f"{header}\n1,20,80\n{row}\n")
    assert_said(f"3 fields in each row, .* Got {fields} in line 3", refused(*words, tmp_path / "t.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]

"""Text in a few cells of a table to predict is missing, which is told; a column full of it is refused."""

import pandas as pd
import pytest

from acc_decel.predictor import Predictor

SPEEDS = [27.8, 20.0, 13.9, 15.0, 30.0, 25.0, 22.0, 18.0, 12.0, 11.0, 10.0, 33.0]
TABLE = pd.DataFrame({"speed": SPEEDS, "brake_pressure_bar": 80.0, "mass": 1500.0, "surface": "asphalt"})


def with_cell(name: str, cell: str) -> pd.DataFrame:
    table = TABLE.astype({name: object})
    table.loc[3, name] = cell
    return table


@pytest.mark.parametrize("cell", ["-", "n/a", "---", "null", "#N/A", "Err", "1,234"])
def test_text_for_an_optional_factor_is_missing_with_a_warning(cell):
    predictor = Predictor()
    with pytest.warns(UserWarning, match=r"^mass holds text in 1 of 12 rows, like .* in row 3 .*: taken as missing"):
        answers = predictor.predict(with_cell("mass", cell))
    missing = TABLE.copy()
    missing.loc[3, "mass"] = float("nan")
    pd.testing.assert_frame_equal(answers, predictor.predict(missing))


def test_text_for_a_required_factor_refuses_its_row_alone():
    with pytest.warns(UserWarning, match="speed holds text in 1 of 12 rows"):
        answers = Predictor().predict(with_cell("speed", "n/a"))
    assert answers["deceleration"].isna().tolist() == [i == 3 for i in range(12)]


def test_whoever_wants_an_error_gets_it_and_so_does_a_column_of_text():
    with pytest.raises(ValueError, match=r"mass in row 3 .* must be a number"):
        Predictor().predict(with_cell("mass", "Err"), on_refusal="raise")
    with pytest.raises(ValueError, match=r"mass in row 0 .* must be a number"):
        Predictor().predict(TABLE.assign(mass="heavy"))


def test_a_file_with_decimal_commas_is_answered_beside_text(tmp_path, run):
    path = tmp_path / "events.csv"
    path.write_text("speed;mass;surface\n27,8;1500,5;asphalt\n20,5;n.a.;asphalt\n15,5;1600;asphalt\n")
    code, _, said = run("predict", "--input", path, "--output", tmp_path / "answers.csv")
    assert code == 0
    assert "mass holds text in 1 of 3 rows, like 'n.a.' in line 3: taken as missing" in said
    assert pd.read_csv(tmp_path / "answers.csv")["deceleration"].notna().all()


@pytest.mark.parametrize(("name", "cell"), [("speed", "fast"), ("surface", "mud"), ("brake_pressure_bar", "80bar")])
def test_one_bad_cell_of_a_small_table_costs_its_own_row(name, cell):
    table = with_cell(name, cell).iloc[2:5]
    with pytest.warns(UserWarning, match=f"^{name} holds .* in 1 of 3 rows, like '{cell}' in row 3"):
        answers = Predictor().predict(table)
    assert answers["deceleration"].isna().tolist() == [False, True, False]
    assert "no prediction" in answers.loc[3, "status_text"]


def test_the_reason_shows_the_cell_as_it_was_written(tmp_path, run):
    path = tmp_path / "events.csv"
    path.write_text("speed,surface\n30,asphalt\nfast,asphalt\n20,unknown\n20,mud\n")
    code, _, said = run("predict", "--input", path, "--output", tmp_path / "answers.csv")
    assert code == 0
    assert "line 3: speed must be a number of 1 to 70 m/s (vehicle speed over ground). Got 'fast'." in said
    assert "like 'mud' in line 5: such rows have no answer" in said
    assert pd.read_csv(tmp_path / "answers.csv")["deceleration"].isna().tolist() == [False, True, False, True]

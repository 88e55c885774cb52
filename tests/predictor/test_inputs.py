"""What is taken as a factor's value in a table or in one event, and what is refused, with the value as it was given."""

import datetime
import json
import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from acc_decel import FACTORS, Predictor
from acc_decel.factors import column_names
from acc_decel.predictor import columns_of

STOP = {"speed": 27.8, "brake_pressure_bar": 80.0}
NUMBERS = [f for f in FACTORS if not f.levels and not f.is_switch]
SWITCHES = [f for f in FACTORS if f.is_switch]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor()


def column(values: object, name: str = "grade") -> np.ndarray:
    series = values if isinstance(values, pd.Series) else pd.Series(values)
    others = {key: [value] * len(series) for key, value in STOP.items() if key != name}
    table = pd.DataFrame({**others, name: series.array}, index=series.index)
    return columns_of(table)[:, column_names().index(name)]


TAKEN = {
    "int": ([0, 0, 0], [0, 0, 0]),
    "Int64 with a gap": (pd.Series([0, None, 0], dtype="Int64"), [0, np.nan, 0]),
    "Float64 with a gap": (pd.Series([0.1, None], dtype="Float64"), [0.1, np.nan]),
    "float16": (pd.Series([0.125], dtype="float16"), [0.125]),
    "longdouble": (pd.Series(np.array([0.125], np.longdouble)), [0.125]),
    "big-endian": (pd.Series(np.array([0.125]).astype(">f4").astype("f4")), [0.125]),
    "object": (pd.Series([0, 0.125, None], dtype=object), [0, 0.125, np.nan]),
    "text": (["0.125", " -0.1 ", None], [0.125, -0.1, np.nan]),
    "a column of texts": (pd.Series(["0.125", None], dtype="string"), [0.125, np.nan]),
    "decimal": ([Decimal("0.125"), None], [0.125, np.nan]),
    "categorical": (pd.Series([0.125, None, 0.125], dtype="category"), [0.125, np.nan, 0.125]),
    "pyarrow": (pd.Series([0.125, None], dtype="double[pyarrow]"), [0.125, np.nan]),
    "pyarrow text": (pd.Series(["0.125", None], dtype="string[pyarrow]"), [0.125, np.nan]),
    "sparse": (pd.Series(pd.arrays.SparseArray([0.0, 0.125])), [0, 0.125]),
    "NA of every kind": (pd.Series([None, np.nan, pd.NA, pd.NaT], dtype=object), [np.nan] * 4),
    "fractions": ([Fraction(1, 8), None], [0.125, np.nan]),
    "NumPy's numbers": (pd.Series([np.float32(0.125), np.int8(0), np.uint64(0)], dtype=object), [0.125, 0, 0]),
}


@pytest.mark.parametrize(("values", "expected"), TAKEN.values(), ids=TAKEN.keys())
def test_numbers_of_every_kind_are_taken(values, expected):
    np.testing.assert_array_equal(column(values), np.array(expected, np.float32))


BOOLEANS = {
    "bool": ([True, False], [1, 0]),
    "with a gap": ([True, None, False], [1, np.nan, 0]),
    "boolean with a gap": (pd.Series([True, None], dtype="boolean"), [1, np.nan]),
    "pyarrow": (pd.Series([True, None], dtype="bool[pyarrow]"), [1, np.nan]),
    "of type object": (pd.Series([True, False, np.bool_(True)], dtype=object), [1, 0, 1]),
    "categorical": (pd.Series([True, False], dtype="category"), [1, 0]),
    "words": (["True", "false", "yes", "NO", " on ", "off", "1", "0.0", None], [1, 0, 1, 0, 1, 0, 1, 0, np.nan]),
    "words and numbers": (pd.Series(["yes", 0, True, 1.0], dtype=object), [1, 0, 1, 1]),
}


@pytest.mark.parametrize("factor", SWITCHES, ids=lambda f: f.name)
@pytest.mark.parametrize(("values", "expected"), BOOLEANS.values(), ids=BOOLEANS.keys())
def test_a_switch_takes_booleans_and_their_words(factor, values, expected):
    np.testing.assert_array_equal(column(values, factor.name), np.array(expected, np.float32))


def test_probabilities_may_be_the_booleans_of_get_dummies(predictor):
    surface = next(f for f in FACTORS if f.name == "surface")
    table = pd.DataFrame([STOP] * len(surface.levels)).assign(surface=surface.levels)
    dummies = pd.get_dummies(table, columns=["surface"])
    assert dummies["surface_ice"].dtype == bool
    pd.testing.assert_frame_equal(predictor.predict(dummies), predictor.predict(table))


WRONG = {
    "period": (pd.Period("2020", "Y"), "Got Period('2020'"),
    "timestamp": (pd.Timestamp(2020, 1, 1), "Got Timestamp('2020"),
    "date": (datetime.date(2020, 1, 1), "Got datetime.date(2020"),
    "time": (datetime.time(1), "Got datetime.time(1"),
    "timedelta": (pd.Timedelta(5, "s"), "Got Timedelta("),
    "NumPy timedelta": (np.timedelta64(5, "s"), "Got "),
    "interval": (pd.Interval(0, 1), "Got Interval(0"),
    "complex": (1 + 0j, "Got (1+0j)"),
    "list": ([1.0], "Got [1.0]"),
    "tuple": ((1.0,), "Got (1.0,)"),
    "set": ({1.0}, "Got {1.0}"),
    "bytes": (b"1", "Got b'1'"),
    "text": ("1 bar", "Got '1 bar'"),
    "decimal comma": ("1,5", "Got '1,5'"),
    "a word of a switch": ("yes", "Got 'yes'"),
    "boolean": (True, "Got True"),
    "NumPy boolean": (np.bool_(True), "Got True"),
}


@pytest.mark.parametrize("dtype", [object, None], ids=["object", "own type"])
@pytest.mark.parametrize(("value", "got"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_number_is_refused_with_factor_row_and_value(value, got, dtype):
    series = pd.Series([None, value], dtype=object)
    series = series if dtype else series.infer_objects()
    with pytest.raises(
        ValueError, match=r"mass in row 1 \(counted from 0\) must be a number of 600 to 5000 kg"
    ) as raised:
        column(series, "mass")
    assert got in str(raised.value)


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(pd.period_range("2020", periods=2, freq="Y")),
        pd.Series(pd.date_range("2020", periods=2)),
        pd.Series(pd.to_timedelta([1, 2], "s")),
        pd.Series([1j, 2j]),
        pd.Series([True, True]),
        pd.Series([True, None], dtype="boolean"),
        pd.Series([[1], [2]]),
    ],
    ids=lambda series: str(series.dtype),
)
def test_a_whole_column_of_another_type_is_refused(values):
    with pytest.raises(ValueError, match=r"mass in row 0 .* must be a number"):
        column(values, "mass")


@pytest.mark.parametrize("factor", NUMBERS, ids=lambda f: f.name)
@pytest.mark.parametrize(
    "value", [True, 1j, [1.0], (1,), pd.Period("2020", "Y"), b"1", datetime.date(2020, 1, 1)], ids=str
)
def test_one_event_refuses_them_too(predictor, factor, value):
    with pytest.raises((ValueError, TypeError), match=factor.name):
        predictor.predict(**STOP | {factor.name: value})


@pytest.mark.parametrize("level", [["asphalt"], 1.0, b"ice", ("ice",), np.array(["ice", "ice"])], ids=str)
def test_a_level_must_be_its_name(level):
    table = pd.DataFrame([STOP | {"surface": None}, STOP | {"surface": None}]).astype({"surface": object})
    table.at[1, "surface"] = level
    with pytest.raises(ValueError, match=r"surface in row 1 .* must be one of asphalt"):
        columns_of(table)


AS_GIVEN = {
    "a little above": (180.00001, "Got 180.00001."),
    "an ulp below": (float(np.nextafter(np.float32(5), np.float32(0))), "Got 4.9999995."),
    "an ordinary number": (77.77777777777777 + 150, "Got 227.778."),
    "larger than float32": (1e308, "Got 1e+308."),
    "larger than any float": (10**400, "Got 1.00000e+400."),
    "as negative": (-(10**400), "Got -1.00000e+400."),
    "a whole number": (181, "Got 181."),
    "infinite": (np.inf, "Got inf."),
}


@pytest.mark.parametrize("rows", [None, 1, 2])
@pytest.mark.parametrize(("value", "got"), AS_GIVEN.values(), ids=AS_GIVEN.keys())
def test_a_value_out_of_range_is_shown_as_it_was_given(predictor, value, got, rows):
    event = STOP | {"brake_pressure_bar": value}
    dtype = object if abs(value) > sys.float_info.max else None  # before pandas 3 it must be said
    with pytest.raises(ValueError, match=r"brake_pressure_bar.* must be 5 to 180 bar") as raised:
        if rows is None:
            predictor.predict(**event)
        else:
            predictor.predict(pd.DataFrame([event] * rows, dtype=dtype), on_refusal="raise")
    assert got in str(raised.value)


INDICES = {
    "of NumPy integers": (pd.Index([np.int64(7), np.int64(8)]), "in row 8 must"),
    "of objects": (pd.Index([np.int64(7), np.int64(8)], dtype=object), "in row 8 must"),
    "of texts": (pd.Index(["a", "b"]), "in row 'b' must"),
    "of several levels": (pd.MultiIndex.from_arrays([[np.int64(0), np.int64(1)], ["a", "b"]]), "in row (1, 'b') must"),
    "from 0": (pd.RangeIndex(2), "in row 1 (counted from 0) must"),
    "with a name": (pd.Index([1.5, 2.5], name="time"), "in time 2.5 must"),
}


@pytest.mark.parametrize(("index", "said"), INDICES.values(), ids=INDICES.keys())
def test_a_row_is_named_as_its_label_was_written(predictor, index, said):
    with pytest.raises(ValueError, match="speed in ") as raised:
        predictor.predict(pd.DataFrame([STOP, STOP | {"speed": 99.0}]).set_axis(index), on_refusal="raise")
    assert said in str(raised.value)


ARGUMENTS = {  # tried where nothing checks annotations, as users run it
    "Predictor(None)": "model must be .* Got NoneType None",
    "Predictor('')": "model must be .* Got an empty name",
    "Predictor(5)": "model must be .* Got int 5",
    "Predictor(b'compact')": "model must be .* Got bytes",
    "Predictor(['compact'])": "model must be .* Got list",
    "Predictor(backend=None)": "backend must be one of auto, c, onnxruntime. Got None",
    "Predictor(correction={'scale': 1.0})": "correction must be .* Got dict",
    "Predictor(correction=1.0)": "correction must be .* Got float",
    "Predictor(correction=False)": "correction must be .* Got bool",
    "model.predict_array([[1.0] * 22])": "columns must be .* Got list",
    "model.predict_array(None)": "columns must be .* Got NoneType",
    "model.predict_array(pd.DataFrame({'speed': [1.0]}))": "columns must be .* Got DataFrame",
    "model.predict_array(np.float32(1))": "columns must be .* Got float32",
    "model.predict_array(np.zeros((1, 22)))": "columns must be float32 .* Got float64",
    "model.predict_array(np.zeros(22, np.float32))": r"columns must be float32 .* Got float32 \[22\]",
    "model.predict(speed=30, brake_pressure_bar=80, on_refusal='flagg')": "on_refusal must be .* Got 'flagg'",
    "model.predict(pd.DataFrame({'speed': [30]}), on_refusal='Raise')": "on_refusal must be .* Got 'Raise'",
    "model.predict(speed=30, brake_pressure_bar=80, on_refusal=None)": "on_refusal must be .* Got None",
    "model.predict(speed=30, brake_pressure_bar=80, on_refusal=True)": "on_refusal must be .* Got True",
    "model.predict(speed=30, brake_pressure_bar=80, explain='no')": "explain must be True or False. Got str no",
    "model.predict(speed=30, brake_pressure_bar=80, explain=None)": "explain must be True or False. Got NoneType",
    "model.predict(speed=30, brake_pressure_bar=80, on_refusal=[])": r"on_refusal must be .* Got \[\]",
    "model.predict(speed=30, brake_pressure_bar=[80])": r"brake_pressure_bar must be a number .* Got \[80\]",
    "model.predict(speed=30, brake_pressure_bar=True)": "brake_pressure_bar must be a number .* Got True",
    "model.predict(speed=30, brake_pressure_bar=pd.Period('2020', 'Y'))": "brake_pressure_bar must be .* Got Period",
    "model.predict(speed=30, brake_pressure_bar=80j)": "brake_pressure_bar must be a number .* Got 80j",
    "model.predict(speed=30, brake_pressure_bar=np.float32(180.00002))": "brake_pressure_bar must .* Got 180.00002",
    "model.predict(speed=30, brake_pressure_bar=80, surface=3)": "surface must be one of asphalt",
    "model.predict(speed=30, brake_pressure_bar=80, surface=['ice'])": "surface must be one of asphalt",
}


@pytest.fixture(scope="module")
def sentences() -> dict[str, str]:
    script = (
        "import json, sys; import numpy as np, pandas as pd; from acc_decel import Predictor; model = Predictor()\n"
        "def sentence(call):\n"
        "    try: return repr(eval(call))\n"
        "    except ValueError as error: return 'ValueError ' + str(error)\n"
        "    except Exception as error: return repr(error)\n"
        "print(json.dumps({call: sentence(call) for call in json.loads(sys.argv[1])}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(list(ARGUMENTS))], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(("call", "said"), ARGUMENTS.items(), ids=ARGUMENTS.keys())
def test_an_argument_of_another_type_is_refused_by_name(sentences, call, said):
    assert re.match(f"ValueError {said}", sentences[call])


@pytest.mark.parametrize("gap", [np.float32("nan"), np.float64("nan"), Decimal("NaN"), None, pd.NA, pd.NaT])
def test_a_gap_of_any_kind_among_names_is_missing(gap):
    surface = pd.Series(["asphalt", gap], dtype=object)
    columns = columns_of(pd.DataFrame({"speed": 27.8, "brake_pressure_bar": 80.0, "surface": surface}))
    first = column_names().index("surface_asphalt")
    assert columns[0, first] == 1
    assert np.isnan(columns[1, first])


def test_the_label_of_a_row_never_buries_the_sentence(predictor):
    table = pd.DataFrame({"speed": [27.8, 0.0], "brake_pressure_bar": 80.0}, index=["a", "b" * 5000])
    with pytest.raises(ValueError, match=r"^speed in row 'b{90,100}\.\.\. must be 1 to 70") as refusal:
        predictor.predict(table, on_refusal="raise")
    assert len(str(refusal.value)) < 300


def test_masked_values_are_refused_and_an_empty_mask_changes_nothing(predictor):
    columns = columns_of(STOP)
    masked = np.ma.masked_invalid(columns)
    with pytest.raises(ValueError, match="Got a masked array, whose values below the mask would be used"):
        predictor.predict_array(masked)
    outputs, _ = predictor.predict_array(np.ma.masked_array(columns))
    np.testing.assert_array_equal(outputs, predictor.predict_array(columns)[0])


def test_columns_are_made_of_a_table_or_of_factors_by_name_only():
    script = "from acc_decel.predictor import columns_of\nfor events in (None, [{}], 5):\n"
    script += "    try: columns_of(events)\n    except ValueError as error: print(error)\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert re.findall(r"Got (\w+): make a DataFrame of it", done.stdout) == ["NoneType", "list", "int"]

"""The command line: help, answers for people and programs, files in and out, and refusals that change nothing."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.main import get_command

from acc_decel import FACTORS, Predictor, cli, evaluation
from acc_decel.dataset import generate
from acc_decel.factors import column_names, schema
from acc_decel.outputs import OUTPUTS

GROUP = get_command(cli.app)
COMMANDS = GROUP.commands
STOP = ("--speed", "33.3", "--brake-pressure-bar", "160")
SAID_OF_A_STOP = {*OUTPUTS, "stopping_distance", "stopping_distance_upper", "status"}


def events() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trip": ["home", "work", "ski"],
            "speed": [33.3, 20.0, 12.0],
            "brake_pressure_bar": [160.0, 80.0, 60.0],
            "surface": ["asphalt", "concrete", "ice"],
            "water_film_mm": [1.0, np.nan, 0.0],
        }
    )


def written(table: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False)
    return path


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_every_option_has_help(name):
    command = COMMANDS[name]
    assert len(command.help) > 100, "worth reading"
    for parameter in command.params:
        assert getattr(parameter, "help", None), parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_printed(run, name):
    code, out, _ = run(name, "--help")
    assert code == 0
    assert COMMANDS[name].help.split(".")[0][:40] in " ".join(out.split())


def test_there_are_the_commands_of_the_flow():
    assert set(COMMANDS) >= {"generate", "train", "evaluate", "export", "predict", "ecu", "evidence", "info"}


@pytest.mark.parametrize("name", ["predict", "ecu"])
@pytest.mark.parametrize("f", FACTORS, ids=lambda f: f.name)
def test_every_factor_is_an_option_with_its_meaning_and_range(name, f):
    option = next(p for p in COMMANDS[name].params if p.name == f.name)
    assert option.opts == [f"--{f.name.replace('_', '-')}"]
    assert f.named_meaning in option.help
    assert (f.choices or f.span) in option.help


def test_one_event_is_answered_for_people(run):
    code, out, _ = run("predict", *STOP, "--surface", "asphalt")
    answer = Predictor().predict(speed=33.3, brake_pressure_bar=160, surface="asphalt")
    assert code == 0
    for part in (f"{answer.deceleration:.2f}", f"{answer.stopping_distance:.2f}", "m/s^2", "not available: mass"):
        assert part in out


def test_one_event_is_answered_for_programs(answered):
    told = answered("predict", *STOP, "--surface", "asphalt")
    answer = Predictor().predict(speed=33.3, brake_pressure_bar=160, surface="asphalt")
    assert set(told) >= SAID_OF_A_STOP
    for name in SAID_OF_A_STOP:
        assert told[name] == pytest.approx(getattr(answer, name), rel=1e-6), name
    assert tuple(told["not_available"]) == answer.not_available


def test_an_infinite_distance_is_null_for_programs(answered):
    told = answered("predict", "--speed", 20, "--brake-pressure-bar", 100, "--surface", "ice", "--grade", -0.2)
    assert told["stopping_distance_upper"] is None


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("to", [".csv", ".parquet"])
def test_a_table_in_gives_a_table_out(run, tmp_path, ending, to):
    source = written(events().drop(columns="trip"), tmp_path / f"events{ending}")
    code, _, err = run("predict", "--input", source, "--output", tmp_path / f"answers{to}")
    assert code == 0, err
    expected = Predictor().predict(events().drop(columns="trip"))
    pd.testing.assert_frame_equal(read(tmp_path / f"answers{to}"), expected, check_dtype=False, rtol=1e-4)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted({f"events{ending}", f"answers{to}"})


def test_columns_may_be_kept_beside_the_answers(run, tmp_path):
    source = written(events(), tmp_path / "events.csv")
    code, _, err = run("predict", "--input", source, "--output", tmp_path / "answers.csv", "--keep", "trip")
    assert code == 0, err
    assert read(tmp_path / "answers.csv")["trip"].tolist() == ["home", "work", "ski"]


def test_a_table_is_answered_for_programs(answered, tmp_path):
    source = written(events(), tmp_path / "events.csv")
    told = answered("predict", "--input", source, "--keep", "trip")["predictions"]
    assert [row["trip"] for row in told] == ["home", "work", "ski"]
    assert all(set(row) >= SAID_OF_A_STOP for row in told)


def test_the_answers_can_be_predicted_from_where_the_dataset_lies(run, small_folder, small_model, tmp_path):
    part = pd.read_parquet(small_folder / "part-00000.parquet")[:200]
    source = written(part[list(column_names())], tmp_path / "events.parquet")
    code, _, err = run("predict", "--model", small_model, "--input", source, "--output", tmp_path / "answers.parquet")
    assert code == 0, err
    assert len(read(tmp_path / "answers.parquet")) == 200


REFUSALS = {
    "speed in km/h": (("--speed", "130", "--brake-pressure-bar", "160"), "Got 130. If that was km/h, give 36.11."),
    "no speed": (("--brake-pressure-bar", "160"), "speed is required: 1 to 70 m/s"),
    "unknown surface": ((*STOP, "--surface", "tarmac"), "surface must be one of asphalt"),
    "not a number": (("--speed", "nan", "--brake-pressure-bar", "160"), "speed is required: 1 to 70 m/s"),
    "unknown model": ((*STOP, "--model", "spaceship"), "Got 'spaceship'"),
    "nothing": ((), "speed is required: 1 to 70 m/s"),
}


@pytest.mark.parametrize("command", ["predict", "ecu"])
@pytest.mark.parametrize(("arguments", "said"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_bad_event_is_refused_in_one_sentence(refused, command, arguments, said):
    assert said in refused(command, *arguments)


@pytest.mark.parametrize(("option", "near"), [("--sped", "--speed"), ("--waterfilm-mm", "--water-film-mm")])
def test_an_unknown_option_is_refused_with_the_nearest(run, option, near):
    code, _, err = run("predict", *STOP, option, "3")
    assert code == 2
    assert option in err
    assert near in err


FILES = {
    "empty file": ("events.csv", b"", "events.csv must be a readable csv table"),
    "only a header": ("events.csv", b"speed,brake_pressure_bar\n", "at least one event"),
    "binary": ("events.csv", bytes(range(256)) * 8, "events.csv must be a readable csv table"),
    "no Parquet": ("events.parquet", b"no parquet", "events.parquet must be a readable parquet table"),
    "other ending": ("events.xlsx", b"PK", "must end in .csv or .parquet. Got '.xlsx'"),
    "no ending": ("events", b"speed\n3\n", "must end in .csv or .parquet. Got 'no ending'"),
    "out of range": ("events.csv", b"speed,brake_pressure_bar\n20,80\n130,80\n", "speed in line 3 must be 1 to 70 m/s"),
    "no value": ("events.csv", b"speed,brake_pressure_bar\n20,80\n,80\n", "speed in line 3 is required: 1 to 70 m/s"),
    "text": (
        "events.csv",
        b"speed,brake_pressure_bar\n20,80\n20,hard\n",
        "brake_pressure_bar in line 3 must be a number",
    ),
    "unknown column": ("events.csv", b"speed,break_pressure_bar\n20,80\n", "Did you mean brake_pressure_bar?"),
}


@pytest.mark.parametrize("command", ["predict", "ecu"])
@pytest.mark.parametrize(("name", "content", "said"), FILES.values(), ids=FILES.keys())
def test_a_bad_file_is_refused_and_the_output_stays_as_it_was(refused, tmp_path, command, name, content, said):
    source, target = tmp_path / name, tmp_path / "answers.csv"
    source.write_bytes(content)
    target.write_text("what was here before")
    strict = ("--on-refusal", "raise") if command == "predict" else ()
    assert said in refused(command, "--input", source, "--output", target, *strict)
    assert target.read_text() == "what was here before"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "answers.csv"])


def test_a_missing_file_is_refused(refused, tmp_path):
    sentence = refused("predict", "--input", tmp_path / "none.csv", "--output", tmp_path / "answers.csv")
    assert "none.csv must be a readable csv table" in sentence
    assert not list(tmp_path.iterdir())


def test_an_output_of_unknown_kind_is_refused(refused, tmp_path):
    assert "must end in .csv or .parquet" in refused("predict", *STOP, "--output", tmp_path / "answers.txt")
    assert not list(tmp_path.iterdir())


def test_a_table_and_factors_at_once_are_refused(refused, tmp_path):
    source = written(events(), tmp_path / "events.csv")
    assert "--input takes no other factors. Got speed" in refused("predict", "--input", source, "--speed", 3)


def test_a_column_to_keep_must_be_there(refused, tmp_path):
    source = written(events(), tmp_path / "events.csv")
    assert "Got 'journey'" in refused("predict", "--input", source, "--keep", "journey")


EXTRAS = {
    "generate without numba": ("numba", "train", ["generate", "--output", "x", "--events", "10"]),
    "generate on a cluster without Dask": (
        "distributed",
        "scale",
        ["generate", "--output", "x", "--events", "10", "--scheduler", "tcp://127.0.0.1:1"],
    ),
    "train without TensorFlow": ("tensorflow", "train", ["train", "DATASET", "--output", "x"]),
    "train without Keras": ("keras", "train", ["train", "DATASET", "--output", "x"]),
    "ecu without ziglang": ("ziglang", "ecu", ["ecu", *STOP]),
    "ecu without unicorn": ("unicorn", "ecu", ["ecu", *STOP]),
    "ecu without elftools": ("elftools", "ecu", ["ecu", *STOP]),
    "ecu without capstone": ("capstone", "ecu", ["ecu", *STOP]),
}


@pytest.mark.slow
@pytest.mark.parametrize(("module", "extra", "arguments"), EXTRAS.values(), ids=EXTRAS.keys())
def test_a_missing_extra_answers_with_the_command_that_installs_it(module, extra, arguments, small_folder, tmp_path):
    arguments = [str(small_folder) if a == "DATASET" else a for a in arguments]
    program = (
        f"import sys; sys.modules[{module!r}] = None; sys.argv = ['acc-decel', *{arguments!r}]\n"
        "from acc_decel.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert f'pip install "acc-decel[{extra}]"' in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_predicting_needs_neither_tensorflow_nor_the_other_extras():
    lacking = ["tensorflow", "keras", "numba", "scipy", "ziglang", "unicorn", "elftools", "capstone"]
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({lacking!r}))\n"
        f"sys.argv = ['acc-decel', 'predict', *{[*STOP]!r}]\n"
        "from acc_decel.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "deceleration" in done.stdout


def test_the_whole_flow_runs_from_the_command_line(run, answered, soon_trained, tmp_path):
    data, model, firmware = tmp_path / "data", tmp_path / "model", tmp_path / "firmware"
    manifest = answered("generate", "--vehicle", "van", "--events", 2500, "--seed", 3, "--output", data)
    assert (manifest["vehicle"], manifest["events"], manifest["seed"]) == ("van", 2500, "3")
    metrics = answered("train", data, "--epochs", 2, "--output", model, "--oracle-events", 12)
    assert metrics["rmse"] > 0
    assert metrics["best_possible"]["factors missing as trained"]["events"] == 12
    code, out, err = run("export", model, "--output", firmware)
    assert code == 0, err
    assert "van" in out
    assert {"acc_decel.c", "acc_decel.h", "acc_decel_tables.h", "golden_vectors.csv"} <= {
        p.name for p in firmware.iterdir()
    }
    told = answered("info", model)
    assert told["vehicle"] == "van"
    assert told["training"]["epochs"] == 2
    assert told["dataset"]["seed"] == "3"
    code, _, err = run("predict", *STOP, "--model", model)
    assert code == 0, err


def test_files_are_as_large_as_from_python():
    defaults = {p.name: p.default for p in COMMANDS["generate"].params}
    assert defaults["partition"] == inspect.signature(generate).parameters["partition"].default


def test_generating_twice_gives_the_same_bytes(run, tmp_path):
    for name in ("first", "second"):
        code, out, err = run("generate", "--events", 300, "--output", tmp_path / name)
        assert code == 0, err
        assert "300 events of compact" in out
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_another_dataset_in_the_folder_is_refused(run, refused, tmp_path):
    run("generate", "--events", 100, "--output", tmp_path / "data")
    before = {p.name: p.read_bytes() for p in (tmp_path / "data").iterdir()}
    assert "Got seed 1" in refused("generate", "--events", 100, "--seed", 2, "--output", tmp_path / "data")
    assert {p.name: p.read_bytes() for p in (tmp_path / "data").iterdir()} == before


def test_a_vehicle_file_with_a_mistake_is_refused(refused, tmp_path):
    (tmp_path / "car.toml").write_text("[body]\nkerb_mass = 3\n")
    sentence = refused("generate", "--vehicle", tmp_path / "car.toml", "--output", tmp_path / "data")
    assert "body.kerb_mass must be 500 to 10000 kg" in sentence
    assert not (tmp_path / "data").exists()


def test_training_without_a_dataset_is_refused(refused, tmp_path):
    assert "acc-decel generate" in refused("train", tmp_path, "--output", tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_training_on_too_few_events_is_refused(run, refused, tmp_path):
    run("generate", "--events", 100, "--output", tmp_path / "data")
    assert "at least 2000 events. Got 100" in refused("train", tmp_path / "data", "--output", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_model_that_is_not_there_is_not_exported(refused, tmp_path):
    assert "Got 'spaceship'" in refused("export", "spaceship", "--output", tmp_path / "firmware")
    assert not list(tmp_path.iterdir())


def test_a_model_is_told_for_programs(answered):
    told = answered("info")
    assert told["vehicle"] == "compact"
    assert told["schema"] == schema()
    assert [f["name"] for f in told["factors"]] == [f.name for f in FACTORS]
    assert [f["unit"] for f in told["factors"]] == [f.unit for f in FACTORS]
    assert told["outputs"] == OUTPUTS
    assert told["metrics"]["rmse"] > 0
    assert told["file"].endswith("model.onnx")


def test_a_model_is_told_for_people(run):
    code, out, _ = run("info")
    assert code == 0
    for f in Predictor().factors:
        assert f.name in out
        assert f.choices in " ".join(out.split()) if f.levels else f.span in out
    assert "RMSE" in out


@pytest.mark.parametrize("content", [b"", b"no model"], ids=["empty", "text"])
def test_an_unreadable_model_is_refused(refused, tmp_path, content):
    (tmp_path / "broken.onnx").write_bytes(content)
    assert "broken.onnx must be an ONNX model of acc_decel" in refused("info", tmp_path / "broken.onnx")
    assert "broken.onnx must be an ONNX model" in refused("predict", *STOP, "--model", tmp_path / "broken.onnx")


@pytest.mark.slow
def test_the_emulated_core_answers_as_onnx_runtime_does(answered, tmp_path):
    source, target = written(events(), tmp_path / "events.csv"), tmp_path / "answers.csv"
    told = answered("ecu", "--input", source, "--keep", "trip", "--output", target)
    assert set(told) >= {
        "target",
        "instructions_per_prediction",
        "flash_bytes",
        "ram_bytes",
        "stack_bytes",
        "max_abs_difference",
        "predictions",
    }
    assert told["target"] == "cortex-m4f"
    assert told["predictions"] == len(events())
    assert 1_000 < told["instructions_per_prediction"] < 1_000_000
    assert told["flash_bytes"] > 4_000
    assert told["stack_bytes"] > 0
    assert told["max_abs_difference"] < 1e-4
    expected = Predictor().predict(events().drop(columns="trip"))
    np.testing.assert_allclose(read(target)["deceleration"], expected["deceleration"], atol=1e-4)


@pytest.mark.slow
def test_other_cores_and_formats_answer_too(answered, refused):
    told = answered("ecu", *STOP, "--core", "cortex-m3", "--format", "fixed")
    assert told["target"] == "cortex-m3"
    assert 0 < told["max_abs_difference"] < 0.1
    assert "must be one of cortex-m4f" in refused("ecu", *STOP, "--core", "z80")
    assert "must be one of float, fixed" in refused("ecu", *STOP, "--format", "int8")


@pytest.mark.slow
def test_the_emulated_core_answers_for_people(run):
    code, out, err = run("ecu", *STOP, "--surface", "asphalt")
    assert code == 0, err
    assert f"{Predictor().predict(speed=33.3, brake_pressure_bar=160, surface='asphalt').deceleration:.3f}"[:4] in out
    assert "instructions_per_prediction" in out


@pytest.mark.slow
def test_the_published_tests_run_on_the_emulated_core(answered):
    told = answered("ecu", "--tests")
    assert [row["name"] for row in told["answers"]] == evaluation.published_tests()["name"].tolist()
    assert told["max_abs_difference"] < 1e-4


def test_own_braking_tests_are_evaluated_for_programs(answered, small_model, tmp_path):
    mine = tmp_path / "mine.csv"
    mine.write_text("name,braking_distance_m,speed,surface\nfirst,40,27.8,asphalt\nsecond,30,22,\n")
    told = answered("evaluate", "--tests", mine, "--model", small_model)
    assert set(told) >= {"mean_abs_error_pct", "inside_interval_pct", "rows"}
    assert [row["name"] for row in told["rows"]] == ["first", "second"]
    for row in told["rows"]:
        assert set(row) >= {"name", "measured_m", "predicted_m", "lower_m", "upper_m"}
        assert row["lower_m"] < row["predicted_m"]
    errors = [abs(row["predicted_m"] / row["measured_m"] - 1) for row in told["rows"]]
    assert told["mean_abs_error_pct"] == pytest.approx(100 * np.mean(errors))


def test_the_published_tests_are_evaluated_for_people(run):
    code, out, err = run("evaluate")
    assert code == 0, err
    assert "mean absolute error" in out
    assert "inside the 90 % interval" in out
    for name in evaluation.published_tests()["name"]:
        assert name in out


def test_the_physics_itself_can_be_evaluated(answered, tmp_path):
    mine = tmp_path / "mine.csv"
    mine.write_text("name,braking_distance_m,speed,surface,water_film_mm,tyre_kind\nfirst,38,27.8,asphalt,0,summer\n")
    row = answered("evaluate", "--tests", mine, "--physics")["rows"][0]
    assert 28 < row["lower_m"] < row["predicted_m"] < row["upper_m"] < 70


BAD_TESTS = {
    "nothing": "",
    "no distance": "name,speed\na,27\n",
    "speed in km/h": "name,braking_distance_m,speed\na,40,130\n",
}


@pytest.mark.parametrize("content", BAD_TESTS.values(), ids=BAD_TESTS.keys())
def test_bad_braking_tests_are_refused(refused, small_model, tmp_path, content):
    (tmp_path / "mine.csv").write_text(content)
    sentence = refused("evaluate", "--tests", tmp_path / "mine.csv", "--model", small_model)
    assert "mine.csv" in sentence or "speed must be" in sentence


@pytest.mark.slow
def test_simulate_draws_the_stop_and_says_what_it_took(answered, tmp_path):
    picture, chart = tmp_path / "stop.png", tmp_path / "map.svg"
    told = answered("simulate", *STOP, "--plot", picture, "--friction-map", chart)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in chart.read_text()
    assert told["factors"]["speed"] == 33.3
    assert 35 < told["stopping_distance"] < 75


def test_simulate_takes_a_typical_car_where_nothing_is_said(run, answered):
    stop = ("--speed", "27.8", "--brake-pressure-bar", "120", "--water-film-mm", "1")
    told = answered("simulate", *stop)
    assert told["factors"]["mass"] == pytest.approx(1650, rel=0.02)
    assert 6 <= told["factors"]["tread_depth_mm"] <= 7
    assert {"mass", "tread_depth_mm"} <= set(told["typical"])
    assert not {option[2:].replace("-", "_") for option in stop[::2]} & set(told["typical"])
    assert 50 < told["stopping_distance"] < 58
    code, out, _ = run("simulate", *stop, "--mass", "1234")
    source = {words[0]: words[-1] for line in out.splitlines() if len(words := line.replace("│", " ").split()) > 2}
    assert code == 0
    assert (source["mass"], source["water_film_mm"], source["tread_depth_mm"]) == ("given", "given", "typical")


def test_simulate_refuses_what_it_cannot_take(refused):
    assert "friction_estimate is a result" in refused("simulate", *STOP, "--friction-estimate", "0.5")
    assert "surface must be one of asphalt" in refused("simulate", *STOP, "--surface", "mud")
    assert "mass must be 1000 to 2300 kg" in refused("simulate", *STOP, "--mass", "2400")


@pytest.mark.slow
def test_influences_tells_every_index_to_a_program(answered, tmp_path):
    picture = tmp_path / "influences.svg"
    told = answered("influences", "--samples", "64", "--plot", picture)
    assert "<svg" in picture.read_text()
    for rows in told["regimes"].values():
        assert {"influence", "total", "total_conf", "first"} <= set(rows[0])


@pytest.mark.slow
def test_a_picture_of_an_unknown_kind_is_refused(refused, tmp_path):
    assert "must end in .png or .svg" in refused("simulate", *STOP, "--plot", tmp_path / "stop.bmp")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_physics_can_be_evaluated_without_a_network(answered):
    told = answered("evaluate", "--physics")
    assert told["tests"] == 112
    assert told["mean_abs_error_pct"] < 11
    assert {score["regime"] for score in told["regimes"]} == {row["regime"] for row in told["rows"]}


def test_a_tool_that_fails_ends_in_one_sentence(monkeypatch, capsys):
    def fail() -> None:
        raise RuntimeError("the compiler must run.\nGot: nothing")

    monkeypatch.setattr(sys.modules["acc_decel.cli.main"], "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "Error: the compiler must run. Got: nothing\n"

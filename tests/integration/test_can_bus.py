"""The virtual ECU on a bus of python-can, and the commands for it: live answers, a silent sender, bad input."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

import can
import cantools
import pandas as pd
import pytest

from acc_decel.export.firmware_files import PROVENANCE
from acc_decel.factors import FACTORS
from acc_decel.integration.can import bus_of, dbc_text
from acc_decel.integration.can.bus_ecu import open_bus, receive_until, serve
from acc_decel.integration.can.senders import Reader
from acc_decel.integration.can.task import CoreTask, Frame, HostTask

BUS = bus_of(FACTORS)
TEXT = dbc_text(BUS, model="compact")
DATABASE = cantools.database.load_string(TEXT, "dbc")
STOP = ("--speed", 30, "--surface", "asphalt", "--water-film-mm", 0)


@pytest.fixture(scope="module")
def folder(made_once) -> Path:
    """The CAN task of the compact car, as the command writes it."""

    def fill(folder: Path) -> None:
        import_module("acc_decel.cli.can.task").task("compact", output=folder / "task")

    return made_once("can_task", fill) / "task"


@pytest.fixture(scope="module")
def build(made_once) -> Path:
    """Where all tests of this file keep what they compile."""
    return made_once("can_build", lambda _: None)


# --- dbc and task -----------------------------------------------------------------------------------------------------


def test_the_dbc_is_that_of_the_layout_and_of_every_write(run, tmp_path) -> None:
    code, out, err = run("can", "dbc", "compact", "--output", tmp_path / "a.dbc")
    assert (code, err) == (0, "") and f"{len(BUS.inputs)} messages to the predictor" in out
    run("can", "dbc", "compact", "--output", tmp_path / "b.dbc")
    assert (tmp_path / "a.dbc").read_bytes() == (tmp_path / "b.dbc").read_bytes()
    read = cantools.database.load_file(tmp_path / "a.dbc")
    assert [m.name for m in read.messages] == [m.name for m in DATABASE.messages]
    assert "accepted: 1000 to 2300 kg" in (tmp_path / "a.dbc").read_text()  # of this car


@pytest.mark.slow
def test_the_task_is_written_beside_the_firmware(folder, tmp_path, run) -> None:
    names = {path.name for path in folder.iterdir()}
    assert {"acc_decel.c", "acc_decel_can.c", "acc_decel_can.h", "acc_decel.dbc", "golden_vectors.h"} <= names
    assert run("export", "compact", "--output", tmp_path)[0] == 0
    of_export = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    before = {name: content for name, content in of_export.items() if name not in PROVENANCE}  # of the export alone
    assert run("can", "task", "compact", "--output", tmp_path)[0] == 0
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {name: after[name] for name in before} == before, "the export itself does not change"
    assert after == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_of_something_else_is_not_replaced(refused, tmp_path) -> None:
    (tmp_path / "acc_decel.dbc").write_text('VERSION "mine"\n')
    assert "acc_decel.dbc must be of an earlier export" in refused("can", "task", "compact", "--output", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["acc_decel.dbc"]


@pytest.mark.parametrize("words", [("dbc",), ("task",), ("demo",), ("ecu", "--bus", "virtual")], ids=" ".join)
def test_a_model_of_another_schema_is_refused(refused, tmp_path, words) -> None:
    from acc_decel.model_folder import models_folder  # noqa: PLC0415

    model = tmp_path / "model"
    model.mkdir()
    for path in (models_folder() / "compact").iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    onnx = (model / "model.onnx").read_bytes()
    assert BUS.schema.encode() in onnx
    (model / "model.onnx").write_bytes(onnx.replace(BUS.schema.encode(), b"0badc0de"))
    output = ("--output", tmp_path / "out") if words[0] in ("dbc", "task") else ()
    sentence = refused("can", *words, model, *output)
    assert f"factor schema {BUS.schema}" in sentence and "0badc0de" in sentence
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [("can", "dbc"), ("can", "task"), ("can", "demo", "--plot")], ids=" ".join)
def test_an_output_that_cannot_be_written_is_refused_and_nothing_is_left(refused, tmp_path, words) -> None:
    (tmp_path / "file").write_text("a file")
    target = tmp_path / "file" / "out.png"
    option = () if words[-1].startswith("--") else ("--output",)
    assert "must be in a folder" in refused(*words, *option, target)
    assert (tmp_path / "file").read_text() == "a file"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


REFUSED = {
    "an unknown bus": (("ecu", "--bus", "usb"), "--bus must be one of virtual, udp_multicast, socketcan"),
    "a device that is not there": (("ecu", "--bus", "socketcan", "--channel", "can7"), "must have the channel can7"),
    "an address that is none": (("ecu", "--bus", "udp_multicast", "--channel", "10.0.0.1"), "must have the channel"),
    "an unknown core": (("ecu", "--bus", "virtual", "--core", "z80"), "The core must be one of cortex-m4f"),
    "an unknown core to measure": (("task", "--costs", "z80"), "The core must be one of cortex-m4f"),
    "no time": (("ecu", "--bus", "virtual", "--duration", "0"), "--duration must be above 0"),
    "an unknown sender": (("demo", "--silent", "Radar"), "--silent must be a sender of the bus: Brake, Camera, Body"),
    "a silence after the end": (("demo", "--silent-at", "9"), "--silent-at must be 1 s or later"),
    "a channel of no bus": (("demo", "--channel", "can0"), "--channel is of a bus"),
    "km/h": (("demo", "--speed", "120", "--surface", "ice"), "If that was km/h, give 33.33"),
    "a picture of no kind": (("demo", "--plot", "drop.bmp"), "must end in .png or .svg"),
    "a folder that is none": (("task", "--output", __file__), "--output must be a folder"),
    "no model": (("dbc", "lorry"), "lorry"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_input_is_refused_in_one_sentence(refused, tmp_path, monkeypatch, words, said) -> None:
    monkeypatch.chdir(tmp_path)
    sentence = refused("can", *words)
    assert said in sentence and len(sentence.strip().splitlines()) == 1
    assert not [*tmp_path.iterdir()]


# --- The demonstration ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_lower_bound_falls_within_the_maximum_age_when_the_camera_falls_silent(run, build, tmp_path) -> None:
    table, picture = tmp_path / "drop.csv", tmp_path / "drop.png"
    code, out, err = run("can", "demo", *STOP, "--output", table, "--plot", picture, "--build", build)
    assert code == 0, err
    assert "Lost: surface, water_film_mm" in out and picture.read_bytes().startswith(b"\x89PNG")
    answers = pd.read_csv(table)
    lower = answers.set_index("time_s")["deceleration_lower"]
    before, after = lower[lower.index <= 1.4].unique(), lower[lower.index > 1.4 + 0.5 - 1e-9].unique()
    assert len(before) == len(after) == 1 and after[0] < before[0] - 3
    assert (lower[(lower.index > 1.4) & (lower.index < 1.895)] == before[0]).all(), "it is held until its maximum age"
    assert answers["below_comfort"].iloc[-1] and not answers["below_comfort"].iloc[100]
    for event, told in ((STOP, before[0]), (STOP[:2], after[0])):
        [value] = [json.loads(run("predict", *event, "--json")[1])["deceleration_lower"]]
        assert 0 <= value - told <= 0.0101, "rounded down to a step"


@pytest.mark.slow
def test_a_silent_brake_leaves_no_bound(answered, build) -> None:
    report = answered("can", "demo", *STOP, "--silent", "Brake", "--build", build)
    assert report["max_age_s"] == 0.05 and 0 < report["fell_after_s"] <= 0.0501
    assert report["lower_after"] is None and {"speed", "abs"} <= set(report["lost"])
    assert report["answers"][-1]["refused"] is True


# --- On a bus ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def channel() -> str:
    return f"test {os.getpid()} {time.monotonic_ns()}"


@pytest.mark.slow
@pytest.mark.parametrize("core", ["host", "cortex-m4f"])
def test_another_program_talks_to_the_ecu(folder, build, channel, core) -> None:
    """This program knows the DBC and python-can only: it asks, and reads what the ECU answers."""
    task = HostTask(folder, BUS, build=build) if core == "host" else CoreTask(folder, BUS, core=core, build=build)
    with open_bus("virtual", channel) as theirs, open_bus("virtual", channel) as ours:
        served: list[object] = []
        thread = threading.Thread(target=lambda: served.append(serve(theirs, BUS, task, seconds=0.8)))
        thread.start()
        reader, known, asked = Reader(BUS, TEXT), {}, 0
        ours.send(can.Message(arbitration_id=0x7FF, data=b"other", is_extended_id=False))
        ours.send(can.Message(arbitration_id=0x1A0, data=bytes(8), is_extended_id=True))
        while thread.is_alive():
            counter = asked % 15
            ours.send(can.Message(arbitration_id=0x1A0, data=motion(counter), is_extended_id=False))
            asked += 1
            end = time.monotonic() + 0.01
            while (left := end - time.monotonic()) > 0 and (message := ours.recv(left)) is not None:
                known |= reader.read(Frame(message.arbitration_id, bytes(message.data))) or {}
        thread.join()
    [service] = served
    assert known["refused"] == "no" and 0 < known["deceleration_lower"] < known["deceleration"]
    assert known["speed_state"] == "ok" and known["surface_state"] == "not_available"
    assert service.ticks == 80 and service.foreign == 1 and service.received >= asked - 5
    assert service.sent == 2 * service.ticks + 16 + 1


def test_only_data_frames_with_standard_identifiers_are_received(channel) -> None:
    with open_bus("virtual", channel) as theirs, open_bus("virtual", channel) as ours:
        for extended, remote in ((True, False), (False, True), (False, False)):
            data = None if remote else bytes(8)
            message = can.Message(0, 0x1A0, is_extended_id=extended, is_remote_frame=remote, dlc=8, data=data)
            ours.send(message)
        assert receive_until(theirs, 0.0) == [Frame(0x1A0, bytes(8))]


def motion(counter: int) -> bytes:
    from e2e import p01  # noqa: PLC0415

    content = {"speed": 25.0, "brake_pressure_bar": 120.0, "abs": 1, "motion_1_crc": 0, "motion_1_counter": counter}
    data = bytearray(DATABASE.encode_message("decel_motion_1", content))
    p01.e2e_p01_protect(data, 0x1A0, increment_counter=False)
    return bytes(data)


@pytest.mark.slow
def test_the_ecu_of_the_command_answers_another_process_and_ends_with_sigterm(run, build) -> None:
    group = f"239.74.{os.getpid() % 250}.77"
    try:
        open_bus("udp_multicast", group).shutdown()
    except ValueError as error:
        pytest.skip(f"not part of the project: this machine has no multicast: {error}")
    asked = ("can", "demo", *STOP, "--bus", "udp_multicast", "--channel", group)
    code, _, err = run(*asked)
    assert code == 2 and "must have an ECU that answers within 1 s" in err
    command = [
        sys.executable,
        "-m",
        "acc_decel",
        "can",
        "ecu",
        "--bus",
        "udp_multicast",
        "--core",
        "host",
        "--build",
        str(build),
    ]
    with subprocess.Popen([*command, "--channel", group], stdout=subprocess.PIPE, text=True) as ecu:
        try:
            assert "answers on udp_multicast" in ecu.stdout.readline()
            code, out, err = run(*asked, "--json")
            ecu.send_signal(signal.SIGTERM)
            rest = ecu.stdout.read()
            assert ecu.wait(20) == 0 and "frames received" in rest and "ms of CPU time a tick" in rest
        finally:
            ecu.kill()  # a failure must not wait for a program that nobody ends
    assert code == 0, err
    assert '"lost": [\n  "surface",' in out


@pytest.mark.slow
def test_the_virtual_bus_has_its_own_senders(answered, build) -> None:
    report = answered("can", "ecu", "--bus", "virtual", "--core", "host", "--duration", 0.5, "--build", build)
    assert report["ticks"] == 50 and report["frames_received"] > 25 and report["costs"] is None

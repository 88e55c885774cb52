"""What a command writes must not replace what it reads, and must be a file or a folder as its option says."""

import os
from pathlib import Path

import pytest

from acc_decel.cli.options import check_output

EVENTS = "speed,brake_pressure_bar,surface\n30,100,ice\n20,80,asphalt\n"
DRIVE = "time_s,speed,brake_pressure_bar\n0,20,80\n0.1,19,80\n"
STOPS = "speed,brake_pressure_bar,deceleration\n30,100,8\n25,100,8.2\n20,90,8.1\n22,90,7.9\n"
RECORDING = "time,speed,ax\n" + "".join(f"{i / 50:.2f},{20 - i / 25:.3f},-2.0\n" for i in range(400))
WRITES = {  # command before its output: what its input holds, the ending, the option
    "predict": (("predict", "--input"), EVENTS, ".csv", "--output"),
    "ecu": (("ecu", "--input"), EVENTS, ".csv", "--output"),
    "replay": (("replay",), DRIVE, ".csv", "--output"),
    "correct": (("drives", "correct"), STOPS, ".csv", "--output"),
    "bound": (("drives", "bound"), STOPS, ".csv", "--output"),
    "adapt": (("drives", "adapt", "--vehicle", "compact"), STOPS, ".csv", "--output"),
    "scenarios": (("drives", "scenarios"), EVENTS, ".csv", "--output"),
    "inspect": (("drives", "inspect"), RECORDING, ".csv", "--output"),
    "events": (("drives", "events"), RECORDING, ".csv", "--output"),
    "score": (("drives", "score"), RECORDING, ".csv", "--output"),
}


def another_name(kind: str, source: Path) -> Path:
    """A path that is the file `source`, by its own name or by another."""
    other = source.parent / "folder" / f"other{source.suffix}"
    other.parent.mkdir(exist_ok=True)
    if kind == "symbolic link":
        other.symlink_to(source)
    elif kind == "hard link":
        os.link(source, other)
    elif kind == "link to a link":
        (source.parent / "between.csv").symlink_to(source)
        other.symlink_to(source.parent / "between.csv")
    return {"itself": source, "by a detour": other.parent / ".." / source.name}.get(kind, other)


@pytest.mark.parametrize("kind", ["itself", "by a detour", "symbolic link", "hard link", "link to a link"])
@pytest.mark.parametrize("command", WRITES)
def test_a_command_does_not_replace_its_input(refused, tmp_path, command, kind):
    words, content, ending, option = WRITES[command]
    source = tmp_path / f"in{ending}"
    source.write_text(content)
    sentence = refused(*words, source, option, another_name(kind, source))
    assert f"{option} must not be a file that the command uses" in sentence
    assert source.read_text() == content


@pytest.mark.parametrize("command", WRITES)
def test_a_folder_or_a_place_in_a_file_is_refused_by_the_name_of_the_option(refused, tmp_path, command):
    words, content, ending, option = WRITES[command]
    source = tmp_path / f"in{ending}"
    source.write_text(content)
    (tmp_path / "folder.csv").mkdir()
    assert f"{option} must be a file. Got the folder" in refused(*words, source, option, tmp_path / "folder.csv")
    assert f"{option} must be in a folder. Got {source}" in refused(*words, source, option, source / "answers.csv")
    assert f"{option} must not be empty" in refused(*words, source, option, "")
    assert f"{option} must not be empty" in refused(*words, source, f"{option}=")


OTHERS = {
    "the recording's description": ("drives", "events", "in.csv", "--recording", "in.toml", "--output", "in.toml.csv"),
    "a file in the folder of recordings": ("drives", "score", ".", "--output", "in.csv"),
    "two pictures": (
        "simulate",
        "--speed",
        20,
        "--brake-pressure-bar",
        80,
        "--plot",
        "a.png",
        "--friction-map",
        "a.png",
    ),
    "table and picture": ("replay", "in.csv", "--output", "link.csv", "--plot", "target.png"),
    "a correction": ("predict", "--speed", 20, "--correction", "in.csv", "--output", "in.csv"),
    "the vehicle to adapt": ("drives", "adapt", "in.csv", "--vehicle", "in.toml", "--output", "in.toml"),
    "metrics of the model": ("drives", "correct", "in.csv", "--model", "model", "--output", "model/metrics.json"),
    "the model": ("drives", "bound", "in.csv", "--model", "model", "--output", "model/model.onnx"),
}


@pytest.mark.parametrize("words", OTHERS.values(), ids=OTHERS.keys())
def test_no_other_file_of_the_command_is_replaced(refused, tmp_path, monkeypatch, words):
    from acc_decel.model_folder import models_folder  # noqa: PLC0415

    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text(STOPS)
    (tmp_path / "in.toml").write_text("")
    (tmp_path / "in.toml.csv").symlink_to(tmp_path / "in.toml")
    (tmp_path / "target.png").write_text("a picture")
    (tmp_path / "link.csv").symlink_to(tmp_path / "target.png")
    (tmp_path / "model").symlink_to(models_folder() / "compact")
    assert "must not be a file that the command uses" in refused(*words)


def test_a_correction_goes_on_in_its_own_file(tmp_path):
    check_output(tmp_path / "correction.json", tmp_path / "stops.csv")


def test_a_device_is_no_file_to_replace():
    with pytest.raises(ValueError, match=r"--output must be a file\. Got the device or pipe /dev/"):
        check_output(Path(os.devnull))


def test_standard_input_is_not_replaced(tmp_path):
    source, link = tmp_path / "t.csv", tmp_path / "stdin.csv"
    source.write_text(EVENTS)
    with source.open() as file:
        link.symlink_to(f"/proc/self/fd/{file.fileno()}")
        if not link.exists():
            pytest.skip("no /proc: not part of the project on this system")
        with pytest.raises(ValueError, match="must not be a file that the command uses"):
            check_output(source, link)


def test_a_folder_where_nothing_can_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # as root may write everywhere
    with pytest.raises(ValueError, match=r"--plot must be in a folder that can be written\. Got /"):
        check_output(tmp_path / "new" / "a.png", option="--plot")


def test_a_folder_to_make_may_lack_its_parents(tmp_path):
    check_output(tmp_path / "a" / "b", folder=True)
    check_output(tmp_path / "a" / "b.csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"--output must be a folder\. Got the file"):
        check_output(tmp_path / "file", folder=True)

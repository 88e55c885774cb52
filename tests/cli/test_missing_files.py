"""A file that is not there ends in one sentence that names it, whichever command asks for it."""

import pytest

STOP = ("--speed", "20", "--brake-pressure-bar", "80")
MISSING = {
    "a table of events": ("predict", "--input", "none.csv"),
    "a correction": ("predict", *STOP, "--correction", "none.json"),
    "a model": ("predict", *STOP, "--model", "none.onnx"),
    "tests": ("evaluate", "--tests", "none.csv"),
    "a vehicle": ("generate", "--vehicle", "none.toml", "--output", "data"),
    "scenarios": ("generate", "--scenarios", "none.toml", "--output", "data"),
    "a vehicle to simulate": ("simulate", *STOP, "--vehicle", "none.toml"),
    "a dataset": ("train", "none.folder", "--output", "model"),
    "a drive": ("replay", "none.csv"),
    "a recording": ("drives", "events", "none.csv"),
    "a recording to inspect": ("drives", "inspect", "none.csv"),
    "a recording to score": ("drives", "score", "none.csv"),
    "a description": ("drives", "events", "drive.csv", "--recording", "none.toml"),
    "a table of stops": ("drives", "correct", "none.csv", "-o", "answer.json"),
    "a table of known stops": ("drives", "adapt", "none.csv", "--vehicle", "compact", "-o", "car.toml"),
    "events of a fleet": ("drives", "scenarios", "none.csv", "-o", "fleet.toml"),
}


@pytest.mark.parametrize("arguments", MISSING.values(), ids=MISSING.keys())
def test_a_missing_file_is_named_in_one_sentence(refused, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drive.csv").write_text("time,speed\n0,10\n1,10\n")
    sentence = refused(*arguments)
    assert "none." in sentence
    assert "[Errno" not in sentence
    assert sentence.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["drive.csv"]

"""Predicting leaves nothing on the disk and starts no thread that could send something."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PREDICT = """
import json, os
from acc_decel import Predictor
Predictor(backend="onnxruntime").predict(speed=30, brake_pressure_bar=100)
print(json.dumps(len(os.listdir("/proc/self/task"))))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_the_first_prediction_writes_no_file_and_starts_no_thread(tmp_path: Path) -> None:
    ours = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(tmp_path)}
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    variables = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"} | ours | threads
    program = [sys.executable, "-c", PREDICT]
    printed = subprocess.run(program, env=variables, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert json.loads(printed) <= 2  # the main thread and one of the session; that of the telemetry would be a third

"""ONNX Runtime sessions, with the options that a network this small needs, and without telemetry.

From 1.32 on, ONNX Runtime keeps an identifier of the machine and queues data for upload, in a thread of its own, from
its import on. The variable ORT_DISABLE_TELEMETRY forbids that, if it is set before.
"""

import os
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read while ONNX Runtime is imported
import onnxruntime


def open_session(path: Path, *, expected: str, remedy: str = "") -> onnxruntime.InferenceSession:
    """A session of the ONNX file `path` on one thread. Raises ValueError, naming what was `expected`, if it cannot."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the network is too small to share
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises classes of its own, without a common one
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(f"{path} must be {expected}. Got: {reason}.{remedy}") from error

"""ONNX Runtime sessions, with the options that a network this small needs, and without telemetry.

From 1.32 on, ONNX Runtime keeps an identifier of the machine and queues data for upload, in a thread of its own, from
its import on. The variable ORT_DISABLE_TELEMETRY forbids that, if it is set before.
"""

import os
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read while ONNX Runtime is imported
import onnxruntime

from acc_decel.outputs import OUTPUTS


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


def check_interface(session: onnxruntime.InferenceSession, path: Path, columns: int) -> None:
    """Raise ValueError if the ONNX file `path` has not the input, with so many `columns`, and outputs of a model."""
    expected = [("factors", "tensor(float)", columns)]
    got = [(put.name, put.type, put.shape[-1]) for put in session.get_inputs()]
    expected += [(name, "tensor(float)", 1) for name in OUTPUTS] + [("status", "tensor(int64)", 1)]
    got += [(put.name, put.type, len(put.shape)) for put in session.get_outputs()]
    for i, (name, kind, size) in enumerate(expected):
        other = got[i] if i < len(got) else ("none",)
        if other != (name, kind, size):
            raise ValueError(
                f"{path} must have {name}, {kind}, as its {'input' if not i else f'output {i - 1}'}. Got "
                f"{' '.join(map(str, other))}: train it again with `acc-decel train`, or fetch it again."
            )

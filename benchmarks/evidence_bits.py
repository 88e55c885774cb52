"""Whether the firmware gives the bits of the NumPy reference: on the host, on emulated cores, as an ONNX graph."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime

from acc_decel.ecu import CortexM, HostEcu
from acc_decel.ecu.cores import CORES
from acc_decel.export import even_events
from acc_decel.export.firmware_files import FIXED, FLOAT, ONNX
from acc_decel.network import DenseNet
from acc_decel.outputs import OUTPUTS
from benchmarks.evidence_events import Answers, answering

EVENTS = 1_000_000
TOGETHER = 20_000  # events, whose answers are compared and then forgotten
SLOW = {FLOAT: ("cortex-m3", "cortex-m0", "rv32ic"), FIXED: ("rv32ic",)}
"""Cores on which routines of the compiler compute in floats, or multiply: they get only TOGETHER events."""


def differences(
    folder: Path, net: DenseNet, number_format: str, *, events: int = EVENTS, on_part: Callable[[], None] = lambda: None
) -> dict[str, dict[str, int]]:
    """Events whose outputs differ in any bit, or in status, from NumPy's: by who answered.

    `folder` is the firmware of `net` in this format. `on_part` is called after every TOGETHER events of one answerer.
    """
    many = even_events(net.factors, events)
    answer = answering(net, number_format)
    parts = [many[start : start + TOGETHER] for start in range(0, events, TOGETHER)]
    pairs = [(some, answer(some)) for some in parts]

    def counted(name: str) -> dict[str, int]:
        asked = answerer(folder, number_format, name)
        own = pairs[: parts_of(number_format, name, events)]
        found = 0
        for some, expected in own:
            found += unlike(asked(some), expected)
            on_part()
        return {"events": sum(len(some) for some, _ in own), "differences": found}

    names = answerers(number_format)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # the slowest first, so that none is left alone for long
        told = dict(zip(reversed(names), pool.map(counted, reversed(names)), strict=True))
    return {name: told[name] for name in names}


def answerers(number_format: str) -> list[str]:
    """Who can answer in this format. In float32, ONNX Runtime sums in another order, which changes the last digits."""
    return ["host", *(["onnxruntime"] if number_format in ONNX else []), *CORES]


def parts_in_all(formats: Iterable[str], events: int = EVENTS) -> int:
    """How many parts `differences` takes for these formats."""
    return sum(parts_of(number_format, name, events) for number_format in formats for name in answerers(number_format))


def parts_of(number_format: str, name: str, events: int) -> int:
    """How many of them one answerer takes."""
    return 1 if name in SLOW.get(number_format, ()) else -(-events // TOGETHER)


def answerer(folder: Path, number_format: str, name: str) -> Callable[[np.ndarray], Answers]:
    """What gives outputs and status of some events."""
    if name == "host":
        return HostEcu(folder).predict_array
    if name in CORES:
        return CortexM(folder, core=name).predict_array
    session = onnxruntime.InferenceSession(folder / ONNX[number_format], providers=["CPUExecutionProvider"])

    def graph(events: np.ndarray) -> Answers:
        *outputs, status = session.run([*OUTPUTS, "status"], {"factors": events})
        return np.stack(outputs, axis=1), status

    return graph


def unlike(got: Answers, expected: Answers) -> int:
    """Number of events that differ."""
    bits = (got[0].view("i4") != expected[0].view("i4")).any(axis=1)
    return int((bits | (got[1] != expected[1])).sum())

"""Comparing the firmware with the NumPy reference, bit by bit: on the host, on emulated cores, as an ONNX graph."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from numpy import ndarray

from acc_decel.ecu import CortexM, HostEcu, QemuEcu
from acc_decel.ecu.cores import CORES, QEMU_ONLY
from acc_decel.evidence.events import Answers, reference
from acc_decel.export import even_events
from acc_decel.export.firmware_files import FORMATS, ONNX
from acc_decel.network import DenseNet
from acc_decel.outputs import OUTPUTS

BITS_EVENTS = 100_000
PART_EVENTS = 20_000  # compared at a time, so that memory stays small
SLOW = ("cortex-m3", "cortex-m0", "rv32ic")
"""Cores where the compiler's routines compute the features and the head: they get only PART_EVENTS events."""


def differences(
    folder: Path,
    net: DenseNet,
    number_format: str,
    *,
    events: int = BITS_EVENTS,
    names: Sequence[str] | None = None,
    on_part: Callable[[], None] = lambda: None,
) -> dict[str, dict[str, int]]:
    """Number of events whose outputs differ in any bit, or in status, from NumPy's, for each answerer.

    `folder` is the firmware of `net` in this format, `names` the answerers if not all. `on_part` is called after every
    PART_EVENTS events of an answerer.
    """
    many = even_events(net.factors, events)
    expected_answers = reference(net, number_format)
    parts = [many[start : start + PART_EVENTS] for start in range(0, events, PART_EVENTS)]
    pairs = [(part, expected_answers(part)) for part in parts]

    def count(name: str) -> dict[str, int]:
        answer = answerer(folder, number_format, name)
        own = pairs[: parts_of(name, events)]
        different = 0
        for part, expected in own:
            different += unlike(answer(part), expected)
            on_part()
        return {"events": sum(len(part) for part, _ in own), "differences": different}

    names = answerers(number_format, names)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # the slowest first
        counts = dict(zip(reversed(names), pool.map(count, reversed(names)), strict=True))
    return {name: counts[name] for name in names}


def self_tests(folder: Path) -> dict[str, str]:
    """What the self-test of a firmware says on the host and on each emulated core."""
    results = {"host": HostEcu(folder).self_test()}
    results |= {name: CortexM(folder, core=name).self_test() for name in CORES}
    results |= {name: QemuEcu(folder, core=name).self_test() for name in QEMU_ONLY}
    return {name: result.name for name, result in results.items()}


def answerers(number_format: str, names: Sequence[str] | None = None) -> list[str]:
    """The answerers of this format, or those of `names`.

    In float32, ONNX Runtime adds in another order, which changes the last digits: it is no answerer.
    """
    every = ["host", *(["onnxruntime"] if number_format in ONNX else []), *CORES, *QEMU_ONLY]
    return [name for name in every if names is None or name in names]


def check_answerers(names: Sequence[str] | None) -> None:
    """Raise ValueError, naming it, if one of `names` answers in no format."""
    every = {name: None for number_format in FORMATS for name in answerers(number_format)}
    if unknown := [name for name in names or () if name not in every]:
        raise ValueError(f"--answerer must be one of {', '.join(every)}. Got {unknown[0]!r}.")


def parts_in_all(formats: Iterable[str], events: int = BITS_EVENTS, names: Sequence[str] | None = None) -> int:
    """Number of parts that `differences` compares for these formats."""
    return sum(parts_of(name, events) for number_format in formats for name in answerers(number_format, names))


def parts_of(name: str, events: int) -> int:
    """Number of parts for one answerer."""
    return 1 if name in SLOW else -(-events // PART_EVENTS)


def answerer(folder: Path, number_format: str, name: str) -> Callable[[ndarray], Answers]:
    """The function with which an answerer gives outputs and status."""
    if name == "host":
        return HostEcu(folder).predict_array
    if name in CORES:
        return CortexM(folder, core=name).predict_array
    if name in QEMU_ONLY:
        return QemuEcu(folder, core=name).predict_array
    session = onnxruntime.InferenceSession(folder / ONNX[number_format], providers=["CPUExecutionProvider"])

    def graph(events: ndarray) -> Answers:
        *outputs, status = session.run([*OUTPUTS, "status"], {"factors": events})
        return np.stack(outputs, axis=1), status.astype(np.int64)  # its int64 is long long in C

    return graph


def unlike(got: Answers, expected: Answers) -> int:
    """Number of events that differ."""
    bits = (got[0].view("i4") != expected[0].view("i4")).any(axis=1)
    return int((bits | (got[1] != expected[1])).sum())

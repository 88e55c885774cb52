"""Random events as an importer of FMI sets them, and the answers that it must get: the bits of the firmware.

Every way of saying the same is used: not available by a Boolean or by NaN, a choice by its enumeration or by its
probabilities, and while something is not available its value is anything.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from acc_decel.correction import Correction
from acc_decel.export import reference_outputs, status_of
from acc_decel.factors import Factor, slices
from acc_decel.integration.fmu import FMI_2, FMI_3
from acc_decel.integration.fmu import variables as v
from acc_decel.network import DenseNet
from acc_decel.outputs import DELAY, OUTPUTS, stopping_distance
from acc_decel.status import FLAGS, NOT_AVAILABLE_SHIFT, OUT_OF_RANGE_SHIFT, REFUSED
from tests.helpers.fmu_car import Fmu
from tests.helpers.random_net import random_events, spoiled

PROBE = Path(__file__).with_name("fmu_probe.c")


@dataclass(frozen=True)
class Drive:
    """Inputs and expected outputs by the name of the variable, one value for each event, and the status."""

    inputs: dict[str, ndarray]
    outputs: dict[str, ndarray]
    status: ndarray

    def __len__(self) -> int:
        return len(self.status)


def drive(net: DenseNet, count: int, *, seed: int = 1) -> Drive:
    """`count` random events, a tenth of them spoiled, and the answers of the reference, which are those of the C."""
    rng = np.random.default_rng(seed)
    events = random_events(rng, count, net.factors)
    bad = rng.random(count) < 0.1
    events[bad] = spoiled(rng, events[bad])
    certain = rng.random(count) < 0.3
    inputs: dict[str, ndarray] = {}
    for factor, own in zip(net.factors, slices(net.factors), strict=True):
        columns = events[:, own]
        if factor.levels:
            columns[certain & ~bad] = np.eye(len(factor.levels))[rng.integers(0, len(factor.levels), count)][
                certain & ~bad
            ]
            columns[(columns == 0).all(axis=1)] = np.nan  # which an FMU takes for unknown
        if factor.is_switch:
            columns[~np.isin(columns, (factor.low, factor.high)) & ~np.isnan(columns)] = factor.high
            columns[columns == factor.low] = factor.low  # a Boolean has no -0
            if not factor.optional:
                columns[np.isnan(columns)] = factor.high
        inputs |= _inputs(rng, factor, columns)
    plain = Correction()  # changes nothing but what a network of random weights answers beyond all limits
    outputs, status = plain.answers(reference_outputs(net, events), status_of(net, events))
    return Drive(inputs, _expected(events, outputs, status), status)


def _inputs(rng: np.random.Generator, factor: Factor, columns: ndarray) -> dict[str, ndarray]:
    """The inputs of one factor, for its columns."""
    rows = len(columns)
    missing = np.isnan(columns).all(axis=1)
    available = ~missing | (rng.random(rows) < 0.5)
    given = columns.astype(float)
    inputs: dict[str, ndarray] = {}
    if factor.levels:
        is_level = ((given == 1).sum(axis=1) == 1) & ((given == 0).sum(axis=1) == len(factor.levels) - 1)
        named = is_level & (rng.random(rows) < 0.5)
        inputs[factor.name] = np.where(named, given.argmax(axis=1) + 1, 0)
        nonsense = rng.uniform(-1, 2, given.shape)
        given = np.where(named[:, None], nonsense, given)
        given[missing & available & (rng.random(rows) < 0.5)] = 0
        inputs |= dict(zip(factor.columns, given.T, strict=True))
    elif factor.is_switch:
        inputs[factor.name] = given[:, 0] == factor.high
        available = ~missing
    else:
        inputs[factor.name] = given[:, 0]
    if factor.optional:
        inputs[f"{factor.name}{v.AVAILABLE}"] = available
        for name in factor.columns:
            if name in inputs and inputs[name].dtype == float:
                inputs[name] = np.where(available, inputs[name], rng.uniform(-1e3, 1e3, rows))
    return inputs


def _expected(events: ndarray, outputs: ndarray, status: ndarray) -> dict[str, ndarray]:
    """All outputs; a refused event has those of the last answer."""
    answered = status & REFUSED == 0
    last = np.maximum.accumulate(np.where(answered, np.arange(len(status)), -1))
    held = np.where((last < 0)[:, None], np.float32(0), outputs[last])
    speed = events[last, 0]
    columns = {name: held[:, i].astype(float) for i, name in enumerate(OUTPUTS)}
    for name, (place, _) in v.DISTANCES.items():
        distance = stopping_distance(speed, held[:, place], held[:, DELAY]).astype(float)
        columns[name] = np.where(last < 0, np.inf, distance)
    columns |= {name.lower(): status & bit != 0 for name, (bit, _) in FLAGS.items()}
    masks = {"out_of_range": OUT_OF_RANGE_SHIFT, "not_available": NOT_AVAILABLE_SHIFT}
    return columns | {name: (status >> shift) & 0xFFFFFF for name, shift in masks.items()}


def write_plan(path: Path, factors: tuple[Factor, ...], events: Drive) -> Path:
    """The file that the probe reads."""
    listed = v.variables(factors)
    kinds = ((v.INPUT, v.REAL), (v.INPUT, v.BOOLEAN), (v.INPUT, v.ENUMERATION))
    kinds += ((v.OUTPUT, v.REAL), (v.OUTPUT, v.BOOLEAN), (v.OUTPUT, v.INTEGER))
    groups = [[x for x in listed if (x.causality, x.kind) == kind] for kind in kinds]
    head = [len(events), *map(len, groups), *(x.reference for group in groups for x in group)]
    names = [x.name for group in groups for x in group]
    columns = [(events.inputs | events.outputs)[name].astype("<f8") for name in names]
    path.write_bytes(np.array(head, "<u4").tobytes() + np.stack(columns, axis=1).tobytes())
    return path


def probe(command: Sequence[str | Path], library: Path, token: str, plan: Path) -> str:
    """What the probe prints."""
    arguments = [*map(str, command), str(library), token, str(plan)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=300)
    return done.stdout + done.stderr


def compile_probe(command: Sequence[str], own: Fmu, program: Path) -> None:
    headers, version = own.folder / "sources", FMI_2 if own.is_fmi2 else FMI_3
    options = ("-std=c99", "-O1", f"-DFMI={version}", f"-I{headers}", str(PROBE), "-o", str(program), "-ldl")
    subprocess.run([*command, *options], check=True)


def found(program: str) -> str:
    """The path of a program. The test is skipped without it; where CI=true, that is an error."""
    if (path := shutil.which(program)) is None:
        pytest.skip(f"{program} missing: apt-get install {program}")
    return path

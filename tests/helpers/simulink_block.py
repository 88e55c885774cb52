"""The C of the Simulink block, called for many events, and what it must answer: the bits of the firmware."""

import ctypes
from pathlib import Path

import numpy as np
from numpy import ndarray

from acc_decel.export import reference_outputs, status_of
from acc_decel.factors import Factor, column_names, slices
from acc_decel.integration.answer_fields import output_fields, status_fields
from acc_decel.integration.simulink.simulink_files import DISTANCES
from acc_decel.network import DenseNet
from acc_decel.outputs import DELAY, LOWER, MEDIAN, OUTPUTS, stopping_distance
from acc_decel.status import FLAGS, REFUSED

DRIVER = """
#include "acc_decel_simulink.h"
#include <stddef.h>
void answer_all(size_t rows, const acc_decel_simulink_factors_t *factors, const uint32_t *known,
                acc_decel_simulink_answer_t *answers)
{
    for (size_t i = 0U; i < rows; i++) {
        acc_decel_simulink(&factors[i], known[i], &answers[i]);
    }
}
"""
NUMPY = {"float": "f4", "uint32_t": "u4", "uint8_t": "u1"}


def answer_type(factors: tuple[Factor, ...]) -> np.dtype:
    fields = (*output_fields(), *DISTANCES, *status_fields(factors))
    return np.dtype([(field.name, NUMPY[field.kind]) for field in fields], align=True)


def answered(library: Path, events: ndarray, factors: tuple[Factor, ...]) -> ndarray:
    """What the wrapper answers; what is not known has a value that must not be read."""
    missing = np.isnan(events)
    known = sum((~missing[:, part].any(axis=1)).astype("u4") << i for i, part in enumerate(slices(factors)))
    rows = np.ascontiguousarray(np.where(missing, np.float32(1e9), events))
    answers = np.full(len(rows) * answer_type(factors).itemsize, 0xAA, "u1").view(answer_type(factors))
    known = np.ascontiguousarray(known, "u4")
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (rows, known, answers)]
    ctypes.CDLL(str(library)).answer_all(ctypes.c_size_t(len(rows)), *pointers)
    return answers


def check(answers: ndarray, net: DenseNet, events: ndarray) -> None:
    outputs, status = reference_outputs(net, events), status_of(net, events)
    refused = status & REFUSED != 0
    for i, name in enumerate(OUTPUTS):
        expected = np.where(refused, np.float32(0), outputs[:, i])
        np.testing.assert_array_equal(answers[name].view("u4"), expected.view("u4"), err_msg=name)
    speed = np.where(refused, np.float32(1), events[:, column_names(net.factors).index("speed")])
    for name, i in (("stopping_distance", MEDIAN), ("stopping_distance_upper", LOWER)):
        expected = np.where(refused, np.float32(0), stopping_distance(speed, outputs[:, i], outputs[:, DELAY]))
        np.testing.assert_array_equal(answers[name].view("u4"), expected.astype("f4").view("u4"), err_msg=name)
    every = 2 ** len(net.factors) - 1
    np.testing.assert_array_equal(answers["out_of_range"], status & every)
    np.testing.assert_array_equal(answers["not_available"], status >> 24 & every)
    for name, (bit, _) in FLAGS.items():
        np.testing.assert_array_equal(answers[name.lower()], status & bit != 0, err_msg=name)


def whole_choices(events: ndarray, factors: tuple[Factor, ...]) -> ndarray:
    """The events with no choice of which only some columns are available, which the mask cannot say."""
    events = events.copy()
    for part in slices(factors):
        events[np.isnan(events[:, part]).any(axis=1), part] = np.nan
    return events

"""What is measured of the ACC unit beside an exported firmware, part by part, for evidence.json and EVIDENCE.md."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from acc_decel.compiled import acc_sources, is_of_acc
from acc_decel.ecu.acc_unit import FUNCTIONS, AccAnswers, AccCore, AccHost
from acc_decel.ecu.cores import CORES, CORTEX_M4F
from acc_decel.evidence.acc_states import acc_states
from acc_decel.evidence.mutation import Driven, score, survivors
from acc_decel.evidence.report import compiler_warnings, coverage, misra, sanitize
from acc_decel.evidence.stack import acc_stack_bound
from acc_decel.evidence.tools import CPPCHECK, GCC, GCOV
from acc_decel.export.acc_reference import acc_answers

UNIT = "acc"  # its name in evidence.json
DRIVER = Path(__file__).parent / "acc_driver.c"
WRAP = (*FUNCTIONS, "acc_decel_acc_none")  # what the self-test calls, so that the driver can make it wrong
DRIVEN = Driven(acc_sources, DRIVER, WRAP)
DRIVER_STATES = 3_000
COST_STATES = 2_000
SHARED = ("acc_decel.h", "acc_decel_word.h", "acc_decel_factors.h")  # headers of the firmware that the unit includes

# Survivors that behave like the original for all possible inputs: a part of the line -> the reason.
EQUIVALENT: dict[str, str] = {}

"""The exported ACC unit: the same bits as its reference on host and cores, small, and on the same road as the lead."""

import ctypes
import shutil
from pathlib import Path

import numpy as np
import pytest

from acc_decel.acc import lead_columns
from acc_decel.compiled import acc_sources
from acc_decel.ecu.acc_unit import AccCore, AccHost
from acc_decel.ecu.self_test import SelfTest
from acc_decel.evidence.acc_states import acc_states
from acc_decel.evidence.acc_unit import MOST_CODE_BYTES, unlike
from acc_decel.export.acc_reference import ACC_VALUES, acc_answers
from acc_decel.factors import column_names
from acc_decel.model_folder import model_path, read_model

EXPORT = Path(__file__).parents[2] / "firmware_export"
STATES = acc_states(20_000)
EXPECTED = acc_answers(STATES)
TRAPS = ("-fsanitize=undefined,float-cast-overflow", "-fno-sanitize-recover=all", "-fsanitize-trap=all")


@pytest.fixture(scope="module")
def host() -> AccHost:
    return AccHost(EXPORT, options=TRAPS)


def test_the_host_gives_the_bits_of_the_reference_also_for_what_is_refused(host):
    assert host.self_test() is SelfTest.PASSED
    got = host.answers(STATES)
    assert unlike(got, EXPECTED) == 0
    assert 0.5 < (got[1] == 0).mean() < 0.95 and np.isinf(got[0]).any()
    assert unlike((np.nextafter(got[0], np.float32(0)), got[1]), EXPECTED) > len(STATES) / 2


@pytest.mark.slow
@pytest.mark.parametrize(("core", "states"), [("cortex-m4f", 2_000), ("cortex-m3", 1_000), ("cortex-m0", 500)])
def test_a_core_gives_the_same_bits(core, states):
    unit = AccCore(EXPORT, core=core)
    assert unit.self_test() is SelfTest.PASSED
    assert unlike(unit.answers(STATES[:states]), (EXPECTED[0][:states], EXPECTED[1][:states])) == 0
    assert unit.image.ram_bytes == 0
    if core == "cortex-m4f":
        assert (unit.image.code_bytes <= MOST_CODE_BYTES, unit.image.library_bytes) == (True, 0)
        costs, _ = unit.costs(STATES[:100], "acc_decel_acc_safe_gap")
        assert 0 < costs.instructions_least < costs.instructions < 1000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("reacted + ((faster", "reacted - ((faster", SelfTest.WRONG_ANSWER),
        ("return closing + acc->standstill", "return closing + 0.0000005F + acc->standstill", SelfTest.OTHER_BITS),
        ("return result & used", "return 0U * (result & used)", SelfTest.WRONG_STATUS),
    ],
)
def test_the_self_test_finds_a_changed_formula(tmp_path, before, after, found):
    folder = Path(shutil.copytree(EXPORT, tmp_path / "changed"))
    (source,) = (path for path in acc_sources(folder) if before in path.read_text())
    source.write_text(source.read_text().replace(before, after))
    assert AccHost(folder).self_test() is found


def test_the_struct_has_the_values_of_the_reference_in_their_order():
    text = (EXPORT / "acc_decel_acc.h").read_text()
    struct = text[text.index("typedef struct {") : text.index("} acc_decel_acc_t;")]
    names = [
        line.split(";")[0].removeprefix("    float ") for line in struct.splitlines() if line.startswith("    float ")
    ]
    assert names == [value.name for value in ACC_VALUES]
    for i, name in enumerate(names):
        assert f"#define ACC_DECEL_ACC_{name.upper()} ((acc_decel_acc_status_t)1U << {i}U)" in text


def test_a_lead_shares_the_road_and_nothing_else(host):
    factors = read_model(model_path("compact").parent)[0].factors
    names = column_names(factors)

    class Factors(ctypes.Structure):
        _fields_ = [(name, ctypes.c_float) for name in names]

    function = host._library.acc_decel_acc_lead_factors
    function.argtypes, function.restype = (ctypes.POINTER(Factors), ctypes.c_float), Factors
    own = np.arange(1.0, len(names) + 1, dtype=np.float32)
    expected = lead_columns(own[None], factors)[0]
    expected[names.index("speed")] = 12.5
    lead = function(ctypes.byref(Factors(*own.tolist())), 12.5)
    np.testing.assert_array_equal([getattr(lead, name) for name in names], expected)
    assert np.isnan(expected).any() and (expected == own).any()

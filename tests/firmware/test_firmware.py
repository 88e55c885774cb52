"""The exported C, compiled for this machine and called from Python: the same answers and the same refusals as NumPy."""

import csv
import ctypes
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy import ndarray

from acc_decel.compiled import SAME_BITS, WARNINGS, firmware_sources
from acc_decel.ecu.compiler import ZIG
from acc_decel.ecu.host import HostEcu
from acc_decel.ecu.self_test import SelfTest
from acc_decel.export.c_float import network_checksum
from acc_decel.export.c_golden import bits, golden_header
from acc_decel.export.c_headers import guard_checksum
from acc_decel.export.c_tables import c_float
from acc_decel.export.firmware_files import STAMPED, firmware_files, write_firmware
from acc_decel.export.reference import reference_outputs, status_of
from acc_decel.factors import EXCLUSIONS, FACTORS, Factor, column_names, schema
from acc_decel.network import LAST, DenseNet, Layer
from acc_decel.outputs import LOWER, ORDERED, OUTPUTS
from acc_decel.status import BELOW_COMFORT, NOT_AVAILABLE_SHIFT, OUT_OF_RANGE_SHIFT, OUTSIDE_DOMAIN, REFUSED
from tests.helpers.random_net import familiar, random_events, random_net, spoiled

TOLERANCE = 1e-4  # [m/s^2], [s]
TRAPS = ("-fsanitize=undefined,float-divide-by-zero", "-fsanitize-trap=all")  # undefined behaviour ends the process
COLUMNS = column_names()
FLT_MAX = np.finfo(np.float32).max


@pytest.fixture(scope="module")
def net() -> DenseNet:
    return random_net(np.random.default_rng(7))


@pytest.fixture(scope="module")
def golden() -> ndarray:
    rng = np.random.default_rng(8)
    events = random_events(rng, 48)
    return np.concatenate([events[:32], spoiled(rng, events[32:])])


@pytest.fixture(scope="module")
def folder(net: DenseNet, golden: ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("firmware_export")
    write_firmware(path, firmware_files(net, model="random", golden=golden))
    return path


@pytest.fixture(scope="module")
def ecu(folder: Path) -> HostEcu:
    """The firmware with traps on undefined behaviour, so that every test here is also a test for that."""
    return HostEcu(folder, options=TRAPS)


@pytest.fixture(scope="module")
def middle() -> ndarray:
    """One event in the middle of every range; of a choice the first level."""
    values = [[1.0] + [0.0] * (len(f.levels) - 1) if f.levels else [(f.low + f.high) / 2] for f in FACTORS]
    return np.concatenate(values)[None, :].astype("f4")


def changed(event: ndarray, **columns: float | np.floating) -> ndarray:
    """The event with some columns replaced."""
    new = event.copy()
    for name, value in columns.items():
        new[:, COLUMNS.index(name)] = value
    return new


def agreed_status(ecu: HostEcu, net: DenseNet, events: ndarray) -> ndarray:
    """The status of the firmware, which must be that of the reference, as must be the outputs."""
    outputs, status = ecu.predict_array(events)
    np.testing.assert_array_equal(status, status_of(net, events))
    np.testing.assert_allclose(outputs, reference_outputs(net, events), rtol=0, atol=TOLERANCE)
    return status


def test_host_c_gives_the_reference_answer_for_thousands_of_accepted_events(ecu: HostEcu, net: DenseNet) -> None:
    status = agreed_status(ecu, net, random_events(np.random.default_rng(1), 5000))
    assert (status & REFUSED == 0).all()
    for bit in (OUTSIDE_DOMAIN, BELOW_COMFORT, 1 << (NOT_AVAILABLE_SHIFT + 2)):
        assert 0 < (status & bit != 0).sum() < len(status)


def test_host_c_refuses_exactly_the_events_that_the_reference_refuses(ecu: HostEcu, net: DenseNet) -> None:
    rng = np.random.default_rng(2)
    status = agreed_status(ecu, net, spoiled(rng, random_events(rng, 5000)))
    assert 100 < (status & REFUSED != 0).sum() < 5000


@pytest.mark.slow
@given(values=st.lists(st.floats(width=32), min_size=len(COLUMNS), max_size=len(COLUMNS)), seed=st.integers(0, 2**32))
def test_any_floats_at_all_give_the_reference_status(
    ecu: HostEcu, net: DenseNet, values: list[float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    event = random_events(rng, 1)
    keep = rng.random(len(COLUMNS)) < rng.random()
    agreed_status(ecu, net, np.where(keep, event, np.array([values], "f4")))


@pytest.mark.parametrize("factor", FACTORS, ids=lambda f: f.name)
def test_ranges_end_at_the_same_float_in_python_and_firmware(
    ecu: HostEcu, net: DenseNet, middle: ndarray, factor: Factor
) -> None:
    low, high = np.float32(factor.low), np.float32(factor.high)
    rest = dict.fromkeys(factor.columns[1:], 0.0)
    below, above = np.nextafter(low, np.float32(-np.inf)), np.nextafter(high, np.float32(np.inf))
    outside = 1 << FACTORS.index(factor)
    for value, accepted in ((high, True), (low, not factor.levels), (below, False), (above, False)):
        status = agreed_status(ecu, net, changed(middle, **{factor.columns[0]: value, **rest}))[0]
        assert (status & (REFUSED | outside)) == (0 if accepted else REFUSED | outside), value
    for value in (np.inf, -np.inf, FLT_MAX, -FLT_MAX):
        status = agreed_status(ecu, net, changed(middle, **{factor.columns[0]: value}))[0]
        assert status == REFUSED | outside << OUT_OF_RANGE_SHIFT


@pytest.mark.parametrize("factor", FACTORS, ids=lambda f: f.name)
def test_a_factor_that_is_not_available_is_named_and_refused_only_if_it_may_not_lack(
    ecu: HostEcu, net: DenseNet, middle: ndarray, factor: Factor
) -> None:
    status = agreed_status(ecu, net, changed(middle, **dict.fromkeys(factor.columns, np.nan)))[0]
    missing = 1 << (NOT_AVAILABLE_SHIFT + FACTORS.index(factor))
    assert status & ~(OUTSIDE_DOMAIN | BELOW_COMFORT) == (missing if factor.optional else missing | REFUSED)


@pytest.mark.parametrize("factor", [f for f in FACTORS if f.levels], ids=lambda f: f.name)
def test_a_choice_of_which_only_a_part_is_given_is_out_of_range(
    ecu: HostEcu, net: DenseNet, middle: ndarray, factor: Factor
) -> None:
    outside = 1 << FACTORS.index(factor)
    for column in factor.columns:
        assert agreed_status(ecu, net, changed(middle, **{column: np.nan}))[0] == REFUSED | outside


@pytest.mark.parametrize("factor", [f for f in FACTORS if f.levels], ids=lambda f: f.name)
def test_probabilities_add_up_to_one_within_a_hundredth_to_the_last_bit(
    ecu: HostEcu, net: DenseNet, middle: ndarray, factor: Factor
) -> None:
    first, second = factor.columns[:2]
    low, high = np.float32(0.99), np.float32(1.01) - np.float32(0.5)
    for value, other, accepted in (
        (low, 0.0, True),
        (np.nextafter(low, np.float32(0)), 0.0, False),
        (high, 0.5, True),
        (high + np.float32(2**-23), 0.5, False),
    ):
        status = agreed_status(ecu, net, changed(middle, **{first: value, second: other}))[0]
        assert (status & REFUSED == 0) == accepted, (value, other)


def test_an_excluded_combination_is_answered_but_flagged(
    net: DenseNet, golden: ndarray, middle: ndarray, tmp_path: Path
) -> None:
    net = familiar(net)
    write_firmware(tmp_path, firmware_files(net, model="familiar", golden=golden))
    ecu = HostEcu(tmp_path, options=TRAPS)
    clear = {c: 0.0 for f in FACTORS if f.levels for c in f.columns} | {"tyre_kind_summer": 1.0}
    for e in EXCLUSIONS:
        lows = {f.name: f.low for f in FACTORS}
        cold = {other.factor: max(lows[other.factor], 0.0) for other in EXCLUSIONS}
        surface = {} if e.column.startswith("surface") else {"surface_asphalt": 1.0}
        at_limit = changed(middle, **(clear | cold | surface | {e.column: 1.0, e.factor: e.limit}))
        further = np.float32(-np.inf if e.below else np.inf)
        beyond = changed(at_limit, **{e.factor: np.nextafter(np.float32(e.limit), further)})
        other = {} if surface else {"surface_asphalt": 1 - e.threshold}
        unsure = changed(beyond, **{e.column: e.threshold, **other})
        missing = changed(beyond, **{e.factor: np.nan})
        for event, flagged in ((at_limit, False), (beyond, True), (unsure, False), (missing, False)):
            assert (agreed_status(ecu, net, event)[0] & OUTSIDE_DOMAIN != 0) == flagged, e.meaning


def test_comfort_is_flagged_exactly_below_its_limit(ecu: HostEcu, net: DenseNet) -> None:
    events = random_events(np.random.default_rng(3), 2000)
    outputs, status = ecu.predict_array(events)
    np.testing.assert_array_equal(status & BELOW_COMFORT != 0, outputs[:, LOWER] < 3.5)


def test_quantiles_never_cross(ecu: HostEcu) -> None:
    outputs, _ = ecu.predict_array(random_events(np.random.default_rng(4), 2000))
    assert (np.diff(outputs[:, ORDERED], axis=1) >= 0).all()
    assert (np.diff(outputs[:, ORDERED], axis=1) > 0).any()


def test_a_refused_call_leaves_the_prediction_as_it_was(ecu: HostEcu, golden: ndarray) -> None:
    before = np.arange(len(golden) * len(OUTPUTS), dtype="f4").reshape(len(golden), -1)
    after, status = ecu.predict_array(golden, into=before)
    refused = status & REFUSED != 0
    assert refused.any() and not refused.all()
    np.testing.assert_array_equal(after[refused], before[refused])
    assert (after[~refused] != before[~refused]).any(axis=1).all()


def test_the_firmware_refuses_an_array_of_the_wrong_width(ecu: HostEcu, golden: ndarray) -> None:
    with pytest.raises(ValueError, match=f"takes {len(COLUMNS)} columns. Got {len(COLUMNS) - 1}"):
        ecu.predict_array(np.ascontiguousarray(golden[:, 1:]))


@pytest.fixture(scope="module")
def library(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The firmware alone."""
    return ctypes.CDLL(str(built(folder, tmp_path_factory.mktemp("library") / "acc_decel.so", "-shared", "-fPIC")))


def built(folder: Path, product: Path, *options: str, main: str = "", compiler: tuple[str, ...] = ZIG) -> Path:
    """The firmware compiled with warnings as errors, with the text `main` beside it if given."""
    sources = [*map(str, firmware_sources(folder))]
    if main:
        product.with_suffix(".c").write_text(main)
        sources.append(str(product.with_suffix(".c")))
    command = [*compiler, *SAME_BITS, *WARNINGS, *options, f"-I{folder}", *sources, "-o", str(product)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return product


def test_null_pointers_are_refused(library: ctypes.CDLL) -> None:
    library.acc_decel_predict.restype = ctypes.c_uint64
    library.acc_decel_predict.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    there = (ctypes.c_float * 64)()
    for factors, prediction in ((None, there), (there, None), (None, None)):
        assert library.acc_decel_predict(factors, prediction) == REFUSED
    assert list(there) == [0.0] * 64


@given(speed=st.floats(0, 70, width=32), deceleration=st.floats(0.5, 12, width=32), delay=st.floats(0, 1, width=32))
def test_stopping_distance_is_that_of_constant_deceleration_after_the_delay(
    library: ctypes.CDLL, speed: float, deceleration: float, delay: float
) -> None:
    distance = stopping_distance(library)(speed, deceleration, delay)
    assert distance == pytest.approx(speed * delay + speed**2 / (2 * deceleration), rel=1e-6, abs=1e-30)


@pytest.mark.parametrize("deceleration", [0.0, -0.0, -1.0, np.nan, -np.inf])
def test_a_car_that_does_not_slow_never_stops(library: ctypes.CDLL, deceleration: float) -> None:
    assert stopping_distance(library)(20.0, deceleration, 0.3) == np.inf


def stopping_distance(library: ctypes.CDLL) -> Callable[[float, float, float], float]:
    library.acc_decel_stopping_distance.argtypes = (ctypes.c_float,) * 3
    library.acc_decel_stopping_distance.restype = ctypes.c_float
    return library.acc_decel_stopping_distance


@given(status=st.integers(0, 2**52 - 1), factor=st.integers(0, 2**32 - 1) | st.integers(0, len(FACTORS) + 1))
def test_status_helpers_read_the_bit_of_each_factor_and_of_no_other(
    library: ctypes.CDLL, status: int, factor: int
) -> None:
    known = factor < len(FACTORS)
    for name, shift in (("out_of_range", OUT_OF_RANGE_SHIFT), ("not_available", NOT_AVAILABLE_SHIFT)):
        says = getattr(library, f"acc_decel_{name}")
        says.argtypes, says.restype = (ctypes.c_uint64, ctypes.c_uint32), ctypes.c_bool
        assert says(status, factor) == (known and bool(status >> (shift + factor) & 1))


def test_no_factors_are_all_not_available(library: ctypes.CDLL) -> None:
    fields = type("Factors", (ctypes.Structure,), {"_fields_": [(c, ctypes.c_float) for c in COLUMNS]})
    library.acc_decel_no_factors.restype = fields
    assert np.isnan([getattr(library.acc_decel_no_factors(), c) for c in COLUMNS]).all()


TABLE_FILES = ("acc_decel_tables.h", "acc_decel_network_tables.h", "acc_decel_domain_tables.h", "golden_vectors.h")
PASSED, TABLES_ALTERED, WRONG_STATUS, WRONG_ANSWER, OTHER_BITS = SelfTest
SELF_TEST = """
#include "acc_decel.h"
int main(void)
{
    return (int)acc_decel_self_test();
}
"""


def self_tested(folder: Path, tmp_path: Path) -> int:
    """What the self-test says, called as an integrator calls it."""
    program = built(folder, tmp_path / "self_test", main=SELF_TEST)
    return subprocess.run([str(program)], check=False).returncode


def altered(folder: Path, copy: Path, name: str, old: str, new: str) -> Path:
    """A copy of the firmware with one passage of one file replaced."""
    shutil.copytree(folder, copy)
    text = (copy / name).read_text()
    assert text.count(old) >= 1, old
    (copy / name).write_text(text.replace(old, new, 1))
    return copy


def test_the_self_test_passes_on_what_was_exported(folder: Path, tmp_path: Path) -> None:
    assert self_tested(folder, tmp_path) == PASSED


def test_every_table_is_under_the_checksum(folder: Path, tmp_path: Path) -> None:
    for name in TABLE_FILES:
        text = (folder / name).read_text()
        tables = re.findall(r"static const \w+ (\w+)\[", text)
        covered = re.findall(r"\{(\w+), \(uint32_t\)sizeof", text)
        assert covered == [table for table in tables if not table.endswith("_ranges")]


@pytest.mark.parametrize("file", TABLE_FILES[:3])
def test_the_self_test_sees_one_changed_bit_of_a_table(folder: Path, tmp_path: Path, file: str) -> None:
    text = (folder / file).read_text()
    number = re.findall(r"^    (?:\{[^}]*, |[^/{]*, )(\d{2,}U|-?\d+\.\d+F)", text, re.M)[-1]
    row = [line for line in text.splitlines() if number in line][-1]
    broken = altered(folder, tmp_path / "broken", file, row, row.replace(number, nudged(number)))
    assert self_tested(broken, tmp_path) == TABLES_ALTERED


def nudged(number: str) -> str:
    """A C constant that differs in the last bit."""
    if number.endswith("U"):
        return f"{int(number[:-1]) ^ 1}U"
    return c_float(np.nextafter(np.float32(number[:-1]), np.float32(np.inf)))


def expecting(folder: Path, copy: Path, net: DenseNet, golden: ndarray, **expected: ndarray) -> Path:
    """A copy of the firmware that expects other `outputs` or another `status`, with the right checksums."""
    answers = {"outputs": reference_outputs(net, golden), "status": status_of(net, golden)} | expected
    checksums = {"GUARD": guard_checksum(net.factors), "NETWORK": network_checksum(net)}
    shutil.copytree(folder, copy)
    (copy / "golden_vectors.h").write_text(golden_header(net, golden, **answers, checksums=checksums, stamp="other"))
    return copy


def test_the_self_test_sees_another_status(folder: Path, tmp_path: Path, golden: ndarray, net: DenseNet) -> None:
    status = status_of(net, golden)
    status[0] ^= BELOW_COMFORT
    assert self_tested(expecting(folder, tmp_path / "broken", net, golden, status=status), tmp_path) == WRONG_STATUS


@pytest.mark.parametrize("output", range(len(OUTPUTS)), ids=OUTPUTS)
@pytest.mark.parametrize(
    ("change", "result"),
    [
        (lambda x: x + np.float32(1e9), WRONG_ANSWER),
        (lambda x: x - np.float32(1e9), WRONG_ANSWER),
        (lambda x: x + np.float32(2e-4), WRONG_ANSWER),
        (lambda x: x + np.float32(5e-5), OTHER_BITS),
        (lambda x: np.nextafter(x, np.float32(99)), OTHER_BITS),
    ],
    ids=["huge", "hugely below", "beyond the tolerance", "within the tolerance", "the last bit"],
)
def test_the_self_test_sees_another_answer_and_other_bits(
    folder: Path,
    tmp_path: Path,
    golden: ndarray,
    net: DenseNet,
    output: int,
    change: Callable[[np.float32], np.float32],
    result: SelfTest,
) -> None:
    outputs = reference_outputs(net, golden)
    outputs[5, output] = change(outputs[5, output])
    assert self_tested(expecting(folder, tmp_path / "broken", net, golden, outputs=outputs), tmp_path) == result


def test_every_flipped_bit_of_the_golden_vectors_is_found(folder: Path, tmp_path: Path, golden: ndarray) -> None:
    program = built(folder, tmp_path / "self_test", main=SELF_TEST)
    image, events = program.read_bytes(), bits(golden).tobytes()
    assert image.count(events) == 1
    rng, flipped = np.random.default_rng(11), bytearray(image)
    for place in image.index(events) + rng.integers(0, len(events), 100):
        flipped[place] ^= 1 << rng.integers(0, 8)
        program.write_bytes(flipped)
        assert subprocess.run([str(program)], check=False).returncode == TABLES_ALTERED
        flipped[place] = image[place]


DAMAGE = {  # what the network and its golden vectors do not see: a passage of the code, and another
    "distance": ("acc_decel.c", "(speed * delay) +", "(speed + delay) +"),
    "half of the distance": ("acc_decel.c", "(2.0F * deceleration)", "(4.0F * deceleration)"),
    "a car that never stops": ("acc_decel.c", "if (deceleration > 0.0F)", "if (deceleration > -2.0F)"),
    "out of range": ("acc_decel.c", "bit_of(ACC_DECEL_OUT_OF_RANGE_SHIFT, factor)", "bit_of(1U, factor)"),
    "not available": ("acc_decel.c", "bit_of(ACC_DECEL_NOT_AVAILABLE_SHIFT, factor)", "bit_of(0U, factor)"),
    "a factor that is not there": ("acc_decel.c", "(factor < ACC_DECEL_FACTOR_COUNT)", "(factor < 64U)"),
    "no factors": ("acc_decel.c", "fill(&factors, not_available);", "fill(&factors, 0.0F);"),
    "no pointer": ("acc_decel.c", "if ((factors != NULL) && (prediction", "if ((factors == NULL) || (prediction"),
    "scale": ("acc_decel_correction.c", "(correction->scale * deceleration) +", "deceleration +"),
    "bias": ("acc_decel_correction.c", " + correction->bias", " - correction->bias"),
    "a lower bound raised": (
        "acc_decel_correction.c",
        "return acc_decel_smaller(transformed(correction, deceleration), deceleration);",
        "return transformed(correction, deceleration);",
    ),
    "offset": ("acc_decel_correction.c", " - offset;", ";"),
    "reduction": ("acc_decel_correction.c", " - reduction;", ";"),
    "below what a car can do": (
        "acc_decel_correction.c",
        "if (deceleration < ACC_DECEL_LEAST",
        "if (1.0F < ACC_DECEL_LEAST",
    ),
    "above": ("acc_decel_correction.c", "(deceleration > ACC_DECEL_GREATEST", "(0.0F > ACC_DECEL_GREATEST"),
    "flag": ("acc_decel_correction.c", "*status |= ACC_DECEL_CORRECTION_LIMITED", "*status |= 0U"),
    "comfort": ("acc_decel_correction.c", "result |= ACC_DECEL_BELOW_COMFORT", "result |= 0U"),
    "a refusal that is lost": ("acc_decel_correction.c", "((status & ACC_DECEL_REFUSED) == 0U) &&", "true &&"),
    "any correction": ("acc_decel_correction.c", "return (correction != NULL) &&", "return (correction != NULL) ||"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("file", "passage", "other"), DAMAGE.values(), ids=DAMAGE)
def test_the_self_test_finds_damage_of_distance_correction_and_readers(
    folder: Path, tmp_path: Path, file: str, passage: str, other: str
) -> None:
    program = built(altered(folder, tmp_path / "broken", file, passage, other), tmp_path / "test", "-w", main=SELF_TEST)
    assert subprocess.run([str(program)], check=False).returncode not in {PASSED, OTHER_BITS}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compiler", "options", "result"),
    [
        (("clang",), ("-O2", "-mfma"), PASSED),  # the pragma keeps the bits
        (("gcc",), ("-std=c99", "-O2", "-mfma"), PASSED),
        (("gcc",), ("-std=c99", "-O2", "-mfma", "-ffp-contract=fast"), OTHER_BITS),
        (("gcc",), ("-O2", "-mfma"), OTHER_BITS),  # its own C, which fuses
    ],
    ids=["clang without the option", "gcc of C99", "gcc that fuses", "gcc without a standard"],
)
def test_a_build_that_fuses_multiply_and_add_does_not_pass(
    folder: Path, tmp_path: Path, compiler: tuple[str, ...], options: tuple[str, ...], result: SelfTest
) -> None:
    if "fma" not in Path("/proc/cpuinfo").read_text() or not shutil.which(compiler[0]):
        pytest.skip("a processor without fused multiply-add, which is not part of the project")
    (tmp_path / "main.c").write_text(SELF_TEST)
    command = [*compiler, *options, f"-I{folder}", *map(str, firmware_sources(folder)), str(tmp_path / "main.c")]
    subprocess.run([*command, "-o", str(tmp_path / "main")], check=True)
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == result


def test_the_self_test_needs_no_correction_if_a_project_has_none(folder: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copytree(folder, tmp_path / "alone"))
    for path in alone.glob("acc_decel_correction.*"):
        path.unlink()
    program = built(alone, tmp_path / "self_test", "-DACC_DECEL_NO_CORRECTION", main=SELF_TEST)
    assert subprocess.run([str(program)], check=False).returncode == PASSED


CPP = """
#include "acc_decel.h"
#include "acc_decel_correction.h"
#include "golden_vectors.h"
int main()
{
    const acc_decel_correction_t correction = {1.0F, 0.0F, 0.0F};
    acc_decel_factors_t factors = acc_decel_no_factors();
    acc_decel_prediction_t prediction;
    factors.speed = 20.0F;
    factors.brake_pressure_bar = 60.0F;
    factors.abs = 1.0F;
    acc_decel_status_t status = acc_decel_predict(&factors, &prediction);
    status = acc_decel_corrected(status, &prediction, &correction, &prediction);
    return (int)acc_decel_self_test() + ((status & ACC_DECEL_REFUSED) != 0U) + acc_decel_out_of_range(status, 0U);
}
"""


@pytest.mark.parametrize("compiler", ["c++", "clang++"])
@pytest.mark.parametrize("standard", ["c++11", "c++17"])
def test_a_cpp_program_links_the_c(folder: Path, tmp_path: Path, compiler: str, standard: str) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is missing: apt-get install g++ clang")
    library = built(folder, tmp_path / "libacc.so", "-shared", "-fPIC", compiler=("cc",))
    (tmp_path / "main.cpp").write_text(CPP)
    warnings = ("-Wall", "-Wextra", "-pedantic", "-Werror")
    command = [compiler, f"-std={standard}", *warnings, f"-I{folder}", str(tmp_path / "main.cpp"), str(library)]
    subprocess.run([*command, "-o", str(tmp_path / "main")], check=True)
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == PASSED


@pytest.mark.parametrize("core", ["armeb", "mips", "powerpc"])
def test_a_big_endian_core_is_refused_by_the_compiler(folder: Path, tmp_path: Path, core: str) -> None:
    command = [*ZIG, "-target", f"{core}-freestanding-eabi", "-c", str(folder / "acc_decel.c"), "-o", "unit.o"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode
    assert "exported for little-endian cores. This core has another byte order" in done.stderr


def test_golden_vectors_fail_on_other_weights(net: DenseNet, golden: ndarray, folder: Path, tmp_path: Path) -> None:
    files = firmware_files(random_net(np.random.default_rng(9)), model="random", golden=golden)
    files["golden_vectors.h"] = (folder / "golden_vectors.h").read_text()
    write_firmware(tmp_path / "other", files)
    assert self_tested(tmp_path / "other", tmp_path) == TABLES_ALTERED


def test_golden_table_holds_the_events_and_their_answers(folder: Path, net: DenseNet, golden: ndarray) -> None:
    lines = (folder / "golden_vectors.csv").read_text().splitlines()
    rows = list(csv.DictReader(lines[1:]))
    assert tuple(rows[0]) == (*COLUMNS, *OUTPUTS, "status")
    table = np.array([[float(row[c] or "nan") for c in (*COLUMNS, *OUTPUTS)] for row in rows], "f4")
    np.testing.assert_array_equal(table, np.concatenate([golden, reference_outputs(net, golden)], axis=1))
    assert [int(row["status"]) for row in rows] == status_of(net, golden).tolist()


def test_the_same_network_gives_the_same_bytes(net: DenseNet, golden: ndarray) -> None:
    again = random_net(np.random.default_rng(7))
    assert firmware_files(net, model="m", golden=golden) == firmware_files(again, model="m", golden=golden.copy())


def test_every_generated_file_names_its_model_and_its_factor_schema(folder: Path) -> None:
    for path in folder.iterdir():
        first = path.read_text().splitlines()[0]
        generated = "Generated" in first or path.suffix not in {".c", ".h"}
        assert (f"Generated by acc_decel export from model random, do not edit. Factor schema {schema()}" in first) == (
            generated
        ), path.name


def test_readme_tells_every_factor_with_its_range(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    for f in FACTORS:
        assert f.meaning in text and f"{f.low:g} to {f.high:g}" in text
    assert "$" not in text


def without(net: DenseNet, part: str, index: int, **arrays: ndarray) -> DenseNet:
    """The network with arrays of one layer replaced."""
    layers: list[Layer] = list(getattr(net, part))
    layers[index] = replace(layers[index], **arrays)
    return replace(net, embedding=tuple(layers)) if part == "embedding" else replace(net, trunk=tuple(layers))


def spoilt(array: ndarray, value: float) -> ndarray:
    array = array.copy()
    array.flat[-1] = value
    return array


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [("embedding", 0), ("embedding", 1), ("trunk", 2)], ids=str)
@pytest.mark.parametrize("name", ["weights", "bias"])
def test_a_weight_that_is_not_finite_is_refused_by_name(
    net: DenseNet, golden: ndarray, place: tuple[str, int], name: str, value: float
) -> None:
    part, index = place
    array = spoilt(getattr(getattr(net, part)[index], name), value)
    with pytest.raises(ValueError, match=rf"{part}\[{index}\].{name} must be finite"):
        firmware_files(without(net, part, index, **{name: array}), model="m", golden=golden)


def test_a_refused_network_writes_nothing(net: DenseNet, golden: ndarray, folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    bad = replace(net, center=spoilt(net.center, np.nan))
    with pytest.raises(ValueError, match="center must be finite"):
        write_firmware(folder, firmware_files(bad, model="m", golden=golden))
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_layers_that_do_not_chain_are_refused_by_name(net: DenseNet, golden: ndarray) -> None:
    narrow = np.ascontiguousarray(net.trunk[1].weights[:, 1:])
    with pytest.raises(ValueError, match=r"trunk\[1\].weights must have the shape \(16, 36\). Got \(16, 35\)"):
        firmware_files(without(net, "trunk", 1, weights=narrow), model="m", golden=golden)
    with pytest.raises(ValueError, match=f"trunk must give {LAST} sums"):
        firmware_files(replace(net, trunk=net.trunk[:-1]), model="m", golden=golden)


def test_weights_whose_sums_could_overflow_are_refused(net: DenseNet, golden: ndarray) -> None:
    with pytest.raises(ValueError, match=r"trunk\[2\] must stay within the range of float32"):
        firmware_files(without(net, "trunk", 2, weights=net.trunk[2].weights * 1e38), model="m", golden=golden)


def test_sums_so_great_that_the_rectifier_rounds_otherwise_are_refused(net: DenseNet, golden: ndarray) -> None:
    with pytest.raises(ValueError, match=r"trunk\[1\] must have sums below 1.67772e\+07"):
        firmware_files(without(net, "trunk", 1, weights=net.trunk[1].weights * 1e9), model="m", golden=golden)


def test_a_layer_of_too_few_inputs_is_refused_by_name(golden: ndarray) -> None:
    narrow = random_net(np.random.default_rng(3), embedding=(3, 8))
    with pytest.raises(ValueError, match=r"embedding\[1\] must have at least 4 inputs for the firmware. Got 3"):
        firmware_files(narrow, model="m", golden=golden)


def test_limits_that_are_upside_down_are_refused(net: DenseNet, golden: ndarray) -> None:
    upside_down = replace(net, low=np.ones_like(net.low), high=np.zeros_like(net.high))
    with pytest.raises(ValueError, match=f"must have {len(OUTPUTS)} limits, low <= high"):
        firmware_files(upside_down, model="m", golden=golden)


@pytest.mark.parametrize("model", ["", "a\nb", "a */ b", "\u00e4"])
def test_a_model_name_that_breaks_a_comment_is_refused(net: DenseNet, golden: ndarray, model: str) -> None:
    with pytest.raises(ValueError, match="model's name must be printable ASCII"):
        firmware_files(net, model=model, golden=golden)


def test_a_file_that_cannot_be_written_leaves_the_old_export(tmp_path: Path) -> None:
    old = {STAMPED: "old", "b": "old"}
    write_firmware(tmp_path, old)
    with pytest.raises(UnicodeEncodeError):
        write_firmware(tmp_path, {STAMPED: "new", "b": "\u00e4"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == old


@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_every_float_survives_the_trip_through_c(value: float) -> None:
    text = c_float(value)
    assert text.endswith("F") and ("." in text or "e" in text)
    assert np.float32(text[:-1]).tobytes() == np.float32(value).tobytes()


def test_a_network_of_other_depth_exports_and_agrees(net: DenseNet, golden: ndarray, tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    square = Layer(rng.normal(0, 0.3, (12, 12)).astype("f4"), np.zeros(12, "f4"))
    deeper = replace(net, embedding=(*net.embedding, square))
    write_firmware(tmp_path, firmware_files(deeper, model="deeper", golden=golden))
    agreed_status(HostEcu(tmp_path), deeper, random_events(rng, 500))


@pytest.mark.parametrize("level", ["-O0", "-O2", "-O3"])
@pytest.mark.parametrize("compiler", [ZIG, ("gcc",)], ids=["zig", "gcc"])
def test_warnings_free_and_the_same_bits_from_every_compiler(
    folder: Path, ecu: HostEcu, golden: ndarray, compiler: tuple[str, ...], level: str
) -> None:
    if not (compiler is ZIG or shutil.which(compiler[0])):
        pytest.skip("gcc is missing: apt-get install gcc")
    outputs, status = HostEcu(folder, compiler=compiler, options=(level,)).predict_array(golden)
    for is_, expected in zip((outputs, status), ecu.predict_array(golden), strict=True):
        assert is_.tobytes() == expected.tobytes()


def test_a_kept_build_is_found_again_until_the_sources_change(folder: Path, tmp_path: Path) -> None:
    build = tmp_path / "build"
    HostEcu(folder, build=build)
    (first,) = build.iterdir()
    HostEcu(folder, build=build, compiler=(*ZIG,))
    assert list(build.iterdir()) == [first]
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "acc_decel.c").write_text((copy / "acc_decel.c").read_text() + "\n")
    HostEcu(copy, build=build)
    assert len(list(build.iterdir())) == 2


def test_a_compiler_that_fails_says_why(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "broken")
    (tmp_path / "broken" / "acc_decel.c").write_text("int nonsense(void) { return unknown; }\n")
    with pytest.raises(RuntimeError, match=r"(?s)must compile.*unknown"):
        HostEcu(tmp_path / "broken")
    with pytest.raises(RuntimeError, match="The compiler must run: no-such-compiler"):
        HostEcu(folder, compiler=("no-such-compiler",))

"""The exported C on the emulated Cortex-M4F: the same bits as on the host, and what it costs on the core."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from numpy import ndarray

from acc_decel.compiled import SAME_BITS, WARNINGS, firmware_sources
from acc_decel.ecu import CortexM, EcuReport, HostEcu
from acc_decel.ecu.compiler import GCC, PRODUCT, ZIG, Compiler
from acc_decel.ecu.cores import CORES, CORTEX_M4F
from acc_decel.ecu.cycles import RunCosts, cortex_m3, cortex_m4
from acc_decel.ecu.image import compile_command, image, link_command
from acc_decel.ecu.self_test import SelfTest, check_passed
from acc_decel.export.firmware_files import FORMATS, firmware_files, write_firmware
from acc_decel.export.reference import status_of
from acc_decel.factors import FACTORS, column_names
from acc_decel.network import FEATURES, HEAD, DenseNet, contradicting, domain_inputs, wiring
from acc_decel.status import OUTSIDE_DOMAIN, REFUSED
from benchmarks import firmware as bench
from benchmarks.firmware_compilers import EXACT, FUSED, best, gcc_is_here, usable
from benchmarks.firmware_peers import EMX, emx_is_here
from tests.helpers.random_net import random_events, random_net, spoiled


@pytest.fixture(scope="module")
def net() -> DenseNet:
    return random_net(np.random.default_rng(7))


@pytest.fixture(scope="module")
def events() -> ndarray:
    rng = np.random.default_rng(11)
    events = random_events(rng, 10_000)
    return np.concatenate([events[:8000], spoiled(rng, events[8000:])])


@pytest.fixture(scope="module")
def folder(net: DenseNet, events: ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("firmware_export")
    write_firmware(path, firmware_files(net, model="random", golden=events[:32]))
    return path


@pytest.fixture(scope="module")
def core(folder: Path) -> CortexM:
    return CortexM(folder)


@pytest.fixture(scope="module")
def report(core: CortexM, events: ndarray) -> EcuReport:
    return core.report(events)


@pytest.mark.slow
def test_the_core_gives_the_bits_of_the_host_for_ten_thousand_events(
    core: CortexM, folder: Path, net: DenseNet, events: ndarray
) -> None:
    outputs, status = core.predict_array(events)
    host_outputs, host_status = HostEcu(folder).predict_array(events)
    np.testing.assert_array_equal(outputs.view("i4"), host_outputs.view("i4"))
    np.testing.assert_array_equal(status, host_status)
    np.testing.assert_array_equal(status, status_of(net, events))
    assert 0 < (status & REFUSED != 0).sum() < len(events)


@pytest.mark.parametrize("rows", [0, 1, 127, 128, 129])
def test_every_row_is_answered_whatever_the_number_of_mailboxes(core: CortexM, events: ndarray, rows: int) -> None:
    outputs, status = core.predict_array(events[:rows])
    all_outputs, all_status = core.predict_array(events[:256])
    np.testing.assert_array_equal(outputs, all_outputs[:rows])
    np.testing.assert_array_equal(status, all_status[:rows])


def test_the_core_refuses_an_array_of_the_wrong_width(core: CortexM, events: ndarray) -> None:
    with pytest.raises(ValueError, match=f"takes {len(column_names())} columns"):
        core.predict_array(np.ascontiguousarray(events[:, 1:]))
    with pytest.raises(ValueError, match="at least one event"):
        core.report(events[:0])


def test_instructions_cover_every_weight_and_little_else(report: EcuReport, net: DenseNet) -> None:
    multiplications = sum(layer.weights.size for layer in net.embedding + net.trunk)
    assert 2 * multiplications < report.instructions_least <= report.instructions_per_prediction < 5 * multiplications


def test_every_event_inside_the_trained_domain_takes_the_same_time(report: EcuReport) -> None:
    assert report.instructions_per_prediction == report.instructions_least


def test_an_event_outside_takes_one_more_prediction_for_each_factor_that_may_contradict(report: EcuReport) -> None:
    once, outside = report.instructions_per_prediction, report.instructions_outside
    assert outside is not None and report.cycles is not None and report.cycles_outside is not None
    assert 2 * once < outside < (1 + len(contradicting(FACTORS))) * once
    assert outside / once == pytest.approx(report.cycles_outside / report.cycles, rel=0.05)


def test_without_an_event_outside_nothing_is_said_of_its_cost(core: CortexM, events: ndarray) -> None:
    _, status = core.predict_array(events[:64])
    inside = core.report(events[:64][status & (REFUSED | OUTSIDE_DOMAIN) == 0])
    assert (inside.instructions_outside, inside.cycles_outside) == (None, None)
    outside = core.report(events[:64][status & OUTSIDE_DOMAIN != 0])
    assert outside.instructions_per_prediction == outside.instructions_outside


def test_a_refused_event_is_measured_where_no_other_is_given(core: CortexM, report: EcuReport) -> None:
    nothing = np.full((3, len(column_names())), np.nan, "f4")
    refused = core.report(nothing)
    assert (refused.predictions, refused.counted) == (3, 3)
    assert 0 < refused.instructions_per_prediction < report.instructions_least


def test_a_repeated_report_says_the_same(core: CortexM, events: ndarray, report: EcuReport) -> None:
    assert core.report(events) == report
    assert (report.target, report.predictions) == ("cortex-m4f", len(events))


def test_flash_is_the_tables_and_a_few_kilobytes_of_code(report: EcuReport, net: DenseNet) -> None:
    # Beyond the weights: limits, scaling, score of the domain, constants of the vehicle; checks, features, head.
    assert 4 * net.weights < report.table_bytes < 4 * net.weights + 4096
    assert 4096 < report.code_bytes < 9216


def test_the_firmware_keeps_no_static_ram(report: EcuReport) -> None:
    assert report.ram_bytes == 0


def test_static_ram_would_be_seen(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    code = (tmp_path / "acc_decel.c").read_text()
    (tmp_path / "acc_decel.c").write_text(f"{code}\nextern float kept[3];\nfloat kept[3] = {{0.0F, 0.0F, 0.0F}};\n")
    assert image(tmp_path, tmp_path / "build", CORES[CORTEX_M4F]).ram_bytes == 12


def test_the_stack_holds_the_buffers_and_little_else(report: EcuReport) -> None:
    wires, values = wiring(FACTORS), len(column_names()) + len(FEATURES) + len(HEAD)
    widest = max(len(wires.forced) + wires.embedding_inputs, 12 + 24)  # or the widest layer beside the embedding's
    buffers = 4 * (2 * values + 2 * widest + 2 * len(domain_inputs(FACTORS)))  # values twice: outside the domain
    assert buffers <= report.stack_bytes < buffers + 352


def test_the_firmware_needs_no_library(folder: Path, tmp_path: Path) -> None:
    given, needed = set(), set()
    for source in firmware_sources(folder):
        unit = tmp_path / f"{source.stem}.o"
        subprocess.run([*compile_command(CORES[CORTEX_M4F]), f"-I{folder}", str(source), "-o", str(unit)], check=True)
        with unit.open("rb") as stream:
            symbols = ELFFile(stream).get_section_by_name(".symtab")
            assert isinstance(symbols, SymbolTableSection)
            for symbol in symbols.iter_symbols():
                (needed if symbol["st_shndx"] == "SHN_UNDEF" else given).add(symbol.name)
    assert needed - given == set()


@pytest.mark.parametrize("name", ["weights", "column_limits"])
def test_one_bit_of_a_table_altered_in_flash_fails_the_self_test(folder: Path, tmp_path: Path, name: str) -> None:
    core = CortexM(folder, build=tmp_path)
    assert core.self_test() == 0
    where = image(folder, tmp_path, CORES[CORTEX_M4F]).symbols[name]
    assert core.self_test(altered=where + 6) == 1


def test_the_result_of_a_self_test_is_a_sentence_with_its_cause() -> None:
    check_passed(0, "cortex-m4f")
    for result in [result for result in SelfTest if result]:
        with pytest.raises(RuntimeError, match=rf"must pass on cortex-m4f\. Got {result.name}: "):
            check_passed(result, "cortex-m4f")
    with pytest.raises(RuntimeError, match=r"OTHER_BITS: .* compile with -ffp-contract=off"):
        check_passed(4, "host")


@pytest.mark.slow
def test_the_self_test_costs_more_than_its_golden_vectors_and_little_more_stack(
    core: CortexM, report: EcuReport
) -> None:
    costs = core.self_test_costs()
    assert costs.instructions > 24 * report.instructions_per_prediction  # of 32 events some are refused, which is less
    assert costs.cycles is not None
    assert costs.cycles > costs.instructions
    assert report.stack_bytes < costs.stack_bytes < report.stack_bytes + 256


@pytest.mark.parametrize("name", ["cortex-m3", "cortex-m7", "rv32imfc"])
def test_other_cores_give_the_bits_of_the_host(folder: Path, events: ndarray, name: str) -> None:
    some = events[::100]
    outputs, status = CortexM(folder, core=name).predict_array(some)
    host_outputs, host_status = HostEcu(folder).predict_array(some)
    np.testing.assert_array_equal(outputs.view("i4"), host_outputs.view("i4"))
    np.testing.assert_array_equal(status, host_status)


@pytest.mark.slow
def test_a_risc_v_is_counted_too_and_tests_itself(folder: Path, events: ndarray, net: DenseNet, tmp_path: Path) -> None:
    core = CortexM(folder, core="rv32imfc", build=tmp_path)
    costs = core.report(events, sample=16)
    layers = sum(layer.weights.size for layer in net.embedding + net.trunk)
    assert 2 * layers < costs.instructions_least <= costs.instructions_per_prediction < 20 * layers
    assert (costs.cycles, costs.multiplications, costs.ram_bytes, costs.library_bytes) == (None, 0, 0, 0)
    assert 8 * len(column_names()) < costs.stack_bytes < 1280  # the columns twice: outside the domain
    weights = image(folder, tmp_path, CORES["rv32imfc"]).symbols["weights"]
    assert (core.self_test(), core.self_test(altered=weights + 6)) == (0, 1)


def test_multiplications_of_a_risc_v_are_told_apart() -> None:
    code = bytes.fromhex("3385650233c5650233e5650233856500")  # mul, div, rem, add
    run = RunCosts(None, CORES["rv32imfc"].architecture.disassembler).run(0, code)
    assert (run.instructions, run.multiplications, run.cycles) == (4, 3, 0)


def test_the_guards_cost_less_than_a_quarter_of_the_network(report: EcuReport) -> None:
    assert 0.05 < report.guard_share < 0.25


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number_format", "core", "gain"),
    [("float", CORTEX_M4F, 1.1), ("fixed", CORTEX_M4F, 1.1), ("fixed", "cortex-m3", 1.03)],
    # without an FPU most of the time is the soft float of the features
)
def test_plain_c_gives_the_bits_of_the_kernel_by_hand(
    net: DenseNet, events: ndarray, number_format: str, core: str, gain: float, tmp_path: Path
) -> None:
    by_hand, plain = tmp_path / "by_hand", tmp_path / "plain"
    write_firmware(by_hand, firmware_files(net, model="random", golden=events[:32], number_format=number_format))
    plain.mkdir()
    for path in by_hand.glob("*.[ch]"):
        defined = "#define ACC_DECEL_PLAIN_C\n" if path.name.endswith("layers.c") else ""
        (plain / path.name).write_text(defined + path.read_text())
    slow, fast = CortexM(plain, core=core), CortexM(by_hand, core=core)
    for is_, expected in zip(slow.predict_array(events[:300]), fast.predict_array(events[:300]), strict=True):
        assert is_.tobytes() == expected.tobytes()
    cycles = [each.report(events, sample=8).cycles for each in (slow, fast)]
    assert cycles[0] > gain * cycles[1]


def test_an_unknown_core_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"must be one of cortex-m4f, .* Got 'z80'"):
        CortexM(folder, core="z80")


PROGRAM = """
.syntax unified
.thumb
vmul.f32 s0, s1, s2
vadd.f32 s3, s3, s0
vadd.f32 s4, s5, s6
vldmia r0!, {s0-s7}
vfma.f32 s0, s1, s2
vdiv.f32 s8, s9, s10
ldr r1, [r2]
ldr r3, [r4]
ldr r5, [r3]
ldrd r6, r7, [r0]
ldm r0!, {r1, r2, r3, r4}
str r1, [r2, #4]
ldr r5, [r2]
str r5, [r2, #8]
add r1, r2, r3
ldr r4, [r1]
ldr r5, [r2], #4
vldr s0, [r3]
smlad r1, r2, r3, r1
push {r4, r5, lr}
mla r1, r2, r3, r4
smull r1, r2, r3, r4
udiv r1, r2, r3
it eq
addeq r1, r2, r3
bne .
"""
M4_CYCLES = [1, 2, 1, 9, 3, 14, 2, 1, 2, 3, 5, 1, 2, 1, 1, 3, 1, 2, 1, 4, 1, 1, 12, 1, 1, 1]


def test_cycles_are_those_of_the_manual(tmp_path: Path) -> None:
    """Each as the M4's manual has it.

    vadd uses the product at once, ldr r5 the address just loaded, ldr r4 the one just computed; nothing overlaps what
    follows a store, and no load of the FPU overlaps.
    """
    (tmp_path / "program.s").write_text(PROGRAM)
    unit = tmp_path / "program.o"
    command = [*ZIG, *CORES[CORTEX_M4F].target, "-c", str(tmp_path / "program.s"), "-o", str(unit)]
    subprocess.run(command, check=True)
    with unit.open("rb") as stream:
        code = ELFFile(stream).get_section_by_name(".text").data()
    whole = RunCosts(cortex_m4).run(0, code)
    assert (whole.instructions, whole.cycles, whole.refill, whole.end) == (26, sum(M4_CYCLES), 2, len(code))
    longer = 1 + 4 + 1  # mla, smull, and the load that moves its base
    assert RunCosts(cortex_m3).run(0, code).cycles == sum(M4_CYCLES) + longer
    assert RunCosts(None).run(0, code).cycles == 0
    with pytest.raises(ValueError, match="must be instructions"):
        RunCosts(cortex_m4).run(0, b"\xff")


def test_a_kept_image_is_found_again(folder: Path, tmp_path: Path, events: ndarray) -> None:
    first, _ = CortexM(folder, build=tmp_path).predict_array(events[:10])
    kept = sorted(tmp_path.iterdir())
    second, _ = CortexM(folder, build=tmp_path).predict_array(events[:10])
    assert sorted(tmp_path.iterdir()) == kept
    np.testing.assert_array_equal(first, second)


def test_without_other_options_the_image_is_the_product_s(folder: Path, tmp_path: Path) -> None:
    core = CORES[CORTEX_M4F]
    target = ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp")
    options = ("-O2", "-fno-unroll-loops", "-ffreestanding", "-fno-unwind-tables")
    assert compile_command(core) == (*ZIG, *SAME_BITS, *WARNINGS, *target, *options, "-c")
    assert link_command(core)[:-1] == (*ZIG, *target, "-O2", "-g", "-nostdlib", "-T")
    own = image(folder, tmp_path, core)
    assert image(folder, tmp_path, core, Compiler(options[:2])) == own
    assert len([*tmp_path.glob("*.elf")]) == 1
    assert image(folder, tmp_path, core, Compiler(("-O3",))).segments != own.segments


@pytest.mark.parametrize("name", CORES)
def test_the_gcc_compiles_for_arm_cores_only(name: str) -> None:
    core, gcc = CORES[name], Compiler(gcc=True)
    if name.startswith("cortex"):
        assert compile_command(core, gcc)[0] == link_command(core, gcc)[0] == GCC
        assert {f"-mcpu={name.removesuffix('-ftz').removesuffix('f')}", "-mthumb"} < {*compile_command(core, gcc)}
        assert ("-mfloat-abi=hard" in link_command(core, gcc)) == core.fpu
    else:
        for command in (compile_command, link_command):
            with pytest.raises(ValueError, match=f"must be an Arm core for {GCC}. Got {name}: take zig"):
                command(core, gcc)


@pytest.mark.skipif(shutil.which(GCC) is None, reason=f"{GCC} is missing: apt-get install gcc-arm-none-eabi")
@pytest.mark.parametrize("name", [CORTEX_M4F, "cortex-m0"])
def test_the_gcc_gives_the_same_bits(folder: Path, events: ndarray, name: str) -> None:
    asked = events[-20:]  # some are refused
    by_gcc, by_zig = (CortexM(folder, core=name, compiler=Compiler(("-O3",), gcc=gcc)) for gcc in (True, False))
    for one, other in zip(by_gcc.predict_array(asked), by_zig.predict_array(asked), strict=True):
        np.testing.assert_array_equal(one, other)
    costs = by_gcc.report(asked[:1])
    assert (costs.library_bytes > 1_000) == (not CORES[name].fpu)  # libgcc computes without an FPU
    assert costs.ram_bytes == 0


@pytest.mark.slow
def test_the_benchmarks_plain_network_runs_in_every_form_on_one_core(tmp_path: Path) -> None:
    emx = emx_is_here()
    subjects = {subject.folder.name: subject for subject in bench.plain(tmp_path, 64, emx=emx)}
    assert {*subjects} >= {"float", "fixed", "loop"}
    limits = {"float": (0.0, 4.1), "fixed": (0.01, 3.0), "loop": (0.0, 7.6)}  # away, cycles for a multiply-add
    cycles = {}
    for name, subject in subjects.items():
        away, most = limits.get(name, (0.1 if subject.number_format == bench.INT8 else 1e-4, 99))
        zig = [each for each in subject.compilers if not each.gcc][:2]
        rows = bench.rows_of(replace(subject, compilers=zig), [CORTEX_M4F], gcc=False)
        assert [row["chosen"] for row in rows] == ["the product's"] * (name in FORMATS) + ["best of 2"]
        assert all(row["max_abs_difference"] <= away for row in rows)
        assert all(row["cycles_per_mac"] == row["cycles"] / 1440 for row in rows)
        cycles[name] = rows[-1]["cycles"]
        assert cycles[name] < 1440 * most
    for name in {name for name, each in subjects.items() if each.tool != bench.OURS and each.number_format == "float"}:
        assert cycles["fixed"] < cycles["float"] < cycles[name] / 1.5


@pytest.mark.slow
def test_the_benchmark_shows_the_least_of_what_it_tried_with_its_options(tmp_path: Path) -> None:
    gcc = gcc_is_here()
    subject = next(each for each in bench.plain(tmp_path, 8, emx=False) if each.tool == bench.OURS)
    for core in ("cortex-m7", "rv32imfc"):
        product, best_one = bench.rows_of(subject, [core], gcc=gcc)
        asked = [str(each) for each in EXACT if not each.gcc or (gcc and core == "cortex-m7")]
        assert [*best_one["tried"]] == asked
        assert f"{product['compiler']} {product['options']}" == str(PRODUCT) == "zig -O2 -fno-unroll-loops"
        assert best_one["cycles"] is None  # no timings are published: instructions decide
        assert best_one["instructions"] == min(best_one["tried"].values()) <= product["instructions"]
        assert best_one["tried"][f"{best_one['compiler']} {best_one['options']}"] == best_one["instructions"]


def test_the_best_has_the_fewest_cycles_then_the_least_flash_then_comes_first() -> None:
    costs = {"a": (9, 1), "b": (7, 5), "c": (7, 4), "d": (7, 4)}
    assert best({name: SimpleNamespace(cost=cost) for name, cost in costs.items()}) == "c"


def test_a_tool_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert not gcc_is_here()
    assert not emx_is_here()
    warned = capsys.readouterr().err
    assert f"{GCC} is not installed" in warned
    assert f"{EMX} is not installed" in warned
    assert usable([*EXACT, *FUSED], CORTEX_M4F, gcc=False) == [*EXACT[:3], FUSED[0]]
    assert usable(EXACT, "rv32ic", gcc=True) == [*EXACT[:3]]

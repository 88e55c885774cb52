"""The FMU gives the bits of the firmware in every importer and on every platform, and refuses what is damaged."""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from fmpy import read_csv, simulate_fmu
from fmpy.validation import validate_fmu
from libcosimpy.CosimExecution import CosimExecution
from libcosimpy.CosimLogging import CosimLogLevel, log_output_level
from libcosimpy.CosimManipulator import CosimManipulator
from libcosimpy.CosimObserver import CosimObserver
from libcosimpy.CosimSlave import CosimLocalSlave
from numpy import ndarray

from acc_decel.cli.page_cars import firmware_of, fmu_page
from acc_decel.compiled import compiler, find_zig
from acc_decel.correction import Correction, CorrectionFile
from acc_decel.export import reference_outputs, status_of
from acc_decel.export.c_float import network_tables
from acc_decel.factors import FACTORS, column_names
from acc_decel.integration import fmu as fmu_package
from acc_decel.integration.fmu import FMI_2, FMI_3, LIST, PLATFORMS, archive, binaries, fmu_bytes
from acc_decel.integration.fmu import variables as v
from acc_decel.integration.fmu.units import unit_name
from acc_decel.model_folder import ONNX, folder_of, read_model
from acc_decel.network import DenseNet
from acc_decel.outputs import OUTPUTS
from acc_decel.predictor import ANSWERS
from acc_decel.status import FLAGS, REFUSED
from tests.helpers.fmu_car import GETTERS, Car, Fmu
from tests.helpers.fmu_events import Drive, compile_probe, drive, found, probe, write_plan

pytestmark = pytest.mark.slow

VERSIONS = (FMI_2, FMI_3)
EVENTS, FEW = 10_000, 500
IMPORTED = "acc_decel_compact"  # the name of the binaries
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror")
ARM_LIBRARIES = Path("/usr/aarch64-linux-gnu")
MACHINES = {  # by suffix: where a binary says which processor it is for, and what it says
    "linux64.so": (18, b"\x3e\x00"),
    "aarch64-linux.so": (18, b"\xb7\x00"),
    "win64.dll": (0, b"MZ"),
    "darwin64.dylib": (0, b"\xca\xfe\xba\xbe\x00\x00\x00\x02\x01\x00\x00\x07"),
    "x86_64-linux.so": (18, b"\x3e\x00"),
    "x86_64-windows.dll": (0, b"MZ"),
    "x86_64-darwin.dylib": (0, b"\xcf\xfa\xed\xfe\x07\x00\x00\x01"),
    "aarch64-darwin.dylib": (0, b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01"),
}
PLAIN = Correction()
STOP = {"speed": 33.3, "brake_pressure_bar": 160.0}


@pytest.fixture(scope="session")
def net() -> DenseNet:
    return read_model(folder_of("compact"))[0]


@pytest.fixture(scope="session")
def exported(made_once: Callable[..., Path]) -> Path:
    """A folder with the FMUs of the compact car, written by the command."""

    def fill(folder: Path) -> None:
        run_command("compact", "--output", folder / "car.fmu")

    return made_once("fmu", fill)


def run_command(*arguments: object) -> None:
    command = [sys.executable, "-m", "acc_decel", "fmu", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def fmus(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Fmu]:
    paths = {FMI_2: exported / "car.fmu", FMI_3: exported / "car_fmi3.fmu"}
    return {fmi: Fmu(path, tmp_path_factory.mktemp(f"fmi{fmi}")) for fmi, path in paths.items()}


@pytest.fixture(params=VERSIONS, ids=lambda fmi: f"FMI {fmi}")
def fmu(request: pytest.FixtureRequest, fmus: dict[int, Fmu]) -> Fmu:
    own = fmus[request.param]
    own.log.clear()
    return own


@pytest.fixture(scope="session")
def events(net: DenseNet) -> Drive:
    return drive(net, EVENTS)


@pytest.fixture(scope="session")
def plan(net: DenseNet, events: Drive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plan(tmp_path_factory.mktemp("plan") / "events.bin", net.factors, events)


@pytest.fixture(scope="session")
def few(net: DenseNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plan(tmp_path_factory.mktemp("few") / "events.bin", net.factors, drive(net, FEW, seed=2))


@pytest.fixture(scope="session")
def probes(fmus: dict[int, Fmu], tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """An importer of our own for each version, compiled by the compiler of this machine."""
    folder = tmp_path_factory.mktemp("probes")
    for fmi, own in fmus.items():
        compile_probe([found("gcc")], own, folder / f"probe{fmi}")
    return {fmi: folder / f"probe{fmi}" for fmi in fmus}


def version_of(fmu: Fmu) -> int:
    return FMI_2 if fmu.is_fmi2 else FMI_3


def test_the_validator_of_fmpy_finds_no_problem(exported: Path) -> None:
    assert [validate_fmu(str(path)) for path in sorted(exported.glob("*.fmu"))] == [[], []]


def test_fmpy_gets_the_bits_of_the_firmware(fmu: Fmu, events: Drive) -> None:
    car, groups = fmu.instance(), setters(fmu, events)
    outputs = events.outputs if fmu.is_fmi2 else events.outputs | {"status": events.status}
    names = list(outputs)
    different, answers = 0, [tuple(row) for row in zip(*(outputs[name].tolist() for name in names), strict=True)]
    getters = [(getattr(car.slave, getter), references) for getter, references in grouped(fmu, names)]
    for event in range(len(events)):
        for setter, references, rows in groups:
            getattr(car.slave, setter)(references, rows[event])
        car.step()
        got = [value for getter, references in getters for value in getter(references)]
        different += tuple(got) != answers[event]
    assert (different, fmu.log) == (0, [])
    assert 0.05 < np.mean(events.status & REFUSED != 0) < 0.2  # the events are worth it
    assert len({answer[0] for answer in answers}) > 0.8 * len(answers)


def setters(fmu: Fmu, events: Drive) -> list[tuple[str, list[int], list[list[float]]]]:
    """For each type of the inputs: the method that sets it, the value references, the values of every event."""
    return [
        (
            getter.replace("get", "set"),
            references,
            np.stack([events.inputs[fmu_name(fmu, r)] for r in references], axis=1).tolist(),
        )
        for getter, references in grouped(fmu, events.inputs)
    ]


def grouped(fmu: Fmu, names: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Value references of variables of one type in a row, with the method that gets them."""
    groups: list[tuple[str, list[int]]] = []
    for name in names:
        own = fmu.variables[name]
        getter = GETTERS[fmu.is_fmi2][own.type]
        if not groups or groups[-1][0] != getter:
            groups.append((getter, []))
        groups[-1][1].append(own.valueReference)
    return groups


def fmu_name(fmu: Fmu, reference: int) -> str:
    return next(name for name, own in fmu.variables.items() if own.valueReference == reference)


def test_an_importer_of_our_own_gets_the_bits_of_the_firmware(fmu: Fmu, probes: dict[int, Path], plan: Path) -> None:
    assert probe([probes[version_of(fmu)]], fmu.library, fmu.token, plan) == same_bits(EVENTS)


def same_bits(events: int) -> str:
    return f"{events} events, 0 differ, status 0\n"


def test_libcosim_gets_the_bits_of_the_firmware(exported: Path, fmus: dict[int, Fmu], events: Drive) -> None:
    """It knows no enumerations, so choices are given as probabilities."""
    log_output_level(CosimLogLevel.ERROR)
    known = [events.inputs[f.name] == 0 for f in FACTORS if f.levels]
    rows = np.flatnonzero(np.logical_and.reduce([*known, events.status & REFUSED == 0]))[:300]
    own = fmus[FMI_2].variables
    execution = CosimExecution.from_step_size(step_size=10_000_000)
    car = execution.add_local_slave(CosimLocalSlave(fmu_path=str(exported / "car.fmu"), instance_name="car"))
    manipulator, observer = CosimManipulator.create_override(), CosimObserver.create_last_value()
    assert execution.add_manipulator(manipulator)
    assert execution.add_observer(observer)
    names = {kind: [name for name in events.inputs if own[name].type == kind] for kind in ("Real", "Boolean")}
    outputs = [name for name in events.outputs if own[name].type == "Real"]
    for row in rows:
        reals = [float(events.inputs[name][row]) for name in names["Real"]]
        truths = [bool(events.inputs[name][row]) for name in names["Boolean"]]
        assert manipulator.slave_real_values(car, [own[n].valueReference for n in names["Real"]], reals)
        assert manipulator.slave_boolean_values(car, [own[n].valueReference for n in names["Boolean"]], truths)
        assert execution.step()
        got = observer.last_real_values(car, [own[name].valueReference for name in outputs])
        assert list(got) == [events.outputs[name][row] for name in outputs]
    assert len(rows) == 300


@pytest.mark.parametrize(("fmi", "compiler"), [(FMI_2, "gcc"), (FMI_3, "clang")])  # the other pairs: benchmarks/fmu.py
def test_the_sources_keep_their_bits_with_the_options_of_an_importer(
    fmus: dict[int, Fmu], probes: dict[int, Path], plan: Path, tmp_path: Path, fmi: int, compiler: str
) -> None:
    """A processor with fused multiply-add, and no word of ours about it."""
    library, source = tmp_path / "own.so", fmus[fmi].folder / "sources" / "all.c"
    subprocess.run([found(compiler), "-O2", "-march=haswell", "-shared", "-fPIC", source, "-o", library], check=True)
    assert probe([probes[fmi]], library, fmus[fmi].token, plan) == same_bits(EVENTS)


def test_without_its_pragma_the_source_has_other_bits_and_the_self_test_tells(
    fmus: dict[int, Fmu], probes: dict[int, Path], plan: Path, tmp_path: Path
) -> None:
    fmu, library = fmus[FMI_3], tmp_path / "own.so"
    folder = shutil.copytree(fmu.folder / "sources", tmp_path / "sources")
    source = folder / "all.c"
    text = source.read_text()
    source.write_text(text.replace('#pragma GCC optimize("fp-contract=off")', ""))
    assert source.read_text() != text
    subprocess.run([found("gcc"), "-O2", "-march=haswell", "-shared", "-fPIC", source, "-o", library], check=True)
    said = probe([probes[FMI_3]], library, fmu.token, plan)
    assert "self-test of acc_decel_compact must pass. Got result 4, other bits" in said


def test_a_library_exports_every_function_of_its_standard_and_nothing_else(fmu: Fmu) -> None:
    listed = subprocess.run(
        [found("nm"), "-D", "--defined-only", fmu.library], capture_output=True, text=True, check=True
    )
    exported = {line.split()[-1] for line in listed.stdout.splitlines()}
    header = (fmu.folder / "sources" / f"fmi{version_of(fmu)}Functions.h").read_text()
    assert exported == {*re.findall(r"_Export fmi\d\w+TYPE\s+(fmi\d\w+);", header)}
    assert len(exported) > 40


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_sources_compile_without_a_warning(fmu: Fmu, tmp_path: Path, compiler: str) -> None:
    source = fmu.folder / "sources" / "all.c"
    command = [found(compiler), *STRICT, "-fsyntax-only", source]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr == ""


def test_the_sanitizers_find_nothing(fmus: dict[int, Fmu], few: Path, tmp_path: Path) -> None:
    fmu = fmus[FMI_3]
    flags = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-sanitize=float-divide-by-zero", "-g")
    library = tmp_path / "own.so"
    source = fmu.folder / "sources" / "all.c"
    subprocess.run([found("gcc"), *flags, "-O1", "-shared", "-fPIC", source, "-o", library], check=True)
    compile_probe([found("gcc"), *flags], fmu, tmp_path / "probe")
    assert probe([tmp_path / "probe"], library, fmu.token, few) == same_bits(FEW)


def test_no_data_of_the_binary_changes(fmu: Fmu, tmp_path: Path) -> None:
    """Sections of data that can be written to are empty, so instances cannot disturb each other."""
    product = tmp_path / "all.o"
    source = fmu.folder / "sources" / "all.c"
    subprocess.run([found("gcc"), "-O1", "-fPIC", "-c", source, "-o", product], check=True)
    listed = subprocess.run([found("objdump"), "-h", product], capture_output=True, text=True, check=True).stdout
    rows = [words for line in listed.splitlines() if (words := line.split()) and words[0].isdigit()]
    sizes = {name: int(size, 16) for _, name, size, *_ in rows}
    assert sizes[".rodata"] > 10_000
    assert (
        sum(size for name, size in sizes.items() if name.startswith((".data", ".bss")) and ".rel.ro" not in name) == 0
    )


def test_a_foreign_processor_gives_the_same_bits(fmu: Fmu, few: Path, tmp_path: Path) -> None:
    """64-bit ARM, emulated by qemu; with more events in benchmarks/fmu.py."""
    qemu = found("qemu-aarch64")
    if not ARM_LIBRARIES.is_dir():
        pytest.skip(f"{ARM_LIBRARIES} missing: apt-get install libc6-arm64-cross")
    compile_probe([*find_zig(), "-target", "aarch64-linux-gnu.2.17"], fmu, tmp_path / "probe")
    library = next((fmu.folder / "binaries" / "aarch64-linux").glob("*.so"))
    said = probe([qemu, "-L", str(ARM_LIBRARIES), tmp_path / "probe"], library, fmu.token, few)
    assert said == same_bits(FEW)


def test_there_is_a_binary_for_each_platform_that_exports_fmi_alone(fmu: Fmu) -> None:
    files = sorted((fmu.folder / "binaries").glob("*/*"))
    fmi = version_of(fmu)
    folders = {platform.folder(fmi) for platform in PLATFORMS}
    assert {file.parent.name for file in files} == folders
    for file in files:
        content = file.read_bytes()
        at, expected = MACHINES[f"{file.parent.name}{file.suffix}"]
        assert content[at : at + len(expected)] == expected, file
        assert file.stem == IMPORTED
        assert f"fmi{fmi}DoStep\0".encode() in content
        assert b"acc_decel_predict" not in content
        assert str(fmu.folder.parent).encode() not in content
        assert b"/tmp" not in content


def test_a_windows_library_asks_for_the_kernel_alone(fmu: Fmu) -> None:
    library = next((fmu.folder / "binaries").glob("*/*.dll"))
    listed = subprocess.run([found("objdump"), "-p", library], capture_output=True, text=True, check=True).stdout
    assert [line.split()[-1] for line in listed.splitlines() if "DLL Name" in line] == ["KERNEL32.dll"]


def test_two_exports_give_the_same_bytes(exported: Path, net: DenseNet) -> None:
    """The command in its process, and one library of each kind here: what is built again has the same bytes."""
    firmware, name = firmware_of(net, "compact"), Path(LIST).name
    page = fmu_page(net, "compact", firmware, model="compact", variables=name, number_format="float", correction=PLAIN)
    kinds = [next(p for p in PLATFORMS if p.suffix == suffix) for suffix in (".so", ".dll", ".dylib")]
    again = fmu_bytes(net, model="compact", fmi=FMI_3, firmware=firmware, page=page, platforms=kinds)
    with zipfile.ZipFile(exported / "car_fmi3.fmu") as one, zipfile.ZipFile(io.BytesIO(again)) as other:
        names, every = other.namelist(), one.namelist()
        assert [name for name in names if one.read(name) != other.read(name)] == []
        assert [name for name in every if name not in names and not name.startswith("binaries/")] == []
        assert sum(name.startswith("binaries/") for name in names) == len(kinds)
        dated = [
            [(i.filename, i.date_time, i.external_attr) for i in z.infolist() if i.filename in names]
            for z in (one, other)
        ]
    assert dated[0] == dated[1]


def test_one_version_is_written_to_the_name_that_is_given(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(fmu_package, "fmu_bytes", lambda *_, fmi, **__: asked.append(fmi) or b"content")
    code, out, _ = run("fmu", "compact", "--output", tmp_path / "again.fmu", "--fmi", 3)
    assert (code, asked, [path.name for path in tmp_path.iterdir()]) == (0, [FMI_3], ["again.fmu"])
    assert "FMI 3.0" in out


def test_every_factor_output_and_flag_is_a_variable_with_its_unit_and_limits(fmu: Fmu, net: DenseNet) -> None:
    own = fmu.variables
    for factor in net.factors:
        for column in factor.columns if not factor.is_switch else ():
            assert (float(own[column].min), float(own[column].max)) == (factor.low, factor.high)
            assert own[column].unit == unit_name(factor.unit)
            assert own[column].start is not None
        assert (f"{factor.name}_available" in own) == factor.optional
        if factor.levels:
            items = own[factor.name].declaredType.items
            assert [(item.name, int(item.value)) for item in items][1:] == [
                (level, i + 1) for i, level in enumerate(factor.levels)
            ]
            assert (items[0].name, int(items[0].value)) == ("unknown", 0)
    flags = {name.lower() for name in FLAGS}
    status = {"status"} - ({"status"} if fmu.is_fmi2 else set())
    outputs = {name for name, x in own.items() if x.causality == "output"}
    assert outputs == {*OUTPUTS, *v.DISTANCES, *flags, "out_of_range", "not_available"} | status
    assert set(v.DISTANCES) < set(ANSWERS)
    assert all(len(name) <= 55 for name in own)  # Simulink cuts longer names of parameters


def test_start_values_of_the_description_are_those_of_the_binary(fmu: Fmu) -> None:
    car = Car(fmu)
    checked = [x for x in fmu.variables.values() if x.start is not None]
    for own in checked:
        start = {"true": 1.0, "false": 0.0}.get(own.start, own.start)
        assert np.float32(car.get(own.name)[0]) == np.float32(start), own.name
    assert len(checked) > 30


def test_the_example_runs_and_narrows_as_factors_become_known(exported: Path, fmu: Fmu, net: DenseNet) -> None:
    example = fmu.folder / "extra" / "acc_decel" / "example.csv"
    names = ("deceleration_lower", "deceleration_upper", "refused", "not_available", "outside_domain")
    path = exported / ("car.fmu" if fmu.is_fmi2 else "car_fmi3.fmu")
    result = simulate_fmu(str(path), input=read_csv(example), output=names, output_interval=1.0, stop_time=13.0)
    rows = list(csv.DictReader(example.read_text().splitlines()))
    optional = [f for f in net.factors if f.optional]
    assert len(rows) == len(optional) + 2
    known = columns_of(net, rows[-2])
    outputs, status = reference_outputs(net, known[None]), status_of(net, known[None])
    last = result[len(optional) + 1]  # at the end of the step that the row before the last begins
    assert [last["deceleration_lower"], last["deceleration_upper"]] == [outputs[0, 0], outputs[0, 2]]
    assert (int(status[0]) & REFUSED, last["not_available"], last["refused"]) == (0, 0, False)
    width = result["deceleration_upper"] - result["deceleration_lower"]
    assert width[len(optional) + 1] < 0.5 * width[1]
    assert result["refused"][-1]


def columns_of(net: DenseNet, row: dict[str, str]) -> ndarray:
    """A row of the example as columns of the firmware; all factors are known in it."""
    values: list[float] = []
    for factor in net.factors:
        if factor.levels:
            values += [float(i + 1 == int(row[factor.name])) for i in range(len(factor.levels))]
        else:
            values.append(float(row[factor.name]))
    assert len(values) == len(column_names(net.factors))
    return np.array(values, np.float32)


def test_many_instances_keep_apart(fmu: Fmu) -> None:
    cars = [fmu.instance().set(**STOP | {"speed": 10.0 + i}) for i in range(50)]
    answers = [car.answers(["stopping_distance"]) for car in cars]
    assert len(set(answers)) == 50
    assert [car.answers(["stopping_distance"]) for car in cars] == answers


def test_a_state_is_saved_restored_and_moved_to_another_instance(fmu: Fmu) -> None:
    car = fmu.instance().set(**STOP, surface=6)
    before = car.answers(OUTPUTS)
    state, content = car.saved(), car.serialized()
    assert car.set(speed=10.0, surface=1, mass=1200.0, mass_available=True).answers(OUTPUTS) != before
    car.restore(state)
    assert car.get(*OUTPUTS) == before
    assert car.get("speed", "surface", "mass_available") == (pytest.approx(33.3), 6, False)
    other = fmu.instance()
    other.deserialize(content)
    assert other.get(*OUTPUTS) == before
    assert other.answers(OUTPUTS) == before


def test_bytes_of_another_state_are_refused_with_a_sentence(fmu: Fmu) -> None:
    car = fmu.instance()
    content = car.serialized()
    for wrong, sentence in ((content[:-1], "must have"), (b"x" + content[1:], "must be of this FMU, with its token")):
        with pytest.raises(Exception, match="failed"):
            car.deserialize(wrong)
        assert sentence in fmu.log[-1]


def test_a_value_counts_only_while_it_is_available(fmu: Fmu) -> None:
    car = fmu.instance().set(**STOP)
    unknown = car.answers(OUTPUTS)
    assert car.set(grade=-0.1).answers(OUTPUTS) == unknown
    downhill = car.set(grade_available=True).answers(OUTPUTS)
    assert downhill[1] < unknown[1]
    assert car.set(grade=float("nan")).answers(OUTPUTS) == unknown


def test_a_choice_is_known_by_its_level_or_by_its_probabilities(fmu: Fmu) -> None:
    car = fmu.instance().set(**STOP)
    unknown = car.answers(OUTPUTS)
    ice = car.set(surface=6).answers(OUTPUTS)
    assert ice[2] < unknown[2]
    assert car.set(surface=0, surface_ice=1.0).answers(OUTPUTS) == ice
    assert car.set(surface=1).answers(OUTPUTS) != ice  # the level wins
    assert car.set(surface_available=False).answers(OUTPUTS) == unknown
    assert car.set(surface_available=True, surface=0, surface_ice=0.0).answers(OUTPUTS) == unknown
    refused, status = car.set(surface_ice=0.5).answers(("refused", "out_of_range"))
    assert (refused, status) == (True, 1 << [f.name for f in FACTORS].index("surface"))


def test_a_refused_step_holds_the_last_answer(fmu: Fmu) -> None:
    car = fmu.instance().set(**STOP)
    names = (*OUTPUTS, *v.DISTANCES)
    before = car.answers(names)
    assert car.set(speed=0.5).answers(names) == before
    assert car.get("refused", "out_of_range") == (True, 1)
    assert car.set(speed=float("nan")).answers(("refused", "out_of_range", "not_available"))[:2] == (True, 0)
    assert car.set(speed=30.0).answers(names) != before


def test_a_reset_brings_the_start_values_back(fmu: Fmu) -> None:
    car = fmu.instance()
    first = car.answers(OUTPUTS)
    assert car.set(**STOP, surface=6, abs=False, correction_scale=0.5).answers(OUTPUTS) != first
    car.slave.reset()
    car.initialize()
    assert car.get("surface", "abs", "correction_scale", *OUTPUTS) == (0, True, 1.0, *first)


def test_before_the_first_answer_the_car_does_not_stop(fmu: Fmu) -> None:
    car = Car(fmu)
    car.set(speed=0.0)
    car.initialize()
    assert car.get("refused", "deceleration", *v.DISTANCES) == (True, 0.0, np.inf, np.inf)


def test_outputs_follow_the_inputs_in_initialization_mode(fmu: Fmu) -> None:
    car, other = Car(fmu), fmu.instance()
    if fmu.is_fmi2:
        car.slave.setupExperiment(startTime=0.0)
    car.slave.enterInitializationMode()
    answers = [car.set(**STOP | {"speed": speed}).get(*OUTPUTS) for speed in (20.0, 40.0)]
    car.slave.exitInitializationMode()
    assert answers[0] != answers[1]
    assert answers == [other.set(**STOP | {"speed": speed}).answers(OUTPUTS) for speed in (20.0, 40.0)]


def test_the_correction_is_tunable_and_that_of_the_firmware(fmu: Fmu, net: DenseNet) -> None:
    car = fmu.instance().set(**STOP, surface=1)
    plain = np.array([car.answers(OUTPUTS)], np.float32)
    correction = Correction(0.86, 0.12, 0.25)
    tuned = {"correction_scale": 0.86, "correction_bias": 0.12, "correction_lower_offset": 0.25}
    expected, _ = correction.answers(plain, np.zeros(1, np.int64))
    assert car.set(**tuned).answers(OUTPUTS) == tuple(expected[0].astype(float))
    assert car.set(correction_scale=50.0).answers(("refused",)) == (True,)
    assert car.set(correction_scale=10.0, correction_bias=20.0).answers(("correction_limited",)) == (True,)


def test_a_correction_of_a_file_is_where_the_parameters_start(net: DenseNet, tmp_path: Path) -> None:
    content = fmu_bytes(net, model="compact", fmi=3, correction=Correction(0.5), platforms=())
    (tmp_path / "own.fmu").write_bytes(content)
    own = Fmu(tmp_path / "own.fmu", tmp_path / "own")
    library = own.folder / "binaries" / "x86_64-linux" / f"{IMPORTED}.so"
    library.parent.mkdir(parents=True)
    source = own.folder / "sources" / "all.c"
    subprocess.run([found("gcc"), "-O0", "-shared", "-fPIC", source, "-o", library], check=True)
    assert own.variables["correction_scale"].start == "0.5"
    half = own.instance().set(**STOP).answers(("deceleration",))[0]
    assert half == own.instance().set(**STOP, correction_scale=1.0).answers(("deceleration",))[0] / 2


def test_wrong_calls_end_in_an_error_and_a_sentence(fmu: Fmu) -> None:
    car = Car(fmu)
    set_integer = car.slave.setInteger if fmu.is_fmi2 else car.slave.setInt64
    get_real = car.slave.getReal if fmu.is_fmi2 else car.slave.getFloat64
    surface = fmu.variables["surface"].valueReference
    for call, sentence in (
        (car.step, "DoStep must be called of an instance that is initialized. Got one that is instantiated."),
        (
            lambda: get_real([12345]),
            "The value reference must be of a Real (Float64) of modelDescription.xml. Got 12345.",
        ),
        (lambda: set_integer([surface], [7]), "surface must be 0 (unknown) to 6. Got 7."),
        (lambda: set_integer([surface], [-1]), "surface must be 0 (unknown) to 6. Got -1."),
        (lambda: car.slave.setBoolean([300], [True]), "must be of a Boolean that is an input"),
        (car.slave.exitInitializationMode, "Got one that is instantiated."),
    ):
        with pytest.raises(Exception, match="failed"):
            call()
        assert sentence in fmu.log[-1]


def test_an_altered_table_fails_the_self_test_at_instantiation(
    fmu: Fmu, net: DenseNet, probes: dict[int, Path], plan: Path, tmp_path: Path
) -> None:
    content = bytearray(fmu.library.read_bytes())
    weights = next(table.content for table in network_tables(net) if table.name == "weights")
    at = content.index(weights) + len(weights) // 2
    content[at] ^= 1
    altered = tmp_path / "altered.so"
    altered.write_bytes(content)
    said = probe([probes[version_of(fmu)]], altered, fmu.token, plan)
    assert "The self-test of acc_decel_compact must pass. Got result 1, altered tables" in said
    assert said.endswith("status 5\n")


def test_a_wrong_token_is_refused_with_both_in_the_log(fmu: Fmu, probes: dict[int, Path], plan: Path) -> None:
    said = probe([probes[version_of(fmu)]], fmu.library, "{100%s}", plan)
    assert fmu.token in said
    assert "{100?s}" in said
    assert said.endswith("status 5\n")


def test_each_fmu_has_a_token_of_its_own(fmus: dict[int, Fmu], net: DenseNet, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = {own.token for own in fmus.values()}
    for changed in ({"model": "suv"}, {"correction": Correction(0.9)}):
        content = fmu_bytes(net, **{"model": "compact", "fmi": 3, "platforms": ()} | changed)
        tokens.add(token_of(content))
    assert len(tokens) == 4
    assert token_of(fmu_bytes(net, model="compact", fmi=3, platforms=())) in tokens


def token_of(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return ElementTree.fromstring(opened.read("modelDescription.xml")).attrib["instantiationToken"]


def test_a_page_takes_the_place_of_the_list_of_variables(fmu: Fmu, net: DenseNet) -> None:
    content = fmu_bytes(net, model="compact", fmi=2, platforms=(), page=b"<html>what if</html>")
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.read("documentation/index.html") == b"<html>what if</html>"
        assert b"water_film_mm_available" in opened.read("documentation/variables.html")
    written = (fmu.folder / "documentation" / "index.html").read_text("utf-8")
    assert "This page lies in an FMU" in written and 'href="variables.html"' in written
    assert str(folder_of("compact")) not in written


def test_the_icon_is_where_each_version_looks_for_it(fmu: Fmu) -> None:
    icons = [fmu.folder / "model.png"]
    if not fmu.is_fmi2:
        icons.append(fmu.folder / "terminalsAndIcons" / "icon.png")
    for icon in icons:
        content = icon.read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        assert content[16:24] == (256).to_bytes(4, "big") * 2


def test_bad_input_is_refused_in_one_sentence(
    refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = shutil.copytree(folder_of("compact"), tmp_path / "other")
    (other / ONNX).write_bytes((other / ONNX).read_bytes().replace(b"c8bd121e", b"00000000"))
    correction = tmp_path / "correction.json"
    CorrectionFile("c8bd121e", "0" * 64, "suv", Correction(), 10, {}).save(correction)
    before = {path.name for path in tmp_path.iterdir()}
    output = tmp_path / "car.fmu"
    for arguments, sentence in (
        (("compact", "--output", tmp_path / "car.zip"), "--output must end in .fmu"),
        (("compact", "--output", correction / "car.fmu"), "must be in a folder"),
        (("compact", "--output", "/dev/null/car.fmu"), "must be in a folder"),
        (("none", "--output", output), "must be a released model"),
        ((other, "--output", output), "must be exported for factor schema"),
        (("compact", "--output", output, "--correction", correction), "must belong to"),
        (("compact", "--output", output, "--format", "double"), "The format must be one of"),
    ):
        said = refused("fmu", *arguments)
        assert sentence in said
        assert said.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(("package", "sentence"), [("ziglang", "no zig"), ("fmpy", "no fmpy")])
def test_a_missing_package_is_named_with_its_extra(
    refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, sentence: str
) -> None:
    for module in (compiler, archive):
        whole = module.find_spec
        monkeypatch.setattr(module, "find_spec", lambda name, whole=whole: None if name == package else whole(name))
    said = refused("fmu", "compact", "--output", tmp_path / "car.fmu")
    assert sentence in said
    assert 'pip install "acc-decel[fmu]"' in said
    assert list(tmp_path.iterdir()) == []


def test_a_compiler_that_fails_leaves_nothing_half_written(
    refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "OPTIONS", ("--no-such-option",))
    (tmp_path / "car.fmu").write_text("before")
    assert "must compile with" in refused("fmu", "compact", "--output", tmp_path / "car.fmu")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("car.fmu", "before")]


def test_folders_that_cannot_be_written_are_told_before_the_work(refused: Callable[..., str], tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    if os.access(locked, os.W_OK):  # as root every folder can be written
        (tmp_path / "file").write_text("")
        locked = tmp_path / "file"
    assert "must be in a folder" in refused("fmu", "compact", "--output", locked / "car.fmu")

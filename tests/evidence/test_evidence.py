"""The evidence that goes with the firmware: it is of the C that is exported, and the tools that made it can fail."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from acc_decel import cli, evidence
from acc_decel.ecu import CortexM, qemu
from acc_decel.ecu.cores import CORES
from acc_decel.evidence import Settings, acc_unit, bits, keyed, mutation, report
from acc_decel.evidence.events import driver_events, records, reference, unusual_net
from acc_decel.evidence.stack import stack_bound
from acc_decel.evidence.tools import missing_tools
from acc_decel.export import (
    HAND_WRITTEN,
    Firmware,
    c_fixed,
    c_float,
    c_shift,
    find_firmware,
    sources_sha256,
    write_format,
    write_model,
)
from acc_decel.export.acc_reference import COLUMNS
from acc_decel.export.exported_folder import SIGNS
from acc_decel.export.firmware_files import FIXED, FLOAT, FORMATS, SHIFT
from acc_decel.factors import FACTORS
from acc_decel.model_folder import model_path, read_model, released_models

HOME = Path(__file__).parents[2]
EXPORT = HOME / "firmware_export"

pytestmark = pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("gcov")), reason="gcc is missing: apt-get install gcc"
)
NET = unusual_net(FACTORS)
EVENTS = driver_events(FACTORS, 600)
QUICK = Settings(events=8, fuzz_seconds=1, bits_events=20)


@pytest.fixture(scope="module", params=FORMATS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """The firmware of an unusual network, and events with their answers."""
    folder = write_format(tmp_path_factory.mktemp(request.param), NET, "unusual", request.param)
    return folder, records(EVENTS, *reference(NET, request.param)(EVENTS))


def test_the_evidence_is_of_the_exported_c() -> None:
    measured = evidence.read_evidence(EXPORT)
    assert measured["sources_sha256"] == sources_sha256(EXPORT), "run acc-decel evidence firmware_export"
    assert measured["hand_written_sha256"] == sources_sha256(HAND_WRITTEN), "run acc-decel evidence firmware_export"
    assert (EXPORT / "EVIDENCE.md").read_text() == evidence.page(measured)


def test_one_part_is_measured_again_only_for_the_same_c(monkeypatch) -> None:
    firmware = find_firmware(EXPORT)
    before = report.head(firmware) | {FLOAT: {"stack": 0, "warnings": 1}, "other": 2}
    part = report.Part(lambda subject: (subject.number_format, subject.folder.name, subject.settings.events))
    monkeypatch.setitem(report.PARTS, "stack", part)
    steps = []
    after = evidence.renew(before, firmware, QUICK, "stack", on_step=lambda: steps.append(1))
    assert after[FLOAT].pop("stack") == (FLOAT, FLOAT, 8)
    assert after == before | {FLOAT: {"warnings": 1}}
    assert len(steps) == evidence.steps_of(QUICK, [FLOAT], "stack") == 1
    with pytest.raises(ValueError, match="--only must find evidence of the present C"):
        evidence.renew(before | {"hand_written_sha256": "other"}, firmware, QUICK, "stack")
    with pytest.raises(ValueError, match=r"--only must be one of .*, differences\. Got 'speed'"):
        evidence.renew(before, firmware, QUICK, "speed")


def test_the_evidence_is_good() -> None:
    measured = json.loads((EXPORT / "evidence.json").read_text())
    for number_format in FORMATS:
        part = measured[number_format]
        core = part["cortex_m4f"]
        assert core["instructions_least"] == core["instructions_per_prediction"]
        assert (core["ram_bytes"], core["guard_share"] < 0.25) == (0, True)
        assert part["stack"]["bound_bytes"] >= core["stack_bytes"]
        assert set(part["warnings"].values()) == {0}
        assert set(part["self_test"].values()) == {"PASSED"}
        assert part["sanitizers"] == {"exit_code": 0, "findings": 0}
        assert {value for file in part["coverage_pct"].values() for value in file.values()} == {100}
        assert part["misra_c_2012"]["other_findings"] == {}
        assert part["mutants"]["survivors"] == []
        assert (part["fuzzing"]["findings"], part["fuzzing"]["seconds"] >= 300) == ([], True)
        assert part["fuzzing"]["executions"] > 500_000
        assert part["mutants"]["killed"] + part["mutants"]["equivalent"] == part["mutants"]["mutants"] > 150
    for key in report.DIFFERENCES.values():
        assert {part["differences"] for part in measured[key].values()} == {0}
        assert all(measured[key][core]["events"] >= 40_000 for core in ("host", "cortex-m4f", "cortex-m7", "rv32imfc"))
        assert all(measured[key][core]["events"] >= 5_000 for core in bits.SLOW)
    for key in ("fixed_point_differences", "shift_differences"):
        assert measured[key]["onnxruntime"]["events"] >= 40_000


def test_a_core_that_does_not_pass_the_self_test_is_on_the_page() -> None:
    assert report._passed_on({"host": "PASSED", "cortex-m3": "PASSED"}) == "2 of 2 (host and cores)"
    said = report._passed_on({"host": "OTHER_BITS", "cortex-m3": "PASSED"})
    assert said == "1 of 2 (host and cores); host OTHER_BITS"


def test_listed_deviations_are_explained_in_the_readme() -> None:
    text = (EXPORT / "README.md").read_text()
    assert all(f"Rule {rule} " in text for rule in report.DEVIATIONS)


@pytest.mark.slow
def test_the_events_execute_every_line_and_branch(written: tuple[Path, bytes]) -> None:
    for name, share in report.coverage(*written).items():
        assert share == {"lines": 100, "branches": 100}, name


@pytest.mark.slow
def test_the_sanitizers_find_nothing(written: tuple[Path, bytes]) -> None:
    assert report.sanitize(*written) == {"exit_code": 0, "findings": 0}


@pytest.mark.slow
def test_a_wrong_answer_is_seen_by_the_driver(written: tuple[Path, bytes]) -> None:
    folder, data = written
    first = 4 * EVENTS.shape[1]  # the lowest byte of the first event's first output
    assert report.sanitize(folder, data[:first] + bytes([data[first] ^ 1]) + data[first + 1 :])["exit_code"] == 1


@pytest.mark.slow
def test_the_stack_never_reaches_below_its_bound(written: tuple[Path, bytes]) -> None:
    bound = stack_bound(written[0])["bound_bytes"]
    painted = CortexM(written[0]).report(EVENTS, sample=16).stack_bytes
    assert painted <= bound < painted + 64


@pytest.mark.slow
@pytest.mark.parametrize("written", [FLOAT], indirect=True)  # `acc-decel evidence` tries them in every format
@pytest.mark.parametrize("file", ["acc_decel_self_test.c", "acc_decel_correction.c"])
def test_every_mutant_of_a_small_file_is_killed_or_known(written: tuple[Path, bytes], file: str) -> None:
    total, alive = mutation.survivors(written[0], [file], written[1])
    assert total > 10
    assert all(map(mutation.is_equivalent, alive)), list(map(str, alive))


def test_mutants_are_made_within_functions_alone() -> None:
    text = "/* 1 + 2 */\n#define A (1 + 2)\nint f(int a)\n{\n    return a + 1;\n}\n"
    assert [(m.new, m.number) for m in mutation.mutants_of("a.c", text)] == [("-", 5), ("2", 5)]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cppcheck"), reason="cppcheck is missing: apt-get install cppcheck")
def test_misra_finds_what_is_listed_and_no_more(written: tuple[Path, bytes], tmp_path: Path) -> None:
    assert report.misra(written[0])["other_findings"] == {}
    (tmp_path / "acc_decel.c").write_text("int f(int a);\nint f(int a)\n{\n    if (a) return 1;\n    return 0;\n}\n")
    assert report.misra(tmp_path)["other_findings"] != {}


def test_differences_are_counted_by_event() -> None:
    outputs: ndarray = np.zeros((3, 4), "f4")
    status = np.zeros(3, np.int64)
    other = outputs.copy()
    other[1, 2] = -0.0
    assert bits.unlike((other, status), (outputs, status)) == 1
    assert bits.unlike((outputs, status + np.array([0, 0, 1])), (outputs, status)) == 1


@pytest.mark.slow
def test_an_altered_weight_is_detected_by_everyone_who_runs_it(tmp_path: Path, monkeypatch) -> None:
    if missing := qemu.missing_programs():
        pytest.skip(f"{', '.join(missing)} missing: {qemu.INSTALL}")
    monkeypatch.setattr(bits, "SLOW", ())
    net, _ = read_model(model_path("compact").parent)
    layer = net.trunk[-1]
    other = replace(net, trunk=(*net.trunk[:-1], replace(layer, bias=layer.bias + np.float32(0.01))))
    folder, ticks = write_format(tmp_path, other, "compact", FIXED), []
    counts = bits.differences(folder, net, FIXED, events=40, on_part=lambda: ticks.append(1))
    assert [*counts] == [
        "host",
        "onnxruntime",
        "cortex-m4f",
        "cortex-m4f-ftz",
        "cortex-m7",
        "cortex-m3",
        "cortex-m0",
        "rv32imfc",
        "rv32ic",
        "cortex-m33",
        "cortex-m55",
        "cortex-m55-helium",
        "cortex-r5f",
        "cortex-r5f-arm",
    ]
    assert len(ticks) == bits.parts_in_all([FIXED], 40) == len(counts)
    assert all(part["events"] == 40 and part["differences"] > 30 for part in counts.values())


@pytest.fixture(scope="module")
def own_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder whose name no released model has, with the network of one."""
    net, metrics = read_model(released_models()["compact"])
    origin = {key: metrics.pop(key) for key in ("vehicle", "dataset", "training")}
    folder = tmp_path_factory.mktemp("model")
    write_model(folder, net, metrics=metrics, **origin | {"vehicle": "my_car"})
    return folder


def test_a_firmware_is_found_with_its_model_and_format(own_model: Path, tmp_path: Path) -> None:
    firmware = find_firmware(EXPORT)
    assert (firmware.model, firmware.number_format, firmware.folder) == ("compact", FLOAT, EXPORT)
    write_format(tmp_path, read_model(own_model)[0], "my_car", FLOAT)
    assert find_firmware(tmp_path, str(own_model)).model == "my_car"
    with pytest.raises(ValueError, match=r"from the model my_car, which is not a released model .*--model"):
        find_firmware(tmp_path)
    with pytest.raises(ValueError, match=r"from the model my_car\. Got the model compact"):
        find_firmware(tmp_path, "compact")


def test_one_source_is_the_sign_of_each_format() -> None:
    sources = {FLOAT: c_float.SOURCES, FIXED: c_fixed.SOURCES, SHIFT: c_shift.SOURCES}
    for sign, name in SIGNS.items():
        assert [number_format for number_format, files in sources.items() if sign in files] == [name]


def test_a_firmware_that_its_model_does_not_export_is_refused_by_file(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(EXPORT, tmp_path / "altered"))
    source = folder / "acc_decel_layers.c"
    source.write_text(source.read_text() + "/* altered */\n")
    with pytest.raises(ValueError, match=r"acc_decel_layers\.c must be what the model compact exports"):
        find_firmware(folder)
    source.unlink()
    with pytest.raises(ValueError, match=r"acc_decel_layers\.c must be what the model compact exports"):
        find_firmware(folder)
    with pytest.raises(ValueError, match="must be a folder written by `acc-decel export`"):
        find_firmware(tmp_path)


def test_a_program_that_is_not_installed_is_named_with_its_package(monkeypatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_tools(["gcc", "gcov", "gcc", "clang", "libFuzzer"]) == ["gcc", "gcov", "clang"]
    monkeypatch.setattr("sys.argv", ["acc-decel", "evidence", str(EXPORT)])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    said = capsys.readouterr().err
    assert "gcc, gcov, cppcheck, clang must be installed" in said
    assert "apt-get install gcc cppcheck clang" in said


QUICK_PARTS = {  # of a part that takes long: what it gives
    "coverage_pct": {"acc_decel.c": {"lines": 100.0, "branches": 100.0}},
    "misra_c_2012": {"other_findings": {}},
    "mutants": {"mutants": 7, "killed": 6, "equivalent": 1, "survivors": []},
    "sanitizers": {"findings": 0},
}


@pytest.mark.slow
@pytest.mark.skipif(bool(missing_tools(["clang", "libFuzzer"])), reason="clang is not installed")
def test_the_command_measures_the_firmware_of_any_model(own_model: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    for name, result in QUICK_PARTS.items():
        monkeypatch.setitem(report.PARTS, name, report.Part(lambda _, result=result: result))
    unit = evidence.read_evidence(EXPORT)["acc"]
    monkeypatch.setattr(keyed, "measure_acc", lambda *_: unit)
    write_format(tmp_path, read_model(own_model)[0], "my_car", FLOAT)
    numbers = ("--events", "8", "--bits-events", "20", "--fuzz-seconds", "1", "--format", "float")
    monkeypatch.setattr("sys.argv", ["acc-decel", "evidence", str(tmp_path), "--model", str(own_model), *numbers])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    page = (tmp_path / "EVIDENCE.md").read_text()
    assert page.strip() in capsys.readouterr().out
    assert page.startswith("# Evidence for the firmware of my_car")
    counted = evidence.read_evidence(tmp_path)[FLOAT][report.CORE]["counted"]  # of the 8 those inside the domain
    assert 1 <= counted <= 8
    assert f"({counted} events)" in page
    assert "(1 s)" in page
    assert "cortex-m0 0 of 20" in page
    assert "fixed" not in page
    measured = evidence.read_evidence(tmp_path)
    assert evidence.formats_of(measured) == [FLOAT]
    assert measured["sources_sha256"] == sources_sha256(tmp_path)
    assert {part["differences"] for part in measured["float_differences"].values()} == {0}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_settings_below_one_are_refused_by_option() -> None:
    with pytest.raises(ValueError, match=r"--fuzz-seconds must be at least 1\. Got 0"):
        Settings(fuzz_seconds=0)
    with pytest.raises(ValueError, match=r"--format must be one of float, fixed, shift\. Got 'double'"):
        evidence.check_formats(["double"])


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    """The released firmware in a folder of its own."""
    folder = shutil.copytree(EXPORT, tmp_path_factory.mktemp("copied") / "firmware")
    return replace(find_firmware(EXPORT), folder=Path(folder))


def test_two_processes_that_renew_a_part_each_lose_none() -> None:
    before = {"model": "x", "float": {"stack": {"bytes": 1}, "mutants": {"all": 2}}, "acc": {"states": 3}}
    other = before | {"acc": {"states": 30}, "float": {"stack": {"bytes": 10}, "mutants": {"all": 2}}}
    ours = before | {"float": {"stack": {"bytes": 1}, "mutants": {"all": 20}}}
    assert keyed.with_changes(other, before, ours) == {
        "model": "x",
        "float": {"stack": {"bytes": 10}, "mutants": {"all": 20}},
        "acc": {"states": 30},
    }


def test_no_part_of_the_evidence_is_of_something_else() -> None:
    assert evidence.changed_parts(evidence.read_evidence(EXPORT), find_firmware(EXPORT)) == []


def test_other_weights_change_the_parts_about_the_model_alone(copied: Firmware) -> None:
    layer = copied.net.trunk[-1]
    trunk = (*copied.net.trunk[:-1], replace(layer, bias=layer.bias + np.float32(0.01)))
    other = replace(copied, net=replace(copied.net, trunk=trunk))
    changed = evidence.changed_parts(evidence.read_evidence(EXPORT), other)
    assert {name for name, _ in changed} == {*FORMATS}
    assert {part for _, part in changed} == {*report.PARTS, "differences"} - {"sanitizers", "coverage_pct", "mutants"}


def test_another_acc_unit_changes_its_own_evidence_alone(copied: Firmware, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(copied.folder, tmp_path / "other"))
    source = folder / "acc_decel_acc_formulas.c"
    source.write_text(source.read_text() + "/* altered */\n")
    before = evidence.read_evidence(EXPORT)
    assert evidence.changed_parts(before, replace(copied, folder=folder)) == [("acc", "acc")]
    assert sources_sha256(folder) == before["sources_sha256"]


def test_another_driver_changes_the_parts_that_it_drives_alone(copied, tmp_path, monkeypatch) -> None:
    driver = tmp_path / mutation.DRIVER.name
    driver.write_text(mutation.DRIVER.read_text() + "/* altered */\n")
    monkeypatch.setattr(keyed, "DRIVEN", dict.fromkeys(keyed.DRIVEN, driver))
    changed = evidence.changed_parts(evidence.read_evidence(EXPORT), copied)
    assert {*changed} == {(name, part) for name in FORMATS for part in keyed.DRIVEN}


def test_only_what_has_changed_is_measured_again(copied, monkeypatch) -> None:
    before = evidence.read_evidence(EXPORT)
    keys = {name: dict(own) for name, own in before["keys"].items()}
    keys[FIXED]["stack"] = keys[FLOAT]["warnings"] = keys["acc"]["acc"] = "other"
    asked: list[object] = []

    def renewed(of, firmware, settings, part, *, on_step):
        asked.append((part, evidence.formats_of(of)))
        return {**of, **{name: {**of[name], part: "new"} for name in evidence.formats_of(of)}}

    monkeypatch.setattr(keyed, "renew", renewed)
    monkeypatch.setattr(keyed, "measure_acc", lambda _, states, *__: {"states": states})
    after = evidence.renew_part(before | {"keys": keys}, copied, QUICK, evidence.CHANGED)
    assert asked == [("warnings", [FLOAT]), ("stack", [FIXED])]
    assert after["acc"] == {"states": QUICK.bits_events}
    assert after[FIXED] == before[FIXED] | {"stack": "new"} and after[FLOAT] == before[FLOAT] | {"warnings": "new"}
    assert after["keys"] == before["keys"]
    assert after[SHIFT] == before[SHIFT]


def test_evidence_from_before_the_hashes_counts_for_the_c_that_it_names(copied) -> None:
    old = {name: value for name, value in evidence.read_evidence(EXPORT).items() if name not in ("keys", "acc")}
    assert evidence.changed_parts(old, copied) == [("acc", "acc")]
    of_other_c = old | {"hand_written_sha256": "other"}
    assert len(evidence.changed_parts(of_other_c, copied)) == 1 + len(FORMATS) * (len(report.PARTS) + 1)


def test_the_evidence_of_the_acc_unit_is_good() -> None:
    unit = evidence.read_evidence(EXPORT)["acc"]
    assert unit["cortex_m4f"]["code_bytes"] <= acc_unit.MOST_CODE_BYTES and unit["cortex_m4f"]["ram_bytes"] == 0
    assert 0 < unit["stack"]["bound_bytes"] <= unit["cortex_m4f"]["stack_bytes"]
    assert {*unit["self_test"].values()} == {"PASSED"} and {*unit["warnings"].values()} == {0}
    assert unit["sanitizers"] == {"exit_code": 0, "findings": 0} and unit["misra_c_2012"]["other_findings"] == {}
    assert {value for file in unit["coverage_pct"].values() for value in file.values()} == {100}
    assert unit["mutants"]["survivors"] == [] and unit["mutants"]["killed"] > 150
    assert {count["differences"] for count in unit["differences"].values()} == {0}
    some_flush = {name: 100_000 > count["states"] > 90_000 for name, count in unit["differences"].items()}
    assert some_flush == {name: name in CORES and CORES[name].flushes_subnormals for name in some_flush}
    assert {"host", "cortex-m4f", "cortex-m3", "cortex-m0"} <= {*unit["differences"]}


@pytest.mark.slow
def test_the_driver_of_the_acc_unit_sees_a_wrong_answer_and_executes_everything() -> None:
    data = acc_unit.driver_data(600)
    assert report.sanitize(EXPORT, data, acc_unit.DRIVEN) == {"exit_code": 0, "findings": 0}
    first = 4 * len(COLUMNS)  # the lowest byte of the first answer
    spoilt = data[:first] + bytes([data[first] ^ 1]) + data[first + 1 :]
    assert report.sanitize(EXPORT, spoilt, acc_unit.DRIVEN)["exit_code"] == 1
    shares = report.coverage(EXPORT, data, acc_unit.DRIVEN)
    assert {"acc_decel_acc.c", "acc_decel_acc_formulas.c", "acc_decel_acc_values.c"} <= {*shares}
    assert all(share == {"lines": 100, "branches": 100} for share in shares.values())

"""The evidence that goes with the firmware: it is of the C that is exported, and the tools that made it can fail."""

import copy
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from acc_decel.ecu import CortexM
from acc_decel.export.firmware_files import FIXED, FORMATS
from benchmarks import evidence, evidence_bits, evidence_events, evidence_stack, mutants

HOME = Path(__file__).parents[2]
EXPORT = HOME / "firmware_export"

pytestmark = pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("gcov")), reason="gcc is missing: apt-get install gcc"
)
NET = evidence_events.unusual(evidence_events.released("compact").factors)
EVENTS = evidence_events.events_of(NET.factors, 600)


@pytest.fixture(scope="module", params=FORMATS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """The firmware of an unusual network, and events with their answers."""
    folder = evidence.written(tmp_path_factory.mktemp(request.param), NET, request.param)
    return folder, evidence_events.records(EVENTS, *evidence_events.answered(NET, EVENTS, request.param))


def test_the_evidence_is_of_the_exported_c() -> None:
    told = json.loads((EXPORT / "evidence.json").read_text())
    assert told["sources_sha256"] == evidence.fingerprint(EXPORT), "run python benchmarks/evidence.py"
    assert told["hand_written_sha256"] == evidence.fingerprint(evidence.HAND_WRITTEN), "run benchmarks/evidence.py"
    assert (EXPORT / "EVIDENCE.md").read_text() == evidence.page(told)


def test_one_part_is_measured_again_for_the_same_c_alone(monkeypatch) -> None:
    told = json.loads((EXPORT / "evidence.json").read_text())
    monkeypatch.setitem(evidence.PARTS, "stack", lambda name, folder: (name, folder.name))
    again = evidence.renewed(copy.deepcopy(told), "stack")
    assert [again[name].pop("stack") for name in FORMATS] == [(name, name) for name in FORMATS]
    assert again == {k: {n: p for n, p in v.items() if n != "stack"} if k in FORMATS else v for k, v in told.items()}
    with pytest.raises(SystemExit, match="--only must find evidence of the present C"):
        evidence.renewed(told | {"hand_written_sha256": "other"}, "stack")


def test_the_evidence_is_good() -> None:
    told = json.loads((EXPORT / "evidence.json").read_text())
    for number_format in FORMATS:
        part = told[number_format]
        core = part["cortex_m4f"]
        assert core["instructions_least"] == core["instructions_per_prediction"]
        assert (core["ram_bytes"], core["guard_share"] < 0.25) == (0, True)
        assert part["stack"]["bound_bytes"] >= core["stack_bytes"]
        assert set(part["warnings"].values()) == {0}
        assert part["sanitizers"] == {"exit_code": 0, "findings": 0}
        assert {value for file in part["coverage_pct"].values() for value in file.values()} == {100}
        assert part["misra_c_2012"]["other_findings"] == {}
        assert part["mutants"]["survivors"] == []
        assert (part["fuzzing"]["findings"], part["fuzzing"]["seconds"] >= 600) == ([], True)
        assert part["fuzzing"]["executions"] > 1e6
        assert part["mutants"]["killed"] + part["mutants"]["equivalent"] == part["mutants"]["mutants"] > 150
    for key in evidence.DIFFERENCES.values():
        assert {part["differences"] for part in told[key].values()} == {0}
        assert all(told[key][core]["events"] >= 1e6 for core in ("host", "cortex-m4f", "cortex-m7", "rv32imfc"))
    for key in ("fixed_point_differences", "shift_differences"):
        assert all(told[key][name]["events"] >= 1e6 for name in ("onnxruntime", "cortex-m0", "cortex-m3"))


def test_listed_deviations_are_explained_in_the_readme() -> None:
    text = (EXPORT / "README.md").read_text()
    assert all(f"Rule {rule} " in text for rule in evidence.DEVIATIONS)


def test_the_events_execute_every_line_and_branch(written: tuple[Path, bytes]) -> None:
    for name, share in evidence.coverage(*written).items():
        assert share == {"lines": 100, "branches": 100}, name


def test_the_sanitizers_find_nothing(written: tuple[Path, bytes]) -> None:
    assert evidence.sanitized(*written) == {"exit_code": 0, "findings": 0}


def test_a_wrong_answer_is_seen_by_the_driver(written: tuple[Path, bytes]) -> None:
    folder, data = written
    first = 4 * EVENTS.shape[1]  # the lowest byte of the first event's first output
    assert evidence.sanitized(folder, data[:first] + bytes([data[first] ^ 1]) + data[first + 1 :])["exit_code"] == 1


def test_the_stack_never_reaches_below_its_bound(written: tuple[Path, bytes]) -> None:
    bound = evidence_stack.stack_bound(written[0])["bound_bytes"]
    painted = CortexM(written[0]).report(EVENTS).stack_bytes
    assert painted <= bound < painted + 64


@pytest.mark.parametrize("file", ["acc_decel_self_test.c", "acc_decel_correction.c"])
def test_every_mutant_of_a_small_file_is_killed_or_known(written: tuple[Path, bytes], file: str) -> None:
    total, alive = mutants.survivors(written[0], [file], written[1])
    assert total > 10
    assert all(any(passage in str(m) for passage in mutants.EQUIVALENT) for m in alive), list(map(str, alive))


def test_mutants_are_made_within_functions_alone() -> None:
    text = "/* 1 + 2 */\n#define A (1 + 2)\nint f(int a)\n{\n    return a + 1;\n}\n"
    assert [(m.new, m.number) for m in mutants.mutants_of("a.c", text)] == [("-", 5), ("2", 5)]


@pytest.mark.skipif(not shutil.which("cppcheck"), reason="cppcheck is missing: apt-get install cppcheck")
def test_misra_finds_what_is_listed_and_no_more(written: tuple[Path, bytes], tmp_path: Path) -> None:
    assert evidence.misra(written[0])["other_findings"] == {}
    (tmp_path / "acc_decel.c").write_text("int f(int a);\nint f(int a)\n{\n    if (a) return 1;\n    return 0;\n}\n")
    assert evidence.misra(tmp_path)["other_findings"] != {}


def test_differences_are_counted_by_event() -> None:
    outputs: ndarray = np.zeros((3, 4), "f4")
    status = np.zeros(3, np.int64)
    other = outputs.copy()
    other[1, 2] = -0.0
    assert evidence_bits.unlike((other, status), (outputs, status)) == 1
    assert evidence_bits.unlike((outputs, status + np.array([0, 0, 1])), (outputs, status)) == 1


def test_an_altered_weight_is_told_by_everyone_who_runs_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(evidence_bits, "SLOW", {})
    net = evidence_events.released("compact")
    layer = net.trunk[-1]
    other = replace(net, trunk=(*net.trunk[:-1], replace(layer, bias=layer.bias + np.float32(0.01))))
    folder, ticks = evidence.written(tmp_path, other, FIXED), []
    told = evidence_bits.differences(folder, net, FIXED, events=40, on_part=lambda: ticks.append(1))
    assert [*told] == ["host", "onnxruntime", "cortex-m4f", "cortex-m7", "cortex-m3", "cortex-m0", "rv32imfc", "rv32ic"]
    assert len(ticks) == evidence_bits.parts_in_all([FIXED], 40) == len(told)
    assert all(part["events"] == 40 and part["differences"] > 30 for part in told.values())

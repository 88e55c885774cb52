"""The fuzzer of the exported C: it finds nothing there, and it does find what is planted."""

import shutil
from pathlib import Path

import pytest

from acc_decel.evidence.events import unusual_net
from acc_decel.evidence.fuzzing import fuzz
from acc_decel.evidence.tools import CLANG, LIBFUZZER, check_tools
from acc_decel.export import write_format
from acc_decel.export.firmware_files import FORMATS
from acc_decel.factors import FACTORS

pytestmark = pytest.mark.slow

NET = unusual_net(FACTORS)
RUNS = 10_000


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    """These tests are skipped where a program is missing; where CI=true, that is an error."""
    try:
        check_tools([CLANG, LIBFUZZER])
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The firmware of an unusual network, whose raw quantiles cross."""
    return {name: write_format(tmp_path_factory.mktemp(name), NET, "unusual", name) for name in FORMATS}


@pytest.mark.parametrize("number_format", FORMATS)
def test_nothing_is_found_in_the_exported_c(folders: dict[str, Path], number_format: str) -> None:
    result = fuzz(folders[number_format], NET, runs=RUNS)
    assert result["findings"] == []
    assert result["executions"] >= RUNS
    assert result["edges"] > 70


DEFECTS = {  # text of a C file, its replacement, the promise that is broken
    "a NaN that is accepted": ("(missing & ACC_DECEL_REQUIRED)", "(missing & 0U)", "must be available and is NaN"),
    "a range that is not checked": (
        "outside_mask(word.value, column_limits[i - 1U].low, column_limits[i - 1U].span)",
        "outside_mask(word.value, 0U, 0xFFFFFFFFU)",
        "out of range is refused",
    ),
    "quantiles that cross": ("            put_in_order(outputs);\n", "", "quantiles ascend"),
    "an answer that is changed": (
        "        status = acceptance(values, &available);\n",
        "        status = acceptance(values, &available);\n        prediction->delay = 0.0F;\n",
        "leaves the prediction unchanged",
    ),
    "a buffer too short": (
        "float outputs[ACC_DECEL_OUTPUT_COUNT];",
        "float outputs[ACC_DECEL_OUTPUT_COUNT - 1U];",
        "AddressSanitizer: stack-buffer-overflow",
    ),
    "a correction beyond what a car can do": (
        "if (deceleration < ACC_DECEL_LEAST_DECELERATION)",
        "if (deceleration < -30.0F)",
        "one that a car can reach",
    ),
    "a lower bound raised by the scale": (
        "return acc_decel_smaller(transformed(correction, deceleration), deceleration);",
        "return transformed(correction, deceleration);",
        "never raise a lower bound",
    ),
    "a scale that is not checked": (
        "is_between(correction->scale, ACC_DECEL_LEAST_SCALE, ACC_DECEL_GREATEST_SCALE) &&",
        "",
        "accepted within its limits",
    ),
}


@pytest.mark.parametrize(("passage", "defect", "promise"), DEFECTS.values(), ids=DEFECTS.keys())
def test_a_planted_defect_is_found(
    folders: dict[str, Path], tmp_path: Path, passage: str, defect: str, promise: str
) -> None:
    folder = Path(shutil.copytree(folders["float"], tmp_path / "planted"))
    (source,) = (path for path in folder.glob("acc_decel*.c") if passage in path.read_text())
    source.write_text(source.read_text().replace(passage, defect, 1))
    (finding,) = fuzz(folder, NET, runs=RUNS)["findings"]
    assert promise in finding


def test_what_does_not_compile_is_said(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["float"], tmp_path / "broken"))
    (folder / "acc_decel.c").write_text("no C")
    with pytest.raises(RuntimeError, match=r"must compile with clang. Got:\n.*unknown type name"):
        fuzz(folder, NET, runs=1)

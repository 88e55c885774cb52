"""Building a model's library: firmware and tables are generated from its arrays, compiled, checked and cached."""

import platform
import tempfile
from pathlib import Path

import numpy as np

from acc_decel.compiled.cache import kept_library, store
from acc_decel.compiled.compiler import compiled, find_compiler, firmware_sources
from acc_decel.compiled.library import Library
from acc_decel.compiled.tables import TABLES_FILE, lanes_header
from acc_decel.export import firmware_files, golden_events, reference_outputs, status_of, write_firmware
from acc_decel.model_folder import read_model
from acc_decel.network import DenseNet

OPTIONS = ("-std=c11", "-ffp-contract=off", "-O2", "-shared", "-fPIC")
HOST_SOURCES = Path(__file__).parent / "host"
EXCLUDED = {"acc_decel_float.c", "acc_decel_self_test.c"}  # the first is included by a host source


def built_library(model: Path) -> Library:
    """The library of the model folder `model`: the cached one, else a new one, which is then cached.

    Raises ValueError without a compiler, or if the model folder is incomplete; RuntimeError with the compiler's
    message, or if the new library does not give the reference's answers.
    """
    if (library := kept_library(model)) is not None:
        return library
    command = find_compiler()
    if command is None:
        raise ValueError(
            "The backend c must have a C compiler: zig of the wheel ziglang, or cc. Got none: "
            'pip install "acc-decel[ecu]", or take the backend onnxruntime.'
        )
    net, _ = read_model(model)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
        new = compiled_library(net, Path(work), (*command, *_native(command)))
        check_answers(Library(new), net)
        return Library(store(model, new))


def compiled_library(net: DenseNet, work: Path, command: tuple[str, ...]) -> Path:
    """The library of `net`, compiled by `command` in the folder `work`."""
    files = firmware_files(net, model="compiled", golden=golden_events(net.factors)) | {TABLES_FILE: lanes_header(net)}
    write_firmware(work, files)
    sources = [path for path in firmware_sources(work) if path.name not in EXCLUDED]
    options = (*OPTIONS, f"-I{work}", f"-I{HOST_SOURCES}")
    return compiled((*command, *options), [*sources, *sorted(HOST_SOURCES.glob("*.c"))], work / "compiled.so")


def check_answers(library: Library, net: DenseNet) -> None:
    """Raise RuntimeError unless the golden events get the reference's bits, one by one and in one call."""
    events = golden_events(net.factors)
    expected, expected_status = reference_outputs(net, events), status_of(net, events)
    one_by_one = [library.predict_array(event[None]) for event in events]
    singly = np.concatenate([outputs for outputs, _ in one_by_one]), np.concatenate([s for _, s in one_by_one])
    for outputs, status in (library.predict_array(events), singly):
        if not (np.array_equal(outputs, expected, equal_nan=True) and np.array_equal(status, expected_status)):
            raise RuntimeError(
                f"{library.path.name} must give the reference's answers to the golden events. Got other answers: "
                "this compiler does not follow IEEE 754; use the backend onnxruntime."
            )


def _native(command: tuple[str, ...]) -> tuple[str, ...]:
    """Options that let the compiler use all of this processor; zig does so by itself."""
    is_zig = command[-1] == "cc" and len(command) > 1
    return ("-march=native",) if not is_zig and platform.machine() in {"x86_64", "AMD64"} else ()

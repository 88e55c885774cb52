"""Compile the released models for the what-if page, so that it needs no compiler.

The folder is `acc_decel/integration/page/released/`. It also holds what the page shows of the trial, which would need
the extra [train]. Run this when a model, the C of the firmware, `page.c` or the trial has changed; the same inputs and
the same zig give the same bytes.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from acc_decel.cli.page_setting import setting, vehicle_of
from acc_decel.export import firmware_files, golden_events
from acc_decel.files import replace_files
from acc_decel.integration.page import compiled_module, modules, source_digest
from acc_decel.model_folder import read_model, released_models


def released_files() -> dict[str, bytes]:
    """The files of the folder: a module for each car, and what is known of them."""
    files: dict[str, bytes] = {}
    cars: dict[str, dict[str, Any]] = {}
    for name, folder in released_models().items():
        net, _ = read_model(folder)
        sources = firmware_files(net, model=name, golden=golden_events(net.factors))
        files[f"{name}.wasm"] = compiled_module(sources)
        cars[name] = {"sources_sha256": source_digest(sources), "vehicle": asdict(vehicle_of(name))}
        print(f"{name}: {len(files[f'{name}.wasm'])} bytes", file=sys.stderr)
    record = {"setting": asdict(setting()), "cars": cars}
    files[modules.RECORD.name] = (json.dumps(record, indent=1) + "\n").encode()
    return files


def write(folder: Path = modules.RELEASED) -> None:
    """Write the folder, all or nothing."""
    replace_files(folder, released_files())


if __name__ == "__main__":
    write()

"""An adapted vehicle as the TOML file that `generate --vehicle` reads."""

import json
from dataclasses import fields, is_dataclass
from pathlib import Path

from acc_decel.files import atomic_write
from acc_decel.physics import Vehicle, entry_comment


def vehicle_toml(vehicle: Vehicle, description: str) -> str:
    """The vehicle as TOML: numbers with nine digits, each with unit, meaning and formula as a comment."""
    lines = [f"description = {json.dumps(description, ensure_ascii=False)}"]
    for part in fields(vehicle):
        section = getattr(vehicle, part.name)
        if is_dataclass(section):
            lines += ["", f"[{part.name}]"]
            entries = [(f"{f.name} = {getattr(section, f.name):.9g}", entry_comment(f)) for f in fields(section)]
            width = max(len(entry) for entry, _ in entries)
            lines += [f"{entry:{width}}  # {comment}" for entry, comment in entries]
    return "\n".join(lines) + "\n"


def write_vehicle(vehicle: Vehicle, path: Path, description: str) -> None:
    """Write the vehicle file, completely or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(vehicle_toml(vehicle, description))

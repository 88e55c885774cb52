"""Long recordings, one value a row with the name of its channel: each channel has its own times."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.columns import numbers, seconds
from acc_decel.drives.formats.source import Block
from acc_decel.drives.units import ISO, Unit, unit_in_name, unit_named

SAMPLED_CHUNKS = 20  # that show which channels there are
EPOCH_TIMES = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))  # greater times are since 1970
# fmt: off
ROLES = {  # how loggers call the columns, in lower case without what is no letter or digit
    "time":  ("time", "timestamp", "timestamps", "seconds", "secs", "ts", "t", "timems", "timeus", "timens", "datetime",
              "devicetime", "elapsed", "times"),
    "name":  ("name", "pid", "signal", "signalname", "channel", "parameter", "variable", "sensor", "metric", "key",
              "item"),
    "value": ("value", "val", "wert", "valeur", "valor"),
    "unit":  ("unit", "units", "einheit", "unite"),
}
# fmt: on


@dataclass(frozen=True)
class LongTable:
    """A recording of rows with a name and a value. `chunks` have the columns time [s], name, value and unit."""

    path: Path
    chunks: Iterable[pd.DataFrame]  # can be iterated more than once
    timed: bool = field(default=True, init=False)

    def channels(self) -> dict[str, str]:
        """The names in the first rows, with the first unit that stands beside each."""
        units: dict[str, str] = {}
        for chunk in islice(self.chunks, SAMPLED_CHUNKS):
            first = chunk.drop_duplicates("name")
            units |= {n: u for n, u in zip(first["name"], first["unit"], strict=True) if n and n not in units}
        return units

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:  # noqa: ARG002 - timed
        """The channels `names`, each in a group of its own."""
        wanted = set(names)
        for chunk in self.chunks:
            for name, rows in chunk[chunk["name"].isin(wanted)].groupby("name", sort=True):
                yield Block(str(name), rows["time"].to_numpy(float), {str(name): rows["value"].to_numpy(float)})


def plain(name: str) -> str:
    """The name of a column in lower case, without what is no letter or digit."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def long_roles(names: Sequence[str]) -> dict[str, str] | None:
    """The column of each role, if the columns are those of a long table."""
    found = {role: next((n for n in names if plain(n) in spelled), None) for role, spelled in ROLES.items()}
    roles = {role: name for role, name in found.items() if name is not None}
    return roles if {"time", "name", "value"} <= set(roles) and len(names) <= len(roles) + 2 else None


def long_chunk(table: pd.DataFrame, roles: dict[str, str], time_unit: Unit) -> pd.DataFrame:
    """Rows of a long table with the columns time [s], name, value and unit."""
    column = table[roles["time"]]
    units: Any = table[roles["unit"]].fillna("").astype(str).str.strip() if "unit" in roles else ""
    return pd.DataFrame(
        {
            "time": seconds(column, Channel(roles["time"], time_unit)),
            "name": table[roles["name"]].fillna("").astype(str).str.strip(),
            "value": numbers(table[roles["value"]]),
            "unit": units,
        }
    )


def time_unit_of(name: str, column: Any) -> Unit:
    """The unit of a column of times: by its size if since 1970, else as its name says, dates if it is text, else s."""
    values = numbers(column) if len(column) else np.array([])
    finite = values[np.isfinite(values)]
    if not len(finite):
        return unit_named(ISO, "time", name)
    size = float(np.median(np.abs(finite)))
    epoch = next((unit for least, unit in EPOCH_TIMES if size > least), None)
    stated = None if plain(name) == "time" else unit_in_name(name, "time")
    return unit_named(epoch, "time", name) if epoch else stated or unit_named("s", "time", name)

"""The parts of a trial in a folder: a finished one is kept, if it belongs to the same trial."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from acc_decel import acc, dataset, factors, outputs, physics
from acc_decel.acc.trial.recorded_leads import leads_digest
from acc_decel.acc.trial.runs import Rig
from acc_decel.correction import model_digest
from acc_decel.files import atomic_write, sweep

SOURCES = (acc, physics, dataset)  # packages whose code decides the result
MODULES = (factors, outputs)


def code_digest() -> str:
    """Sixteen hexadecimal digits that change with the code of the trial, of the physics, or of a vehicle."""
    folders = [Path(str(package.__file__)).parent for package in SOURCES]
    files = [path for folder in folders for ending in ("py", "toml") for path in folder.rglob(f"*.{ending}")]
    files += [Path(str(module.__file__)) for module in MODULES]
    contents = [path.read_bytes() for path in sorted(files)]
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:16]


def trial_identity(rig: Rig) -> dict[str, str]:
    """What the runs of a trial belong to: settings, seed, code and models, as stored in the metadata of a part."""
    models = [rig.predictor, *rig.leads, rig.other]
    return {
        "trial": "acc_decel acc trial",
        "runs": str(rig.settings.runs),
        "seed": str(rig.settings.seed),
        "step": repr(rig.settings.step),
        "code": code_digest(),
        "recorded leads": leads_digest(rig.recorded),
        "models": hashlib.sha256("".join(model_digest(model.path) for model in models).encode()).hexdigest()[:16],
    }


@dataclass(frozen=True)
class Part:
    """All runs of one arm on one road in one scenario."""

    arm: str
    road: str
    scenario: str

    @property
    def labels(self) -> dict[str, str]:
        """The columns that tell the runs of this part from others."""
        return {"arm": self.arm, "road": self.road, "scenario": self.scenario}

    @property
    def file_name(self) -> str:
        """The name of its file in the folder."""
        return f"{self.arm}-{self.road}-{self.scenario}.parquet"


def check_folder(folder: Path, identity: dict[str, str]) -> None:
    """Raise ValueError if the folder holds parts of another trial; what a killed process left of a part is deleted."""
    if not folder.is_dir():
        return
    sweep(folder)
    for path in sorted(folder.glob("*.parquet")):
        other = _metadata(path)
        if other is None:  # damaged: it is made again
            continue
        for key, value in identity.items():
            if other.get(key) != value:
                raise ValueError(
                    f"{folder} must be empty or hold the same trial ({key} {value}). Got {path.name} of {key} "
                    f"{other.get(key, 'unknown')}: choose another folder or delete it."
                )


def read_part(folder: Path, part: Part, identity: dict[str, str]) -> pd.DataFrame | None:
    """The runs of a finished part; None if it is not there, damaged or not whole."""
    path = folder / part.file_name
    if _metadata(path) is None:
        return None
    try:
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
    except (OSError, ValueError, pa.ArrowException):
        return None
    return table.to_pandas() if table.num_rows == int(identity["runs"]) else None


def write_part(folder: Path, part: Part, runs: pd.DataFrame, identity: dict[str, str]) -> None:
    """Write the runs of a part, whole or not at all."""
    table = pa.Table.from_pandas(runs, preserve_index=False).replace_schema_metadata(identity)
    with atomic_write(folder / part.file_name, tidy=False) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def _metadata(path: Path) -> dict[str, str] | None:
    """What a file says it belongs to; None if it is not there or cannot be read."""
    try:
        schema = pq.read_schema(path)
    except (OSError, ValueError, pa.ArrowException):
        return None
    return {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}

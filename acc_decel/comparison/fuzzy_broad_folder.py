"""A fuzzy broad learning system as a folder: arrays, metrics, and a manifest with the hash of each. No ONNX, no C."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy import ndarray

from acc_decel.comparison import folder as comparison_folder
from acc_decel.comparison.fuzzy_broad import ARRAYS, FuzzyBroad
from acc_decel.factors import FACTORS, schema

KIND = "fuzzy-broad"  # what the manifest calls such a model
SYSTEM = "fuzzy_broad.npz"


def check_free(folder: Path) -> None:
    """Raise ValueError if `folder` holds a model of another kind, whose manifest would no longer fit."""
    comparison_folder.check_free(folder, KIND)


def write_folder(
    folder: Path,
    system: FuzzyBroad,
    *,
    vehicle: str,
    dataset: dict[str, object],
    training: dict[str, object],
    metrics: dict[str, object],
) -> None:
    """Write the folder of `system`; `dataset` and `training` say what it was trained on and how."""
    comparison_folder.write(
        folder,
        (SYSTEM, stored(system)),
        kind=KIND,
        vehicle=vehicle,
        dataset=dataset,
        training=training,
        metrics=metrics,
    )


def read_folder(folder: Path) -> FuzzyBroad:
    """The system in a folder. Raises ValueError naming a file that lacks, has changed, or is of another schema."""
    comparison_folder.check_whole(folder, KIND)
    return loaded(folder / SYSTEM)


def stored(system: FuzzyBroad) -> bytes:
    """The arrays of `system` as the bytes of an .npz file: the same system gives the same bytes."""
    arrays: dict[str, ndarray] = {
        "schema": np.array(schema(system.factors)),
        "ranges": np.array([(f.low, f.high) for f in system.factors]),  # factors x (low, high)
        **{name: getattr(system, name) for name in ARRAYS},
    }
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def loaded(path: Path) -> FuzzyBroad:
    """The system stored in the file `path`. Raises ValueError if it cannot be read or is of other factors."""
    try:
        with np.load(BytesIO(path.read_bytes())) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError, TypeError, BadZipFile) as error:
        raise ValueError(
            f"{path} must be the stored arrays of a {KIND} model. Got: {error}. Train it again."
        ) from error
    if (found := str(arrays.get("schema"))) != schema():
        raise ValueError(
            f"{path} was trained for factor schema {found}, this code has {schema()}. "
            f"Run `acc-decel generate` and `acc-decel train --model {KIND}` again."
        )
    factors = tuple(replace(f, low=low, high=high) for f, (low, high) in zip(FACTORS, arrays["ranges"], strict=True))
    return FuzzyBroad(factors, **{name: arrays[name] for name in ARRAYS})

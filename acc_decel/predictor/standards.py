"""What a call that leaves a factor out asks about: the standard equipment, and full braking of the model's vehicle."""

import json
from dataclasses import replace
from pathlib import Path

from acc_decel.factors import Factor

OF_THE_VEHICLE = "brake_pressure_bar"  # its standard is what the brakes of the vehicle reach, so each model has its own


def with_standards(factors: tuple[Factor, ...], metadata: dict[str, str], path: Path) -> tuple[Factor, ...]:
    """The factors of a model with the standard of its vehicle, by the metadata of its ONNX file `path`.

    A model that names no standard of a factor keeps that of the vocabulary: its brake pressure is then required.
    Raises ValueError for a standard that is no number within the range of its factor.
    """
    described = {entry["name"]: entry for entry in json.loads(metadata["factors"])}
    return tuple(_with_standard(factor, described[factor.name], path) for factor in factors)


def _with_standard(factor: Factor, entry: dict[str, object], path: Path) -> Factor:
    standard = entry.get("standard")
    if standard is None:
        return factor
    is_number = isinstance(standard, int | float) and not isinstance(standard, bool)
    if not is_number or factor.levels or not factor.low <= float(str(standard)) <= factor.high:
        raise ValueError(
            f"{path} must have a standard of {factor.name} of {factor.span}, or none. Got {str(standard)[:40]}: train "
            "it again with `acc-decel train`, or fetch it again."
        )
    return replace(factor, standard=float(str(standard)))

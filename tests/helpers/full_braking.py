"""Models that know what full braking of their vehicle is: networks exported again with a standard of the pressure."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from acc_decel.export import write_model
from acc_decel.factors import FACTORS, OF_THE_VEHICLE, Factor
from acc_decel.network import DenseNet
from tests.helpers.random_net import random_net

FULL_BAR = 150.0


def with_full_braking(factors: tuple[Factor, ...] = FACTORS, bar: float | None = FULL_BAR) -> tuple[Factor, ...]:
    """The factors of a vehicle whose brakes reach `bar`; None where it is not known."""
    return tuple(replace(f, standard=bar) if f.name == OF_THE_VEHICLE else f for f in factors)


def write_full_braking(
    folder: Path,
    net: DenseNet | None = None,
    *,
    bar: float | None = FULL_BAR,
    vehicle: str = "compact",
    metrics: dict[str, object] | None = None,
) -> Path:
    """`folder` with the model of `net`, or of random weights, which knows that its vehicle reaches `bar`."""
    net = net or random_net(np.random.default_rng(1))
    net = replace(net, factors=with_full_braking(net.factors, bar))
    metrics = metrics or {"events": 1, "rmse": 0.5, "coverage": 0.9, "dataset": {}, "training": {}}
    origin = {name: metrics[name] for name in ("dataset", "training")}
    write_model(folder, net, vehicle=vehicle, metrics=metrics, **origin)
    return folder

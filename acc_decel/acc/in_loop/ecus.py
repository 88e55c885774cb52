"""Who answers in the loop: the exported C on the host for all cars at once (SIL), or on an emulated core (PIL)."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.ecu import CortexM, HostEcu, TickCosts, check_passed
from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.model_folder import folder_of, read_model
from acc_decel.predictor import Predictor

CORTEX_M4F = "cortex-m4f"


@contextmanager
def exported(predictor: Predictor, number_format: str = "float") -> Iterator[Path]:
    """A folder with the C of this model, exported as `acc-decel export` does; it is deleted in the end."""
    net, _ = read_model(folder_of(predictor.path))
    golden = golden_events(net.factors)
    files = firmware_files(net, model=predictor.vehicle, golden=golden, number_format=number_format)
    with tempfile.TemporaryDirectory() as folder:
        write_firmware(Path(folder), files)
        yield Path(folder)


@runtime_checkable
class Ecus(Protocol):
    """The ECUs of several cars."""

    def tick(
        self, rows: Float32[ndarray, "cars questions columns"]
    ) -> tuple[Float32[ndarray, "cars questions outputs"], Int64[ndarray, "cars questions"]]:
        """Outputs and status of every question, of one tick of every car."""


class HostEcus:
    """SIL: the exported C on the host, all cars in one call."""

    def __init__(self, firmware: Path, *, build: Path | None = None) -> None:
        """Compile the C in the folder `firmware`. Raises RuntimeError if its self-test does not pass."""
        self._ecu = HostEcu(firmware, build=build)
        check_passed(self._ecu.self_test(), "the host")

    def tick(
        self, rows: Float32[ndarray, "cars questions columns"]
    ) -> tuple[Float32[ndarray, "cars questions outputs"], Int64[ndarray, "cars questions"]]:
        """Outputs and status of every question, of one tick of every car."""
        outputs, status = self._ecu.predict_array(rows.reshape(-1, rows.shape[2]))
        return outputs.reshape(*rows.shape[:2], -1), status.reshape(rows.shape[:2])


class CoreEcus:
    """PIL: the exported C on one emulated core, which answers one car after the other, a tick each.

    One core is enough for all cars, as the firmware keeps nothing between calls.
    """

    def __init__(self, firmware: Path, *, core: str = CORTEX_M4F, build: Path | None = None) -> None:
        """Cross-compile the C in the folder `firmware`. Raises RuntimeError if its self-test does not pass."""
        self._core = CortexM(firmware, core=core, build=build).start()

    def tick(
        self, rows: Float32[ndarray, "cars questions columns"]
    ) -> tuple[Float32[ndarray, "cars questions outputs"], Int64[ndarray, "cars questions"]]:
        """Outputs and status of every question, of one tick of every car."""
        outputs, status = zip(*(self._core.tick(car) for car in rows), strict=True)
        cars, questions, _ = rows.shape
        return np.concatenate(outputs).reshape(cars, questions, -1), np.concatenate(status).reshape(cars, questions)

    @property
    def costs(self) -> TickCosts:
        """What every 100th tick of the core has cost."""
        return self._core.costs

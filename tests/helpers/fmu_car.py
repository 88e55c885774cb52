"""An instance of an FMU in FMPy, set and read by the names of its variables."""

import ctypes
import shutil
from collections.abc import Iterable
from pathlib import Path

import fmpy
import fmpy.simulation

GETTERS = {  # by the type of the variable, of FMI 2.0 and of FMI 3.0
    True: {"Real": "getReal", "Integer": "getInteger", "Boolean": "getBoolean", "Enumeration": "getInteger"},
    False: {kind: f"get{kind}" for kind in ("Float64", "Int32", "UInt64", "Boolean")} | {"Enumeration": "getInt64"},
}


class Fmu:
    """An FMU unpacked into `folder`; `log` gets what its instances say."""

    def __init__(self, path: Path, folder: Path) -> None:
        """Unpack and read the description."""
        shutil.unpack_archive(path, folder, "zip")
        self.folder, self.log = folder, []
        self.description = fmpy.read_model_description(folder)
        self.is_fmi2 = self.description.fmiVersion == "2.0"
        self.token = self.description.guid
        self.variables = {x.name: x for x in self.description.modelVariables}

    @property
    def library(self) -> Path:
        """The library for this machine."""
        return next((self.folder / "binaries" / ("linux64" if self.is_fmi2 else "x86_64-linux")).glob("*.so"))

    def instance(self) -> "Car":
        """A new instance, initialized."""
        car = Car(self)
        car.initialize()
        return car

    def heard(self, *said: object) -> None:
        """What an instance logs."""
        self.log.append(" ".join(x.decode() for x in said if isinstance(x, bytes)))


class Car:
    """One instance."""

    def __init__(self, fmu: Fmu) -> None:
        """Instantiate."""
        self.fmu = fmu
        self.slave = fmpy.simulation.instantiate_fmu(str(fmu.folder), fmu.description, "CoSimulation", logger=fmu.heard)
        self.time = 0.0

    def initialize(self) -> None:
        """Enter and leave initialization mode."""
        if self.fmu.is_fmi2:
            self.slave.setupExperiment(startTime=0.0)
        self.slave.enterInitializationMode()
        self.slave.exitInitializationMode()

    def set(self, **values: float | bool) -> "Car":
        """Set variables."""
        for name, value in values.items():
            own = self.fmu.variables[name]
            setter = GETTERS[self.fmu.is_fmi2][own.type].replace("get", "set")
            getattr(self.slave, setter)([own.valueReference], [bool(value) if own.type == "Boolean" else value])
        return self

    def step(self) -> "Car":
        """One step."""
        self.slave.doStep(currentCommunicationPoint=self.time, communicationStepSize=0.01)
        self.time += 0.01
        return self

    def get(self, *names: str) -> tuple[float | bool, ...]:
        """Values of variables."""
        return tuple(self._get(name) for name in names)

    def _get(self, name: str) -> float | bool:
        own = self.fmu.variables[name]
        return getattr(self.slave, GETTERS[self.fmu.is_fmi2][own.type])([own.valueReference])[0]

    def answers(self, names: Iterable[str]) -> tuple[float | bool, ...]:
        """The answer to the present inputs."""
        return self.step().get(*names)

    def saved(self) -> ctypes.c_void_p:
        """The state, saved by the FMU."""
        return self.slave.getFMUstate() if self.fmu.is_fmi2 else self.slave.getFMUState()

    def restore(self, state: ctypes.c_void_p) -> None:
        """Go back to a saved state, which is then freed."""
        if self.fmu.is_fmi2:
            self.slave.setFMUstate(state)
            self.slave.freeFMUstate(state)
        else:
            self.slave.setFMUState(state)
            self.slave.freeFMUState(state)

    def serialized(self) -> bytes:
        """The state as bytes."""
        state = self.saved()
        serialize = self.slave.serializeFMUstate if self.fmu.is_fmi2 else self.slave.serializeFMUState
        content = serialize(state)
        self.restore(state)
        return content

    def deserialize(self, content: bytes) -> None:
        """Take over a state from bytes."""
        own = self.slave.deSerializeFMUstate if self.fmu.is_fmi2 else self.slave.deserializeFMUState
        self.restore(own(content))

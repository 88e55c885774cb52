"""The same drive as different kinds of recording: raw CAN in candump, ASC, BLF, MF4 with its DBC, and decoded MF4."""

from collections.abc import Iterable
from pathlib import Path

import can
import numpy as np
import pandas as pd
from asammdf import MDF, Signal
from asammdf.blocks.source_utils import Source
from numpy import ndarray

DBC = """VERSION ""

NS_ :

BS_:

BU_: ECU

BO_ 288 Motion: 8 ECU
 SG_ VehicleSpeed : 0|16@1+ (0.01,0) [0|400] "km/h" ECU

BO_ 2147484961 Inertia: 8 ECU
 SG_ AccelLong : 7|16@0- (0.001,0) [-32|32] "m/s^2" ECU
 SG_ AccelLat : 23|16@0- (0.001,0) [-32|32] "m/s^2" ECU

"""
MOTION, INERTIA = 0x120, 0x521  # the second is an extended identifier
FRAME = np.dtype(
    [
        ("CAN_DataFrame.BusChannel", "<u1"),
        ("CAN_DataFrame.ID", "<u4"),
        ("CAN_DataFrame.IDE", "<u1"),
        ("CAN_DataFrame.DLC", "<u1"),
        ("CAN_DataFrame.DataLength", "<u1"),
        ("CAN_DataFrame.DataBytes", "(8,)u1"),
    ]
)


def dbc(folder: Path) -> Path:
    """The DBC of the frames, in `folder`."""
    path = folder / "car.dbc"
    path.write_text(DBC)
    return path


def frames(table: pd.DataFrame) -> tuple[ndarray, ndarray]:
    """Times and CAN frames (of dtype FRAME) of a table with time [s], speed [km/h] and acceleration [m/s^2]."""
    count = len(table)
    records = np.zeros(2 * count, FRAME)
    time = np.repeat(table.iloc[:, 0].to_numpy(float), 2)
    time[1::2] += 0.0003
    records["CAN_DataFrame.BusChannel"] = 1
    records["CAN_DataFrame.DLC"] = records["CAN_DataFrame.DataLength"] = 8
    records["CAN_DataFrame.ID"][0::2], records["CAN_DataFrame.ID"][1::2] = MOTION, INERTIA
    records["CAN_DataFrame.IDE"][1::2] = 1
    speed = np.round(table.iloc[:, 1].to_numpy(float) / 0.01).clip(0, 65535).astype("<u2")
    acceleration = np.round(table.iloc[:, 2].to_numpy(float) / 0.001).clip(-32768, 32767).astype(">i2")
    data = records["CAN_DataFrame.DataBytes"]
    data[0::2, :2] = speed.view(np.uint8).reshape(-1, 2)
    data[1::2, :2] = acceleration.view(np.uint8).reshape(-1, 2)
    return time, records


def write_bus_mf4(path: Path, blocks: Iterable[tuple[ndarray, ndarray]]) -> Path:
    """Frames as an MF4 of the raw bus, block by block."""
    bus = Source(name="CAN", path="CAN", comment="", source_type=Source.SOURCE_BUS, bus_type=Source.BUS_TYPE_CAN)
    with MDF(version="4.10") as mdf:
        for i, (time, records) in enumerate(blocks):
            if i == 0:
                mdf.append(Signal(samples=records, timestamps=time, name="CAN_DataFrame", source=bus))
            else:
                mdf.extend(0, [(time, None), (records, None)])
        mdf.save(path, overwrite=True)
    return path


def write_mf4(path: Path, table: pd.DataFrame) -> Path:
    """A table as an MF4 of decoded channels, each column in a group of its own."""
    time = table.iloc[:, 0].to_numpy(float)
    with MDF(version="4.10") as mdf:
        for name, unit in zip(table.columns[1:], ("km/h", "m/s^2"), strict=False):
            mdf.append(
                Signal(samples=table[name].to_numpy(float), timestamps=time, name=name.split(" (")[0], unit=unit)
            )
        mdf.save(path, overwrite=True)
    return path


def write_log(path: Path, time: ndarray, records: ndarray) -> Path:
    """Frames as candump, ASC, BLF or TRC, by the ending of `path`; a bus 1 is can0 of candump."""
    with can.Logger(path) as log:
        for stamp, frame in zip(time.tolist(), records, strict=True):
            bus = int(frame["CAN_DataFrame.BusChannel"])
            log.on_message_received(
                can.Message(
                    timestamp=1.6e9 + stamp,
                    arbitration_id=int(frame["CAN_DataFrame.ID"]),
                    is_extended_id=bool(frame["CAN_DataFrame.IDE"]),
                    data=frame["CAN_DataFrame.DataBytes"].tobytes(),
                    channel=f"can{bus - 1}" if path.suffix == ".log" else bus - 1,
                )
            )
    return path

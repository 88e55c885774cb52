"""A virtual ECU on a CAN bus that other programs talk to: its task every 10 ms, by python-can. Needs [can], [ecu]."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import can

from acc_decel.ecu import PERIOD
from acc_decel.integration.can.layout import Bus
from acc_decel.integration.can.task import Frame, Task

BUSES: dict[
    str, tuple[str, dict[str, Any]]
] = {  # interfaces of python-can that need no hardware of one maker: their usual channel and further options
    "virtual": ("acc_decel", {}),
    "udp_multicast": ("239.74.163.2", {"hop_limit": 0}),  # python-can's default group, on this machine only
    "socketcan": ("vcan0", {}),
}
RESUME_S = 0.1  # an ECU that is so late begins a new rhythm
BURST = 1_000  # frames at most that are taken in one tick: a bus of 1 Mbit/s brings 90


@dataclass
class Service:
    """What a virtual ECU did on its bus, and how long after the begin of each tick its answers were out [s]."""

    received: int = 0  # frames with an identifier of ours
    foreign: int = 0  # frames that are not for it
    sent: int = 0
    cpu_s: float = 0.0  # of this process, while it served
    late: list[float] = field(default_factory=list)

    @property
    def ticks(self) -> int:
        """Number of ticks."""
        return len(self.late)

    @property
    def missed(self) -> int:
        """Ticks whose answers were out only after the next tick was due."""
        return sum(late > PERIOD for late in self.late)


def open_bus(name: str, channel: str | None = None) -> can.BusABC:
    """The bus of python-can with the name of its interface. Raises ValueError if it cannot be opened."""
    if name not in BUSES:
        raise ValueError(f"--bus must be one of {', '.join(BUSES)}. Got {name!r}.")
    usual, options = BUSES[name]
    channel = usual if channel is None else channel
    try:
        return can.Bus(interface=name, channel=channel, **options)
    except (can.CanError, OSError, ValueError) as error:
        raise ValueError(
            f"--bus {name} must have the channel {channel}. Got: {' '.join(str(error).split())}: "
            "set it up, or give another --channel."
        ) from error


def send(bus: can.BusABC, frame: Frame) -> None:
    """Send a frame. Raises RuntimeError if the bus does not take it."""
    message = can.Message(
        arbitration_id=frame.identifier, data=frame.data, is_extended_id=False, timestamp=time.time(), check=True
    )
    try:
        bus.send(message, timeout=PERIOD)
    except (can.CanError, OSError) as error:
        raise RuntimeError(f"The bus must take the frames that are sent. Got: {error}: check the bus.") from error


def receive_until(bus: can.BusABC, due: float) -> list[Frame]:
    """The data frames with standard identifiers that come until `due` [s of time.monotonic], at least those waiting."""
    frames: list[Frame] = []
    for _ in range(BURST):
        left = max(0.0, due - time.monotonic())
        message = _received(bus, left)
        if message is not None:
            if not (message.is_extended_id or message.is_remote_frame or message.is_error_frame):
                frames.append(Frame(message.arbitration_id, bytes(message.data)))
        elif left == 0.0:
            break
    return frames


def serve(
    bus: can.BusABC,
    layout: Bus,
    task: Task,
    *,
    seconds: float | None = None,
    ended: Callable[[], bool] = lambda: False,
) -> Service:
    """Run the task on the bus every 10 ms, for so many seconds, or until `ended` says so. What it did."""
    ours, answers = ({m.identifier for m in messages} for messages in (layout.inputs, layout.outputs))
    service = Service()
    while receive_until(bus, 0.0):  # what waits on the bus was sent before
        pass
    begin, cpu = time.monotonic(), time.process_time()
    due = begin
    while not ended() and (seconds is None or due - begin < seconds - PERIOD / 2):  # sums of PERIOD are not exact
        due += PERIOD
        received = receive_until(bus, due)
        own = [frame for frame in received if frame.identifier in ours]
        service.received += len(own)
        service.foreign += sum(frame.identifier not in ours | answers for frame in received)  # some buses echo
        for frame in task.tick(own):
            send(bus, frame)
            service.sent += 1
        service.late.append(time.monotonic() - due)
        if service.late[-1] > RESUME_S:  # as after a machine that slept
            due = time.monotonic()
    service.cpu_s = time.process_time() - cpu
    return service


def _received(bus: can.BusABC, seconds: float) -> can.Message | None:
    with suppress(can.CanOperationError):  # a datagram that is no frame
        return bus.recv(seconds)
    return None

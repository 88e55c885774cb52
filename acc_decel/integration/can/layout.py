"""The layout of the bus: which message carries which signal, at which bit, how often, and from whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from acc_decel.factors import Factor, schema
from acc_decel.integration.can.signals import (
    MAX_NAME,
    Signal,
    factor_signals,
    factor_state_signals,
    flag_signals,
    input_state_signals,
    quantity_signals,
    schema_signal,
    self_test_signal,
)

PERIOD_MS = 10  # of the task
CYCLES = 5  # that a message may be late: then its factors are not available
LENGTH = 8  # bytes of every frame
HEADER_BITS = 12  # CRC of 8 bits and counter of 4, at the begin of every frame
COUNTERS = 15  # values of a counter: 0 to 14
MAX_LOST = 2  # frames in a row that may be lost, as the counter tells
MESSAGES = 4  # of a group at most: so many identifiers each has
NODE, READER = "AccDecel", "Acc"


@dataclass(frozen=True)
class Group:
    """Messages of one sender with one cycle."""

    name: str
    first: int  # identifier
    cycle_ms: int
    sender: str
    meaning: str


MOTION = Group("motion", 0x1A0, 10, "Brake", "what every prediction needs")
ROAD = Group("road", 0x1A4, 100, "Camera", "the road ahead, of camera, rain sensor, road thermometer and estimators")
CAR = Group("car", 0x1A8, 1000, "Body", "load, tyres and brakes, which change slowly")
ANSWER = Group("answer", 0x1B0, 10, NODE, "the prediction; all values are SNA while it is refused")
STATUS = Group("status", 0x1B4, 50, NODE, "what the prediction knew, and what was found of the received messages")
IDENTITY = Group("identity", 0x1B8, 1000, NODE, "which firmware answers")


@dataclass(frozen=True)
class Placed:
    """A signal and its first bit in its message, counted from the least one (Intel byte order)."""

    signal: Signal
    start: int


@dataclass(frozen=True)
class Message:
    """One frame on the bus; its identifier is its E2E data id, too."""

    name: str
    identifier: int
    group: Group
    signals: tuple[Placed, ...]

    @property
    def bits(self) -> int:
        """Bits in use, with those of E2E."""
        return max((placed.start + placed.signal.bits for placed in self.signals), default=HEADER_BITS)

    @property
    def max_age_ms(self) -> int:
        """Age [ms] from which on the factors of the last frame are not available."""
        return CYCLES * self.group.cycle_ms


@dataclass(frozen=True)
class Bus:
    """All messages of the predictor: what it receives, and what it sends."""

    factors: tuple[Factor, ...]
    inputs: tuple[Message, ...]
    outputs: tuple[Message, ...]

    @property
    def messages(self) -> tuple[Message, ...]:
        """Received and sent ones."""
        return (*self.inputs, *self.outputs)

    @property
    def schema(self) -> str:
        """The factor schema that the layout is of."""
        return schema(self.factors)

    def place(self, name: str) -> tuple[Message, Placed]:
        """The message that carries the signal of this name, and where. Raises KeyError if there is none."""
        for message in self.messages:
            for placed in message.signals:
                if placed.signal.name == name:
                    return message, placed
        raise KeyError(name)


def bus_of(factors: tuple[Factor, ...]) -> Bus:
    """The messages for these factors. The same factors give the same layout; one that is appended moves no other.

    Raises ValueError for a name that is too long for a DBC, and if there are too many signals for a group.
    """
    groups = (MOTION, ROAD, CAR)
    inputs = [m for group in groups for m in _packed(group, _units(f for f in factors if group_of(f) is group))]
    states = (self_test_signal(), *input_state_signals([m.name for m in inputs]), *factor_state_signals(factors))
    outputs = [
        *_packed(ANSWER, [(signal,) for signal in (*flag_signals(), *quantity_signals())]),
        *_packed(STATUS, [(signal,) for signal in states]),
        *_packed(IDENTITY, [(schema_signal(),)]),
    ]
    return Bus(factors, tuple(inputs), tuple(outputs))


def group_of(factor: Factor) -> Group:
    """The messages that carry a factor, by how fast it changes: with the motion, with the road, or with the car."""
    if not factor.optional:
        return MOTION
    return ROAD if factor.of_the_road or factor.estimate else CAR


def bus_load(messages: Sequence[Message], bits_per_s: float = 500_000.0) -> float:
    """The share of a bus that the messages need, with the stuff bits that a classic frame may have at worst."""
    data = 8 * LENGTH
    frame = 47 + data + (34 + data - 1) // 4  # standard identifier; Davis et al., Real-Time Systems 35 (2007), eq. 1
    return sum(1000 / m.group.cycle_ms for m in messages) * frame / bits_per_s


def _units(factors: Iterable[Factor]) -> list[tuple[Signal, ...]]:
    """What must be in one message: all signals of a factor, if a message has room for them."""
    units: list[tuple[Signal, ...]] = []
    for factor in factors:
        signals = factor_signals(factor)
        fits = sum(signal.bits for signal in signals) <= 8 * LENGTH - HEADER_BITS
        units += [signals] if fits else [(signal,) for signal in signals]
    return units


def _packed(group: Group, units: Sequence[tuple[Signal, ...]]) -> list[Message]:
    """The messages of a group: each unit goes into the first one with room, so that later units move no earlier one."""
    frames: list[list[Placed]] = []
    for unit in units:
        _check_names(unit)
        needed = sum(signal.bits for signal in unit)
        frame = next((f for f in frames if _end(f) + needed <= 8 * LENGTH), None)
        if frame is None:
            frames.append(frame := [])
        for signal in unit:
            frame.append(Placed(signal, _end(frame)))
    if len(frames) > MESSAGES:
        raise ValueError(
            f"The signals of the group {group.name} must fit into {MESSAGES} messages of {LENGTH} bytes. Got "
            f"{len(frames)}: give the group more identifiers."
        )
    return [
        Message(f"decel_{group.name}_{i + 1}", group.first + i, group, tuple(frame)) for i, frame in enumerate(frames)
    ]


def _end(frame: Sequence[Placed]) -> int:
    """The first free bit."""
    return frame[-1].start + frame[-1].signal.bits if frame else HEADER_BITS


def _check_names(signals: Sequence[Signal]) -> None:
    for signal in signals:
        if len(signal.name) > MAX_NAME:
            raise ValueError(
                f"The name of a CAN signal must have at most {MAX_NAME} characters. Got {signal.name}, "
                f"{len(signal.name)}: shorten the name of its factor."
            )

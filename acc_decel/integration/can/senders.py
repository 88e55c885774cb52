"""The other ECUs of the bus, by programs of others: cantools encodes and decodes, autosar-e2e protects. Needs [can]."""

from math import isnan

import cantools
from cantools.database.can import Database
from e2e import p01
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.factors import slices
from acc_decel.integration.can.c_tables import kind_of
from acc_decel.integration.can.dbc import counter_name, crc_name
from acc_decel.integration.can.layout import COUNTERS, PERIOD_MS, Bus, Message
from acc_decel.integration.can.signals import factor_signals
from acc_decel.integration.can.task import Frame

SNA, ERROR = "SNA", "error"
Value = float | int | str


class Senders:
    """The ECUs that send the factors: each message in its cycle, with its counter and its checksum."""

    def __init__(self, bus: Bus, dbc: str) -> None:
        """`dbc` is the text that describes `bus`."""
        self._bus = bus
        self._database = read_dbc(dbc)
        self._factors = [
            (kind_of(factor), own, [(s.name, float(s.low), float(s.high)) for s in factor_signals(factor)])
            for factor, own in zip(bus.factors, slices(bus.factors), strict=True)
        ]
        self._counters = dict.fromkeys((m.name for m in bus.inputs), 0)

    def frames(
        self, columns: Float32[ndarray, " columns"], *, tick: int, silent: frozenset[str] = frozenset()
    ) -> list[Frame]:
        """The frames that are due in a tick of 10 ms; `silent` are senders that send nothing. NaN is sent as SNA.

        What a signal has no code for is sent as an error.
        """
        due = [m for m in self._bus.inputs if tick % (m.group.cycle_ms // PERIOD_MS) == 0]
        values = self._values(columns)
        return [self._frame(message, values) for message in due if message.group.sender not in silent]

    def _frame(self, message: Message, values: dict[str, Value]) -> Frame:
        """The next frame of a message."""
        content: dict[str, Value] = {p.signal.name: values[p.signal.name] for p in message.signals}
        counter = self._counters[message.name]
        self._counters[message.name] = (counter + 1) % COUNTERS
        content |= {crc_name(message): 0, counter_name(message): counter}
        data = bytearray(self._database.encode_message(message.identifier, content, padding=False))
        p01.e2e_p01_protect(data, message.identifier, increment_counter=False)
        return Frame(message.identifier, bytes(data))

    def _values(self, columns: Float32[ndarray, " columns"]) -> dict[str, Value]:
        """What goes into each signal: a value, the code of a kind, SNA or an error."""
        values: dict[str, Value] = {}
        for kind, own, signals in self._factors:
            numbers = columns[own].tolist()
            if kind == "named":
                values[signals[0][0]] = SNA if any(map(isnan, numbers)) else numbers.index(max(numbers))
                continue
            for (name, low, high), number in zip(signals, numbers, strict=True):
                values[name] = SNA if isnan(number) else number if low <= number <= high else ERROR
        return values


class Reader:
    """An ECU that reads the answers: the signals of each frame, and whether its checksum is right."""

    def __init__(self, bus: Bus, dbc: str) -> None:
        """`dbc` is the text that describes `bus`."""
        self._database = read_dbc(dbc)
        self._sent = {m.identifier for m in bus.outputs}

    def read(self, frame: Frame) -> dict[str, Value] | None:
        """The signals by name, choices by their text; None if the frame is no answer, or its checksum is wrong."""
        if frame.identifier not in self._sent or not p01.e2e_p01_check(bytearray(frame.data), frame.identifier):
            return None
        decoded = self._database.decode_message(frame.identifier, frame.data)
        assert isinstance(decoded, dict), "no message is a container"
        return {name: value if isinstance(value, float | int) else str(value) for name, value in decoded.items()}


def read_dbc(text: str) -> Database:
    """The database in the text of a DBC."""
    database = cantools.database.load_string(text, "dbc")
    assert isinstance(database, Database), "a DBC is of CAN"
    return database

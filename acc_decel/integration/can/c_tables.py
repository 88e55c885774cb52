"""The generated C headers of the CAN task: its layout for everyone, and the tables that acc_decel_can.c reads."""

from collections.abc import Iterable, Sequence
from math import isclose

import numpy as np
from numpy import ndarray

from acc_decel.export.c_tables import Table, header, rows_of
from acc_decel.factors import Factor, column_names
from acc_decel.integration.can.layout import COUNTERS, LENGTH, MAX_LOST, PERIOD_MS, STATUS, Bus
from acc_decel.integration.can.signals import (
    DISTANCES,
    FACTOR_STATES,
    ROUNDINGS,
    Signal,
    factor_signals,
    factor_state_signals,
    flag_signals,
    input_state_signals,
    quantity_signals,
    schema_signal,
    self_test_signal,
)
from acc_decel.outputs import OUTPUTS
from acc_decel.status import FLAGS

LAYOUT_FILE, TABLES_FILE = "acc_decel_can_layout.h", "acc_decel_can_tables.h"
KINDS = ("value", "probabilities", "named")  # how a factor is sent
EXACT = 2**24  # whole numbers up to here are exact in float32
SIGNAL, PLACE = "acc_decel_can_signal_t", "acc_decel_can_place_t"


def layout_header(bus: Bus, *, stamp: str) -> str:
    """acc_decel_can_layout.h: counts and identifiers; `stamp` is its first comment."""
    counts = {
        "LENGTH": (LENGTH, "bytes of every frame"),
        "PERIOD_MS": (PERIOD_MS, "of the task"),
        "INPUT_COUNT": (len(bus.inputs), "received messages"),
        "OUTPUT_COUNT": (len(bus.outputs), "sent messages"),
        "COUNTERS": (COUNTERS, "values of the counter of a frame"),
        "MAX_LOST": (MAX_LOST, "frames in a row that may be lost before a counter is wrong"),
    }
    numbers = "\n".join(f"#define ACC_DECEL_CAN_{name} {n}U /* {text} */" for name, (n, text) in counts.items())
    return header("ACC_DECEL_CAN_LAYOUT_H", ["<stdint.h>"], (numbers, _identifiers(bus)), stamp=stamp)


def tables_header(bus: Bus, *, stamp: str) -> str:
    """acc_decel_can_tables.h: messages, signals and assignments, only for acc_decel_can.c; `stamp` as above.

    Raises ValueError for a factor whose values are not exact in float32 before they are divided.
    """
    parts = (_check(bus), _TYPES, _defines(bus), *(table.text for table in _tables(bus)), _assignments(bus.factors))
    return header("ACC_DECEL_CAN_TABLES_H", ['"acc_decel_can.h"', "<stdint.h>"], parts, stamp=stamp)


def _identifiers(bus: Bus) -> str:
    lines = ["/* Identifiers, for the filters of the controller: first the received messages, then the sent ones. */"]
    for message in bus.messages:
        about = f"every {message.group.cycle_ms} ms, from {message.group.sender}: {message.group.meaning}"
        lines.append(
            f"#define ACC_DECEL_CAN_ID_{message.name.removeprefix('decel_').upper()} 0x{message.identifier:X}U "
            f"/* {about} */"
        )
    return "\n".join(lines)


def _check(bus: Bus) -> str:
    """What stops the compiler if the firmware beside the tables is of other factors or outputs."""
    counts = {"FACTOR": len(bus.factors), "COLUMN": len(column_names(bus.factors)), "OUTPUT": len(OUTPUTS)}
    other = " || ".join(f"(ACC_DECEL_{name}_COUNT != {number}U)" for name, number in counts.items())
    return (
        f'#if {other}\n#error "These tables are of other factors than acc_decel_factors.h: export both again."\n#endif'
    )


_TYPES = """/* A received message: its identifier, and for how many ticks its values are used. */
typedef struct {
    uint32_t id;
    uint32_t used_ticks;
} acc_decel_can_received_t;

/* A sent message: its identifier, and its cycle in ticks. */
typedef struct {
    uint32_t id;
    uint32_t cycle;
} acc_decel_can_sent_t;

/* value = (raw + offset) * numerator / denominator, for raw codes up to the last one. */
typedef struct {
    uint32_t last;
    int32_t offset;
    int32_t numerator;
    uint32_t denominator;
    uint16_t message;
    uint8_t start; /* the first bit, counted from the least one of byte 0 */
    uint8_t bits;
    uint32_t not_available; /* the raw code of all ones */
    uint32_t rounding;
} acc_decel_can_signal_t;

/* Where the bits of a state are. */
typedef struct {
    uint16_t message;
    uint16_t start;
} acc_decel_can_place_t;

/* A factor: how it is sent, its first signal, its columns, and what its probabilities may add up to, in steps. */
typedef struct {
    uint32_t kind;
    uint32_t signal;
    uint32_t column;
    uint32_t columns;
    uint32_t least_sum;
    uint32_t greatest_sum;
    uint32_t certain; /* the raw code of probability 1 */
} acc_decel_can_factor_t;"""


def _defines(bus: Bus) -> str:
    tells = next(i for i, message in enumerate(bus.outputs) if message.group is STATUS)
    values = {
        "SCHEMA": f"0x{bus.schema.upper()}U",
        "FACTOR_COUNT": f"{len(bus.factors)}U",
        "QUANTITY_COUNT": f"{len(quantity_signals())}U",
        "FLAG_COUNT": f"{len(FLAGS)}U",
        "TELLS_FAULTS": f"{tells}U /* the sent message that tells the states of the received ones */",
    }
    values |= {name.upper(): f"{i}U" for i, name in enumerate(KINDS)}
    values |= {name.upper(): f"{i}U" for i, name in enumerate(ROUNDINGS)}
    values |= {name.upper(): f"{i}U" for i, name in enumerate(FACTOR_STATES) if i}
    return "\n".join(f"#define ACC_DECEL_CAN_{name} {value}" for name, value in values.items())


def _tables(bus: Bus) -> list[Table]:
    names = [m.name for m in bus.inputs]
    ticks = [(m.identifier, m.max_age_ms // PERIOD_MS - 1) for m in bus.inputs]  # a frame may wait for its first tick
    cycles = [(m.identifier, m.group.cycle_ms // PERIOD_MS) for m in bus.outputs]
    bits = np.array([bit.bit_length() - 1 for bit, _ in FLAGS.values()], np.uint32)
    return [
        Table("received", rows_of("u4,u4", ticks), "messages", "acc_decel_can_received_t", tuple(names)),
        Table("sent", rows_of("u4,u4", cycles), "messages", "acc_decel_can_sent_t", tuple(m.name for m in bus.outputs)),
        _signals(bus, "factor_signals", [s for factor in bus.factors for s in factor_signals(factor)]),
        Table("factors_sent", *_factors(bus.factors)),
        _signals(bus, "quantity_signals", quantity_signals()),
        Table("flag_bits", bits, "flags, their bit of the status"),
        _places(bus, "flag_signals", flag_signals()),
        _places(bus, "factor_state_signals", factor_state_signals(bus.factors)),
        _places(bus, "input_state_signals", input_state_signals(names)),
        _places(bus, "self_test_signals", [self_test_signal()]),
        _places(bus, "schema_signals", [schema_signal()]),
    ]


def _signals(bus: Bus, name: str, signals: Sequence[Signal]) -> Table:
    rows = [(*_numbers(s), *_position(bus, s), s.bits, s.not_available, ROUNDINGS.index(s.rounding)) for s in signals]
    return Table(name, rows_of("u4,i4,i4,u4,u2,u1,u1,u4,u4", rows), "signals", SIGNAL, tuple(s.name for s in signals))


def _places(bus: Bus, name: str, signals: Sequence[Signal]) -> Table:
    rows = [_position(bus, s) for s in signals]
    return Table(name, rows_of("u2,u2", rows), "states", PLACE, tuple(s.name for s in signals))


def _numbers(signal: Signal) -> tuple[int, int, int, int]:
    greatest = max(abs(signal.offset), abs(signal.last + signal.offset)) * signal.step.numerator
    if greatest > EXACT:
        raise ValueError(
            f"The steps of {signal.name} must be whole numbers up to {EXACT}, which float32 holds. Got {greatest}: "
            "give its factor a greater step."
        )
    return signal.last, signal.offset, signal.step.numerator, signal.step.denominator


def _position(bus: Bus, signal: Signal) -> tuple[int, int]:
    """The index of its message among those of the same direction, and its first bit."""
    message, placed = bus.place(signal.name)
    messages = bus.inputs if message in bus.inputs else bus.outputs
    return messages.index(message), placed.start


def _factors(factors: Sequence[Factor]) -> tuple[ndarray, str, str, tuple[str, ...]]:
    """Rows, shape, type and remarks of the table of factors."""
    rows, signal, column = [], 0, 0
    for factor in factors:
        signals = factor_signals(factor)
        rows.append((KINDS.index(kind_of(factor)), signal, column, len(factor.columns), *_sums(factor)))
        signal, column = signal + len(signals), column + len(factor.columns)
    return rows_of("u4," * 6 + "u4", rows), "factors", "acc_decel_can_factor_t", tuple(f.name for f in factors)


def kind_of(factor: Factor) -> str:
    """How a factor is sent: one of KINDS."""
    if not factor.levels:
        return "value"
    return "probabilities" if len(factor_signals(factor)) > 1 else "named"


def _sums(factor: Factor) -> tuple[int, int, int]:
    """The sums in steps that rounding each probability to its step may give, and the steps of probability 1."""
    if kind_of(factor) != "probabilities":
        return 0, 0, 0
    certain = round(factor.high / factor.step)
    if not isclose(certain * factor.step, factor.high):
        raise ValueError(f"The step of {factor.name} must be a whole share of {factor.high:g}. Got {factor.step:g}.")
    most = len(factor.levels) // 2  # half a step each
    return certain - most, certain + most, certain


def _assignments(factors: Sequence[Factor]) -> str:
    names = column_names(factors)
    read = _lines(f"columns[{i}] = factors->{name};" for i, name in enumerate(names))
    written = _lines(f"factors->{name} = columns[{i}];" for i, name in enumerate(names))
    values = [
        f"prediction->{s.name}" if s.name in OUTPUTS else _distance(DISTANCES[s.name][0]) for s in quantity_signals()
    ]
    quantities = _lines(f"quantities[{i}] = {value};" for i, value in enumerate(values))
    return f"""/* The factors in the order of the columns. */
static void read_columns(const acc_decel_factors_t *factors, float columns[ACC_DECEL_COLUMN_COUNT])
{{
{read}
}}

static void factors_of(const float columns[ACC_DECEL_COLUMN_COUNT], acc_decel_factors_t *factors)
{{
{written}
}}

/* The numbers of the answer, in the order of their signals. */
static void quantities_of(const acc_decel_factors_t *factors, const acc_decel_prediction_t *prediction,
                          float quantities[ACC_DECEL_CAN_QUANTITY_COUNT])
{{
{quantities}
}}"""


def _distance(deceleration: str) -> str:
    return f"acc_decel_stopping_distance(factors->speed, prediction->{deceleration}, prediction->delay)"


def _lines(statements: Iterable[str]) -> str:
    return "\n".join(f"    {statement}" for statement in statements)

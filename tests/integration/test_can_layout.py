"""The layout of the CAN bus and its DBC: computed from factors and outputs, and read the same by programs of others."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import canmatrix.formats
import cantools
import pytest
from cantools.database.can import Database

from acc_decel.factors import FACTORS, Factor
from acc_decel.integration.can import Bus, bus_load, bus_of, dbc_text
from acc_decel.integration.can.c_tables import kind_of, layout_header, tables_header
from acc_decel.integration.can.layout import CAR, HEADER_BITS, MOTION, ROAD, Message, group_of
from acc_decel.integration.can.signals import Signal, factor_signals, flag_signals, quantity_signals
from acc_decel.outputs import OUTPUT_LIMITS, OUTPUTS, QUANTILES
from acc_decel.physics import vehicle
from acc_decel.status import FLAGS

BUS = bus_of(FACTORS)
TEXT = dbc_text(BUS, model="compact")
SIGNALS = [(m, p.signal, p.start) for m in BUS.messages for p in m.signals]
NEW = Factor("oil_on_the_road", 0.0, 2.0, 0.05, "g/m^2", "oil on the road", of_the_road=True)
MEASURED = [f for f in FACTORS if not f.is_switch and kind_of(f) != "named"]
shaped = pytest.mark.parametrize(("message", "signal", "start"), SIGNALS, ids=[s.name for _, s, _ in SIGNALS])


@pytest.fixture(scope="module")
def database() -> Database:
    return cantools.database.load_string(TEXT, "dbc")


def placed(bus: Bus) -> dict[str, tuple[int, int, int, Fraction]]:
    """Where the signals of the received messages are."""
    return {p.signal.name: (m.identifier, p.start, p.signal.bits, p.signal.low) for m in bus.inputs for p in m.signals}


@shaped
def test_cantools_reads_each_signal_as_it_was_laid_out(
    database: Database, message: Message, signal: Signal, start: int
) -> None:
    read = database.get_message_by_frame_id(message.identifier).get_signal_by_name(signal.name)
    assert (read.start, read.length, read.byte_order, read.is_signed) == (start, signal.bits, "little_endian", False)
    assert Fraction(str(read.scale)) == signal.step
    assert Fraction(str(read.offset)) == Fraction(str(read.minimum)) == signal.low
    assert Fraction(str(read.maximum)) == signal.high
    assert (read.unit or "") == signal.unit
    assert {code: str(text) for code, text in (read.choices or {}).items()} == signal.texts
    assert read.comment.startswith(signal.meaning)
    assert (not signal.unit) or read.comment.endswith(f"[{signal.unit}]")


@pytest.mark.parametrize("message", BUS.messages, ids=lambda m: m.name)
def test_cantools_reads_cycle_sender_and_protection_of_each_message(database: Database, message: Message) -> None:
    read = database.get_message_by_frame_id(message.identifier)
    assert (read.name, read.length, read.senders) == (message.name, 8, [message.group.sender])
    assert read.cycle_time == message.group.cycle_ms
    attributes = {name: attribute.value for name, attribute in read.dbc.attributes.items()}
    assert attributes["E2EProfile"] == "P01" and attributes["E2EDataId"] == message.identifier
    assert attributes.get("AccDecelMaxAge") == (message.max_age_ms if message in BUS.inputs else None)
    crc, counter = read.signals[:2]
    assert (crc.start, crc.length, counter.start, counter.length, counter.maximum) == (0, 8, 8, 4, 14)
    assert message.bits <= 64  # cantools itself refuses signals that overlap


def test_canmatrix_reads_the_same_signals(tmp_path) -> None:
    (tmp_path / "acc_decel.dbc").write_text(TEXT)
    matrix = canmatrix.formats.loadp_flat(str(tmp_path / "acc_decel.dbc"))
    assert not matrix.load_errors
    read = {s.name: (f.arbitration_id.id, s.get_startbit(), s.size, s.factor, s.offset) for f in matrix for s in f}
    for message, signal, start in SIGNALS:
        low, step = (Decimal(str(float(x))) for x in (signal.low, signal.step))
        assert read[signal.name] == (message.identifier, start, signal.bits, step, low)


@pytest.mark.parametrize("f", MEASURED, ids=lambda f: f.name)
def test_what_is_out_of_range_can_be_sent(f: Factor) -> None:
    for signal in factor_signals(f):
        assert signal.high > Fraction(str(f.high)) + Fraction(str(f.high - f.low)) / 10
        assert signal.low < Fraction(str(f.low)) or f.levels  # no probability is below 0
        assert signal.last < signal.not_available - 1 and set(signal.reserved) == {
            signal.not_available - 1,
            signal.not_available,
        }
        assert (Fraction(str(f.low)) - signal.low) / signal.step % 1 == 0, "the end of the range has a code"


@pytest.mark.parametrize("f", FACTORS, ids=lambda f: f.name)
def test_a_factor_goes_with_the_messages_of_its_pace(f: Factor) -> None:
    expected = MOTION if not f.optional else ROAD if f.of_the_road or f.estimate else CAR
    assert group_of(f) is expected
    first, *others = [BUS.place(signal.name)[0] for signal in factor_signals(f)]
    assert first.group is expected and all(message is first for message in others)


def test_every_car_has_the_same_layout() -> None:
    for car in ("compact", "heavy_suv"):
        assert placed(bus_of(vehicle(car).factors)) == placed(BUS)
    assert dbc_text(bus_of(vehicle("compact").factors), model="x").count("accepted: 1000 to 2300 kg") == 1


def test_a_factor_that_is_appended_appears_everywhere_and_moves_no_other() -> None:
    bus = bus_of((*FACTORS, NEW))
    before, after = placed(BUS), placed(bus)
    assert {name: after[name] for name in before} == before
    message, place = bus.place(NEW.name)
    assert message.group is ROAD and place.signal.step == Fraction(1, 20)
    text = dbc_text(bus, model="compact")
    database = cantools.database.load_string(text, "dbc")
    assert database.get_message_by_frame_id(message.identifier).get_signal_by_name(NEW.name).unit == "g/m^2"
    assert f" SG_ {NEW.name}_state :" in text and "oil on the road; accepted: 0 to 2 g/m^2" in text
    tables = tables_header(bus, stamp="x")
    assert f"/* {NEW.name} */" in tables and f"factors->{NEW.name} = columns[" in tables


def test_a_message_without_room_is_followed_by_another() -> None:
    many = tuple(replace(NEW, name=f"oil_{i}", step=0.001) for i in range(6))
    bus = bus_of((*FACTORS, *many))
    names = [m.name for m in bus.inputs]
    assert "decel_road_3" in names and placed(bus)["surface_ice"] == placed(BUS)["surface_ice"]
    assert all(m.bits <= 64 for m in bus.messages)
    assert "ACC_DECEL_CAN_ID_ROAD_3 0x1A6U" in layout_header(bus, stamp="x")


def test_room_that_a_wide_factor_leaves_is_used() -> None:
    names = [f.name for f in FACTORS]
    assert names.index("surface") < names.index("water_film_mm")
    assert BUS.place("surface_ice")[0].name == "decel_road_2" and BUS.place("water_film_mm")[0].name == "decel_road_1"


def test_a_choice_with_too_many_levels_for_a_message_is_spread_over_two() -> None:
    surface = next(f for f in FACTORS if kind_of(f) == "probabilities")
    more = replace(surface, levels=(*surface.levels, "leaves", "sand"))
    bus = bus_of(tuple(more if f is surface else f for f in FACTORS))
    assert len({bus.place(column)[0].identifier for column in more.columns}) > 1


def test_an_output_that_is_appended_appears_in_the_answer(monkeypatch) -> None:
    monkeypatch.setitem(OUTPUTS, "reserve", "what a lead may brake harder [s^2/m]")
    monkeypatch.setitem(OUTPUT_LIMITS, "reserve", (0.0, 1.0))
    bus = bus_of(FACTORS)
    message, place = bus.place("reserve")
    assert message.group.name == "answer" and place.signal.unit == "s^2/m" and place.signal.rounding == "up"
    assert "quantities[" in (text := tables_header(bus, stamp="x")) and "prediction->reserve;" in text


def test_answer_has_every_output_flag_and_its_whole_range() -> None:
    assert {s.name for s in flag_signals()} == {name.lower() for name in FLAGS}
    signals = {s.name: s for s in quantity_signals()}
    for name in OUTPUTS:
        assert (signals[name].low, signals[name].high) == OUTPUT_LIMITS[name]
        assert signals[name].step <= Fraction(1, 100)
    assert [signals[name].rounding for name in QUANTILES] == ["down", "down", "nearest", "up"]
    first = next(m for m in BUS.outputs if m.group.name == "answer")
    assert set(QUANTILES) <= {p.signal.name for p in first.signals}, "quantiles and flags are of one moment"


def test_bus_load_of_a_full_frame() -> None:
    assert bus_load(BUS.inputs[:1], 135.0 * 100) == 1.0  # 135 bits at most, a hundred times a second


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (replace(NEW, name="a_name_that_is_longer_than_a_dbc_takes"), "at most 32 characters"),
        (replace(NEW, name="brake_temperature_of_the_rear"), "at most 32 characters"),  # with _state
        (replace(NEW, high=2e5, step=0.001), "whole numbers up to 16777216"),
    ],
)
def test_a_factor_that_does_not_fit_on_a_bus_is_refused(new: Factor, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        tables_header(bus_of((*FACTORS, new)), stamp="x")


def test_too_many_factors_for_a_group_are_refused() -> None:
    many = tuple(replace(NEW, name=f"oil_{i}", step=1e-6) for i in range(16))
    with pytest.raises(ValueError, match="group road must fit into 4 messages"):
        bus_of((*FACTORS, *many))


def test_header_bits_are_those_of_profile_1() -> None:
    assert HEADER_BITS == 12 and all(p.start >= HEADER_BITS for m in BUS.messages for p in m.signals)

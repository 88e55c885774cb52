"""Signals of CAN frames are what cantools decodes, multiplexed or not; invalid samples of an MF4 are no values."""

from functools import partial

import cantools
import numpy as np
import pytest
from asammdf import MDF, Signal

from acc_decel import drives
from acc_decel.drives.formats import mdf
from acc_decel.drives.formats.can_signals import decoded_values, frame_bits, load_database
from tests.helpers.one_braking import TIME, acceleration, is_found, speed
from tests.helpers.recorded_files import DBC

OBD = """VERSION ""

NS_ :

BS_:

BU_: E

BO_ 2024 Answer: 8 E
 SG_ Service M : 11|4@0+ (1,0) [0|15] "" E
 SG_ Parameter m1M : 23|8@0+ (1,0) [0|255] "" E
 SG_ Speed m13 : 31|8@0+ (1,0) [0|255] "km/h" E
 SG_ EngineSpeed m12 : 31|16@0+ (0.25,0) [0|16383] "rpm" E

SG_MUL_VAL_ 2024 Parameter Service 1-1;
SG_MUL_VAL_ 2024 Speed Parameter 13-13;
SG_MUL_VAL_ 2024 EngineSpeed Parameter 12-12;
"""


def test_a_signal_exists_only_if_its_multiplexer_does(tmp_path):
    (tmp_path / "obd.dbc").write_text(OBD)
    lines = []
    for i in range(400):
        lines.append(f"({i / 10:.6f}) can0 7E8#03410D{90 - i // 10:02X}AAAAAAAA")
        if i % 3 == 0:  # the stored answer of another service, with the bytes of the first in other places
            lines.append(f"({i / 10 + 0.04:.6f}) can0 7E8#04420D002DAAAAAA")
    (tmp_path / "drive.log").write_text("\n".join(lines))
    channels = {c.name: c for c in drives.inspect_recording(tmp_path / "drive.log").channels}
    assert channels["Speed"].note == channels["Parameter"].note.removeprefix("one value, ") == "134 missing"
    assert (channels["Speed"].low, channels["Speed"].high) == (51, 90)
    assert channels["EngineSpeed"].note == "no numbers"


SLOTS = ((1, 4), (4, 6), (6, 8))  # bytes in which signals lie that no frame holds together


def random_signal(rng: np.random.Generator, name: str, slot: tuple[int, int]) -> str:
    length = int(rng.integers(1, 8 * (slot[1] - slot[0]) + 1))
    start = int(rng.integers(8 * slot[0], 8 * slot[1] - length + 1))
    is_little, is_signed = rng.random() < 0.5, rng.random() < 0.5
    if not is_little:  # the same bits, counted from the other end of each byte
        start = 8 * (start // 8) + 7 - start % 8
    order = f"{start}|{length}@{int(is_little)}{'-' if is_signed else '+'}"
    scale, offset = rng.choice([1, 0.5, 0.01, -2]), rng.choice([0, -40, 10.5])
    return f' SG_ {name}: {order} ({scale:g},{offset:g}) [0|0] "" E\n'


def random_dbc(rng: np.random.Generator) -> str:
    """A message of plain signals and signals of two levels of multiplexers, at random places."""
    text = ' SG_ Top M : 0|3@1+ (1,0) [0|7] "" E\n SG_ Sub m1M : 3|4@1+ (1,0) [0|15] "" E\n'
    ranges = ["SG_MUL_VAL_ 100 Sub Top 1-2;"]
    for i, slot in enumerate(SLOTS):
        selector = ("", "Top", "Sub")[int(rng.integers(3))]
        for first in range(0, 6, 2) if selector else (0,):
            text += random_signal(rng, f"S{i}{first} m{first} " if selector else f"S{i}{first} ", slot)
            if selector:
                ranges.append(f"SG_MUL_VAL_ 100 S{i}{first} {selector} {first}-{first + int(rng.integers(2))};")
    head = 'VERSION ""\n\nNS_ :\n\nBS_:\n\nBU_: E\n\nBO_ 100 Any: 8 E\n'
    return head + text + "\n" + "\n".join(ranges) + "\n"


def decoded_by_cantools(message, data: np.ndarray) -> dict | None:
    """What cantools decodes; None where it refuses a frame with a multiplexer that chooses nothing."""
    try:
        return message.decode(data.tobytes(), decode_choices=False)
    except cantools.database.DecodeError:
        return None


@pytest.mark.parametrize("seed", range(12))
def test_random_databases_are_decoded_as_cantools_does(tmp_path, seed):
    rng = np.random.default_rng(seed)
    (tmp_path / "any.dbc").write_text(random_dbc(rng))
    message = load_database(tmp_path / "any.dbc").get_message_by_name("Any")
    drawn = rng.integers(0, 256, (300, 8), dtype=np.uint8)
    decoded = [row for row in map(partial(decoded_by_cantools, message), drawn) if row is not None]
    data = np.array([row for row in drawn if decoded_by_cantools(message, row) is not None])
    held = 0
    for signal in message.signals:
        values = decoded_values(signal, message, frame_bits(data), np.full(len(data), 8))
        expected = [row.get(signal.name, np.nan) for row in decoded]
        held += int(np.isfinite(expected).sum())
        np.testing.assert_allclose(values, expected, rtol=1e-12, err_msg=signal.name)
    assert held > len(data)


def test_a_multiplexer_that_the_frame_is_too_short_for_chooses_nothing(tmp_path):
    database = cantools.database.load_string(OBD, strict=False)
    message = database.messages[0]
    signal = message.get_signal_by_name("Speed")
    data = np.array([[3, 0x41, 0x0D, 90]] * 2, np.uint8)
    assert decoded_values(signal, message, frame_bits(data), np.array([4, 3]))[0] == 90
    assert np.isnan(decoded_values(signal, message, frame_bits(data), np.array([4, 3]))[1])
    assert np.isnan(decoded_values(signal, message, frame_bits(data[:, :1]), np.array([1, 1]))).all()


@pytest.mark.parametrize("slice_records", [200_000, 97])
def test_invalid_samples_of_an_mf4_are_missing_and_move_no_other(tmp_path, monkeypatch, slice_records):
    monkeypatch.setattr(mdf, "SLICE_RECORDS", slice_records)
    invalid = (TIME > 20) & (TIME < 24)
    values = np.where(invalid, 1e6, 3.6 * speed())
    signals = [
        Signal(values, TIME, name="VehicleSpeed", unit="km/h", invalidation_bits=invalid),
        Signal(acceleration(), TIME, name="AccelLong", unit="m/s^2", invalidation_bits=TIME < 0),
        Signal(np.round(TIME), TIME, name="Counter", invalidation_bits=TIME > 50),
    ]
    with MDF(version="4.10") as file:
        file.append(signals)
        file.save(tmp_path / "drive.mf4")
    drive = drives.find_events(tmp_path / "drive.mf4")
    assert is_found(drive)
    assert drive.dropped == {"not a number": int(invalid.sum())}
    channels = {c.name: c for c in drives.inspect_recording(tmp_path / "drive.mf4").channels}
    assert {name: c.records for name, c in channels.items()} == dict.fromkeys(channels, len(TIME))
    assert channels["VehicleSpeed"].high < 200
    assert channels["Counter"].high == 50
    assert channels["AccelLong"].note == ""


J1939 = """VERSION ""

NS_ :

BS_:

BU_: E

BO_ 2566844926 CCVS: 8 E
 SG_ WheelBasedVehicleSpeed : 8|16@1+ (0.00390625,0) [0|250.996] "km/h" E

BA_DEF_ "ProtocolType" STRING ;
BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG";
BA_ "ProtocolType" "J1939";
BA_ "VFrameFormat" BO_ 2566844926 3;
"""


def lorry_log(folder, sources: dict[str, np.ndarray]):
    """A log of wheel speeds [m/s] from several addresses; NaN is sent as the code for no value."""
    (folder / "lorry.dbc").write_text(J1939)
    lines = []
    for i, stamp in enumerate(TIME.tolist()):
        for k, (source, value) in enumerate(sources.items()):
            code = 0xFFFF if np.isnan(value[i]) else round(value[i] * 3.6 * 256)
            data = b"\xff" + code.to_bytes(2, "little") + b"\xff" * 5
            lines.append(f"({stamp + 0.01 * k:.6f}) can0 18FEF1{source}#{data.hex().upper()}")
    (folder / "drive.log").write_text("\n".join(lines))
    return folder / "drive.log"


def test_a_code_for_no_value_is_no_speed(tmp_path):
    gone = np.where((TIME > 10) & (TIME < 12) | (TIME > 36) & (TIME < 36.3), np.nan, speed())
    drive = drives.find_events(lorry_log(tmp_path, {"00": gone}))
    assert is_found(drive)
    assert drive.dropped == {"not a number": int(np.isnan(gone).sum())}


def test_one_message_from_two_sources_is_never_mixed(tmp_path, refused):
    sources = {"00": speed(), "17": 0.95 * speed() + 1}
    sentence = refused("drives", "events", lorry_log(tmp_path, sources))
    assert "Got CCVS from the addresses 0x00, 0x17: their frames are not mixed" in sentence
    assert "like 2566844672, in place of 2566844926" in sentence
    (tmp_path / "lorry.dbc").write_text(J1939.replace("2566844926", "2566844672"))
    assert is_found(drives.find_events(tmp_path / "drive.log"))


def test_frames_that_are_recorded_twice_count_once(tmp_path):
    (tmp_path / "car.dbc").write_text(DBC)
    rows = [(s + echo, f"120#{round(360 * v).to_bytes(2, 'little').hex()}000000000000") for s, v in
            zip(TIME.tolist(), speed().clip(0).tolist(), strict=True) for echo in (0.0, 0.0002)]  # fmt: skip
    (tmp_path / "drive.log").write_text("\n".join(f"({stamp:.6f}) can0 {frame}" for stamp, frame in rows))
    drive = drives.find_events(tmp_path / "drive.log")
    assert is_found(drive)
    assert drive.clean.speed.period < 0.1

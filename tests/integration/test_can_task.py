"""The CAN task in C against programs of others: cantools decodes, autosar-e2e checks, and the answers agree."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import cantools
import numpy as np
import pytest
from e2e import p01
from numpy import ndarray

from acc_decel.compiled import SAME_BITS, WARNINGS
from acc_decel.ecu import HostEcu, object_bytes
from acc_decel.evidence import report
from acc_decel.export import write_firmware
from acc_decel.factors import FACTORS, Factor, column_names, slices
from acc_decel.integration.can import Message, bus_of, dbc_text, task_files
from acc_decel.integration.can.c_tables import kind_of
from acc_decel.integration.can.senders import Reader, Senders
from acc_decel.integration.can.signals import DISTANCES, INPUT_STATES, Signal, factor_signals, quantity_signals
from acc_decel.integration.can.task import CoreTask, Frame, HostTask
from acc_decel.outputs import DELAY, OUTPUTS, stopping_distance
from acc_decel.status import FLAGS, REFUSED, not_available, out_of_range
from tests.helpers.random_net import random_events, random_net

pytestmark = pytest.mark.slow

BUS = bus_of(FACTORS)
TEXT = dbc_text(BUS, model="random")
DATABASE = cantools.database.load_string(TEXT, "dbc")
QUANTITIES = quantity_signals()
SENT = [(kind_of(f), own, factor_signals(f)) for f, own in zip(FACTORS, slices(FACTORS), strict=True)]
EVENTS = 2_500  # of four received messages each: 10,000 frames


@dataclass(frozen=True)
class Rig:
    """The files of the task, and the same firmware called without a bus."""

    folder: Path
    build: Path
    firmware: HostEcu

    def task(self) -> HostTask:
        return HostTask(self.folder, BUS, build=self.build)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    folder, build = tmp_path_factory.mktemp("task"), tmp_path_factory.mktemp("build")
    write_firmware(folder, task_files(random_net(np.random.default_rng(7)), model="random"))
    return Rig(folder, build, HostEcu(folder, build=build))


def raw_codes(frame: Frame) -> dict[str, int]:
    """The raw codes of a frame, as cantools sees them."""
    return DATABASE.decode_message(frame.identifier, frame.data, decode_choices=False, scaling=False)


def protected(message: Message, codes: dict[str, int], counter: int) -> Frame:
    """A frame with these raw codes, and SNA in the other signals: packed by cantools, protected by autosar-e2e."""
    prefix = message.name.removeprefix("decel_")
    content = {p.signal.name: p.signal.not_available for p in message.signals} | codes
    content |= {f"{prefix}_crc": 0, f"{prefix}_counter": counter}
    data = bytearray(DATABASE.encode_message(message.identifier, content, scaling=False, strict=False))
    p01.e2e_p01_protect(data, message.identifier, increment_counter=False)
    return Frame(message.identifier, bytes(data))


def every_code(message: Message, signal: Signal, others: dict[str, int]) -> Iterator[Frame]:
    """A frame for each raw code of a signal: cantools packs the first, in which a bit is then one."""
    first = int.from_bytes(protected(message, others | {signal.name: 0}, 0).data, "little")
    place = DATABASE.get_message_by_frame_id(message.identifier).get_signal_by_name(signal.name)
    assert (place.byte_order, place.length) == ("little_endian", signal.bits)
    for raw in range(2**signal.bits):
        data = bytearray((first | raw << place.start | raw % 15 << 8).to_bytes(8, "little"))
        p01.e2e_p01_protect(data, message.identifier, increment_counter=False)
        frame = Frame(message.identifier, bytes(data))
        if raw & (raw + 1) == 0:  # 0, 1, 3, 7 and so on: every bit of the signal, as cantools sees it
            assert frame == protected(message, others | {signal.name: raw}, raw % 15)
        yield frame


def nearest(signal: Signal, raw: int) -> np.float32:
    """The float32 nearest to the decimal value of a raw code."""
    return np.float32(str(Decimal((raw + signal.offset) * signal.step.numerator) / Decimal(signal.step.denominator)))


def expected_columns(codes: dict[str, int]) -> ndarray:
    """The columns that these raw codes of all factors mean: an independent decoder in exact numbers."""
    columns = np.full(len(column_names()), np.nan, np.float32)
    for kind, own, signals in SENT:
        raws = [codes[s.name] for s in signals]
        if any(raw > s.last for raw, s in zip(raws, signals, strict=True)):
            continue
        if kind == "named":
            columns[own] = [raws[0] == i for i in range(own.stop - own.start)]
        elif kind == "probabilities" and 97 <= sum(raws) <= 103 and max(raws) <= 100:
            columns[own] = [np.float32(raw) / np.float32(sum(raws)) for raw in raws]
        else:
            columns[own] = [nearest(s, raw) for raw, s in zip(raws, signals, strict=True)]
    return columns


def sendable(rng: np.random.Generator, events: ndarray) -> ndarray:
    """The events with a few values out of range, as far as the bus can carry them."""
    for factor, own in zip(FACTORS, slices(FACTORS), strict=True):
        signals = factor_signals(factor)
        if kind_of(factor) == "value" and not factor.is_switch:
            rows = np.flatnonzero(rng.random(len(events)) < 0.01)
            events[rows, own] = rng.uniform(float(signals[0].low), float(signals[0].high), (len(rows), 1))
    return events


def test_ten_thousand_frames_agree_with_cantools_and_autosar_e2e(rig: Rig) -> None:
    rng = np.random.default_rng(5)
    events = sendable(rng, random_events(rng, EVENTS))
    senders, task = Senders(BUS, TEXT), rig.task()
    columns, answers, frames = np.empty_like(events), [], 0
    for i, event in enumerate(events):
        received = senders.frames(event, tick=0)  # all messages
        assert all(p01.e2e_p01_check(bytearray(f.data), f.identifier) for f in received)
        sent = task.tick(received)
        codes = {name: raw for frame in received for name, raw in raw_codes(frame).items()}
        columns[i] = expected_columns(codes)
        np.testing.assert_array_equal(task.factors().view("i4"), columns[i].view("i4"))
        answers.append(sent)
        frames += len(received)
    assert frames >= 10_000
    outputs, status = rig.firmware.predict_array(columns)
    assert 0.02 < np.mean(status & REFUSED != 0) < 0.4 and np.mean(status & FLAGS["OUTSIDE_DOMAIN"][0] != 0) > 0.01
    wrong = [
        fault
        for i, sent in enumerate(answers)
        for fault in faults(sent, columns[i], outputs[i], int(status[i]), tick=i)
    ]
    assert wrong == []


def faults(sent: list[Frame], columns: ndarray, outputs: ndarray, status: int, *, tick: int) -> Iterator[str]:
    """What is wrong with the frames of one answer."""
    due = [m for m in BUS.outputs if tick % (m.group.cycle_ms // 10) == 0]
    if [f.identifier for f in sent] != [m.identifier for m in due]:
        yield f"messages {sent}"
    for frame, message in zip(sent, due, strict=False):
        if not p01.e2e_p01_check(bytearray(frame.data), frame.identifier):
            yield f"CRC of {message.name}"
        if frame.data[1] & 15 != tick // (message.group.cycle_ms // 10) % 15:
            yield f"counter of {message.name}"
    codes = {name: raw for frame in sent for name, raw in raw_codes(frame).items()}
    speed = columns[column_names().index("speed")]
    for signal in QUANTITIES:
        if not is_code(signal, codes[signal.name], value_of(signal.name, speed, outputs), status):
            yield f"{signal.name} {codes[signal.name]}"
    for name, (bit, _) in FLAGS.items():
        if codes[name.lower()] != bool(status & bit):
            yield name
    for factor in FACTORS if any(m.group.name == "status" for m in due) else ():
        state = 1 if factor.name in not_available(status) else 2 if factor.name in out_of_range(status) else 0
        if codes[f"{factor.name}_state"] != state:
            yield f"state of {factor.name}"


def value_of(name: str, speed: np.float32, outputs: ndarray) -> float:
    """The number that a signal of the answer carries."""
    if name in OUTPUTS:
        return float(outputs[[*OUTPUTS].index(name)])
    slowing = outputs[[*OUTPUTS].index(DISTANCES[name][0])]
    return float(stopping_distance(speed, slowing, outputs[DELAY]))


def is_code(signal: Signal, code: int, value: float, status: int) -> bool:
    """Whether a raw code is that of the value, on the careful side; one within 2e-4 steps may be that step."""
    if status & REFUSED:
        return code == signal.not_available
    steps = value / float(signal.step) - signal.offset
    if not 0 <= steps <= signal.last:  # infinite, or longer than the bus can tell
        return code == signal.not_available - 1
    slack, rounded = 2e-4, {"down": floor, "up": ceil, "nearest": round}[signal.rounding]
    return code in {rounded(steps), rounded(steps + slack), rounded(steps - slack)}


@pytest.mark.parametrize("f", FACTORS, ids=lambda f: f.name)
def test_every_raw_code_is_judged_right_by_the_firmware(rig: Rig, f: Factor) -> None:
    """Each code of each signal: the nearest float arrives, and is accepted if and only if the decimal is in range."""
    task, index = rig.task(), FACTORS.index(f)
    for signal in factor_signals(f):
        task.start()
        message, _ = BUS.place(signal.name)
        rows = np.empty((2**signal.bits, len(column_names())), np.float32)
        for raw, frame in enumerate(every_code(message, signal, {s.name: 0 for s in factor_signals(f)})):
            task.tick([frame])
            rows[raw] = task.factors()
        _, status = rig.firmware.predict_array(rows)
        refused, missing = (status >> index) & 1 == 1, (status >> (24 + index)) & 1 == 1
        assert missing.tolist() == [raw > signal.last for raw in range(2**signal.bits)]
        assert refused[: signal.last + 1].tolist() == [not is_accepted(f, signal, r) for r in range(signal.last + 1)]
        if kind_of(f) == "value":
            column = rows[: signal.last + 1, column_names().index(f.name)]
            np.testing.assert_array_equal(column, [nearest(signal, raw) for raw in range(signal.last + 1)])


def is_accepted(f: Factor, signal: Signal, raw: int) -> bool:
    """Whether the interface takes a raw code of one signal, all others of the factor being 0, in exact decimals."""
    if kind_of(f) == "named":
        return raw < len(f.levels)
    if kind_of(f) == "probabilities":
        return 97 <= raw <= 100
    return Fraction(str(f.low)) <= (raw + signal.offset) * signal.step <= Fraction(str(f.high))


@pytest.mark.parametrize("total", [*range(90, 111)])
def test_rounded_probabilities_are_made_to_add_up(rig: Rig, total: int) -> None:
    f = next(f for f in FACTORS if kind_of(f) == "probabilities")
    signals, own = factor_signals(f), slices(FACTORS)[FACTORS.index(f)]
    shares = np.random.default_rng(total).multinomial(total, np.full(len(signals), 1 / len(signals)))
    task = rig.task()
    codes = dict(zip([s.name for s in signals], map(int, shares), strict=True))
    task.tick([protected(BUS.place(signals[0].name)[0], codes, 0)])
    columns = task.factors()
    _, status = rig.firmware.predict_array(columns[None])
    assert (f.name in out_of_range(int(status[0]))) == (abs(total - 100) > 3 and total != 99)
    if 97 <= total <= 103:
        np.testing.assert_allclose(columns[own].sum(), 1, atol=1e-6)
        np.testing.assert_allclose(columns[own], shares / total, atol=1e-7)


def test_one_probability_that_is_missing_makes_all_of_them_missing(rig: Rig) -> None:
    f = next(f for f in FACTORS if kind_of(f) == "probabilities")
    signals, own = factor_signals(f), slices(FACTORS)[FACTORS.index(f)]
    codes = {s.name: 0 for s in signals} | {signals[0].name: 100, signals[-1].name: signals[-1].not_available - 1}
    task = rig.task()
    task.tick([protected(BUS.place(signals[0].name)[0], codes, 0)])
    assert np.isnan(task.factors()[own]).all()


# --- Protection and age -----------------------------------------------------------------------------------------------

ROAD = BUS.place("water_film_mm")[0]
MOTION = BUS.place("speed")[0]
GOOD = {"water_film_mm": 250}


def road(counter: int, water: int = 250) -> Frame:
    return protected(ROAD, {"water_film_mm": water}, counter)


def states(task: HostTask, received: list[Frame], ticks: int = 5) -> dict[str, str]:
    """The signals of decel_status after frames were received in the first tick, and so many ticks."""
    reader, read = Reader(BUS, TEXT), {}
    for i in range(ticks):
        for frame in task.tick(received if i == 0 else []):
            read |= reader.read(frame) or {}
    return {name: str(value) for name, value in read.items()}


def spoiled_crc(frame: Frame) -> Frame:
    return Frame(frame.identifier, bytes([frame.data[0] ^ 1]) + frame.data[1:])


def spoiled_data(frame: Frame) -> Frame:
    return Frame(frame.identifier, frame.data[:-1] + bytes([frame.data[-1] ^ 128]))


def of_another_message(frame: Frame) -> Frame:
    """The same bytes with the checksum of another data id: a message that was mixed up."""
    data = bytearray(frame.data)
    p01.e2e_p01_protect(data, frame.identifier + 1, increment_counter=False)
    return Frame(frame.identifier, bytes(data))


BAD: dict[str, tuple[Callable[[Frame], Frame], str]] = {
    "a wrong checksum": (spoiled_crc, "wrong_crc"),
    "one bit of data": (spoiled_data, "wrong_crc"),
    "another data id": (of_another_message, "wrong_crc"),
    "seven bytes": (lambda f: Frame(f.identifier, f.data[:7]), "wrong_length"),
    "no byte": (lambda f: Frame(f.identifier, b""), "wrong_length"),
    "twelve bytes": (lambda f: Frame(f.identifier, f.data + bytes(4)), "wrong_length"),
    "counter 15": (lambda _: road(15), "wrong_counter"),
}


@pytest.mark.parametrize(("spoil", "state"), BAD.values(), ids=BAD.keys())
def test_a_bad_frame_is_not_used_and_told(rig: Rig, spoil: Callable[[Frame], Frame], state: str) -> None:
    task = rig.task()
    told = states(task, [spoil(road(0))])
    assert told["road_1_input"] == state and told["water_film_mm_state"] == "not_available"
    assert np.isnan(task.factors()).all()
    assert states(task, [], 5)["road_1_input"] == "never_received", "a fault is told once"
    assert states(task, [road(3)])["road_1_input"] in ("ok", "wrong_counter")  # a frame of before may count
    good = states(task, [road(4)])
    assert (good["road_1_input"], good["water_film_mm_state"]) == ("ok", "ok")


def test_a_fault_between_two_status_frames_is_told_by_the_next_one(rig: Rig) -> None:
    task = rig.task()
    states(task, [road(0)], 1)  # with the first status frame
    task.tick([spoiled_crc(road(1))])
    task.tick([road(2)])
    told = states(task, [], 3)
    assert told["road_1_input"] == "wrong_crc" and told["water_film_mm_state"] == "ok"
    assert states(task, [], 5)["road_1_input"] == "ok"


@pytest.mark.parametrize("spoil", [spoiled_crc, lambda f: Frame(f.identifier, f.data[:5])], ids=["CRC", "length"])
def test_bad_frames_make_the_factors_not_available_within_the_maximum_age(
    rig: Rig, spoil: Callable[[Frame], Frame]
) -> None:
    task = rig.task()
    task.tick([road(0)])
    for tick in range(1, 51):
        known = not np.isnan(task.factors()).all()
        assert known == (tick < 49), tick  # the frame, or the tick before, may have waited for 10 ms
        task.tick([spoil(road(tick % 15))] if tick % 10 == 0 else [])
    assert states(task, [spoil(road(1))])["road_1_input"] in ("wrong_crc", "wrong_length")


def test_counters_may_jump_over_two_lost_frames_and_no_more(rig: Rig) -> None:
    for step in range(15):
        task = rig.task()
        task.tick([road(7, 100)])
        told = states(task, [road((7 + step) % 15, 200)])
        accepted = 1 <= step <= 3
        assert told["road_1_input"] == ("ok" if accepted else "wrong_counter"), step
        raw = round(float(task.factors()[column_names().index("water_film_mm")]) * 100) + 100
        assert raw == (200 if accepted else 100), "a frame with a wrong counter is not used"
        follower = states(task, [road((8 + step) % 15, 300)])
        assert follower["road_1_input"] == "ok", "after a jump the next frame follows"


def test_a_frozen_sender_is_never_believed_again(rig: Rig) -> None:
    task, at = rig.task(), column_names().index("water_film_mm")
    task.tick([road(3)])
    for tick in range(1, 300):
        task.tick([road(3)] if tick % 10 == 0 else [])
        assert np.isnan(task.factors()[at]) == (tick >= 48), tick
    assert states(task, [road(3)])["road_1_input"] == "wrong_counter"


def test_after_a_long_silence_any_counter_begins_anew(rig: Rig) -> None:
    task = rig.task()
    task.tick([road(3)])
    for _ in range(60):
        task.tick([])
    assert states(task, [])["road_1_input"] == "too_old"
    assert states(task, [road(11)])["road_1_input"] == "ok"


@pytest.mark.parametrize("message", BUS.inputs, ids=lambda m: m.name)
def test_values_are_used_until_the_maximum_age_and_no_longer(rig: Rig, message: Message) -> None:
    task = rig.task()
    codes = {p.signal.name: min(p.signal.last, 60 - p.signal.offset) for p in message.signals}
    task.tick([protected(message, codes, 0)])
    ages = [10 * (tick + 2) for tick in range(message.max_age_ms // 5) if not np.isnan(task_next(task)).all()]
    assert ages[-1] == message.max_age_ms - 10  # the answer at the maximum age is the first without them
    assert states(task, [])[f"{message.name.removeprefix('decel_')}_input"] == "too_old"


def task_next(task: HostTask) -> ndarray:
    """The factors of which the next tick predicts."""
    columns = task.factors()
    task.tick([])
    return columns


def test_a_missing_message_of_a_required_factor_refuses_the_answer(rig: Rig) -> None:
    told = states(rig.task(), [road(0)])
    assert told["refused"] == "yes" and told["deceleration_lower"] == "SNA" and told["delay"] == "SNA"
    assert (told["motion_1_input"], told["speed_state"]) == ("never_received", "not_available")
    assert told["schema"] == str(int(BUS.schema, 16)) and told["self_test_failed"] == "no"


def test_frames_of_others_change_nothing(rig: Rig) -> None:
    task, other = rig.task(), rig.task()
    strangers = [Frame(0x123, bytes(8)), Frame(ROAD.identifier + 0x400, road(0).data), Frame(0x1B0, bytes(8))]
    assert [task.tick(strangers) for _ in range(20)] == [other.tick([]) for _ in range(20)]


def test_many_frames_in_one_tick_are_all_received(rig: Rig) -> None:
    task = rig.task()
    task.tick([road(i % 15, 150 + i) for i in range(100)])
    np.testing.assert_allclose(task.factors()[column_names().index("water_film_mm")], 1.49, atol=1e-6)
    assert INPUT_STATES[0] == states(task, [])["road_1_input"]


# --- The C itself -----------------------------------------------------------------------------------------------------


def drive(rig: Rig, task: HostTask | CoreTask, ticks: int = 150) -> list[list[Frame]]:
    """The answers to random events in the cycles of the bus, a few frames spoiled."""
    rng, senders = np.random.default_rng(3), Senders(BUS, TEXT)
    events, sent = random_events(rng, ticks), []
    for tick, event in enumerate(events):
        frames = senders.frames(event, tick=tick)
        sent.append(task.tick([spoiled_crc(f) if rng.random() < 0.05 else f for f in frames]))
    return sent


@pytest.mark.parametrize("core", ["cortex-m4f", "cortex-m3"])
def test_an_emulated_core_sends_the_same_bits(rig: Rig, core: str) -> None:
    task = CoreTask(rig.folder, BUS, core=core, build=rig.build)
    ticks = 150 if core == "cortex-m4f" else 15  # floating point in software takes its time
    assert drive(rig, task, ticks) == drive(rig, rig.task(), ticks)


def test_the_task_is_small(rig: Rig) -> None:
    task = CoreTask(rig.folder, BUS, core="cortex-m4f", build=rig.build, metered=True)
    drive(rig, task, 30)
    flash, static = object_bytes(rig.folder / "acc_decel_can.c", rig.folder)
    assert static == 0 and flash < 5_000 and task.state_bytes < 128
    assert task.costs.calls == 30 and task.costs.stack_bytes < 2_000


@pytest.mark.skipif(not shutil.which("cppcheck"), reason="cppcheck is missing: apt-get install cppcheck")
def test_misra_finds_what_is_listed_and_no_more(rig: Rig, tmp_path: Path) -> None:
    for path in [*rig.folder.glob("*.h"), rig.folder / "acc_decel_can.c"]:
        shutil.copy(path, tmp_path)
    findings = report.misra(tmp_path)
    assert findings["other_findings"] == {} and findings["listed_deviations"]


def test_no_function_has_the_name_of_one_in_another_file(rig: Rig) -> None:
    """Rule 5.9, of all files at once, which takes cppcheck long."""
    static = re.compile(r"^static (?:inline )?[\w ]+?[ *](\w+)[(\[]", re.M)
    names = [name for path in sorted(rig.folder.glob("*.[ch]")) for name in set(static.findall(path.read_text()))]
    own = {n for p in rig.folder.glob("acc_decel_can*.[ch]") for n in static.findall(p.read_text())}
    assert {"crc_of", "received", "factors_of"} <= own and {name for name in own if names.count(name) > 1} == set()


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_compilers_do_not_warn(rig: Rig, tmp_path: Path, compiler: str) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is missing: apt-get install {compiler}")
    options = (*SAME_BITS, *WARNINGS, "-O2", f"-I{rig.folder}", "-c", "-o", str(tmp_path / "unit.o"))
    command = [compiler, *options, str(rig.folder / "acc_decel_can.c")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_sanitizer_finds_nothing(rig: Rig) -> None:
    if not shutil.which("gcc"):
        pytest.skip("gcc is missing: apt-get install gcc")
    options = (
        "-fsanitize=undefined",
        "-fno-sanitize=float-divide-by-zero",
        "-fno-sanitize-recover=all",
        "-static-libubsan",
    )
    task = HostTask(rig.folder, BUS, build=rig.build, compiler=("gcc",), options=options)
    assert drive(rig, task, 150) == drive(rig, rig.task(), 150)


def test_tables_of_other_factors_do_not_compile(rig: Rig, tmp_path: Path) -> None:
    shutil.copytree(rig.folder, tmp_path / "mixed")
    header = tmp_path / "mixed" / "acc_decel_factors.h"
    header.write_text(
        header.read_text().replace("#define ACC_DECEL_FACTOR_COUNT 14U", "#define ACC_DECEL_FACTOR_COUNT 13U")
    )
    with pytest.raises(RuntimeError, match="These tables are of other factors"):
        HostTask(tmp_path / "mixed", BUS)


def test_a_damaged_table_refuses_to_run(rig: Rig, tmp_path: Path) -> None:
    shutil.copytree(rig.folder, tmp_path / "damaged")
    header = tmp_path / "damaged" / "golden_vectors.h"
    text = header.read_text()
    header.write_text(text.replace("ACC_DECEL_GOLDEN_CHECKSUM ", "ACC_DECEL_GOLDEN_CHECKSUM 1U + ", 1))
    if header.read_text() == text:
        pytest.fail("the checksum has another name")
    with pytest.raises(RuntimeError, match="self-test must pass"):
        HostTask(tmp_path / "damaged", BUS)

"""Events drawn, sensed and stored: the same seed gives the same bytes, and nothing is generated that no road shows."""

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import COMPACT, SMALL_EVENTS

from acc_decel.dataset import CAUSES, Dataset, events_table, generate, load_dataset, scenarios, sense, typical_factors
from acc_decel.factors import EXCLUSIONS, FACTORS, column_names, schema
from acc_decel.files import atomic_write, temporary_path
from acc_decel.physics import SURFACES, stops, vehicle, vehicle_names
from benchmarks import dataset as bench

EVENTS, PARTITION = 700, 256
MANY = 30_000


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generate(COMPACT, tmp_path / "first", events=EVENTS, seed=5, partition=PARTITION)
    return tmp_path / "first"


@pytest.fixture(scope="module")
def drawn() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    return scenarios(COMPACT.factors, seed=3, first=0, events=MANY)


@pytest.fixture(scope="module")
def seen(drawn) -> np.ndarray:
    friction = np.random.default_rng(3).uniform(0.05, 1.3, MANY)
    return sense(COMPACT.factors, drawn[0], friction, seed=3, first=0)


def test_the_same_seed_gives_the_same_bytes(folder, tmp_path):
    generate(COMPACT, tmp_path / "second", events=EVENTS, seed=5, partition=PARTITION)
    assert bytes_of(folder) == bytes_of(tmp_path / "second")
    assert sorted(bytes_of(folder)) == ["manifest.json", *(f"part-{i:05}.parquet" for i in range(3))]


def test_another_seed_gives_other_events():
    one, other = (events_table(COMPACT, seed=seed, first=0, events=50) for seed in (1, 2))
    assert not one["speed"].equals(other["speed"])
    assert not one["deceleration"].equals(other["deceleration"])


@pytest.mark.parametrize("first", [1, 255, 300])
def test_an_event_does_not_depend_on_its_partition(first):
    whole = events_table(COMPACT, seed=9, first=0, events=400)
    part = events_table(COMPACT, seed=9, first=first, events=90)
    for name in whole.column_names:
        np.testing.assert_array_equal(part[name].to_numpy(), whole[name].to_numpy()[first : first + 90], err_msg=name)


def test_a_deleted_part_is_generated_again_and_the_others_are_kept(folder):
    before = bytes_of(folder)
    kept = (folder / "part-00000.parquet").stat().st_mtime_ns
    (folder / "part-00001.parquet").unlink()
    (folder / "manifest.json").unlink()
    generate(COMPACT, folder, events=EVENTS, seed=5, partition=PARTITION)
    assert bytes_of(folder) == before
    assert (folder / "part-00000.parquet").stat().st_mtime_ns == kept


def test_an_interrupted_run_resumes_to_the_same_bytes(folder, tmp_path):
    def interrupt(events: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(COMPACT, tmp_path / "second", events=EVENTS, seed=5, partition=PARTITION, on_events=interrupt)
    assert list(bytes_of(tmp_path / "second")) == ["part-00000.parquet"]
    with pytest.raises(ValueError, match=r"manifest\.json.*acc-decel generate"):
        load_dataset(tmp_path / "second")
    generate(COMPACT, tmp_path / "second", events=EVENTS, seed=5, partition=PARTITION)
    assert bytes_of(tmp_path / "second") == bytes_of(folder)


def test_a_part_cut_short_is_generated_again(folder):
    before = bytes_of(folder)
    (folder / "part-00002.parquet").write_bytes(before["part-00002.parquet"][:-100])
    generate(COMPACT, folder, events=EVENTS, seed=5, partition=PARTITION)
    assert bytes_of(folder) == before


@pytest.mark.parametrize("size", [64, 700, 1000])
def test_the_size_of_the_files_does_not_change_the_events(folder, tmp_path, size):
    generate(COMPACT, tmp_path / "other", events=EVENTS, seed=5, partition=size)
    one, other = load_dataset(folder), load_dataset(tmp_path / "other")
    assert len(other.manifest["parts"]) == -(-EVENTS // size)
    for name in ("columns", "deceleration", "delay", "event"):
        np.testing.assert_array_equal(getattr(other, name), getattr(one, name), err_msg=name)


@pytest.mark.parametrize("where", [0.0, 0.02, 0.3, 0.6, 0.8, 0.9, 0.95, 0.99, 0.9999])
def test_one_flipped_bit_is_refused_and_generated_again(folder, where):
    before = bytes_of(folder)
    flipped = bytearray(before["part-00001.parquet"])
    flipped[int(where * len(flipped))] ^= 8
    (folder / "part-00001.parquet").write_bytes(flipped)
    with pytest.raises(ValueError, match=r"part-00001\.parquet must be as generated"):
        load_dataset(folder)
    (folder / "manifest.json").unlink()  # what a bit has done shows in the file itself
    kept = (folder / "part-00000.parquet").stat().st_mtime_ns
    generate(COMPACT, folder, events=EVENTS, seed=5, partition=PARTITION)
    assert bytes_of(folder) == before
    assert (folder / "part-00000.parquet").stat().st_mtime_ns == kept


def program(code: str, *arguments: object, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=os.environ | (environment or {}), **streams)


def cli(*arguments: object) -> subprocess.Popen[str]:
    return program("from acc_decel.cli import main; main()", *arguments)


@pytest.mark.slow
def test_a_command_killed_in_the_middle_resumes_to_the_same_bytes(folder, tmp_path):
    asked = ("generate", "--events", 200_000, "--seed", 5, "--partition", PARTITION, "--output", tmp_path / "second")
    killed = cli(*asked)
    while not (tmp_path / "second" / "part-00001.parquet").exists():
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.001)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert "manifest.json" not in bytes_of(tmp_path / "second")
    own = temporary_path(tmp_path / "second" / "part-00002.parquet")
    half = own.with_name(own.name.replace(f"-{os.getpid()}-", f"-{killed.pid}-"))
    half.write_bytes(b"half")  # had the signal come a moment later
    finished = {p.name for p in (tmp_path / "second").glob("part-*.parquet")}
    kept = {name: (tmp_path / "second" / name).stat().st_mtime_ns for name in finished}
    generate(COMPACT, tmp_path / "second", events=len(finished) * PARTITION + 100, seed=5, partition=PARTITION)
    generate(COMPACT, tmp_path / "third", events=len(finished) * PARTITION + 100, seed=5, partition=PARTITION)
    assert bytes_of(tmp_path / "second") == bytes_of(tmp_path / "third")
    assert {name: (tmp_path / "second" / name).stat().st_mtime_ns for name in finished} == kept


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    with atomic_write(tmp_path / "part") as late:
        late.write_bytes(b"half of it")
        with atomic_write(tmp_path / "part") as early:
            early.write_bytes(b"all of it")
        assert (tmp_path / "part").read_bytes() == b"all of it"
        late.write_bytes(b"all of it")
    assert bytes_of(tmp_path) == {"part": b"all of it"}


FULL_DISK = """
import resource, sys
from pathlib import Path
from acc_decel.dataset import generate
from acc_decel.physics import vehicle

def fill(events):  # after the first partition no file can grow beyond 1000 bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

generate(vehicle("compact"), Path(sys.argv[1]), events=700, seed=5, partition=256, on_events=fill)
"""


@pytest.mark.slow
def test_a_full_disk_ends_in_a_sentence_and_what_is_finished_stays(folder, tmp_path):
    full = program(FULL_DISK, tmp_path / "second")
    _, err = full.communicate()
    assert full.returncode == 1
    assert "OSError: " + str(tmp_path / "second" / "part-00001.parquet") + " must be written, " in err
    assert "Got: File too large. Free some space" in err
    assert "same command again" in err
    assert list(bytes_of(tmp_path / "second")) == ["part-00000.parquet"]
    generate(COMPACT, tmp_path / "second", events=EVENTS, seed=5, partition=PARTITION)
    assert bytes_of(tmp_path / "second") == bytes_of(folder)


FOUR_THREADS = """
from concurrent.futures import ThreadPoolExecutor
import pyarrow as pa
from acc_decel.dataset import events_table
from acc_decel.dataset.partition import parquet_bytes
from acc_decel.physics import vehicle

car = vehicle("compact")
with ThreadPoolExecutor(4) as threads:
    parts = list(threads.map(lambda n: events_table(car, seed=5, first=2048 * n, events=2048), range(8)))
assert parquet_bytes(pa.concat_tables(parts)) == parquet_bytes(events_table(car, seed=5, first=0, events=8 * 2048))
"""


@pytest.mark.slow
def test_threads_of_one_worker_may_simulate_at_once():
    run = program(FOUR_THREADS, environment={"NUMBA_THREADING_LAYER": "workqueue"})  # it aborts on two callers
    _, err = run.communicate()
    assert run.returncode == 0, err


@pytest.mark.parametrize("name", vehicle_names())
def test_a_typical_event_is_of_a_half_loaded_car_on_good_tyres_on_a_dry_road(name):
    car = vehicle(name)
    typical = typical_factors(car)
    assert list(typical) == [f.name for f in CAUSES]
    for f in car.factors:
        if not f.estimate:
            assert (0 if f.levels else f.low) <= typical[f.name] <= (len(f.levels) - 1 if f.levels else f.high)
    assert typical["mass"] == pytest.approx((car.body.kerb_mass + car.body.gross_mass) / 2, rel=0.02)
    assert 6 <= typical["tread_depth_mm"] <= 7
    assert (typical["water_film_mm"], typical["grade"], typical["headwind"]) == (0, 0, 0)
    assert typical == typical_factors(car)


@pytest.mark.parametrize("f", CAUSES, ids=lambda f: f.name)
def test_a_typical_value_is_in_the_middle_of_the_events_or_the_most_common(drawn, f):
    values, typical = drawn[0][f.name], typical_factors(COMPACT)[f.name]
    levels, counts = np.unique(values, return_counts=True)
    if counts.max() > 0.2 * MANY:  # levels, and the dry road among all depths of water
        assert typical == levels[counts.argmax()] or f.name == "tyre_kind"  # which changes with the season
    else:
        assert 0.3 < (values < typical).mean() < 0.7


def test_typical_tyres_are_those_of_the_season():
    kinds = next(f for f in FACTORS if f.name == "tyre_kind").levels
    typical = {c: typical_factors(COMPACT, {"road_temperature_c": c})["tyre_kind"] for c in (-5.0, 20.0)}
    assert [kinds[int(kind)] for kind in typical.values()] == ["winter", "summer"]


@pytest.mark.parametrize("surface", range(len(SURFACES)), ids=list(SURFACES))
def test_typical_values_are_met_on_the_surface_that_is_known(surface):
    typical = typical_factors(COMPACT, {"surface": float(surface), "mass": 1234.0})
    assert (typical["surface"], typical["mass"]) == (surface, 1234.0)
    for e in EXCLUSIONS:
        if e.column == f"surface_{list(SURFACES)[surface]}" and e.factor in typical:
            assert not is_beyond(e, typical[e.factor]), e.meaning


def peak_memory(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_events_but_for_a_line_of_the_manifest(tmp_path):
    def files(number: int) -> Callable[[], object]:
        return lambda: generate(COMPACT, tmp_path / str(number), events=512 * number, partition=512)

    few, many = peak_memory(files(4)), peak_memory(files(36))
    held = (tmp_path / "36" / "part-00000.parquet").stat().st_size
    assert many - few < 32 * held / 4  # some 3 kB a file while the manifest is written


def test_reading_holds_the_events_once(small_folder, small_data):
    arrays = (small_data.columns, small_data.deceleration, small_data.delay, small_data.event)
    generate(COMPACT, small_folder.parent / "files", events=SMALL_EVENTS, partition=500)
    assert peak_memory(lambda: load_dataset(small_folder.parent / "files")) < 1.5 * sum(a.nbytes for a in arrays)


def test_the_benchmark_measures():
    told = bench.measured(2_000)
    assert min(told.values()) > 0
    assert told["resumed_per_second"] > told["events_per_second"]
    few, many = ({"events": n, "peak_memory_mb": mb} for n, mb in ((10, 100.0), (10 + 2**20, 103.0)))
    assert bench.growth([few, many]) == pytest.approx(3)


def test_a_dataset_grows_without_changing_the_events_it_has(folder):
    before = load_dataset(folder)
    generate(COMPACT, folder, events=EVENTS + 100, seed=5, partition=PARTITION)
    after = load_dataset(folder)
    assert len(after.event) == EVENTS + 100
    np.testing.assert_array_equal(after.columns[:EVENTS], before.columns)
    np.testing.assert_array_equal(after.deceleration[:EVENTS], before.deceleration)


def test_a_changed_part_is_refused(folder):
    path = folder / "part-00001.parquet"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ValueError, match=r"part-00001\.parquet must be as generated"):
        load_dataset(folder)


def test_a_missing_part_is_refused(folder):
    (folder / "part-00001.parquet").unlink()
    with pytest.raises(ValueError, match=r"part-00001\.parquet must exist"):
        load_dataset(folder)


def test_a_dataset_of_another_schema_is_refused(folder):
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(schema(), "00000000"))
    with pytest.raises(ValueError, match=f"00000000.*{schema()}"):
        load_dataset(folder)


OTHERS = {
    "seed": {"seed": 6},
    "partition": {"partition": 128},
    "vehicle": {"vehicle": vehicle("suv")},
}


@pytest.mark.parametrize(("what", "change"), OTHERS.items(), ids=OTHERS.keys())
def test_another_dataset_in_the_same_folder_is_refused_and_nothing_changes(folder, what, change):
    before = bytes_of(folder)
    asked = {"vehicle": COMPACT, "events": EVENTS, "seed": 5, "partition": PARTITION} | change
    with pytest.raises(ValueError, match=f"Got {what} "):
        generate(asked.pop("vehicle"), folder, **asked)
    assert bytes_of(folder) == before


def test_another_dataset_is_refused_even_if_its_first_file_cannot_be_read(folder):
    (folder / "part-00000.parquet").write_bytes(b"nothing")
    before = bytes_of(folder)
    with pytest.raises(ValueError, match="Got seed 5"):
        generate(COMPACT, folder, events=EVENTS, seed=6, partition=PARTITION)
    assert bytes_of(folder) == before


SIZES = {
    "no events": ({"events": 0}, "at least 1"),
    "empty files": ({"events": 10, "partition": 0}, "at least 1"),
    "more events than the sequence has": ({"events": 2**30 + 1}, "at most 1073741824"),
    "more files than a folder should hold": ({"events": 2_000_001, "partition": 20}, "partition of at least 21"),
}


@pytest.mark.parametrize(("size", "sentence"), SIZES.values(), ids=SIZES.keys())
def test_a_size_that_cannot_be_is_refused(tmp_path, size, sentence):
    with pytest.raises(ValueError, match=sentence):
        generate(COMPACT, tmp_path / "none", **size)
    assert not (tmp_path / "none").exists()


def test_a_manifest_cut_short_is_refused_and_written_again(folder):
    before = bytes_of(folder)
    (folder / "manifest.json").write_bytes(before["manifest.json"][:100])
    with pytest.raises(ValueError, match=r"manifest\.json must be as generated.*acc-decel generate"):
        load_dataset(folder)
    generate(COMPACT, folder, events=EVENTS, seed=5, partition=PARTITION)
    assert bytes_of(folder) == before


def test_the_manifest_tells_what_the_events_came_from(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["vehicle"], manifest["seed"], manifest["events"]) == ("compact", "5", EVENTS)
    assert manifest["schema"] == schema()
    assert [f["name"] for f in manifest["factors"]] == [f.name for f in FACTORS]
    assert sum(part["events"] for part in manifest["parts"]) == EVENTS


def test_the_parts_are_plain_parquet(folder):
    table = pq.read_table(folder / "part-00000.parquet")
    assert table.column_names == ["event", *column_names(), "deceleration", "delay", "lead_deceleration"]
    assert table.num_rows == PARTITION


def test_a_dataset_read_back_is_whole(small_data: Dataset):
    assert small_data.columns.shape == (SMALL_EVENTS, len(column_names()))
    assert small_data.event.tolist() == list(range(SMALL_EVENTS))
    assert np.isfinite(small_data.deceleration).all()
    assert np.isfinite(small_data.delay).all()


@pytest.mark.parametrize("f", COMPACT.factors, ids=lambda f: f.name)
def test_every_value_that_is_sensed_lies_in_the_range_of_its_factor(seen, f):
    values = seen[:, [column_names().index(c) for c in f.columns]]
    given = values[~np.isnan(values).any(axis=1)]
    assert (given >= np.float32(f.low)).all()
    assert (given <= np.float32(f.high)).all()
    if f.levels:
        np.testing.assert_allclose(given.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("f", CAUSES, ids=lambda f: f.name)
def test_true_values_spread_over_the_whole_range(drawn, f):
    f = next(own for own in COMPACT.factors if own.name == f.name)
    true = drawn[0][f.name]
    low, high = (0, len(f.levels) - 1) if f.levels else (f.low, f.high)
    assert low <= true.min() <= low + 0.02 * (high - low)
    assert high - 0.02 * (high - low) <= true.max() <= high


@pytest.mark.parametrize("f", FACTORS, ids=lambda f: f.name)
def test_a_factor_lacks_often_if_it_may_and_never_if_it_may_not(seen, f):
    lacking = np.isnan(seen[:, [column_names().index(c) for c in f.columns]])
    assert (lacking.all(axis=1) == lacking.any(axis=1)).all(), "a choice lacks as a whole"
    assert 0.1 < lacking.mean() < 0.6 if f.optional else not lacking.any()


def test_some_events_are_complete_and_some_lack_most_factors(seen):
    lost = sum(np.isnan(seen[:, column_names().index(f.columns[0])]) for f in FACTORS if f.optional)
    possible = sum(f.optional for f in FACTORS)
    assert (lost == 0).mean() > 0.2
    assert (lost > possible / 2).mean() > 0.1


def test_sensors_are_noisy_and_count_in_steps(drawn, seen):
    for f in FACTORS:
        if f.levels or f.estimate or not (f.noise or f.noise_share):
            continue
        read = seen[:, column_names().index(f.name)].astype(float)
        given = ~np.isnan(read)
        error = read[given] - drawn[0][f.name][given]
        assert np.abs(error).mean() > 0.1 * f.noise, f.name
        inner = read[(read > f.low + f.step) & (read < f.high - f.step)]  # float32 keeps about seven digits
        np.testing.assert_allclose(inner / f.step, np.round(inner / f.step), atol=0.02, rtol=1e-6, err_msg=f.name)


def test_the_camera_is_calibrated(drawn, seen):
    surface = next(f for f in FACTORS if f.name == "surface")
    probability = seen[:, [column_names().index(c) for c in surface.columns]]
    given = ~np.isnan(probability).any(axis=1)
    for i, level in enumerate(surface.levels):
        said, is_so = probability[given, i].astype(float), drawn[0]["surface"][given] == i
        for low, high in ((0.02, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.98)):
            here = (said > low) & (said < high)
            if here.sum() < 50:
                continue
            deviation = np.sqrt((said[here] * (1 - said[here])).sum()) / here.sum()
            assert abs(said[here].mean() - is_so[here].mean()) < 4 * deviation, f"{level} {low} to {high}"


def test_the_camera_hesitates_in_some_events_and_is_certain_in_others(seen):
    surface = next(f for f in FACTORS if f.name == "surface")
    surest = np.nanmax(seen[:, [column_names().index(c) for c in surface.columns]], axis=1, initial=0)
    assert (surest == 1).mean() > 0.3
    assert ((surest > 0) & (surest < 0.9)).mean() > 0.03


def is_present(e, true):
    """The events in which the column of exclusion `e` is what it says."""
    owner = next(f for f in FACTORS if e.column in f.columns)
    return true[owner.name] == owner.columns.index(e.column) if owner.levels else true[owner.name] > e.threshold


def is_beyond(e, value):
    return value < e.limit if e.below else value > e.limit


def test_what_no_road_shows_is_never_generated(drawn):
    true = drawn[0]
    for e in EXCLUSIONS:
        here = is_present(e, true)
        assert here.any()
        if e.factor in true:
            assert not is_beyond(e, true[e.factor][here]).any(), e.meaning


def test_no_tyre_has_the_friction_that_an_exclusion_rules_out(drawn):
    true, latents = drawn
    friction = stops(COMPACT, **true, latents=latents)["peak_friction"]
    estimates = {f.name for f in FACTORS if f.estimate}
    for e in EXCLUSIONS:
        if e.factor in estimates:
            assert is_beyond(e, friction[is_present(e, true)]).mean() < 0.002, e.meaning


def test_unknowns_are_standard_scores(drawn):
    for name, score in drawn[1].items():
        assert score.mean() == pytest.approx(0, abs=0.02), name
        assert score.std() == pytest.approx(1, abs=0.02), name

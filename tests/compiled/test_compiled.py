"""The firmware compiled for this machine: an ECU's bits, kept and found again, never loaded damaged."""

import math
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from conftest import sensed_events
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy import ndarray

from acc_decel import FACTORS, Predictor, released_models
from acc_decel.compiled import WARNINGS, Library, building, cache, compiler
from acc_decel.compiled.building import built_library, check_answers, compiled_library
from acc_decel.compiled.library import FEW_ROWS
from acc_decel.ecu import HostEcu
from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.factors import Factor, column_names
from acc_decel.files import atomic_write
from acc_decel.model_folder import read_model
from acc_decel.network import outside_domain
from acc_decel.predictor import inputs
from acc_decel.predictor.inputs import plain_columns
from benchmarks import inference
from tests.helpers.random_net import random_net, spoiled

MODEL = released_models()["compact"]
STOP = {"speed": 33.3, "brake_pressure_bar": 160.0, "surface": "asphalt", "water_film_mm": 1.0}
ROWS = (0, 1, 2, 7, 8, 9, 15, 16, 17, 33, FEW_ROWS, FEW_ROWS + 1, 3000)


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of these tests' own."""
    folder = tmp_path_factory.mktemp("cache") / "acc_decel"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "cache_folder", lambda: folder)
        yield folder


@pytest.fixture
def empty(kept: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache folder in which nothing is kept yet."""
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "none")
    return tmp_path / "none"


@pytest.fixture(scope="module")
def library(kept: Path) -> Library:
    return built_library(MODEL)


@pytest.fixture(scope="module")
def predictor(library: Library) -> Predictor:
    return Predictor(backend="c")


@pytest.fixture(scope="module")
def events() -> ndarray:
    """Events as sensors give them, a fifth of them with what no sensor should send."""
    some = sensed_events(3000)
    some[::5] = spoiled(np.random.default_rng(5), some[::5])
    return some


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> HostEcu:
    net, _ = read_model(MODEL)
    folder = tmp_path_factory.mktemp("firmware")
    write_firmware(folder, firmware_files(net, model="compact", golden=golden_events(net.factors)))
    return HostEcu(folder, build=folder / "build")


def same_bits(one: tuple[ndarray, ndarray], other: tuple[ndarray, ndarray]) -> bool:
    nowhere = np.isnan(one[0]) & np.isnan(other[0])  # a refused event: NaN has many bits
    same = (one[0].view("i4") == other[0].view("i4")) | nowhere
    return bool(same.all()) and np.array_equal(one[1], other[1])


@pytest.mark.parametrize("rows", ROWS)
def test_any_number_of_rows_gets_the_firmwares_bits(library, firmware, events, rows):
    outputs, status = library.predict_array(events[-rows:] if rows else events[:0])
    assert outputs.shape == (rows, library.outputs)
    assert (outputs.dtype, status.dtype) == (np.float32, np.int64)
    assert same_bits((outputs, status), firmware.predict_array(events[-rows:] if rows else events[:0]))


def test_events_of_the_comparison_are_answered_and_refused(firmware, events):
    refused = np.isnan(firmware.predict_array(events)[0][:, 0])
    assert 0.05 < refused.mean() < 0.5


def test_a_random_network_gets_the_firmwares_bits(tmp_path, events):
    net = random_net(np.random.default_rng(3))
    own = Library(compiled_library(net, tmp_path, building.find_compiler()))
    folder = tmp_path / "firmware"
    write_firmware(folder, firmware_files(net, model="random", golden=golden_events(net.factors)))
    assert same_bits(own.predict_array(events), HostEcu(folder).predict_array(events))


def test_rows_that_lie_apart_in_memory_are_read_right(library, events):
    for rows in (10, 500):
        apart = events[: 2 * rows : 2]
        assert same_bits(library.predict_array(apart), library.predict_array(apart.copy()))
        assert same_bits(library.predict_array(np.asfortranarray(apart)), library.predict_array(apart.copy()))


def test_answers_stay_when_the_next_ones_come(library, events):
    first = library.predict_array(events[:3])
    copies = tuple(array.copy() for array in first)
    library.predict_array(events[3:6])
    assert same_bits(first, copies)


def test_threads_do_not_mix_their_answers(library, events):
    parts = [events[i : i + 1 + i % 40] for i in range(0, 2000, 7)]
    alone = [library.predict_array(part) for part in parts]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(library.predict_array, parts * 4))
    assert all(same_bits(*pair) for pair in zip(together, alone * 4, strict=True))


def test_the_host_sources_draw_no_warning(tmp_path):
    net, _ = read_model(MODEL)
    strict = [warning for warning in WARNINGS if warning != "-std=c99"]
    compiled_library(net, tmp_path, (*building.find_compiler(), *strict))


def test_auto_takes_the_library_that_was_built_and_says_so(library):
    predictor = Predictor()
    assert predictor.backend == "c"
    assert predictor.library == library.path
    assert f"backend c: library {library.path}" in repr(predictor)


def test_auto_never_compiles(empty, monkeypatch):
    monkeypatch.setattr(building, "compiled", lambda *_: pytest.fail("compiled"))
    predictor = Predictor()
    assert (predictor.backend, predictor.library) == ("onnxruntime", None)
    assert "backend onnxruntime: `acc-decel compile` builds" in repr(predictor)
    assert not empty.exists()


def test_onnxruntime_can_be_asked_for(library):
    assert Predictor(backend="onnxruntime").backend == "onnxruntime"


def test_c_is_built_once_and_found_again(empty, monkeypatch):
    first = Predictor(backend="c")
    assert [path.name for path in empty.iterdir()] == [first.library.name]
    monkeypatch.setattr(building, "compiled", lambda *_: pytest.fail("compiled again"))
    assert Predictor(backend="c").library == Predictor().library == first.library


def test_c_without_a_compiler_is_refused(empty, monkeypatch):
    for module in (building, cache):
        monkeypatch.setattr(module, "find_compiler", lambda: None)
    with pytest.raises(ValueError, match=r"must have a C compiler: zig .* Got none: .*onnxruntime"):
        Predictor(backend="c")
    assert Predictor().backend == "onnxruntime"


def test_the_systems_compiler_is_taken_where_the_wheel_is_not(monkeypatch):
    monkeypatch.setattr(compiler, "find_spec", lambda _: None)
    monkeypatch.setattr(compiler.shutil, "which", lambda name: "/bin/gcc" if name == "gcc" else None)
    assert compiler.find_compiler() == ("/bin/gcc",)
    monkeypatch.setattr(compiler.shutil, "which", lambda _: None)
    assert compiler.find_compiler() is None


def test_c_without_the_arrays_is_refused(tmp_path):
    shutil.copy(MODEL / "model.onnx", tmp_path / "model.onnx")
    with pytest.raises(ValueError, match=r"needs a model folder with network\.npz.*give the folder"):
        Predictor(tmp_path, backend="c")
    assert Predictor(tmp_path).backend == "onnxruntime"


def test_an_unknown_backend_is_refused():
    with pytest.raises(ValueError, match=r"backend must be one of auto, c, onnxruntime\. Got 'gpu'"):
        Predictor(backend="gpu")


DAMAGES = {"truncated": lambda b: b[: len(b) // 2], "empty": lambda _: b"", "altered": lambda b: b[:-1] + b"\1"}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_library_is_not_loaded_and_built_again(empty, damage, events):
    path = Predictor(backend="c").library
    with atomic_write(path) as other:  # another file: this process has mapped the first
        other.write_bytes(damage(path.read_bytes()))
    assert Predictor().backend == "onnxruntime"
    again = Predictor(backend="c")
    assert cache.kept_library(MODEL).path == again.library
    assert again.predict(**STOP).deceleration > 0


def test_a_kept_file_that_is_no_library_is_named_and_left_out(empty):
    path = empty / f"{cache.name_of(MODEL)}_{cache._hash(b'no library')}.so"
    empty.mkdir()
    path.write_bytes(b"no library")
    with pytest.warns(UserWarning, match=r"must be a library that this machine loads\. Got: .*Delete it"):
        assert Predictor().backend == "onnxruntime"


def test_another_model_compiler_or_processor_has_another_library(tmp_path, monkeypatch):
    names = {cache.name_of(folder) for folder in released_models().values()}
    assert len(names) == len(released_models())
    for part in ("_code", "_compiler", "_processor"):
        with monkeypatch.context() as patch:
            patch.setattr(cache, part, lambda: "another")
            names.add(cache.name_of(MODEL))
    assert len(names) == len(released_models()) + 3


def test_a_model_whose_files_do_not_belong_together_is_refused(empty, tmp_path):
    other = shutil.copytree(released_models()["suv"], tmp_path / "mixed")
    shutil.copy(MODEL / "network.npz", other / "network.npz")
    with pytest.raises(ValueError, match=r"network\.npz must be as manifest\.json says"):
        Predictor(other, backend="c")


def test_a_compiler_that_fails_is_quoted(empty, monkeypatch):
    failing = (sys.executable, "-c", "raise SystemExit('no such option')")
    monkeypatch.setattr(building, "find_compiler", lambda: failing)
    with pytest.raises(RuntimeError, match=r"compiled\.so must compile with .*Got:\nno such option"):
        built_library(MODEL)
    assert not empty.exists()


def test_a_library_that_answers_otherwise_is_refused(library):
    net, _ = read_model(released_models()["suv"])
    with pytest.raises(RuntimeError, match="must give the reference's answers to the golden events"):
        check_answers(library, net)


@pytest.mark.skipif(not hasattr(cache.os, "getuid"), reason="the folder is that of POSIX")
def test_the_cache_lies_where_the_system_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    told = CACHE_FOLDER()
    assert told == tmp_path / "acc_decel"


CACHE_FOLDER = cache.cache_folder


@pytest.mark.parametrize("wrong", [np.float64, np.int32], ids=str)
@pytest.mark.parametrize("backend", ["c", "onnxruntime"])
def test_columns_of_another_type_or_shape_are_refused(library, events, wrong, backend):
    predictor = Predictor(backend=backend)
    with pytest.raises(ValueError, match=r"columns must be float32 \[n, \d+\]\. Got (float64|int32)"):
        predictor.predict_array(np.ones((2, events.shape[1]), wrong))
    for shape in ((events.shape[1],), (2, events.shape[1] - 1), (1, 1, events.shape[1])):
        with pytest.raises(ValueError, match=r"columns must be float32 \[n, \d+\]\. Got float32 \["):
            predictor.predict_array(np.ones(shape, np.float32))


def test_the_command_compiles_and_says_where(library, answered):
    assert answered("compile", "compact") == {"libraries": {"compact": str(library.path)}}


def kinds_of_value(factor: Factor) -> st.SearchStrategy[object]:
    """What a caller may give for a factor: usual, unusual and wrong."""
    numbers = st.one_of(
        st.floats(factor.low, factor.high),
        st.floats(width=32),
        st.integers(-3, 300),
        st.sampled_from([None, True, 0.0, -0.0, math.inf, math.nan, 1e300, 10**400, "1.5", "fast", np.float64(1)]),
    )
    if not factor.levels:
        return numbers
    levels = st.sampled_from([*factor.levels, "tarmac"])
    shares = st.one_of(st.floats(0, 1), numbers.filter(lambda n: isinstance(n, float | int)))  # as annotated
    return st.one_of(levels, levels, st.dictionaries(levels, shares, max_size=3), numbers)


calls = st.fixed_dictionaries(
    {f.name: kinds_of_value(f) for f in FACTORS if f.name in STOP},
    optional={f.name: kinds_of_value(f) for f in FACTORS if f.name not in STOP} | {"break_pressure": st.just(1.0)},
)
plausible = st.fixed_dictionaries(
    {"speed": st.floats(1, 70), "brake_pressure_bar": st.integers(5, 180)},
    optional={f.name: kinds_of_value(f) for f in FACTORS if f.levels}
    | {f.name: st.one_of(st.none(), st.floats(f.low, f.high)) for f in FACTORS if f.optional and not f.levels},
)


def outcome(call, given: dict[str, object]) -> object:
    """The bits of what a call answers, or what it raises."""
    try:
        answer = call(given)
    except Exception as error:  # compared with that of the other way
        return type(error), str(error)
    assert answer.attribution is answer.baseline is None  # nobody asked
    numbers = [value for value in astuple(answer) if value is not None]
    return tuple(np.array(numbers, "f8").view("i8"))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of pandas, about values that are no numbers
@given(factors=st.one_of(plausible, calls))
@settings(max_examples=40)
def test_one_event_is_answered_as_a_table_of_one_is(predictor, factors):
    quick = outcome(lambda g: predictor.predict(**g), factors)
    with patch.object(inputs, "plain_columns", return_value=None):  # the way of a table
        assert outcome(lambda g: predictor.predict(**g), factors) == quick


@pytest.mark.slow
def test_the_peers_of_the_latency_benchmark_answer_as_the_reference():
    pytest.importorskip("tensorflow", reason='tensorflow is missing: pip install "acc-decel[train]"')
    pytest.importorskip("ai_edge_litert", reason='ai-edge-litert is missing: pip install "acc-decel[bench]"')
    net, _ = read_model(MODEL)
    inside, outside = inference.split_events(net, 40)
    found = inference.peers(net, inside)  # raises if one answers otherwise
    assert {one.name for one in found} > {"LiteRT", "ONNX Runtime", "Keras predict", "Keras compiled", "NumPy"}
    assert {one.work for one in found} == {inference.WHOLE, inference.LAYERS}
    assert {one.batch for one in found} == {40}  # no more rows, no choice
    assert not outside_domain(net, inside).any()
    assert outside_domain(net, outside).all()


def test_a_peer_of_the_latency_benchmark_gets_the_batches_that_suit_it_best():
    inputs = tuple(np.arange(20_000 * width, dtype="f4").reshape(-1, width) for width in (2, 3))
    sizes = []

    def make(rows):
        def call(two, three):
            sizes.append((len(two), len(three)))
            time.sleep(0.0 if rows == 10_000 else 0.005)
            return two[:, :1] + three[:, :1]

        return call

    batch, call = inference.best_batch(make, inputs)
    assert {*sizes} == {(1_000, 1_000), (10_000, 10_000)}
    assert batch == 10_000
    np.testing.assert_array_equal(call(), inputs[0][:, :1] + inputs[1][:, :1])


def test_usual_events_take_the_short_way():
    assert plain_columns(STOP) is not None
    assert plain_columns({"speed": 20, "surface": {"ice": 0.5, "gravel": 0.5}, "mass": None}) is not None
    assert plain_columns({"speed": "20"}) is plain_columns({"speed": math.inf}) is plain_columns({"spede": 1}) is None


def test_the_short_way_gives_the_columns_of_a_table():
    names = column_names()
    row = plain_columns(STOP)
    assert row.dtype == np.float32
    assert dict(zip(names, row[0], strict=True))["speed"] == np.float32(33.3)

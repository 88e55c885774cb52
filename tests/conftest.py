"""What all tests share: the error budget, the situations that Hypothesis draws, and one small model trained once.

Before the package is imported, every module of it is made to check the shapes in its annotations.
"""

# ruff: noqa: E402 - threads and the import hook come before what they act on
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree

WORKER = "PYTEST_XDIST_WORKER" in os.environ  # one of several processes that share the tests
if WORKER:  # each has one core: threads of two libraries in two processes would only wait for each other
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "TF_INTRAOP", "TF_INTEROP"):
        name = f"TF_NUM_{library[3:]}_THREADS" if library.startswith("TF_") else f"{library}_NUM_THREADS"
        os.environ.setdefault(name, "1")

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import settings
from hypothesis import strategies as st
from jaxtyping import install_import_hook
from numpy import ndarray


def shape_checked_modules() -> list[str]:
    """Every module of the package but those that Numba or TensorFlow compiles: they need a function unwrapped."""
    home = Path(find_spec("acc_decel").origin).parent
    modules = [path for path in sorted(home.rglob("*.py")) if path.name != "__init__.py"]
    return [
        ".".join(path.relative_to(home.parent).with_suffix("").parts)
        for path in modules
        if not re.search(r"^(from|import) (numba|keras|tensorflow)\b", path.read_text(), re.MULTILINE)
    ]


if not hasattr(pd.Series, "__class_getitem__"):  # before pandas 3 the annotations that the hook evaluates are none
    pd.Series.__class_getitem__ = classmethod(lambda series, _: series)
install_import_hook(shape_checked_modules(), "beartype.beartype")
EXPORT = import_module("acc_decel.export.firmware_files")
EXPORT.FIXED_EVENTS, EXPORT.SHIFT_EVENTS = 4_000, 600  # fewer than for a release; before others import the numbers

from acc_decel import cli
from acc_decel.dataset import Dataset, generate, load_dataset, scenarios, sense
from acc_decel.export import write_model
from acc_decel.factors import FACTORS, Factor, column_names
from acc_decel.network import DenseNet, load_net, to_bytes
from acc_decel.network.domain_fitting import Fitting
from acc_decel.physics import LATENTS, Vehicle, stops, vehicle

settings.register_profile("cars", derandomize=True, database=None, deadline=None, max_examples=100)
settings.load_profile("cars")

SHARED = Path(__file__).parents[2] / "shared" / "data"  # no part of the project
SHARED_TABLES = SHARED / "tables"  # published sources
SHARED_DRIVES = SHARED / "drives"  # recorded by others


@dataclass(frozen=True)
class Budget:
    """How far one hop may move a deceleration [m/s^2] (the delay: the same number in s)."""

    keras_to_numpy: float = 5e-5  # TensorFlow sums in another order
    numpy_to_onnx: float = 1e-4  # and so does ONNX Runtime
    onnx_to_host: float = 1e-4
    score_to_onnx: float = 1e-3  # of the trained domain: nearer to its threshold, the last bits decide
    host_to_target: float = 0.0  # the same operations in the same order: the same bits
    whole_chain: float = 1e-4
    integration: float = 0.02  # of the time steps, against a law that holds for the exact solution
    integration_share: float = 0.005  # the same relative, against LSODA


BUDGET = Budget()
COMPACT = vehicle("compact")
SMALL_EVENTS = 6_000
SMALL_FITTING = Fitting(steps=(1_000, 1_000, 1_500), tries=2)  # of the trained domain: enough to tell what is strange
QUICK_FITTING = Fitting(steps=(50, 50, 50), tries=1)  # where only the form of the score counts


def values(factor: Factor, low: float | None = None, high: float | None = None) -> st.SearchStrategy[float]:
    """True values of a factor: an index of its levels, one end if there is but one step, or any number in range."""
    if factor.levels:
        return st.integers(0, len(factor.levels) - 1).map(float)
    low, high = factor.low if low is None else low, factor.high if high is None else high
    if factor.step == high - low:
        return st.sampled_from((low, high))
    return st.floats(low, high)


CAR_FACTORS = {f.name: f for f in COMPACT.factors if not f.estimate}
situations = st.fixed_dictionaries({name: values(f) for name, f in CAR_FACTORS.items()})
unknowns = st.fixed_dictionaries({latent.name: st.floats(-2, 2) for latent in LATENTS})


def level(factor: str, name: str) -> float:
    """The index by which physics knows a level."""
    return float(next(f for f in FACTORS if f.name == factor).levels.index(name))


# A full stop of a warmed-up car on a calm, level, dry road; the rest of each factor is its prior's mean.
ORDINARY = {name: f.prior.mean if f.prior.uniform < 1 else (f.low + f.high) / 2 for name, f in CAR_FACTORS.items()} | {
    "speed": 27.778,
    "brake_pressure_bar": 160.0,
    "surface": level("surface", "asphalt"),
    "tyre_kind": level("tyre_kind", "summer"),
    "water_film_mm": 0.0,
    "abs": 1.0,
}


def stopped(
    *cases: dict[str, float], car: Vehicle = COMPACT, latents: dict[str, float] | None = None
) -> dict[str, ndarray]:
    """The answers of the physics to some situations, one row each."""
    columns = {name: np.array([case[name] for case in cases]) for name in CAR_FACTORS}
    unknown = {name: np.full(len(cases), score) for name, score in latents.items()} if latents else None
    return stops(car, **columns, latents=unknown)


def sensed_events(events: int, *, seed: int = 7) -> ndarray:
    """Columns of events as the dataset holds them, factors lacking included, without simulating the stops."""
    true, _ = scenarios(COMPACT.factors, seed=seed, first=0, events=events)
    friction = np.random.default_rng(seed).uniform(0.1, 1.2, events)
    return sense(COMPACT.factors, true, friction, seed=seed, first=0)


def event_of(given: dict[str, float | str], factors: tuple[Factor, ...] = FACTORS) -> ndarray:
    """One row of columns; what is not given is not available."""
    row = np.full((1, len(column_names(factors))), np.nan, np.float32)
    at = column_names(factors).index
    for factor in factors:
        if factor.name not in given:
            continue
        if factor.levels:
            row[0, [at(c) for c in factor.columns]] = [name == given[factor.name] for name in factor.levels]
        else:
            row[0, at(factor.name)] = given[factor.name]
    return row


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Of a name and a function that fills a folder: the folder, filled by one worker for all of this run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if WORKER else base

    def made(name: str, fill: Callable[[Path], object]) -> Path:
        folder, unfinished = shared / name, shared / f"{name}.unfinished"
        with FileLock(shared / f"{name}.lock"):
            if not folder.exists():
                rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                fill(unfinished)
                unfinished.rename(folder)
        return folder

    return made


@pytest.fixture(scope="session")
def seven_cars(made_once: Callable[..., Path]) -> Path:
    """The what-if page of all released models."""
    page = import_module("acc_decel.cli.page").page
    return made_once("seven_cars", lambda folder: page([], folder / "what_if.html")) / "what_if.html"


@pytest.fixture(scope="session")
def small_folder(made_once: Callable[..., Path]) -> Path:
    def fill(folder: Path) -> None:
        generate(COMPACT, folder / "dataset", events=SMALL_EVENTS, seed=1, partition=4096)

    return made_once("small", fill) / "dataset"


@pytest.fixture(scope="session")
def small_data(small_folder: Path) -> Dataset:
    return load_dataset(small_folder)


@pytest.fixture(scope="session")
def small_net(small_data: Dataset, made_once: Callable[..., Path]) -> DenseNet:
    def fill(folder: Path) -> None:
        from acc_decel.network.training import train  # noqa: PLC0415 - TensorFlow takes seconds

        (folder / "network.npz").write_bytes(to_bytes(train(small_data, COMPACT.factors, small_training())))

    return load_net(made_once("small_net", fill) / "network.npz")


def small_training() -> "Training":
    """How the small network is trained: enough to learn, and to tell what is strange."""
    from acc_decel.network.training import Training  # noqa: PLC0415

    return Training(epochs=20, batch=128, teacher_epochs=0, domain=SMALL_FITTING)


@pytest.fixture(scope="session")
def small_model(small_net: DenseNet, small_data: Dataset, made_once: Callable[..., Path]) -> Path:
    def fill(folder: Path) -> None:
        from acc_decel.network.calibration import metrics  # noqa: PLC0415

        write_model(
            folder / "compact",
            small_net,
            vehicle="compact",
            dataset={key: small_data.manifest[key] for key in ("events", "seed")},
            training=asdict(small_training()),
            metrics=metrics(small_net, small_data, oracle_events=10),
        )

    return made_once("models", fill) / "compact"


@pytest.fixture
def soon_trained(monkeypatch):
    """Commands that train fit the trained domain in few steps, and compare few events with the best possible answer."""
    from acc_decel.network import best_possible, training  # noqa: PLC0415 - TensorFlow takes seconds

    def fitted(*arguments: object, fitting: Fitting, **others: object) -> DenseNet:
        assert fitting == Fitting(), "the command takes the defaults"
        return whole(*arguments, fitting=QUICK_FITTING, **others)

    whole = training.fit_domain
    monkeypatch.setattr(training, "fit_domain", fitted)
    monkeypatch.setattr(best_possible, "ORACLE_EVENTS", 10)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `acc-decel` with arguments: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["acc-decel", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return run


@pytest.fixture
def answered(run):
    """Run `acc-decel` with arguments and --json: what it answers."""

    def answered(*arguments: object) -> dict:
        code, out, err = run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return answered


@pytest.fixture
def refused(run):
    """Run `acc-decel` with arguments that it must refuse: the sentence."""

    def refused(*arguments: object) -> str:
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        _, error, sentence = err.rpartition("Error: ")  # progress may stand before it
        assert error, err
        assert "Traceback" not in err
        return sentence

    return refused


TRAINED = {"small_net", "small_model", "soon_trained", "explained"}  # fixtures whose tests are slow
SLOW_ROOMS = {"ecu", "compiled", "firmware", "evidence"}  # their tests compile and emulate, a second each


def pytest_itemcollected(item: pytest.Item) -> None:
    """What trains or emulates is slow."""
    if TRAINED & set(getattr(item, "fixturenames", ())) or item.path.parent.name in SLOW_ROOMS:
        item.add_marker(pytest.mark.slow)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with many slow tests begin, so that no worker is left alone with one."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


SKIPPED_IN_CI = "not part of the project"  # what the reason of a skip must say to be no error where CI=true


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In the gate, which installs everything, a test that is skipped is an error."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        reason = skip_reason(report)
        if SKIPPED_IN_CI not in reason:
            report.outcome, report.longrepr = "failed", f"{item.nodeid} was skipped although CI is set: {reason}"
    return report


def skip_reason(report: pytest.TestReport) -> str:
    return report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else str(report.longrepr)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say last which tests were skipped, why, and how to run them."""
    for reason, count in Counter(map(skip_reason, terminalreporter.stats.get("skipped", []))).items():
        tests = "1 test was" if count == 1 else f"{count} tests were"
        terminalreporter.write_line(f"{tests} skipped: {reason}", yellow=True)

"""What all tests share: the error budget, the situations that Hypothesis draws, and one small model trained once."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from numpy import ndarray

from acc_decel import cli
from acc_decel.dataset import Dataset, generate, load_dataset, scenarios, sense
from acc_decel.export import write_model
from acc_decel.factors import FACTORS, Factor, column_names
from acc_decel.network import DenseNet
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
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "dataset"
    generate(COMPACT, folder, events=SMALL_EVENTS, seed=1, partition=4096)
    return folder


@pytest.fixture(scope="session")
def small_data(small_folder: Path) -> Dataset:
    return load_dataset(small_folder)


@pytest.fixture(scope="session")
def small_net(small_data: Dataset) -> DenseNet:
    from acc_decel.network.training import Training, train  # noqa: PLC0415 - TensorFlow takes seconds

    return train(small_data, COMPACT.factors, Training(epochs=20, batch=128, teacher_epochs=0))


@pytest.fixture(scope="session")
def small_model(small_net: DenseNet, small_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from acc_decel.network.calibration import metrics  # noqa: PLC0415
    from acc_decel.network.training import Training  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("models") / "compact"
    source = {key: small_data.manifest[key] for key in ("events", "seed")}
    training = asdict(Training(epochs=20, batch=128, teacher_epochs=0))
    write_model(
        folder,
        small_net,
        vehicle="compact",
        dataset=source,
        training=training,
        metrics=metrics(small_net, small_data, oracle_events=10),
    )
    return folder


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

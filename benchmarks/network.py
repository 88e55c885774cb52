"""How near each method comes to the best answer that the sensors allow, all on the same events in one run.

    python benchmarks/network.py [--events 400000] [--oracle-events 1000] [--json]

Data: `events` simulated and sensed braking events of the compact car, kept in build/network/ and used again; split by
event number as the network's training does (80 % train, 5 % validate, 10 % calibrate, 5 % test). Every method learns
from the training part alone, its settings from the validation part, and is asked for the median deceleration.

Truth: for test events the conditional median, given what the sensors tell, by nested simulation (dataset/oracle.py,
two independent halves of DRAWS situations each; also kept in build/network/). The halves' own sampling error cancels:
the squared error is the mean of (answer - one half) * (answer - other half). Two sets of `oracle-events`: the first
test events with every factor available, and the first test events as they come, masked as in training. On the latter
also the error against the single simulated events, beside the part of it that no method can avoid: the oracle's own.

Methods, each with factors that are not available in its own ordinary way:

- linear: least squares on standardised columns, mean in place of what lacks, with an indicator for it. (The linear
  program of a quantile regression takes too long at this size.)
- LightGBM, tuned: NaN natively. A search over objective (pinball loss of the median; Huber's, from 0.3 m/s^2) and
  LEAVES of a tree on at most SEARCH_EVENTS training events with up to SEARCHED_TREES trees: the mean absolute error on
  the validation part decides. Then up to MOST_TREES on all training events, as many as lower that error. That is the
  best of four settings; everything else is as LightGBM has it, on all cores.
- LightGBM, monotone: monotone constraints in every forced factor. A factor forced only under a condition has a second
  column that is 0 while the condition holds and lets the answer go the other way while it does not; it is constrained
  only as far as the condition is itself a forced factor. LightGBM refuses constraints with the pinball loss (pull
  request 3380 of its repository), so the search is over Huber's and least squares.
- MLP: scikit-learn, two layers of 32 rectifiers, about our size, early stopping; inputs as for linear. Its only loss
  for a number is least squares, so it learns the mean, as do linear and fuzzy broad, where the median is asked for.
- fuzzy broad: acc_decel/comparison/fuzzy_broad.py with its defaults.
- ours: acc_decel/network/training.py with its defaults, which were found on data like these, without the caution
  outside the trained domain. It has physics features beside the columns, and a head that bounds it by physics; the
  others have the columns alone. It learns from a larger network, its teacher, and events with every factor available
  or on snow or ice count three times; the others learn from single events that all count once.

`weights` counts what a method stores: coefficients; thresholds and leaf values of trees; of fuzzy broad also the random
parts. `train_seconds` is wall time of the final training with its preparation, `search_seconds` of the search before.
`monotone_violations`: for each forced factor, two values drawn within its range in up to PAIRS random test events for
which the direction holds, the rest of the event unchanged; the share of all pairs whose answers go the wrong way by
more than ROUNDING, and by how much at worst.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from acc_decel.dataset import Dataset, generate, load_dataset
from acc_decel.dataset.oracle import DRAWS, conditional_quantiles
from acc_decel.factors import Factor, column_factors, column_names, schema
from acc_decel.files import atomic_write
from acc_decel.network import saturated
from acc_decel.network.split import in_split
from acc_decel.outputs import MEDIAN
from acc_decel.physics import Vehicle, vehicle, vehicle_from

KEPT = Path("build/network")
SEED = 1
SEARCH_EVENTS = 100_000
PAIRS = 4_000  # for each forced factor
ROUNDING = 1e-5  # [m/s^2], what float32 may do to equal answers
MOST_TREES, SEARCHED_TREES, PATIENCE = 3_000, 400, 50
TREES = {"bagging_fraction": 0.8, "bagging_freq": 1, "seed": SEED, "deterministic": True, "force_row_wise": True}
TREES |= {"metric": "l1", "verbose": -1}
PERCEPTRON: dict[str, Any] = {"hidden_layer_sizes": (32, 32), "batch_size": 512, "max_iter": 300, "tol": 1e-5}
PERCEPTRON |= {"early_stopping": True, "validation_fraction": 0.05}  # of the training part, scikit-learn's own split
OBJECTIVES: dict[str, dict[str, Any]] = {
    "quantile": {"objective": "quantile", "alpha": 0.5},
    "huber": {"objective": "huber", "alpha": 0.3},  # linear beyond 0.3 m/s^2
    "regression": {"objective": "regression"},
}
LEAVES = (31, 127)

Answer = Callable[[ndarray], ndarray]


@dataclass(frozen=True)
class Method:
    """A trained method: how it answers columns with the median deceleration [m/s^2], and what it cost."""

    answer: Answer
    weights: int
    search_seconds: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Truth:
    """Test events, what happened in each, and both halves of their conditional median; decelerations [m/s^2]."""

    columns: ndarray
    single: ndarray
    halves: ndarray  # events x 2

    def rmse(self, answer: Answer) -> tuple[float, float]:
        """Root mean square distance of the answers from the conditional median, and its standard error."""
        off = answer(self.columns)[:, None] - self.halves
        squares = off[:, 0] * off[:, 1]
        rmse = float(np.sqrt(max(squares.mean(), 0.0)))
        return rmse, float(squares.std() / np.sqrt(len(squares)) / (2 * rmse)) if rmse else 0.0

    def rmse_single(self, answer: Answer) -> float:
        """Root mean square distance of the answers from what happened."""
        return float(np.sqrt(np.mean((answer(self.columns) - self.single) ** 2)))

    def irreducible(self) -> float:
        """The same of the conditional median itself."""
        off = self.single[:, None] - self.halves
        return float(np.sqrt(np.mean(off[:, 0] * off[:, 1])))


def benchmark_data(events: int) -> Dataset:
    """The events of the benchmark, generated if they are not there."""
    folder = KEPT / f"compact-{schema()}-{SEED}-{events}"
    generate(vehicle("compact"), folder, events=events, seed=SEED)
    return load_dataset(folder)


def truths(car: Vehicle, data: Dataset, events: int, *, draws: int = DRAWS, kept: Path = KEPT) -> tuple[Truth, Truth]:
    """Up to `events` test events with every factor available, and as many masked as in training."""
    test = np.flatnonzero(in_split(data.event, "test"))
    complete = test[np.isfinite(data.columns[test]).all(axis=1)]
    sets = [(rows, data.columns[rows], data.deceleration[rows]) for rows in (complete[:events], test[:events])]
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("nested simulation", total=2 * sum(len(rows) for rows, *_ in sets))

        def told(done: int) -> None:
            progress.advance(task, done)

        every, masked = (Truth(x, y, oracle(car, x, y, draws=draws, kept=kept, on_events=told)) for _, x, y in sets)
    return every, masked


def oracle(
    car: Vehicle, columns: ndarray, single: ndarray, *, draws: int, kept: Path, on_events: Callable[[int], None]
) -> ndarray:
    """Two independent conditional medians of each event [events, 2]; kept in a file named by what they depend on."""
    asked = (repr(car), schema(), SEED, draws, columns.shape)  # the labels tell another physics from this one
    digest = hashlib.sha256(repr(asked).encode() + columns.tobytes() + single.tobytes()).hexdigest()[:16]
    path = kept / f"oracle-{car.name}-{digest}.npy"
    if not path.is_file():
        streams = np.random.default_rng(SEED).spawn(2)
        halves = [
            conditional_quantiles(car, columns, (0.5,), rng=rng, draws=draws, on_events=on_events) for rng in streams
        ]
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            np.save(file, np.concatenate(halves, axis=1))
    return np.load(path)


def conditions(factor: Factor) -> tuple[str, ...]:
    """The columns that add up to at least 1 while the direction of `factor` holds; none if it always holds."""
    held: str | tuple[str, ...] = factor.forced_while
    return ((held,) if held else ()) if isinstance(held, str) else held


def share_held(factor: Factor, columns: ndarray, names: tuple[str, ...]) -> ndarray:
    """How far the condition of the direction of `factor` holds in each event, 0 to 1; 0 where it is not available."""
    gates = columns[:, [names.index(name) for name in conditions(factor)]]
    return np.minimum(np.nan_to_num(gates).sum(axis=1), 1) if gates.size else np.ones(len(columns))


def wrong_ways(answer: Answer, factors: tuple[Factor, ...], columns: ndarray) -> dict[str, Any]:
    """Share of ordered pairs that go the wrong way, over all forced factors and by factor, and the worst [m/s^2]."""
    names, rng = column_names(factors), np.random.default_rng(SEED)
    by_factor: dict[str, float] = {}
    pairs: list[ndarray] = []
    for factor in (f for f in factors if f.direction):
        held = columns[share_held(factor, columns, names) > 1 - 1e-6]
        low = rng.permutation(held)[:PAIRS]
        high, at = low.copy(), names.index(factor.name)
        values = np.sort(rng.uniform(factor.low, factor.high, (len(low), 2)), axis=1)
        low[:, at], high[:, at] = values.T
        against = -factor.direction * (answer(high) - answer(low))
        by_factor[factor.name] = float(np.mean(against > ROUNDING))
        pairs.append(against)
    every = np.concatenate(pairs)
    told = {"monotone_violations": float(np.mean(every > ROUNDING)), "monotone_violations_by_factor": by_factor}
    return told | {"worst_wrong_way": abs(float(max(every.max(), 0.0)))}


def filled(factors: tuple[Factor, ...], learned: ndarray) -> Answer:
    """What prepares columns for methods without NaN: standardised, the mean where one lacks, and indicators for it."""
    seen, optional = saturated(factors, learned).astype(float), np.isnan(learned).any(axis=0)
    center, spread = np.nanmean(seen, axis=0), np.nanstd(seen, axis=0)

    def prepared(columns: ndarray) -> ndarray:
        scaled = np.nan_to_num((saturated(factors, columns) - center) / spread)
        return np.concatenate([scaled, np.isnan(columns[:, optional])], axis=1)

    return prepared


def linear(data: Dataset, factors: tuple[Factor, ...]) -> Method:
    """Least squares."""
    from sklearn.linear_model import LinearRegression

    x, y = _part(data, "training")
    prepared = filled(factors, x)
    model = LinearRegression().fit(prepared(x), y)
    return Method(lambda columns: model.predict(prepared(columns)), model.coef_.size + 1)


def mlp(data: Dataset, factors: tuple[Factor, ...]) -> Method:
    """scikit-learn's multi-layer perceptron of about our size."""
    from sklearn.neural_network import MLPRegressor

    x, y = _part(data, "training")
    prepared = filled(factors, x)
    model = MLPRegressor(random_state=SEED, **PERCEPTRON).fit(prepared(x), y)
    weights = sum(a.size for a in (*model.coefs_, *model.intercepts_))
    return Method(lambda columns: model.predict(prepared(columns)), weights)


def lightgbm_tuned(data: Dataset, factors: tuple[Factor, ...]) -> Method:  # noqa: ARG001 - one signature for all
    """Gradient-boosted trees; they take the columns as they are."""
    return boosted(data, ("quantile", "huber"), lambda columns: columns)


def lightgbm_monotone(data: Dataset, factors: tuple[Factor, ...]) -> Method:
    """The same with monotone constraints."""
    names, gated = column_names(factors), [f for f in factors if f.direction and conditions(f)]
    directions = {name: f.direction for name, f in zip(names, column_factors(factors), strict=True)}
    opposite = [-directions[conditions(f)[0]] for f in gated]  # the second column shrinks while the condition grows

    def widened(columns: ndarray) -> ndarray:
        free = [
            distance_from_end(f, sign, columns[:, names.index(f.name)]) * (1 - share_held(f, columns, names))
            for f, sign in zip(gated, opposite, strict=True)
        ]
        return np.column_stack([columns, *free])

    signs = [*directions.values(), *opposite]
    options = {"monotone_constraints": signs, "monotone_constraints_method": "intermediate"}
    return boosted(data, ("huber", "regression"), widened, **options)


def distance_from_end(factor: Factor, sign: int, values: ndarray) -> ndarray:
    """How far the values are from an end of the range: the end from which a `sign` opposes the factor's direction."""
    return factor.high - values if factor.direction * sign > 0 else values - factor.low


def boosted(data: Dataset, objectives: tuple[str, ...], prepared: Answer, **options: Any) -> Method:
    """LightGBM with the objective and the leaves of a tree that err least on the validation part."""
    import lightgbm

    start = time.perf_counter()
    (x, y), (unseen, true) = _part(data, "training"), _part(data, "validation")
    x, unseen = prepared(x), prepared(unseen)

    def trained(events: int, asked: dict[str, Any], *, trees: int, learning_rate: float) -> Any:
        learned = lightgbm.Dataset(x[:events], y[:events])
        return lightgbm.train(
            {**TREES, **options, **asked, "learning_rate": learning_rate},
            learned,
            num_boost_round=trees,
            valid_sets=[learned.create_valid(unseen, true)],
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
        )

    def error(asked: dict[str, Any]) -> float:
        model = trained(SEARCH_EVENTS, asked, trees=SEARCHED_TREES, learning_rate=0.1)
        return float(np.abs(model.predict(unseen) - true).mean())

    best = min(({**OBJECTIVES[name], "num_leaves": n} for name in objectives for n in LEAVES), key=error)
    searched = time.perf_counter() - start
    model = trained(len(x), best, trees=MOST_TREES, learning_rate=0.05)
    return Method(lambda columns: model.predict(prepared(columns)), _size(model), searched, best)


def _size(booster: Any) -> int:
    """Thresholds and leaf values of the trees that are used."""
    trees = booster.dump_model(num_iteration=booster.best_iteration)["tree_info"]
    return sum(2 * tree["num_leaves"] - 1 for tree in trees)


def fuzzy_broad(data: Dataset, factors: tuple[Factor, ...]) -> Method:
    """Fuzzy broad learning."""
    from acc_decel.comparison.fuzzy_broad import train

    system = train(data, factors)
    return Method(lambda columns: system(columns)[:, MEDIAN], system.weights)


def ours(data: Dataset, factors: tuple[Factor, ...]) -> Method:
    """The network monotone by construction."""
    from acc_decel.network.training import train

    net = train(data, factors)
    return Method(lambda columns: net(columns.astype(np.float32))[:, MEDIAN], net.weights)


def _part(data: Dataset, name: str) -> tuple[ndarray, ndarray]:
    rows = in_split(data.event, name)
    return data.columns[rows], data.deceleration[rows]


METHODS: dict[str, Callable[[Dataset, tuple[Factor, ...]], Method]] = {
    "linear": linear,
    "LightGBM, tuned": lightgbm_tuned,
    "LightGBM, monotone": lightgbm_monotone,
    "MLP": mlp,
    "fuzzy broad": fuzzy_broad,
    "ours": ours,
}


def measured(name: str, data: Dataset, car: Vehicle, every: Truth, masked: Truth) -> dict[str, Any]:
    """Train the method `name` and tell everything about it."""
    start = time.perf_counter()
    method = METHODS[name](data, car.factors)
    seconds = time.perf_counter() - start - method.search_seconds
    rmse, error = every.rmse(method.answer)
    rmse_masked, error_masked = masked.rmse(method.answer)
    return {
        "method": name,
        "rmse_conditional_median": rmse,
        "rmse_conditional_median_error": error,
        "rmse_conditional_median_masked": rmse_masked,
        "rmse_conditional_median_masked_error": error_masked,
        "rmse_single_events": masked.rmse_single(method.answer),
        "irreducible": masked.irreducible(),
        "weights": int(method.weights),
        "train_seconds": seconds,
        "search_seconds": method.search_seconds,
        "settings": method.settings,
        **wrong_ways(method.answer, car.factors, _part(data, "test")[0]),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=400_000, help="simulated events")
    parser.add_argument("--oracle-events", type=int, default=1_000, help="test events with nested simulation, each set")
    parser.add_argument("--json", action="store_true", help="print for a program")
    asked = parser.parse_args()
    data = benchmark_data(asked.events)
    car = vehicle_from(data.manifest["vehicle_file"])
    every, masked = truths(car, data, asked.oracle_events)
    rows = []
    for name in METHODS:
        rows.append(measured(name, data, car, every, masked))
        Console(stderr=True).print(json.dumps(rows[-1]), soft_wrap=True)  # what is known if a long run is cut short
    if asked.json:
        print(json.dumps({"events": asked.events, "oracle_events": len(every.single), "methods": rows}, indent=1))
        return
    Console().print(table(rows, asked.events))
    print(f"irreducible part of the error against single events: {masked.irreducible():.3f} m/s^2")


def table(rows: list[dict[str, Any]], events: int) -> Table:
    """The methods side by side."""
    title = f"{events:,} events of the compact car; errors in m/s^2 against the conditional median"
    made = Table(title=title, title_justify="left")
    for column in ("method", "every factor", "masked", "single events", "weights", "training", "wrong way", "worst"):
        made.add_column(column, justify="left" if column == "method" else "right")
    for row in rows:
        errors = [f"{row[k]:.3f} +- {row[f'{k}_error']:.3f}" for k in _ERRORS]
        cost = (f"{row['rmse_single_events']:.3f}", f"{row['weights']:,}", f"{row['train_seconds']:.0f} s")
        wrong = (f"{100 * row['monotone_violations']:.2f} %", f"{row['worst_wrong_way']:.2f}")
        made.add_row(row["method"], *errors, *cost, *wrong)
    return made


_ERRORS = ("rmse_conditional_median", "rmse_conditional_median_masked")

if __name__ == "__main__":
    main()

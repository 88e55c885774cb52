"""What a posterior of one scale a layer knows: where the network errs, where it never was, which weights may be coarse.

    python benchmarks/bayes.py [--events 100000] [--oracle-events 500] [--json]

Data and truth as in benchmarks/network.py, kept in build/network/: simulated and sensed events of the compact car, and
conditional medians by nested simulation for test events with every factor available, and for others masked as in
training (DRAWS situations in each half). All decelerations in m/s^2.

- Networks: with posterior and plain, both by acc_decel/comparison/bayes_training.py from single events with the same
  number of steps, on all events and on the first THIN of them. Neither has a teacher, a penalty or early stopping, so
  that from few events the plain one overfits: a released network, trained otherwise, is not compared. `spread` is the
  median spread of the deceleration on test events with every factor available, `covered` the share of their
  conditional medians within 1.645 spreads.
- Outside: test events with every factor available, changed. `beyond its range`: one factor without levels by a quarter
  to the whole of its range outside (upwards only for a saturated one). `never trained`: each combination of EXCLUSIONS.
  `ratio` is the median spread over that of the unchanged, AUROC that of telling both apart by the spread; beside it by
  the width of the predicted 90 % interval.
- Errors: the share of the worst 1 % that is among the 5 % of greatest spread (5 % would be luck), or of widest
  intervals, and the rank correlation of error and spread.
- Layers: the weights of one layer at a time rounded to BITS bits, of the greatest weight of the layer, or to TERMS
  signed powers of two each; the root mean square change of the quantiles of test events. It is the mean over GRIDS
  grids, moved against each other, for a single one is luck. The rank correlation (Spearman) with the scale, and with
  sqrt(weights) / scale, the whole layer's due. Then TERMS + 1 for half of the layers, of least scale or the others.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy import ndarray
from rich.console import Console
from rich.table import Table
from scipy.stats import mannwhitneyu, spearmanr

from acc_decel.comparison.bayes import BayesNet
from acc_decel.dataset import Dataset
from acc_decel.factors import EXCLUSIONS, FACTORS, Factor, column_names
from acc_decel.network import DenseNet
from acc_decel.network.split import in_split
from acc_decel.outputs import LOWER, MEDIAN, ORDERED, UPPER
from acc_decel.physics import vehicle_from
from benchmarks.network import Truth, benchmark_data, truths

DRAWS = 1_024
THIN = 0.01
BITS, TERMS, GRIDS = 5, 2, 8
ROUNDED = 2_000  # test events answered with coarse weights
SEED = 1
WIDTH = 120  # of a table that is not printed to a terminal


def first(data: Dataset, events: int) -> Dataset:
    """The first `events` of the dataset: they are spread as evenly as all."""
    few = {
        name: getattr(data, name)[:events]
        for name in ("columns", "deceleration", "delay", "event", "lead_deceleration")
    }
    return replace(data, **few)


def spread(bayes: BayesNet, columns: ndarray) -> ndarray:
    """Spread of the deceleration."""
    return bayes.spread(columns)[:, MEDIAN]


def width(bayes: BayesNet, columns: ndarray) -> ndarray:
    """Width of the predicted 90 % interval."""
    answer = bayes(columns)
    return answer[:, UPPER] - answer[:, LOWER]


def network_row(bayes: BayesNet, events: int, seconds: float, every: Truth, masked: Truth) -> dict[str, Any]:
    """Accuracy of a network, and how far it thinks it may be wrong."""

    def answer(columns: ndarray) -> ndarray:
        return bayes(columns)[:, MEDIAN]

    row: dict[str, Any] = {"posterior": bool(bayes.scales.any()), "events": events, "train_seconds": seconds}
    for key, truth in (("rmse_conditional_median", every), ("rmse_conditional_median_masked", masked)):
        row[key], row[f"{key}_error"] = truth.rmse(answer)
    row |= {"rmse_single_events": masked.rmse_single(answer), "weights": bayes.weights}
    if row["posterior"]:
        own, error = spread(bayes, every.columns), answer(every.columns) - every.halves.mean(axis=1)
        row |= {"median_spread": float(np.median(own)), "covered": float(np.mean(np.abs(error) < 1.645 * own))}
    return row


def beyond(factor: Factor, columns: ndarray, rng: np.random.Generator) -> ndarray:
    """The events with `factor` out of its range."""
    moved, off = columns.copy(), rng.uniform(0.25, 1, len(columns)) * (factor.high - factor.low)
    down = (rng.random(len(columns)) < 0.5) & (factor.half_saturation == 0)
    moved[:, column_names().index(factor.name)] = np.where(down, factor.low - off, factor.high + off)
    return moved


def never_trained(columns: ndarray, rng: np.random.Generator) -> Iterator[ndarray]:
    """The events with each combination that no training event holds."""
    named, at = {f.name: f for f in FACTORS}, column_names().index
    for rule in EXCLUSIONS:
        owner, factor = next(f for f in FACTORS if rule.column in f.columns), named[rule.factor]
        moved = columns.copy()
        moved[:, [at(c) for c in owner.columns]] = [owner.high * (c == rule.column) for c in owner.columns]
        end = factor.low if rule.below else factor.high
        moved[:, at(rule.factor)] = rule.limit + (end - rule.limit) * rng.random(len(columns))
        yield moved


def auroc(inside: ndarray, outside: ndarray) -> float:
    """Probability that a value from outside is greater than one from inside."""
    return float(mannwhitneyu(outside, inside).statistic / len(inside) / len(outside))


def outside_rows(bayes: BayesNet, columns: ndarray) -> list[dict[str, Any]]:
    """How well the spread tells events that are unlike the training's."""
    rng = np.random.default_rng(SEED)
    plain = [f for f in FACTORS if not f.levels and f.step < f.high - f.low]
    kinds = {f"{f.name} beyond its range": beyond(f, columns, rng) for f in plain}
    ranged, never = np.concatenate(list(kinds.values())), np.concatenate(list(never_trained(columns, rng)))
    inside, inside_width = spread(bayes, columns), width(bayes, columns)
    rows = []
    for kind, events in {"any factor beyond its range": ranged, "never trained together": never, **kinds}.items():
        own = spread(bayes, events)
        told = {"kind": kind, "events": len(events), "ratio": float(np.median(own) / np.median(inside))}
        rows.append(told | {"auroc": auroc(inside, own), "auroc_width": auroc(inside_width, width(bayes, events))})
    return rows


def caught(error: ndarray, score: ndarray) -> float:
    """Share of the worst 1 % of the errors among the 5 % of greatest score."""
    worst = np.argsort(-np.abs(error))[: max(1, len(error) // 100)]
    return float(np.mean(score[worst] >= np.quantile(score, 0.95)))


def error_rows(bayes: BayesNet, data: Dataset, every: Truth, masked: Truth) -> list[dict[str, Any]]:
    """Whether a great spread tells a great error."""
    test = in_split(data.event, "test")
    cases = {
        "conditional median, every factor": (every.columns, every.halves.mean(axis=1)),
        "conditional median, masked": (masked.columns, masked.halves.mean(axis=1)),
        "single events": (data.columns[test], data.deceleration[test]),
    }
    rows = []
    for name, (columns, true) in cases.items():
        error, own = bayes(columns)[:, MEDIAN] - true, spread(bayes, columns)
        told = {"error_against": name, "events": len(true), "caught_by_spread": caught(error, own)}
        told |= {"caught_by_width": caught(error, width(bayes, columns))}
        rows.append(told | {"rank_correlation": float(spearmanr(np.abs(error), own).statistic)})
    return rows


def bits(weights: ndarray, phase: float = 0.0) -> ndarray:
    """The weights in BITS bits, signed, of the greatest; the grid moved by `phase` of a step."""
    step = np.abs(weights).max() / (2 ** (BITS - 1) - 1)
    return ((np.round(weights / step + phase) - phase) * step).astype(np.float32)


def powers(weights: ndarray, terms: int, phase: float = 0.0) -> ndarray:
    """The weights as sums of `terms` signed powers of two each, nearest first; the grid moved by `phase` octaves."""
    whole = left = weights * 2.0**phase
    for _ in range(terms):
        size = np.exp2(np.round(np.log2(np.maximum(np.abs(left), 1e-30))))
        left = left - np.sign(left) * size
    return ((whole - left) / 2.0**phase).astype(np.float32)


def with_weights(net: DenseNet, changed: dict[int, ndarray]) -> DenseNet:
    """`net` with other weights of some of its layers, counted through embedding and trunk."""
    layers = [replace(x, weights=changed.get(i, x.weights)) for i, x in enumerate(net.embedding + net.trunk)]
    depth = len(net.embedding)
    return replace(net, embedding=tuple(layers[:depth]), trunk=tuple(layers[depth:]))


def layer_rows(bayes: BayesNet, columns: ndarray) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """What coarse weights of each layer do, beside its scale; and what that is good for."""
    weights = [layer.weights for layer in bayes.net.embedding + bayes.net.trunk]
    answer, phases = bayes(columns)[:, ORDERED], (np.arange(GRIDS) + 0.5) / GRIDS - 0.5

    def change(rounded: Callable[[float], dict[int, ndarray]]) -> float:
        nets = (with_weights(bayes.net, rounded(phase)) for phase in phases)
        return float(np.sqrt(np.mean([(net(columns)[:, ORDERED] - answer) ** 2 for net in nets])))

    def all_layers(fine: ndarray, phase: float) -> dict[int, ndarray]:
        return {i: powers(w, TERMS + (i in fine), phase) for i, w in enumerate(weights)}

    rows = [
        {
            "layer": name,
            "weights": w.size,
            "scale": float(scale),
            "due": float(np.sqrt(w.size) / scale),
            "change_bits": change(lambda phase, i=i, w=w: {i: bits(w, phase)}),
            "change_terms": change(lambda phase, i=i, w=w: {i: powers(w, TERMS, phase)}),
        }
        for i, (name, w, scale) in enumerate(zip(bayes.layers, weights, bayes.scales, strict=True))
    ]

    def correlation(one: str, other: str) -> float:
        return float(spearmanr([r[one] for r in rows], [r[other] for r in rows]).statistic)

    told = {f"{a}_{b}": correlation(a, b) for a in ("scale", "due") for b in ("change_bits", "change_terms")}
    order = np.argsort(bayes.scales)
    for name, fine in (("least", order[: len(order) // 2]), ("greatest", order[len(order) // 2 :])):
        told[f"fine_at_{name}_scale"] = change(partial(all_layers, fine))
        told[f"fine_at_{name}_scale_terms"] = sum(w.size * (TERMS + (i in fine)) for i, w in enumerate(weights))
    return rows, told


def measured(data: Dataset, every: Truth, masked: Truth, **training: Any) -> dict[str, Any]:
    """Train, and tell everything."""
    from acc_decel.comparison.bayes_training import BayesTraining, train

    factors = vehicle_from(data.manifest["vehicle_file"]).factors
    rows, kept = [], None
    for some in (data, first(data, round(THIN * len(data.event)))):
        for uncertain in (True, False):
            start = time.perf_counter()
            bayes = train(some, factors, replace(BayesTraining(uncertain=uncertain), **training))
            seconds = time.perf_counter() - start
            rows.append(network_row(bayes, len(some.event), seconds, every, masked))
            kept = kept or bayes  # the first: all events, with posterior
    test = data.columns[in_split(data.event, "test")]
    complete = test[np.isfinite(test).all(axis=1)]
    layers, coarse = layer_rows(kept, test[:ROUNDED])
    return {
        "events": len(data.event),
        "networks": rows,
        "outside": outside_rows(kept, complete),
        "errors": error_rows(kept, data, every, masked),
        "layers": layers,
        "coarse": coarse,
    }


def table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    """A table with numbers to the right."""
    made = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        made.add_column(column, justify="right" if i else "left")
    for row in rows:
        made.add_row(*row)
    return made


def tables(told: dict[str, Any]) -> Iterator[Table]:
    """The results for people."""
    yield table(
        "networks: RMSE against the conditional median, m/s^2",
        ("network", "events", "every factor", "masked", "single events", "spread", "covered", "training"),
        [
            (
                "with posterior" if r["posterior"] else "plain",
                f"{r['events']:,}",
                *(f"{r[k]:.3f} +- {r[f'{k}_error']:.3f}" for k in _ERRORS),
                f"{r['rmse_single_events']:.3f}",
                *((f"{r['median_spread']:.3f}", f"{100 * r['covered']:.0f} %") if r["posterior"] else ("", "")),
                f"{r['train_seconds']:.0f} s",
            )
            for r in told["networks"]
        ],
    )
    yield table(
        "events unlike those of the training",
        ("kind", "events", "spread, ratio", "AUROC", "AUROC of the interval's width"),
        [
            (r["kind"], f"{r['events']:,}", f"{r['ratio']:.2f}", f"{r['auroc']:.3f}", f"{r['auroc_width']:.3f}")
            for r in told["outside"]
        ],
    )
    yield table(
        "the worst 1 % of the errors that the greatest 5 % catch",
        ("error against", "events", "of spread", "of width", "rank correlation of error and spread"),
        [
            (
                r["error_against"],
                f"{r['events']:,}",
                f"{100 * r['caught_by_spread']:.0f} %",
                f"{100 * r['caught_by_width']:.0f} %",
                f"{r['rank_correlation']:.2f}",
            )
            for r in told["errors"]
        ],
    )
    yield table(
        "change of the quantiles by coarse weights of one layer, m/s^2",
        ("layer", "weights", "scale", "sqrt(weights) / scale", f"{BITS} bits", f"{TERMS} powers of two"),
        [
            (
                r["layer"],
                f"{r['weights']}",
                f"{r['scale']:.4f}",
                f"{r['due']:.0f}",
                f"{r['change_bits']:.3f}",
                f"{r['change_terms']:.3f}",
            )
            for r in told["layers"]
        ],
    )


_ERRORS = ("rmse_conditional_median", "rmse_conditional_median_masked")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000, help="simulated events")
    parser.add_argument("--oracle-events", type=int, default=500, help="test events with nested simulation, each set")
    parser.add_argument("--json", action="store_true", help="print for a program")
    asked = parser.parse_args()
    data = benchmark_data(asked.events)
    every, masked = truths(vehicle_from(data.manifest["vehicle_file"]), data, asked.oracle_events, draws=DRAWS)
    told = measured(data, every, masked)
    if asked.json:
        print(json.dumps(told, indent=1))
        return
    screen = Console(width=max(WIDTH, Console().width))
    for made in tables(told):
        screen.print(made)
    coarse = told["coarse"]
    print(
        f"rank correlation of the scale with the change: {coarse['scale_change_bits']:.2f} ({BITS} bits), "
        f"{coarse['scale_change_terms']:.2f} ({TERMS} powers of two); of sqrt(weights) / scale: "
        f"{coarse['due_change_bits']:.2f}, {coarse['due_change_terms']:.2f}"
    )
    for name in ("least", "greatest"):
        terms = coarse[f"fine_at_{name}_scale_terms"]
        print(
            f"{TERMS + 1} powers of two in the half of the layers of {name} scale, {TERMS} in the others: "
            f"{terms:,} in all, {coarse[f'fine_at_{name}_scale']:.3f} m/s^2"
        )


if __name__ == "__main__":
    main()

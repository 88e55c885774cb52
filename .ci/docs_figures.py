"""Draw the pictures of the documentation, each once for light and once for dark pages: docs/figures/NAME-light.svg."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from docs_pages import HOME
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

FIGURES = HOME / "docs" / "figures"
THEMES = {
    "light": {
        "ink": "#24292f",
        "soft": "#8c959f",
        "lines": ("#0f766e", "#b45309", "#1d4ed8", "#be123c", "#6d28d9", "#4d7c0f"),
    },
    "dark": {
        "ink": "#e6edf3",
        "soft": "#7d8590",
        "lines": ("#2dd4bf", "#fbbf24", "#60a5fa", "#fb7185", "#c4b5fd", "#a3e635"),
    },
}
SPEED, FULL = 27.8, 120.0  # [m/s], [bar]: 100 km/h, full braking of the compact car


def _axes(width: float = 7.2, height: float = 3.6, **options: Any) -> tuple[Figure, Any]:
    figure, axes = plt.subplots(figsize=(width, height), layout="constrained", **options)
    for one in np.ravel(np.asarray(axes, dtype=object)):
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _lines() -> list[str]:
    return mpl.rcParams["axes.prop_cycle"].by_key()["color"]


def _soft() -> str:
    return str(mpl.rcParams["grid.color"])


def known() -> Figure:
    """What the car knows narrows the interval: one stop from 100 km/h."""
    from acc_decel import Predictor

    every = {
        "mass": 1450.0,
        "brake_temperature_c": 90.0,
        "grade": 0.0,
        "headwind": 0.0,
        "road_temperature_c": 18.0,
        "tyre_kind": "summer",
        "tread_depth_mm": 6.5,
        "tyre_pressure_bar": 2.4,
    }
    cold = every | {"road_temperature_c": -4.0, "tyre_kind": "winter", "water_film_mm": 0.0}
    rows: list[tuple[str, dict[str, Any]]] = [
        ("nothing but speed and pressure", {}),
        ("asphalt", {"surface": "asphalt"}),
        ("dry asphalt", {"surface": "asphalt", "water_film_mm": 0.0}),
        ("dry asphalt, car and tyres known", every | {"surface": "asphalt", "water_film_mm": 0.0}),
        ("the same with 1 mm of water", every | {"surface": "asphalt", "water_film_mm": 1.0}),
        ("packed snow, winter tyres", cold | {"surface": "packed_snow"}),
        ("ice, winter tyres", cold | {"surface": "ice"}),
    ]
    predictor = Predictor(backend="onnxruntime")
    figure, axes = _axes(7.6, 3.5)
    color = _lines()[0]
    for i, (_, factors) in enumerate(rows):
        p = predictor.predict(speed=SPEED, brake_pressure_bar=FULL, **factors)
        axes.plot([p.deceleration_lower_99, p.deceleration_lower], [i, i], color=color, lw=1.5, zorder=1)
        axes.plot([p.deceleration_lower, p.deceleration_upper], [i, i], color=color, lw=7, alpha=0.55, zorder=2)
        axes.plot(p.deceleration, i, "o", ms=7, color=color, zorder=3)
        axes.text(
            14.4, i, f"{p.stopping_distance:.0f} m  (up to {p.stopping_distance_upper:.0f} m)", va="center", ha="left"
        )
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.6)
    axes.set_xlim(0, 14)
    axes.set_xlabel("deceleration [m/s$^2$]: median, 90 % interval, 99 % lower bound")
    axes.text(14.4, -0.85, "stops within", va="bottom", ha="left", color=_soft())
    axes.grid(axis="x", lw=0.5, alpha=0.5)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def water() -> Figure:
    """Quantiles over the water film, known and unknown."""
    from acc_decel import Predictor

    predictor = Predictor(backend="onnxruntime")
    film = np.linspace(0, 4, 121)
    base = {
        "speed": SPEED,
        "brake_pressure_bar": FULL,
        "surface": "asphalt",
        "tread_depth_mm": 6.5,
        "tyre_kind": "summer",
    }
    base |= {"mass": 1450.0, "road_temperature_c": 18.0}
    table = pd.DataFrame({name: [value] * len(film) for name, value in base.items()})
    answer = predictor.predict(table.assign(water_film_mm=film))
    unknown = predictor.predict(**base)
    figure, (left, right) = _axes(7.2, 3.4, ncols=2, width_ratios=[5, 1], sharey=True)
    color = _lines()[0]
    left.fill_between(film, answer["deceleration_lower"], answer["deceleration_upper"], color=color, alpha=0.25, lw=0)
    left.plot(film, answer["deceleration"], color=color, label="median")
    left.plot(film, answer["deceleration_lower_99"], color=color, ls=":", label="99 % lower bound")
    left.set_xlabel("water film [mm], known")
    left.set_ylabel("deceleration [m/s$^2$]")
    left.set_ylim(0, 14)
    left.set_xlim(0, 4)
    left.legend(frameon=False, loc="upper right")
    left.text(2.5, float(answer["deceleration_upper"].iloc[75]) - 0.35, "90 % interval", color=color, va="top")
    other = _lines()[1]
    right.bar(
        [0],
        [unknown.deceleration_upper - unknown.deceleration_lower],
        bottom=unknown.deceleration_lower,
        color=other,
        alpha=0.3,
        width=0.7,
    )
    right.plot([-0.35, 0.35], [unknown.deceleration] * 2, color=other)
    right.plot([-0.35, 0.35], [unknown.deceleration_lower_99] * 2, color=other, ls=":")
    right.set_xlim(-0.8, 0.8)
    right.set_xticks([0], ["unknown"])
    right.spines["left"].set_visible(False)
    right.tick_params(axis="y", length=0)
    return figure


COMMON = {
    "speed": SPEED, "brake_pressure_bar": FULL, "mass": 1450.0, "brake_temperature_c": 90.0, "grade": 0.0,
    "headwind": 0.0, "surface": 0.0, "water_film_mm": 0.0, "road_temperature_c": 18.0, "tyre_kind": 0.0,
    "tread_depth_mm": 6.5, "tyre_pressure_bar": 2.4, "abs": 1.0,
}  # fmt: skip


def _answer(**changed: float) -> dict[str, float]:
    """The simulated answer to one stop on dry asphalt."""
    from acc_decel.physics import stops, vehicle

    columns = {name: np.array([value]) for name, value in (COMMON | changed).items()}
    return {name: float(column[0]) for name, column in stops(vehicle("compact"), **columns).items()}


def _stop(**changed: float) -> dict[str, np.ndarray]:
    """One stop on dry asphalt over time, to standstill."""
    from acc_decel.physics import history, vehicle

    return history(vehicle("compact"), **(COMMON | changed))


def stop() -> Figure:
    """One simulated stop over time."""
    course = _stop()
    time = course["time"]
    figure, (top, middle, bottom) = _axes(7.2, 5.0, nrows=3, sharex=True, height_ratios=[3, 3, 2])
    a, b, c = _lines()[:3]
    top.plot(time, course["speed"], color=a)
    top.set_ylabel("speed\n[m/s]")
    middle.plot(time, course["deceleration"], color=a)
    middle.set_ylabel("deceleration\n[m/s$^2$]")
    beside = middle.twinx()
    beside.plot(time, course["pressure_bar"], color=b, ls="--")
    beside.set_ylabel("pressure\n[bar]", color=b)
    beside.spines[["top"]].set_visible(False)
    beside.set_ylim(0, 200)
    bottom.plot(time, 100 * course["front_slip"], color=a, label="front")
    bottom.plot(time, 100 * course["rear_slip"], color=c, ls="--", label="rear")
    bottom.set_ylabel("slip\n[%]")
    bottom.set_xlabel("time since the demand [s]")
    bottom.legend(frameon=False, loc="lower right", ncols=2)
    bottom.set_xlim(0, time[-1])
    bottom.set_ylim(0, None)
    return figure


def delay() -> Figure:
    """The real stop and the one that deceleration and delay describe: the same distance."""
    speed = 8.0
    course = _stop(speed=speed)
    answer = _answer(speed=speed)
    figure, axes = _axes(7.2, 3.2)
    a, b = _lines()[:2]
    axes.plot(course["time"], course["speed"], color=a, label=f"simulated stop: {answer['stopping_distance']:.2f} m")
    t = answer["delay"]
    label = f"{t:.3f} s at {speed:g} m/s, then {answer['deceleration']:.1f} m/s$^2$: the same distance"
    axes.plot([0, t, t + speed / answer["deceleration"]], [speed, speed, 0], color=b, ls="--", label=label)
    axes.annotate("", (0, speed + 0.35), (t, speed + 0.35), arrowprops={"arrowstyle": "<->", "color": b})
    axes.text(t + 0.012, speed + 0.35, "delay", color=b, va="center")
    axes.set_xlabel("time since the demand [s]")
    axes.set_ylabel("speed [m/s]")
    axes.set_xlim(0, None)
    axes.set_ylim(0, speed + 0.9)
    axes.legend(frameon=False, loc="lower left")
    return figure


def slip() -> Figure:
    """Slip curves of the surfaces."""
    from acc_decel.physics import SURFACES, curve_peak

    s = np.linspace(0, 1, 400)
    figure, axes = _axes(7.2, 3.4)
    for (name, row), color in zip(SURFACES.items(), _lines(), strict=True):
        shape = 1 - np.exp(-row.rise * s) - row.fall * s
        _, height = curve_peak(np.array([row.rise]), np.array([row.fall]))
        friction = row.friction[0 if not row.frozen else 2] * shape / height[0]
        axes.plot(100 * s, friction, color=color)
        kind = "winter tyre" if row.frozen else "summer tyre"
        moved = {"cobbles": 0.025, "gravel": -0.04}.get(name, 0.0)  # their ends meet
        axes.text(101, friction[-1] + moved, f"{name.replace('_', ' ')}, {kind}", color=color, va="center", fontsize=9)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 1.35)
    axes.set_xlabel("slip [%]")
    axes.set_ylabel("friction at walking speed")
    return figure


def wet() -> Figure:
    """Friction under ABS over speed and water, new and worn tyre."""
    from acc_decel.physics import stops, vehicle

    speed = np.linspace(3, 45, 60)
    figure, axes = _axes(7.2, 3.4, ncols=2, sharey=True)
    for one, tread in zip(axes, (8.0, 1.6), strict=True):
        for film, color in zip((0.0, 0.5, 1.0, 2.0, 4.0), _lines(), strict=False):
            columns = COMMON | {"speed": speed, "water_film_mm": film, "tread_depth_mm": tread}
            full = {n: np.broadcast_to(np.asarray(v, float), speed.shape).copy() for n, v in columns.items()}
            one.plot(speed, stops(vehicle("compact"), **full)["friction"], color=color, label=f"{film:g} mm")
        one.set_title(f"tread {tread:g} mm", fontsize=10)
        one.set_xlabel("speed [m/s]")
        one.set_ylim(0, 1.35)
        one.set_xlim(0, 45)
    axes[0].set_ylabel("friction under ABS, asphalt")
    axes[1].legend(frameon=False, title="water", loc="upper right", bbox_to_anchor=(1, 0.93), fontsize=9)
    return figure


def published() -> Figure:
    """Predicted over measured distance of each published test that counts, with its interval, by regime."""
    from acc_decel.cli.regime_plots import LIMITS, TICKS, places_of_tests
    from acc_decel.evaluation import evaluate_tests, load_predictors, published_tests, score_regimes

    tests = published_tests()
    rows = evaluate_tests(tests, load_predictors(tests))
    scores = score_regimes(rows)
    places, centres = places_of_tests(rows, scores)
    rows = rows.loc[places.index]
    ratios = rows[["lower_m", "predicted_m", "upper_m"]].div(rows["measured_m"], axis=0)
    figure, axes = _axes(9.4, 4.2)
    a, b = _lines()[:2]
    for inside, color, said in ((True, a, "measured distance inside the 90 % interval"), (False, b, "outside")):
        mask = rows["inside"] == inside
        axes.vlines(places[mask], ratios["lower_m"][mask], ratios["upper_m"][mask], color=color, lw=2.4, alpha=0.45)
        axes.plot(places[mask], ratios["predicted_m"][mask], "o", ms=3.2, color=color, label=said)
    axes.axhline(1, color=mpl.rcParams["text.color"], lw=0.8)
    axes.set_yscale("log")
    axes.set_ylim(LIMITS)
    axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.set_xticks(
        centres, [f"{s.regime}\n{s.tests} tests\nerror {s.mean_abs_error_pct:.0f} %" for s in scores], fontsize=8.5
    )
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("predicted over measured distance")
    axes.legend(frameon=False, loc="upper left", ncols=2)
    axes.grid(axis="y", lw=0.5, alpha=0.5)
    return figure


def coverage() -> Figure:
    """Share of held-out events inside the 90 % interval, by regime and model."""
    files = sorted((HOME / "models").glob("*/metrics.json"))
    models = {path.parent.name: json.loads(path.read_text())["regimes"] for path in files}
    regimes = list(next(iter(models.values())))
    figure, axes = _axes(7.4, 6.6)
    for i, regime in enumerate(regimes):
        axes.axhline(i, color=_soft(), lw=0.4, alpha=0.5)
        for name, color in zip(models, (*_lines(), _soft()), strict=True):
            axes.plot(100 * models[name][regime]["coverage"], i, "o", ms=4.5, color=color)
    for name, color in zip(models, (*_lines(), _soft()), strict=True):
        axes.plot([], [], "o", color=color, label=name)
    axes.axvline(90, color=mpl.rcParams["text.color"], lw=1)
    axes.set_xlim(86, 94)
    axes.set_ylim(len(regimes) - 0.4, -0.6)
    names = [r.replace("not available", "missing").replace("available", "known").replace("_", " ") for r in regimes]
    axes.set_yticks(range(len(regimes)), names, fontsize=8.5)
    axes.set_xlabel("events inside the 90 % interval [%]")
    axes.legend(frameon=False, loc="lower right", fontsize=8.5)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def network() -> Figure:
    """The network: what enters, the physics features, the free embedding, the signed trunk, the head."""
    from acc_decel.network.training import Training

    sizes = Training()
    figure = plt.figure(figsize=(8, 4.4))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 57)
    a, b = _lines()[:2]
    ink = mpl.rcParams["text.color"]

    def box(x: float, y: float, width: float, height: float, text: str, color: str) -> None:
        patch = FancyBboxPatch(
            (x, y), width, height, boxstyle="round,pad=0.3,rounding_size=1.2", fc="none", ec=color, lw=1.4
        )
        axes.add_patch(patch)
        axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=8.5)

    def arrow(start: tuple[float, float], end: tuple[float, float], color: str = ink) -> None:
        axes.add_patch(
            FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=10, color=color, lw=1.1, shrinkA=0, shrinkB=0)
        )

    box(1, 24, 11, 18, "factors,\nand which\nof them\nare missing", ink)
    box(16, 37, 18, 10, "free inputs:\nspeed, mass, surface,\ngrip, doubt, ...", b)
    box(16, 20, 18, 12, "signed inputs:\nbrakes, water, grade,\nlimits of friction, ...", a)
    box(16, 7, 18, 9, "limits of road and\nbrakes, resistance", a)
    box(38, 37, 13, 10, f"embedding\n{', '.join(map(str, sizes.embedding))} units\nfree weights", b)
    first = 41.0
    for i, units in enumerate(sizes.trunk):
        box(first + 13 * i, 21, 9, 10, f"trunk\n{units} units\nsigned", a)
    head, top = first + 13 * len(sizes.trunk), 20
    box(head, top, 19, 12, "head: smaller of what\nroad and brakes allow;\n4 quantiles, delay", a)
    box(59, 42, 16, 9, f"score of the trained\ndomain, {sizes.domain.units} units", b)
    box(head, 42, 19, 9, "outside: flag, and\na cautious answer", ink)
    for y in (42, 26):
        arrow((12.6, 33), (15.4, y), ink)
    arrow((12.6, 33), (15.4, 11.5), ink)
    arrow((34.6, 42), (37.4, 42), b)
    arrow((34.6, 26), (40.4, 26), a)
    for i in range(len(sizes.trunk)):
        arrow((first + 13 * i + 9.6, 26), (first + 13 * (i + 1) - 0.6, 26), a)
    for i in range(len(sizes.trunk) + 1):
        arrow((44.5, 36.4), (first + 13 * i + 4.5, 32.6 if i == len(sizes.trunk) else 31.6), b)
    axes.plot([34.6, head + 8], [11.5, 11.5], color=a, lw=1.1)
    arrow((head + 8, 11.5), (head + 8, 19.4), a)
    axes.plot([25, 25, 67], [47.6, 54, 54], color=b, lw=1.1)
    arrow((67, 54), (67, 51.6), b)
    arrow((75.6, 46.5), (head - 0.6, 46.5))
    text = "the sign of every weight on the way from a signed input to a quantile is fixed: "
    axes.text(1, 2.5, text + "more water never predicts more braking", fontsize=8.5, color=a, va="center")
    return figure


@cache
def _trial() -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Every arm behind a lead that brakes fully, and one stop of two of them."""
    from acc_decel.acc import trial

    rig = trial.open_rig()
    runs = trial.run_trial(rig, trial.trial_parts(list(trial.ARMS), list(trial.ROADS), [trial.MAIN]))
    return trial.summary(runs), trial.traced_stop(rig, ("gap_1.45", "all"))


def pareto() -> Figure:
    """Collisions over the gap in closed loop, and one stop on worn tyres in water."""
    from acc_decel.cli.acc.trial_plots import draw_gaps, draw_pareto

    summary, traces = _trial()
    figure, (left, right) = _axes(10.5, 5.0, ncols=2, width_ratios=[3, 2])
    draw_pareto(left, summary, "year")
    left.set_title("weighted as a year", loc="left", fontsize=10)
    draw_gaps(right, traces)
    right.set_title("worn tyres in 1.5 mm of water, lead brakes at 1 s", loc="left", fontsize=10)
    right.set_xlabel("time [s]")
    return figure


DRAWN: dict[str, Callable[[], Figure]] = {
    f.__name__: f for f in (known, water, stop, delay, slip, wet, published, coverage, network, pareto)
}


def style(theme: str) -> dict[str, Any]:
    """Matplotlib's settings for a theme: transparent ground, ink that reads on it, text as outlines."""
    colors = THEMES[theme]
    return {
        "font.size": 10, "svg.fonttype": "path", "svg.hashsalt": "acc_decel", "figure.facecolor": "none",
        "axes.facecolor": "none", "savefig.facecolor": "none", "text.color": colors["ink"],
        "axes.edgecolor": colors["soft"], "axes.labelcolor": colors["ink"], "xtick.color": colors["ink"],
        "ytick.color": colors["ink"], "grid.color": colors["soft"],
        "axes.prop_cycle": mpl.cycler(color=colors["lines"]),
        "lines.linewidth": 1.8, "lines.solid_capstyle": "butt", "path.simplify_threshold": 0.4,
    }  # fmt: skip


def draw(folder: Path = FIGURES) -> None:
    """Draw every picture in every theme."""
    folder.mkdir(parents=True, exist_ok=True)
    mpl.use("Agg")
    for theme in THEMES:
        with mpl.rc_context(style(theme)):
            for name, picture in DRAWN.items():
                figure = picture()
                figure.savefig(folder / f"{name}-{theme}.svg", metadata={"Date": None, "Creator": None})
                plt.close(figure)


if __name__ == "__main__":
    draw()

"""Rewrite the generated parts of README and docs: what they say of factors, models and costs is computed, never typed.

A part stands between `<!-- name -->` and `<!-- end of name -->`. The part `output` holds what the block before prints.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

import docs_examples
from docs_pages import HOME, PART, blocks, pages, rewritten

from acc_decel import FACTORS, Factor, released_models
from acc_decel.factors import EXCLUSIONS, OUTPUTS
from acc_decel.status import FLAGS

DIRECTIONS = {1: "rises", -1: "falls", 0: "-"}
CLOCKS_MHZ = (80, 168, 300)
FORMATS = ("float", "fixed", "shift")


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def span(factor: Factor) -> str:
    """The range of a factor, without its unit."""
    return factor.choices if factor.levels else f"{factor.low:g} to {factor.high:g}"


def factor_table() -> str:
    """The braking factors; `mass` is narrowed by each vehicle."""
    rows = []
    for f in FACTORS:
        direction = DIRECTIONS[f.direction] + (f" ({_while(f.forced_while)})" if f.forced_while else "")
        rows.append([f"`{f.name}`", f.unit or "-", span(f), "yes" if f.optional else "no", direction, f.meaning])
    return markdown(["factor", "unit", "range", "optional", "deceleration", "meaning"], rows)


def _while(name: str) -> str:
    """When a direction holds that is forced while the factor `name` is at least 1."""
    gate = next(f for f in FACTORS if f.name == name)
    return f"with `{name}`" if gate.is_switch else f"while `{name}` is at least 1"


def feature_table() -> str:
    """What the network computes from the factors before its first layer."""
    from acc_decel.network import FEATURES

    rows = []
    for f in FEATURES:
        direction = DIRECTIONS[f.direction] + (f" ({_while(f.forced_while)})" if f.forced_while else "")
        rows.append([f"`{f.name}`", direction, f.meaning])
    return markdown(["feature", "deceleration", "meaning"], rows)


def output_table() -> str:
    """What a prediction holds."""
    return markdown(["output", "meaning"], [[f"`{name}`", meaning] for name, meaning in OUTPUTS.items()])


def exclusion_table() -> str:
    """Combinations that count as outside the trained domain, whatever the score says."""
    from acc_decel.dataset import limit_of

    factors = {f.name: f for f in FACTORS}
    rows = []
    for e in EXCLUSIONS:
        factor = factors[e.factor]
        drawn = "-" if factor.estimate or e.below else f"{limit_of(e.column, factor):.2g} {factor.unit}"
        beyond = f"`{e.factor}` {'below' if e.below else 'above'} {e.limit:g}"
        rows.append([f"`{e.column}` above {e.threshold:g}", beyond, drawn, e.meaning])
    head = ["what is seen", "together with", "drawn in training up to", "why"]
    return markdown(head, rows)


def status_table() -> str:
    """The flags of the status."""
    return markdown(["flag", "meaning"], [[f"`{name}`", meaning] for name, (_, meaning) in FLAGS.items()])


def latent_table() -> str:
    """The unknown influences, and what one standard deviation of each does."""
    from acc_decel.physics import LATENTS, SURFACES, braking, grip

    scatter = ", ".join(f"{name} {100 * s.scatter:.0f} %" for name, s in SURFACES.items())
    one = {
        "surface_score": f"friction: {scatter}",
        "tyre_score": f"friction {100 * grip.TYRE_SPREAD:.1f} %",
        "wet_score": f"wet friction {100 * grip.WET_SPREAD:.0f} %",
        "wet_road_score": f"wet friction {100 * grip.WET_ROAD_SPREAD:.0f} %",
        "snow_score": f"friction {', '.join(f'{100 * s:.0f} % ({kind})' for kind, s in grip.SNOW_SPREAD.items())}",
        "texture_score": f"mean profile depth {100 * braking.TEXTURE_SPREAD:.0f} %",
        "pad_score": f"pad friction {100 * braking.PAD_SPREAD:.0f} %",
        "fade_score": f"friction left by heat to the power exp({braking.FADE_SPREAD:g}), onset "
        f"{braking.FADE_ONSET_SPREAD:g} K lower",
        "abs_score": f"slip held by the ABS, {braking.ABS_SPREAD:g} of the slip of maximum friction",
        "response_score": f"dead time and build-up {100 * braking.RESPONSE_SPREAD:.0f} %",
        "gust_score": f"wind {braking.GUST_SPREAD:g} m/s",
    }
    rows = [[f"`{latent.name}`", latent.meaning, one[latent.name]] for latent in LATENTS]
    return markdown(["latent", "meaning", "one standard deviation"], rows)


def prior_table() -> str:
    """How training draws each factor, and what its sensor adds."""
    from acc_decel.dataset.scenarios import (
        ABS_SHARE,
        COLD_C,
        DRY_SHARE,
        SURFACE_SHARE,
        THIN_MEAN_MM,
        THIN_SHARE,
        TYRE_SHARE_COLD,
        TYRE_SHARE_WARM,
    )

    def shares(weights: Mapping[str, float]) -> str:
        return ", ".join(f"{name} {share:g}" for name, share in weights.items())

    rules = {
        "surface": f"relative weight of each kind that does not melt at this temperature: {shares(SURFACE_SHARE)}",
        "tyre_kind": f"below {COLD_C:g} degC {shares(TYRE_SHARE_COLD)}; else {shares(TYRE_SHARE_WARM)}",
        "water_film_mm": f"dry in {DRY_SHARE:.0%}; of the others {THIN_SHARE:.0%} exponential with mean "
        f"{THIN_MEAN_MM:g} mm, the rest uniform up to what the surface can hold",
        "abs": f"on in {ABS_SHARE:.0%}",
        "friction_estimate": "the peak friction of the event, as its sensor reads it",
    }
    rows = []
    for f in FACTORS:
        even = f"{f.prior.uniform:.0%} uniform over the range"
        normal = f", the others normal with mean {f.prior.mean:g} and deviation {f.prior.deviation:g}"
        drawn = rules.get(f.name) or (even + (normal if f.prior.uniform < 1 else ""))
        noise = [f"{f.noise:g} {f.unit}".strip()] if f.noise else []
        noise += [f"{100 * f.noise_share:g} % of the value"] if f.noise_share else []
        if f.name == "surface":
            noise = ["exact in 60 %, else probabilities of an uncertain camera"]
        rows.append([f"`{f.name}`", drawn, " and ".join(noise) or "-", f"{f.step:g}" if not f.levels else "-"])
    return markdown(["factor", "distribution in training", "noise of the sensor (1 sigma)", "resolution"], rows)


def surface_table() -> str:
    """Friction of each surface."""
    from acc_decel.physics import SURFACES

    rows = []
    for name, s in SURFACES.items():
        numbers = (*s.friction, s.rise, s.fall, s.speed_fall)
        rows.append(
            [f"`{name}`", *(f"{x:g}" for x in numbers), f"{100 * s.scatter:.0f} %", f"{100 * s.wet_loss:.0f} %"]
        )
    head = [
        "surface",
        "summer",
        "all-season",
        "winter",
        "$c_2$",
        "$c_3$",
        "$c_4$ [s/m]",
        "scatter",
        "loss to a thin film",
    ]
    return markdown(head, rows)


def car_table() -> str:
    """The seven released cars."""
    from acc_decel.evaluation import published_tests
    from acc_decel.physics import vehicle

    tests = published_tests()["vehicle"].value_counts()
    rows = []
    for name in released_models():
        car = vehicle(name)
        mass = f"{car.body.kerb_mass:g} to {car.body.gross_mass:g}"
        rows.append([f"`{name}`", car.description, mass, f"{car.body.wheelbase:g}", str(tests.get(name, 0))])
    return markdown(["model", "car", "mass [kg]", "wheelbase [m]", "published tests"], rows)


def vehicle_key_table() -> str:
    """Every key of a vehicle file."""
    from acc_decel.physics import Trailer, vehicle

    car = vehicle("compact")
    parts = {"body": car.body, "brakes": car.brakes, "tyres": car.tyres, "trailer": Trailer}
    rows = []
    for part, holder in parts.items():
        for f in fields(holder):
            limits = f"{f.metadata['low']:g} to {f.metadata['high']:g}"
            example = f"{getattr(holder, f.name):g}" if part != "trailer" else "-"
            meaning = f.metadata["meaning"] + (f"; {f.metadata['formula']}" if f.metadata["formula"] else "")
            rows.append([f"`{part}.{f.name}`", f.metadata["unit"] or "-", limits, example, meaning])
    return markdown(["key", "unit", "range", "compact", "meaning and formula"], rows)


def parameter_table() -> str:
    """What `drives adapt` estimates."""
    from acc_decel.adaptation import PARAMETERS

    rows = []
    for p in PARAMETERS:
        width = f"{100 * p.width:.0f} %" if p.relative else f"{p.width:g} {p.unit}"
        rows.append([f"`{p.name}`", width, p.meaning])
    return markdown(["parameter", "prior (1 sigma)", "meaning"], rows)


def event_columns() -> str:
    """Columns of a table of `drives events`, and its quality flags."""
    from acc_decel.drives import COLUMNS, QUALITY

    flags = markdown(["quality", "meaning"], [[f"`{name}`", meaning] for name, meaning in QUALITY.items()])
    return "Columns: " + ", ".join(f"`{name}`" for name in COLUMNS) + ".\n\n" + flags


def signal_table() -> str:
    """Sections of a recording description."""
    from acc_decel.drives import SIGNALS

    rows = [[f"`[{s.name}]`", s.unit, "yes" if s.required else "no", s.meaning] for s in SIGNALS]
    return markdown(["section", "SI unit", "required", "meaning"], rows)


@cache
def metrics() -> dict[str, dict[str, Any]]:
    """metrics.json of every released model."""
    return {name: json.loads((folder / "metrics.json").read_text()) for name, folder in released_models().items()}


@cache
def tests_table() -> tuple[Any, Any]:
    """The published tests with their predictions, and the summary."""
    from acc_decel.evaluation import evaluate_tests, load_predictors, published_tests, summarise

    tests = published_tests()
    rows = evaluate_tests(tests, load_predictors(tests))
    return rows, summarise(rows)


def accuracy() -> str:
    """Published tests and held-out events, from the released models."""
    _, found = tests_table()
    return (
        f"{found.tests} published braking tests of real cars: mean absolute error of the distance "
        f"{found.mean_abs_error_pct:.1f} %, worst {found.worst_error_pct:.1f} %; {found.inside_interval_pct:.0f} % of "
        f"the tests lie inside the 90 % interval, whose mean width is {found.mean_interval_pct:.0f} % of the distance."
    )


def held_out() -> str:
    """Error and coverage of every model on simulated events held out."""
    kinds = ("every factor available", "factors missing as trained")
    head = ["model", "weights", "events", "inside 90 %"]
    for title in ("all factors known", "factors missing as in training"):
        head += [f"RMSE against events, {title}", f"against the best possible median, {title}"]
    rows = []
    for name, record in metrics().items():
        cells = [f"{record['weights']}", f"{record['events']}", f"{100 * record['coverage']:.1f} %"]
        for kind, rmse in zip(kinds, (record["regimes"][kinds[0]]["rmse"], record["rmse"]), strict=True):
            cells += [f"{rmse:.2f} m/s^2", f"{record['best_possible'][kind]['rmse_conditional_median']:.2f} m/s^2"]
        rows.append([f"`{name}`", *cells])
    return markdown(head, rows)


def by_surface() -> str:
    """Width and error against the best possible answer by surface: the lowest and highest of the released models."""
    surfaces = next(iter(metrics().values()))["best_possible_by_surface"]
    rows = []
    for surface in surfaces:
        cells = [f"`{surface}`"]
        for key, digits, unit in (
            ("width_over_best", 2, ""),
            ("rmse_conditional_median", 2, " m/s^2"),
            ("relative_error_median", 1, " %"),
        ):
            for kind in ("every", "masked"):
                found = [record["best_possible_by_surface"][surface][kind][key] for record in metrics().values()]
                size = 100 if unit == " %" else 1
                cells.append(f"{size * min(found):.{digits}f} to {size * max(found):.{digits}f}{unit}")
        rows.append(cells)
    head = ["surface"]
    for title in ("width over the best possible", "error of the median", "relative to the deceleration"):
        head += [f"{title}, all factors known", "factors missing as in training"]
    return markdown(head, rows)


def tests_by_regime() -> str:
    """The published tests by regime, answered by the released models."""
    from acc_decel.evaluation import score_regimes

    rows = [
        [
            s.regime,
            str(s.tests),
            f"{s.mean_abs_error_pct:.1f} %",
            f"{s.bias_pct:+.1f} %",
            f"{s.inside_interval_pct:.0f} %",
            f"{s.mean_interval_pct:.0f} %",
            f"{s.rms_z:.2f}",
        ]
        for s in score_regimes(tests_table()[0])
    ]
    return markdown(["regime", "tests", "mean error", "bias", "inside 90 %", "mean width", "rms of z"], rows)


def regime_table() -> str:
    """Coverage, error and width by regime: the lowest and highest of the released models."""
    first = next(iter(metrics().values()))["regimes"]
    rows = []
    for regime in first:
        found = [record["regimes"][regime] for record in metrics().values()]
        cover, width, rmse = ([m[key] for m in found] for key in ("coverage", "mean_width", "rmse"))
        rows.append(
            [
                regime.replace("not available", "missing").replace("available", "known"),
                f"{100 * min(cover):.1f} to {100 * max(cover):.1f} %",
                f"{min(width):.1f} to {max(width):.1f}",
                f"{min(rmse):.2f} to {max(rmse):.2f}",
            ]
        )
    return markdown(["regime", "inside the 90 % interval", "mean width [m/s^2]", "RMSE [m/s^2]"], rows)


def below_table() -> str:
    """Share of held-out events below each quantile."""
    from acc_decel.outputs import QUANTILES

    rows = []
    for name, share in QUANTILES.items():
        found = [100 * record["below"][name] for record in metrics().values()]
        rows.append([f"`{name}`", f"{100 * share:g} %", f"{min(found):.2f} to {max(found):.2f} %"])
    return markdown(["quantile", "events below, promised", "counted, lowest to highest of the models"], rows)


def domain_sentence() -> str:
    """How well the trained domain is known."""
    flagged = [100 * record["domain"]["flagged"] for record in metrics().values()]
    alarms = [100 * record["domain"]["false_alarms"] for record in metrics().values()]
    return (
        f"Of events with a combination that training never showed, {min(flagged):.0f} to {max(flagged):.0f} % are "
        f"flagged, depending on the model; of real events {min(alarms):.1f} to {max(alarms):.1f} % are flagged as well."
    )


def published_table() -> str:
    """Every published test."""
    rows = [
        [
            r.name.replace("_", " "),
            f"`{r.vehicle}`",
            f"{'>' if r.kind == 'measured_bound' else ''}{r.measured_m:.1f}",
            f"{r.predicted_m:.1f}",
            f"{r.lower_m:.1f} to {r.upper_m:.1f}",
            f"{r.error_pct:+.1f} %",
            "yes" if r.inside else "no",
        ]
        for r in tests_table()[0].itertuples(index=False)
    ]
    return markdown(["test", "model", "measured [m]", "predicted [m]", "90 % interval [m]", "error", "inside"], rows)


CRITERIA = {
    "files": "every file has the SHA-256 that the manifest states",
    "finite arithmetic": "the bound of every sum, over all accepted inputs, is below the largest float32",
    "monotone arrays": "no formula of a feature, no path of weights and no line of the head carries a forced factor "
    "to a quantile the wrong way",
    "monotone ONNX": "each operator of the graph carries the direction to every quantile, inside and outside the "
    "trained domain, and an answer outside is at most that of the network; an unknown operator fails",
    "ONNX holds the arrays": "every weight and constant is the same bit for bit",
    "rounding": "on 2,000 random events float32 differs from real arithmetic by less than the proven bound",
    "range": "the solver's bounds are finite, and no event found lies outside; whether they are tight is no criterion",
    "clamp": "the last clamp of every quantile is proven idle everywhere, or acts on none of 50,000 events drawn as in "
    "training; that of the delay is meant to act",
    "physical envelope": "answers after the clamp stay below the sum of what friction, grade, drag and rolling allow",
}


def proof_table() -> str:
    """Every proof of the compact car: what makes it pass, and what was found."""
    proofs = json.loads((HOME / "models" / "compact" / "proof.json").read_text())["proofs"]
    rows = []
    for proof in proofs:
        name = proof["name"]
        criterion = CRITERIA["range" if name.startswith("range of") else name]
        result = {True: "passed", False: "failed", None: "not made"}[proof["passed"]]
        rows.append([name, criterion, f"{result}: {proof['detail']}"])
    return markdown(["proof", "passes if", "compact"], rows)


def proof_summary() -> str:
    """The proofs of every model in one row."""
    rows = []
    for name, folder in released_models().items():
        record = json.loads((folder / "proof.json").read_text())
        found = {proof["name"]: proof for proof in record["proofs"]}
        passed = sum(proof["passed"] is True for proof in record["proofs"])
        median, envelope = found["range of deceleration"], found["physical envelope"]
        rows.append(
            [
                f"`{name}`",
                f"{passed} of {len(found)}",
                f"{max(found['rounding']['allowed'].values()):.2g}",
                f"{median['least']['bound']:.0f} to {median['greatest']['bound']:.0f}",
                f"{median['least']['attained']:.1f} to {median['greatest']['attained']:.1f}",
                f"{envelope['proven']:g}",
                f"{envelope['limit']['total']:.1f}",
            ]
        )
    head = ["model", "proofs passed", "rounding bound [m/s^2]", "median before the clamp, proven", "found"]
    return markdown([*head, "after the clamp at most", "physics allows"], rows)


@cache
def evidence() -> dict[str, Any]:
    """evidence.json of the exported compact car."""
    return json.loads((HOME / "firmware_export" / "evidence.json").read_text())


def cost_table() -> str:
    """What a prediction costs on the emulated Cortex-M4F, and how long it takes at some clocks."""
    head = ["format", "instructions", "cycles (estimate)", *(f"at {mhz} MHz [us]" for mhz in CLOCKS_MHZ)]
    rows = []
    for name in FORMATS:
        record = evidence()[name]["cortex_m4f"]
        times = (f"{record['cycles'] / mhz:.0f}" for mhz in CLOCKS_MHZ)
        flash, stack = f"{record['flash_bytes']:,}", f"{record['stack_bytes']}"
        rows.append(
            [name, f"{record['instructions_per_prediction']:,}", f"{record['cycles']:,}", *times, flash, "0", stack]
        )
    return markdown([*head, "flash [B]", "static RAM [B]", "stack [B]"], rows)


def self_test_table() -> str:
    """What the self-test costs on the emulated Cortex-M4F."""
    from acc_decel.ecu import CortexM

    costs = CortexM(HOME / "firmware_export").self_test_costs()
    times = (f"{costs.cycles / mhz / 1000:.1f}" for mhz in CLOCKS_MHZ)
    head = ["format", "instructions", "cycles (estimate)", *(f"at {mhz} MHz [ms]" for mhz in CLOCKS_MHZ), "stack [B]"]
    return markdown(head, [["float", f"{costs.instructions:,}", f"{costs.cycles:,}", *times, f"{costs.stack_bytes}"]])


def ecu_costs() -> str:
    """What a prediction costs on the emulated core, in a sentence."""
    record = evidence()["float"]["cortex_m4f"]
    return (
        f"On a Cortex-M4F at 80 MHz: {record['cycles'] / 80:.0f} us a prediction (estimate from "
        f"{record['instructions_per_prediction']} instructions), {record['flash_bytes']} bytes of flash, "
        f"no static RAM, {record['stack_bytes']} bytes of stack."
    )


def difference_table() -> str:
    """Events that differ in any bit from the NumPy reference."""
    keys = {"float": "float_differences", "fixed": "fixed_point_differences", "shift": "shift_differences"}
    places = list(evidence()["shift_differences"])
    rows = []
    for place in places:
        cells = []
        for key in keys.values():
            record = evidence()[key].get(place)
            cells.append(f"{record['differences']} of {record['events']:,}" if record else "-")
        rows.append([place, *cells])
    return markdown(["where", *keys], rows)


def evidence_table() -> str:
    """What was measured of the exported C, by format."""
    lines: dict[str, Callable[[dict[str, Any]], str]] = {
        "compiler warnings (GCC, Clang)": lambda e: f"{e['warnings']['gcc']}, {e['warnings']['zig_clang']}",
        "findings of the sanitizers": lambda e: f"{e['sanitizers']['findings']}",
        "line and branch coverage of the least covered file": lambda e: (
            f"{_least(e, 'lines')} %, {_least(e, 'branches')} %"
        ),
        "MISRA C:2012 findings beyond the listed deviations": lambda e: (
            f"{sum((e['misra_c_2012']['other_findings'] or {}).values())}"
        ),
        "mutants that survived": lambda e: (
            f"{len(e['mutants']['survivors'])} of {e['mutants']['mutants']} ({e['mutants']['equivalent']} equivalent)"
        ),
        "findings of the fuzzer": lambda e: (
            f"{len(e['fuzzing']['findings'])} in {e['fuzzing']['executions']:,} executions"
        ),
        "stack: bound from the frames, measured": lambda e: (
            f"{e['stack']['bound_bytes']} B, {e['cortex_m4f']['stack_bytes']} B"
        ),
        "instructions, lowest to highest": lambda e: (
            f"{e['cortex_m4f']['instructions_least']} to {e['cortex_m4f']['instructions_per_prediction']}"
        ),
        "instructions outside the trained domain, highest": lambda e: f"{e['cortex_m4f']['instructions_outside']}",
    }
    rows = [[name, *(line(evidence()[form]) for form in FORMATS)] for name, line in lines.items()]
    return markdown(["", *FORMATS], rows)


def acc_evidence_table() -> str:
    """What was measured of the ACC unit."""
    unit = evidence()["acc"]
    core, mutants = unit["cortex_m4f"], unit["mutants"]
    functions = {name: costs for name, costs in core["functions"].items() if name != "task"}
    both = {name.removeprefix("acc_decel_acc_"): costs for name, costs in functions.items()}
    rows = [
        ["code, tables, static RAM", f"{core['code_bytes']} B, {core['table_bytes']} B, {core['ram_bytes']} B"],
        ["stack: bound from the frames", f"{unit['stack']['bound_bytes']} B"],
        *(
            [
                f"`{name}`: instructions, cycles (estimate)",
                f"{c['instructions_least']} to {c['instructions']}, {c['cycles']}",
            ]
            for name, c in (*both.items(), ("all functions", core["functions"]["task"]))
        ),
        ["compiler warnings (GCC, Clang)", f"{unit['warnings']['gcc']}, {unit['warnings']['zig_clang']}"],
        ["findings of the sanitizers", str(unit["sanitizers"]["findings"])],
        [
            "line and branch coverage of the least covered file",
            f"{_least(unit, 'lines')} %, {_least(unit, 'branches')} %",
        ],
        [
            "MISRA C:2012 findings beyond the listed deviations",
            str(sum(unit["misra_c_2012"]["other_findings"].values())),
        ],
        [
            "mutants that survived",
            f"{len(mutants['survivors'])} of {mutants['mutants']} ({mutants['equivalent']} equivalent)",
        ],
        *(
            [f"states that differ in any bit: {who}", f"{n['differences']} of {n['states']:,}"]
            for who, n in unit["differences"].items()
        ),
    ]
    return markdown(["", "ACC unit"], rows)


def _least(record: dict[str, Any], key: str) -> str:
    return f"{min(part[key] for part in record['coverage_pct'].values()):g}"


def c_factor_table() -> str:
    """Fields of acc_decel_factors_t, for a signal list."""
    rows = []
    for i, f in enumerate(FACTORS):
        names = ", ".join(f"`{column}`" for column in f.columns)
        limits = f"{f.low:g} to {f.high:g}"
        rows.append([str(i), names, f.unit or "-", limits, f"{f.step:g}", "no" if not f.optional else "yes", f.meaning])
    return markdown(["bit", "field", "unit", "range", "resolution", "optional", "meaning"], rows)


def c_functions() -> str:
    """The functions of the headers, each with its comment."""
    text = ""
    for header in ("acc_decel.h", "acc_decel_correction.h", "acc_decel_acc.h"):
        source = (HOME / "firmware_export" / header).read_text()
        text += f"### `{header}`\n\n"
        for comment, declaration in re.findall(
            r"/\* ((?:(?!\*/).)*?) \*/\n([a-z][\w *]+\([^;{]*\);)", source, re.DOTALL
        ):
            words = " ".join(" ".join(line.strip().removeprefix("*") for line in comment.splitlines()).split())
            text += f"```c\n{' '.join(declaration.split())}\n```\n\n{_escaped(words)}\n\n"
    return text


def _escaped(words: str) -> str:
    return re.sub(r"([*_$<])", r"\\\1", words)


def _all_commands() -> list[tuple[str, Any]]:
    """Every command with its path, in the order of the help."""
    from typer.main import get_command

    from acc_decel.cli import app

    def walk(path: str, command: Any) -> list[tuple[str, Any]]:
        if not hasattr(command, "commands"):
            return [(path, command)]
        return [leaf for name, inner in command.commands.items() for leaf in walk(f"{path} {name}", inner)]

    return walk("acc-decel", get_command(app))


def command_table() -> str:
    """The commands with the first sentence of their help."""
    rows = [[f"`{path}`", " ".join((c.help or "").split("\n\n")[0].split())] for path, c in _all_commands()]
    return markdown(["command", "what it does"], rows)


def command_reference() -> str:
    """Every command with its help and its options."""
    text = ""
    for path, command in _all_commands():
        arguments = [p.metavar or p.name.upper() for p in command.params if p.param_type_name == "argument"]
        usage = " ".join([path, *arguments, "[OPTIONS]"])
        text += f"## {path}\n\n```text\n{usage}\n```\n\n{_help_text(command.help or '')}\n\n"
        rows = [_option_row(p) for p in command.params if p.param_type_name == "option" and p.name != "help"]
        own = [row for row, factor in rows if not factor]
        if own:
            text += markdown(["option", "default", "meaning"], own) + "\n\n"
        if any(factor for _, factor in rows):
            text += "And an option for each [braking factor](../concepts/factors.md), like `--speed`.\n\n"
    return text


def _option_row(option: Any) -> tuple[list[str], bool]:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    default = option.show_default if isinstance(option.show_default, str) else option.default
    shown = "-" if default is None or callable(default) or default in ((), [], False) else f"`{default}`"
    if "Sentinel" in shown or "UNSET" in shown:
        shown = "-"
    return [names, "required" if option.required else shown, _escaped(option.help or "")], option.name in {
        f.name for f in FACTORS
    }


def _help_text(text: str) -> str:
    """Paragraphs as they are, what is indented as commands."""
    parts = []
    for part in text.replace("\b", "").split("\n\n"):
        lines = part.strip("\n").splitlines()
        if lines and all(line.strip().startswith("acc-decel") for line in lines):
            parts.append("```sh\n" + "\n".join(line.strip() for line in lines) + "\n```")
        else:
            parts.append(_escaped(" ".join(line.strip() for line in lines)))
    return "\n\n".join(parts)


def untested_table() -> str:
    """What nobody has tested, as the safety case lists it."""
    from acc_decel.integration.safety_case import NEVER_TESTED

    rows = [[what, why + (f": [more]({page})" if page else "")] for what, why, page in NEVER_TESTED]
    return markdown(["what", "why it matters"], rows)


def claim_table() -> str:
    """Every claim of the safety case of the compact car, with its value, its bar and its verdict."""
    from acc_decel.integration.safety_case import judge, read_documents

    case = judge(read_documents("compact", HOME / "firmware_export"))
    rows = [[c.number, c.claim, c.value, c.bar, c.verdict] for c in case.measured]
    return markdown(["", "claim", "measured", "bar", "verdict"], rows)


def can_message_table() -> str:
    """The messages of the CAN bus, with their signals."""
    from acc_decel.integration.can import bus_of

    head = ("message", "identifier", "each", "from", "signals, with their bits")
    rows = [
        (
            f"`{m.name}`",
            f"0x{m.identifier:X}",
            f"{m.group.cycle_ms} ms",
            m.group.sender,
            ", ".join(f"`{p.signal.name}` {p.signal.bits}" for p in m.signals),
        )
        for m in bus_of(FACTORS).messages
    ]
    return markdown(head, rows)


PARTS: dict[str, Callable[[], str]] = {
    "factors": factor_table,
    "outputs": output_table,
    "exclusions": exclusion_table,
    "features": feature_table,
    "status": status_table,
    "latents": latent_table,
    "priors": prior_table,
    "surfaces": surface_table,
    "cars": car_table,
    "vehicle_keys": vehicle_key_table,
    "parameters": parameter_table,
    "event_columns": event_columns,
    "signals": signal_table,
    "accuracy": accuracy,
    "held_out": held_out,
    "by_surface": by_surface,
    "tests_by_regime": tests_by_regime,
    "regimes": regime_table,
    "below": below_table,
    "domain": domain_sentence,
    "published": published_table,
    "proofs": proof_table,
    "proof_summary": proof_summary,
    "costs": cost_table,
    "self_test": self_test_table,
    "ecu": ecu_costs,
    "differences": difference_table,
    "evidence": evidence_table,
    "never_tested": untested_table,
    "claims": claim_table,
    "acc_evidence": acc_evidence_table,
    "can_messages": can_message_table,
    "c_factors": c_factor_table,
    "c_functions": c_functions,
    "commands": command_table,
    "command_reference": command_reference,
}


def page_with_parts(text: str, *, run: bool = False) -> str:
    """The page with every generated part computed again. Its examples are run if it shows what they print, or if asked.

    What an example prints stays as it was where only last digits differ: they may, from machine to machine.
    """
    printed = docs_examples.run_page(text) if run or "<!-- output" in text else {}
    shown = {found.start(): found["text"].strip() for found in PART.finditer(text)}

    def write(name: str, argument: str, before: str) -> str:
        if name != "output":
            return _part(name)
        last = blocks(before)[-1]
        new = f"```text\n{_shortened(printed[last.start], argument)}\n```"
        return shown[len(before)] if alike(shown[len(before)], new) else new

    return rewritten(text, write)


def alike(one: str, other: str) -> bool:
    """Whether two texts are the same but for the last digits of their numbers."""
    if NUMBER.sub("0", one) != NUMBER.sub("0", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= max(0.02, 0.005 * abs(float(b))) for a, b in pairs)


NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]\d+)?")


@cache
def _part(name: str) -> str:
    if name not in PARTS:
        raise ValueError(f"A generated part must be one of output, {', '.join(PARTS)}. Got {name!r}.")
    return PARTS[name]()


def _shortened(text: str, argument: str) -> str:
    """The lines without blanks at their ends; of many the first and the last ones, as `argument` says."""
    lines = [line.rstrip() for line in text.rstrip("\n").splitlines()]
    if found := re.fullmatch(r"(\d+) and (\d+) lines", argument):
        first, last = int(found[1]), int(found[2])
        if len(lines) > first + last:
            lines = [*lines[:first], "...", *lines[len(lines) - last :]]
    return "\n".join(lines)


def write_vehicles() -> None:
    """Write the shipped vehicle files again: the numbers as they are, the comments of the code."""
    from acc_decel.adaptation import vehicle_toml
    from acc_decel.physics import vehicle, vehicle_names

    for name in vehicle_names():
        car = vehicle(name)
        (HOME / "acc_decel" / "physics" / "vehicles" / f"{name}.toml").write_text(vehicle_toml(car, car.description))


if __name__ == "__main__":
    write_vehicles()
    os.environ.setdefault("COLUMNS", "120")
    failed = []
    for page in pages():
        try:
            new = page_with_parts(page.read_text())
        except (RuntimeError, ValueError) as error:  # one page that cannot be made keeps no other from being made
            failed.append(f"not rewritten: {page.relative_to(HOME)}: {error}")
            continue
        if new != page.read_text():
            page.write_text(new)
            print(f"rewritten: {page.relative_to(HOME)}")
    for sentence in failed:
        print(sentence, file=sys.stderr)
    sys.exit(1 if failed else 0)

"""`acc-decel acc ecu`: the closed loop of the trial with the exported C answering in it. Needs [train] and [ecu]."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
import typer

from acc_decel.cli.acc.options import split
from acc_decel.cli.options import (
    CLOCK_MHZ,
    Build,
    Core,
    Json,
    Model,
    NumberFormat,
    check_clock,
    check_output,
)
from acc_decel.cli.terminal import counted, print_json, print_table, progress_bar, say, say_written, write_table
from acc_decel.model_folder import DEFAULT_MODEL
from acc_decel.status import flags

if TYPE_CHECKING:
    from acc_decel.acc.in_loop import Ecus, PartInLoop
    from acc_decel.acc.trial import Part
    from acc_decel.ecu import TickCosts

SIL, PIL, BOTH = LEVELS = ("sil", "pil", "both")
MAX_RUNS = 500  # of a road and scenario: every tick of all of them is held in memory


def ecu(
    model: Model = DEFAULT_MODEL,
    runs: Annotated[int, typer.Option(help="runs of each road and scenario")] = 5,
    seed: Annotated[int, typer.Option(help="same seed, same runs")] = 1,
    arm: Annotated[str, typer.Option(help="what the car knows: few, all, all_friction, ... as in acc trial")] = "all",
    roads: Annotated[list[str] | None, typer.Option(help="roads, with commas or repeated; all if not given")] = None,
    scenarios: Annotated[
        list[str] | None, typer.Option(help="scenarios, with commas or repeated", show_default="lead_brakes")
    ] = None,
    in_loop: Annotated[
        str, typer.Option(help="sil (the C on this machine), pil (on an emulated core), or both, which are compared")
    ] = BOTH,
    acc_unit: Annotated[
        bool, typer.Option("--acc-unit", help="the gap is that of the exported acc_decel_acc.c, not of the whole curve")
    ] = False,
    core: Core = "cortex-m4f",
    number_format: NumberFormat = "float",
    clock_mhz: Annotated[float, typer.Option(help="clock of the core [MHz], for its deadline")] = CLOCK_MHZ,
    build: Build = None,
    output_file: Annotated[Path | None, typer.Option("--output", help="CSV or Parquet for all runs")] = None,
    as_json: Json = False,
) -> None:
    """Put the ECU into the closed loop: both cars on the physics of this package, the exported C answers each 10 ms.

    Each tick the ECU predicts three times: the own car at its present speed, a lead of which only the road is known at
    the speed that the radar has measured, and the own car at the next of 19 speeds, so that its stopping curve is fresh
    after 0.19 s. Gap and planner use these answers. With sil the C runs on this machine, all runs in lockstep. With pil
    it runs on an emulated core, one tick at a time through its mailboxes, and every 100th tick is metered. With
    --acc-unit the gap is computed by the exported acc_decel_acc.c, on the host and on the core, from two predictions.

        acc-decel acc ecu --roads worn_wet,ice
        acc-decel acc ecu --in-loop pil --core cortex-m3 --format fixed --runs 2 --roads wet
        acc-decel acc ecu --in-loop sil --runs 300 --scenarios lead_brakes,obstacle --output runs.parquet

    Both must give the same bits and flags in every tick; if they do not, the command says where and exits with 1. The
    ECU carries one model, so the lead is believed to be such a car. Needs the extras [train] and [ecu].
    """
    from acc_decel.acc import trial as trials  # noqa: PLC0415 - the extra [train] is asked for only here

    _check(in_loop, runs)
    check_clock(clock_mhz)
    check_output(output_file, table=True)
    check_output(build, output_file, option="--build", folder=True)
    places = trials.chosen_names("roads", split(roads), list(trials.ALL_ROADS))
    scripted = [name for name in trials.SCENARIOS if name != trials.RECORDED]
    happenings = trials.chosen_names("scenarios", split(scenarios) or [trials.MAIN], scripted)
    parts = trials.trial_parts([arm], places, happenings)
    rig = trials.open_rig(model, trials.Settings(runs=runs, seed=seed))
    done, costs = _driven(rig, parts, in_loop, core, number_format, build, acc_unit)
    report = _report(done, costs, parts, runs, clock_mhz)
    report = {"vehicle": rig.predictor.vehicle, "arm": arm, "core": core, "number_format": number_format} | report
    if output_file is not None:
        write_table(pd.concat([part.runs.assign(in_loop=level) for level in done for part in done[level]]), output_file)
    if as_json:
        print_json(report)
    else:
        _print(report)
        say_written(output_file, "runs")
    if report["first_difference"] is not None:
        raise typer.Exit(1)


def _check(in_loop: str, runs: int) -> None:
    if in_loop not in LEVELS:
        raise ValueError(f"--in-loop must be one of {', '.join(LEVELS)}. Got {in_loop!r}.")
    if not 1 <= runs <= MAX_RUNS:
        raise ValueError(f"runs must be 1 to {MAX_RUNS} (of each road and scenario). Got {runs}.")


def _driven(
    rig: Any, parts: "list[Part]", in_loop: str, core: str, number_format: str, build: Path | None, acc_unit: bool
) -> "tuple[dict[str, list[PartInLoop]], TickCosts | None]":
    """All parts by level, and what the metered ticks of the core have cost."""
    from acc_decel.acc.in_loop import (  # noqa: PLC0415 - the extra [ecu] is asked for only here
        AccCore,
        AccHost,
        CoreEcus,
        HostEcus,
        exported,
        model_in_loop,
        run_part,
    )

    levels = (SIL, PIL) if in_loop == BOTH else (in_loop,)
    predictor = model_in_loop(rig, parts[0].arm)
    with exported(predictor, number_format) as firmware:
        on_core = CoreEcus(firmware, core=core, build=build) if in_loop != SIL else None
        on_host = HostEcus(firmware, build=build) if in_loop != PIL else None
        ecus: dict[str, Ecus | None] = {SIL: on_host, PIL: on_core}
        units = {
            SIL: AccHost(firmware) if acc_unit and on_host else None,
            PIL: AccCore(firmware, core=core) if acc_unit and on_core else None,
        }
        with progress_bar() as progress:
            total = rig.settings.runs * len(parts) * len(levels)
            bar = progress.add_task(f"driving {rig.predictor.vehicle}", total=total)
            done = {
                level: [
                    run_part(rig, part, ecu, unit=units[level], on_ended=lambda n: progress.advance(bar, n))
                    for part in parts
                ]
                for level, ecu in ecus.items()
                if ecu is not None
            }
    return done, on_core.costs if on_core else None


def _report(
    done: "dict[str, list[PartInLoop]]",
    costs: "TickCosts | None",
    parts: "list[Part]",
    runs: int,
    clock_mhz: float,
) -> dict[str, Any]:
    """For a program: the parts, how long the ticks took, what they cost on the core, and the first difference."""
    from acc_decel.acc.in_loop import first_difference  # noqa: PLC0415 - the extra [ecu] is asked for only here

    differences = [
        f"{part.road}, {part.scenario}: {text}"
        for part, *records in zip(parts, *([p.record for p in level] for level in done.values()), strict=True)
        if len(records) > 1 and (text := first_difference(*records)) is not None
    ]
    return {
        "runs": runs,
        "parts": [_of_part(part) for part in next(iter(done.values()))],
        "levels": {level: _of_level(answered) for level, answered in done.items()},
        "core_costs": _of_core(costs, clock_mhz),
        "same_bits": not differences if len(done) > 1 else None,
        "first_difference": differences[0] if differences else None,
    }


def _of_part(part: "PartInLoop") -> dict[str, Any]:
    """Collisions, gaps and flags of one road and scenario."""
    table, answers = part.runs, part.record.answers()
    names = [name for code in answers["status"].unique() for name in flags(int(code))]
    flagged = {
        name: float(np.mean([name in flags(int(code)) for code in answers["status"]])) for name in dict.fromkeys(names)
    }
    hits = table["collided"] > 0
    return {
        "road": table["road"].iloc[0],
        "scenario": table["scenario"].iloc[0],
        "runs": len(table),
        "collisions": int(hits.sum()),
        "impact_mps": float(table.loc[hits, "impact_mps"].mean()) if hits.any() else None,
        "gap_s": float(table["time_gap_s"].mean()),
        "least_gap_m": float(table["least_gap_m"].min()),
        "seconds": float(table["duration_s"].sum()),
        "flagged_share": flagged,
    }


def _of_level(parts: "list[PartInLoop]") -> dict[str, Any]:
    """How long the ticks of one level took on one core of this machine."""
    from acc_decel.ecu import PERIOD  # noqa: PLC0415

    ticks, cpu, asked = (sum(getattr(part, name) for part in parts) for name in ("ticks", "cpu", "ecu_cpu"))
    return {
        "ticks": ticks,
        "cpu_s": cpu,
        "us_per_tick": 1e6 * cpu / ticks,
        "ecu_us_per_tick": 1e6 * asked / ticks,
        "real_time_factor": PERIOD * ticks / cpu,
    }


def _of_core(costs: "TickCosts | None", clock_mhz: float) -> dict[str, Any] | None:
    """What a tick costs on the core; cycles are None where no manual gives them."""
    from acc_decel.ecu import deadline_utilisation  # noqa: PLC0415

    if costs is None:
        return None
    use = None if costs.cycles is None else float(deadline_utilisation(costs.cycles, clock_mhz).max())
    return {
        "metered_ticks": len(costs.tick),
        "instructions_max": int(costs.instructions.max()),
        "instructions_mean": float(costs.instructions.mean()),
        "cycles_max": None if costs.cycles is None else int(costs.cycles.max()),
        "cycles_mean": None if costs.cycles is None else float(costs.cycles.mean()),
        "clock_mhz": clock_mhz,
        "deadline_utilisation_max": use,
    }


def _print(report: dict[str, Any]) -> None:
    head = ("road", "scenario", "runs", "hits", "gap [s]", "least gap [m]", "time [s]")
    cells = [
        (
            p["road"], p["scenario"], str(p["runs"]), str(p["collisions"]), f"{p['gap_s']:.2f}",
            f"{p['least_gap_m']:.2f}", f"{p['seconds']:.0f}",
        )
        for p in report["parts"]
    ]  # fmt: skip
    print_table(f"{report['vehicle']}, {report['arm']}, with the ECU in the loop", head, cells)
    for level, figures in report["levels"].items():
        say(
            f"{level}: {counted(figures['ticks'], 'tick')}, {figures['us_per_tick']:.1f} us each, of which the ECU "
            f"{figures['ecu_us_per_tick']:.1f} us: {figures['real_time_factor']:.0f} times real time"
        )
    if (costs := report["core_costs"]) is not None:
        _print_costs(costs, report["core"])
    if report["same_bits"] is not None:
        difference = report["first_difference"]
        say(
            "sil = pil: the same bits and flags in every tick"
            if difference is None
            else f"sil is not pil: {difference}"
        )


def _print_costs(costs: dict[str, Any], core: str) -> None:
    if costs["cycles_max"] is None:
        cycles = "cycles not known, because no manual gives those of an instruction"
    else:
        cycles = (
            f"{costs['cycles_max']} cycles (estimate), {costs['deadline_utilisation_max']:.2%} of 10 ms at "
            f"{costs['clock_mhz']:g} MHz"
        )
    say(
        f"a tick on the {core}, at most of {costs['metered_ticks']} metered ones: {costs['instructions_max']} "
        f"instructions, {cycles}"
    )

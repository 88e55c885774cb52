"""`acc-decel acc trial`: ways of choosing a gap, tried in closed loop. Needs the extra [train]."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acc_decel.cli.acc.options import split
from acc_decel.cli.options import Json, Model, check_output
from acc_decel.cli.terminal import print_json, print_table, progress_bar, say, say_written
from acc_decel.model_folder import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acc_decel.acc.trial import Part, RecordedLead

FIXED_GAP, OURS = "gap_1.45", "all"  # arms whose stops are drawn: what open ACC software keeps, and what ours keeps


def trial(
    model: Model = DEFAULT_MODEL,
    runs: Annotated[int, typer.Option(help="runs of each arm, road and scenario")] = 300,
    seed: Annotated[int, typer.Option(help="same seed, same runs")] = 1,
    roads: Annotated[list[str] | None, typer.Option(help="roads, with commas or repeated; all if not given")] = None,
    scenarios: Annotated[
        list[str] | None, typer.Option(help="scenarios, with commas or repeated; all if not given")
    ] = None,
    arms: Annotated[
        list[str] | None, typer.Option(help="ways of choosing a gap, with commas or repeated; all if not given")
    ] = None,
    lead: Annotated[
        list[Path] | None,
        typer.Option(help="recording with a lead, or a folder of them, for the scenario recorded; may be repeated"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="folder for all runs as Parquet; a trial that was interrupted goes on there")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="PNG or SVG: collisions over the mean gap of each arm")] = None,
    stop: Annotated[
        Path | None, typer.Option(help="PNG or SVG: one stop over time, a fixed gap of 1.45 s against ours")
    ] = None,
    as_json: Json = False,
) -> None:
    """Try ways of choosing a gap in closed loop: how long are the gaps, and how often do the cars collide.

    Both cars brake as the physics of this package says, each with its own load, tyres and brakes, and on one road. The
    lead is one of the released platforms. The arms: an oracle that knows both cars, equal decelerations, RSS with its
    defaults, fixed gaps, a table by surface that was tuned in hindsight, and ours by what the car knows, also with a
    camera that is blind to snow and ice, and with the model of another platform. Readings are as noisy as in training.

        acc-decel acc trial --runs 100 --plot pareto.png
        acc-decel acc trial --roads worn_wet,ice --arms table,all --scenarios lead_brakes --output trial --json

    With --lead the lead of the scenario "recorded" drives as one did in a recording: stretches of up to 30 s, drawn
    with the seed. A file holds time and lead_speed [m/s], or speed with gap [m] or relative_speed [m/s], from which the
    speed of the lead follows, smoothed; or radar tracks, which a recording description FILE.toml beside it names. The
    lead brakes at most as hard as the lead of the run can on its road. Needs the extra [drives], too.

        acc-decel acc trial --lead drive.csv --scenarios recorded --arms table,all --roads dry,wet

    "even" counts every road alike, "year" as often as a Central European year may have it: a guess. Shares come with
    their 95 % interval. The oracle says whether the rig can be believed: it should hardly ever collide behind a lead
    that brakes. A collision is preventable if the oracle has none in the same run. Needs the extra [train].
    """
    from acc_decel.acc import trial as trials  # noqa: PLC0415 - the extra [train] is asked for only here

    _check_files(output, plot, stop)
    names = [trials.chosen_names("arms", split(arms), list(trials.ARMS))]
    names += [trials.chosen_names("roads", split(roads), list(trials.ALL_ROADS))]
    names += [trials.chosen_names("scenarios", split(scenarios), list(trials.SCENARIOS))]
    if trials.RECORDED in (split(scenarios) or []) and not lead:
        raise ValueError(f"--scenarios {trials.RECORDED} needs leads. Got no --lead: give a recording with one.")
    leads = _leads(lead, quiet=as_json)
    parts = trials.trial_parts(*names, recorded=bool(leads))
    if plot is not None and not any(part.scenario == trials.MAIN for part in parts):
        raise ValueError(f"--plot needs the scenario {trials.MAIN}. Got {', '.join(names[2])}: add it.")
    rig = trials.open_rig(model, trials.Settings(runs=runs, seed=seed), leads)
    with progress_bar() as progress:
        task = progress.add_task(f"trying {rig.predictor.vehicle}", total=len(parts))
        table = trials.run_trial(rig, parts, output, on_part=lambda _: progress.advance(task))
    summary = trials.summary(table)
    if plot is not None:
        _draw_pareto(summary, plot)
    if stop is not None:
        _draw_stop(trials.traced_stop(rig, (FIXED_GAP, OURS)), stop)
    if as_json:
        print_json({"vehicle": rig.predictor.vehicle, "runs": runs, "seed": seed, "arms": summary})
        return
    _print(summary, parts, runs)
    say_written(output, "runs")
    for picture in (plot, stop):
        say_written(picture)


def _leads(paths: "list[Path] | None", *, quiet: bool) -> "tuple[RecordedLead, ...]":
    """The leads of these recordings, and a line that says how many. Raises ValueError for one without a lead."""
    if not paths:
        return ()
    from acc_decel.acc.trial.lead_recordings import read_leads  # noqa: PLC0415 - takes the extra [drives]

    leads = read_leads(paths)
    seconds = sum(lead.duration for lead in leads)
    if not quiet:
        say(f"{len(leads)} recorded leads of {len({lead.file for lead in leads})} files, tracked for {seconds:.0f} s")
    return leads


def _check_files(output: Path | None, plot: Path | None, stop: Path | None) -> None:
    """Raise ValueError for what cannot be written."""
    check_output(output, folder=True)
    if plot is not None or stop is not None:
        from acc_decel.cli.plots import check_picture_name  # noqa: PLC0415 - takes Matplotlib

        for option, path in (("--plot", plot), ("--stop", stop)):
            if path is not None:
                check_picture_name(path)
                check_output(path, stop if option == "--plot" else None, option=option)


def _draw_pareto(summary: dict[str, Any], path: Path) -> None:
    from acc_decel.cli.acc import trial_plots  # noqa: PLC0415 - takes Matplotlib
    from acc_decel.cli.plots import save  # noqa: PLC0415

    save(trial_plots.pareto(summary), path)


def _draw_stop(traces: dict[str, Any], path: Path) -> None:
    from acc_decel.cli.acc import trial_plots  # noqa: PLC0415 - takes Matplotlib
    from acc_decel.cli.plots import save  # noqa: PLC0415

    save(trial_plots.stops_over_time(traces), path)


def _print(summary: dict[str, Any], parts: "Sequence[Part]", runs: int) -> None:
    """Tables for people: the main figures of each arm, then collisions by road of each scenario that was tried."""
    tried = list(dict.fromkeys(part.scenario for part in parts))
    if "lead_brakes" in tried:
        _print_figures(summary, runs)
    for scenario in tried:
        _print_scenario(summary, scenario)


def _print_figures(summary: dict[str, Any], runs: int) -> None:
    """Behind a lead that brakes fully: gaps, collisions, impacts, capacity and warnings."""
    cells = [(name, *_figures(arm)) for name, arm in summary.items()]
    head = ("arm", "gap even [s]", "gap year [s]", "hits even [%]", "hits year [%]", "95 % of year", "impact [m/s]",
            "lane year [1/h]", "late [%]", "needless [%]")  # fmt: skip
    print_table(
        f"lead brakes fully, {runs} runs a road: gaps, hits, and warnings that come late or needlessly", head, cells
    )


def _figures(arm: dict[str, Any]) -> list[str]:
    """Gaps, collisions, impact, capacity and warnings of one arm, behind a lead that brakes fully."""
    low, high = arm["collisions_year_pct_interval"]
    year = arm["scenarios"].get("lead_brakes", {}).get("year", {})
    more = [year.get(name, {"value": float("nan")})["value"] for name in ("late_warnings_pct", "needless_warnings_pct")]
    lane = year.get("capacity_veh_h", {"value": float("nan")})["value"]
    return [
        _cell(arm["gap_even_s"]),
        _cell(arm["gap_year_s"]),
        _cell(arm["collisions_even_pct"]),
        _cell(arm["collisions_year_pct"]),
        f"{_cell(low)} to {_cell(high)}",
        _cell(arm["impact_mps"], 1),
        _cell(lane, 0),
        *(_cell(value, 1) for value in more),
    ]


def _print_scenario(summary: dict[str, Any], scenario: str) -> None:
    """Collisions of each arm on each road of one scenario, and how many of them the oracle prevents."""
    from acc_decel.acc import trial as trials  # noqa: PLC0415

    tried = {name: arm["scenarios"][scenario] for name, arm in summary.items() if scenario in arm["scenarios"]}
    roads = list(next(iter(tried.values()))["roads"])
    if scenario == trials.RECORDED:
        _print_recorded(tried)
    rows = [
        (
            name,
            *(_cell(part["roads"][road]["collisions_pct"]["value"], 1) for road in roads),
            *(_cell(part["even"][metric]["value"], 1) for metric in ("preventable_pct", "speed_of_oracle_pct")),
        )
        for name, part in tried.items()
    ]
    head = ("arm", *roads, "preventable", "speed [%]")
    print_table(
        f"{trials.SCENARIOS[scenario].title}: hits [%]; preventable ones and speed against the oracle", head, rows
    )


def _print_recorded(tried: dict[str, Any]) -> None:
    """Behind recorded leads: gaps, hits and comfort of each arm, and how often the lead could not brake as recorded."""
    metrics = {"gap_s": 2, "collisions_pct": 2, "least_gap_m": 1, "emergency_pct": 2, "peak_deceleration": 2, "jerk": 2}
    cells = [
        (name, *(_cell(part["even"][metric]["value"], digits) for metric, digits in metrics.items()))
        for name, part in tried.items()
    ]
    head = ("arm", "gap [s]", "hits [%]", "least gap [m]", "full braking [%]", "peak [m/s^2]", "jerk [m/s^3]")
    limited = next(iter(tried.values()))["lead_limited_pct"]
    print_table(
        f"behind recorded leads, roads alike; in {limited:.1f} % of the runs the lead could not brake as recorded",
        head, cells,
    )  # fmt: skip


def _cell(value: float, digits: int = 2) -> str:
    return "-" if value != value else f"{value:.{digits}f}"  # noqa: PLR0124 - NaN

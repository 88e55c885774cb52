"""`acc-decel acc speed`: the speed that an ACC may hold, and what the driver reads."""

from dataclasses import asdict
from typing import Annotated

import typer

from acc_decel import acc
from acc_decel.cli.acc.options import LeadModel, Reaction, cell, question, said_of_both, say_statuses
from acc_decel.cli.options import Factors, Json, Model
from acc_decel.cli.terminal import print_json, print_table, say
from acc_decel.model_folder import DEFAULT_MODEL


def speed(
    factors: Factors,
    set_speed: Annotated[float, typer.Option(help="speed that the driver has set [m/s]")],
    model: Model = DEFAULT_MODEL,
    lead_model: LeadModel = None,
    sight: Annotated[float | None, typer.Option(help="distance that is seen to be free [m]")] = None,
    gap_cap: Annotated[float, typer.Option(help="longest time gap that the ACC may keep [s]")] = acc.GAP_CAP_TIME,
    reaction: Reaction = acc.REACTION_TIME,
    as_json: Json = False,
) -> None:
    """Say which speed an ACC may hold with what it knows, and what the driver reads.

    A gap of five seconds is safe, but others cut in. So where the safe gap to a lead would be longer than --gap-cap,
    the speed is lowered until it fits. With --sight it is also low enough to stop within the distance that is seen.
    0 says that the ACC must not be active. Missing factors that would help are named, the best first, with the time gap
    at the set speed that they may lead to at best.

        acc-decel acc speed --set-speed 36 --water-film-mm 1.5
        acc-decel acc speed --set-speed 25 --sight 60 --surface packed_snow --road-temperature-c -5
    """
    acc.check_set_speed(set_speed)
    asked = question(model, lead_model, factors | {"speed": set_speed})
    advice = acc.advise(
        asked.predictor, asked.leads, asked.columns, set_speed, sight=sight, gap_cap=gap_cap, reaction=reaction
    )
    status = advice.own_status, advice.lead_status
    if as_json:
        print_json(_named(advice) | said_of_both(asked, *status))
        return
    rows = [
        ("speed", cell(advice.speed), "m/s"),
        ("gap", cell(advice.gap), "m"),
        ("time gap", cell(advice.time_gap), "s"),
        ("time gap at the set speed", cell(advice.wanted_time_gap), "s"),
    ]
    rows += [(f"the same, at best with {name}", cell(gap), "s") for name, gap in advice.missing.items()]
    print_table(asked.title, ("answer", "value", "unit"), rows)
    say(f"driver: {advice.message}")
    say_statuses(*status)


def _named(advice: acc.Advice) -> dict[str, object]:
    """The advice for a program, with units in the names as `acc gap` has them."""
    units = {"gap": "gap_m", "time_gap": "time_gap_s", "wanted_time_gap": "wanted_time_gap_s"}
    values = asdict(advice)
    return {units.get(name, name): values[name] for name in values if name not in ("own_status", "lead_status")}

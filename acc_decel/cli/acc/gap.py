"""`acc-decel acc gap`: the safe gap to a lead, and when to brake and to warn."""

from typing import Annotated

import typer

from acc_decel import acc
from acc_decel.cli.acc.options import (
    LeadModel,
    LeadSpeed,
    Question,
    Reaction,
    cell,
    question,
    said_of_both,
    say_statuses,
    statuses,
)
from acc_decel.cli.options import Factors, Json, Model
from acc_decel.cli.terminal import print_json, print_table
from acc_decel.model_folder import DEFAULT_MODEL


def gap(
    factors: Factors,
    model: Model = DEFAULT_MODEL,
    lead_model: LeadModel = None,
    lead_speed: LeadSpeed = None,
    present_gap: Annotated[
        float | None, typer.Option("--gap", help="gap to the lead now [m], for what that requires")
    ] = None,
    lead_deceleration: Annotated[
        float | None, typer.Option(help="how hard the lead brakes now [m/s^2], with --gap; 0 if not given")
    ] = None,
    reaction: Reaction = acc.REACTION_TIME,
    as_json: Json = False,
) -> None:
    """Say which gap to a lead is safe, and from which distance to an obstacle to brake and to warn.

    The safe gap stays harmless if the lead brakes as hard as it can: the own car with its lower deceleration (5 %
    quantile), after the reaction and the delay of its brakes, the lead at once with its upper one (95 %). The lead is
    on the same road, and nothing else is known of it; unless --lead-model says which, it may be any of the released
    cars. 2 m are left at standstill. The time gap is at least 0.8 s (ISO 15622).

        acc-decel acc gap --speed 33.3 --surface asphalt --water-film-mm 1.0
        acc-decel acc gap --speed 27.8 --lead-speed 22 --gap 40 --lead-deceleration 3 --surface asphalt --json

    The latest braking distance is to an obstacle that stands: from there full braking just suffices. The driver is
    warned 1.2 s earlier. Both cars share the road, which the gap does not use: where the road is not known, the gap is
    longer than needed.
    """
    if lead_deceleration is not None and present_gap is None:
        raise ValueError(f"--lead-deceleration needs --gap. Got {lead_deceleration:g} without it: add it.")
    asked = question(model, lead_model, factors)
    speed = float(factors["speed"])  # type: ignore[arg-type]
    other = speed if lead_speed is None else lead_speed
    acc.check_lead_speed(other)
    pair = acc.believe(asked.predictor, asked.leads, asked.columns)
    status = statuses(pair, speed, other)
    answers = _answers(pair, speed, other, reaction)
    if present_gap is not None:
        answers |= _required(pair, speed, other, present_gap, lead_deceleration or 0.0, reaction)
    if as_json:
        print_json({name: value for name, (value, _) in answers.items()} | said_of_both(asked, *status))
        return
    _print(asked, answers)
    say_statuses(*status)


def _answers(pair: acc.Beliefs, speed: float, lead_speed: float, reaction: float) -> dict[str, tuple[float, str]]:
    """The quantities with their units, by name."""
    safe = float(acc.safe_gap(pair.own, pair.lead, speed, lead_speed, reaction)[0])
    return {
        "safe_gap_m": (safe, "m"),
        "time_gap_s": (max(safe / speed, acc.MIN_TIME_GAP), "s"),
        "latest_braking_distance_m": (float(acc.latest_braking_distance(pair.own, speed, reaction)[0]), "m"),
        "warning_distance_m": (float(acc.warning_distance(pair.own, speed, reaction)[0]), "m"),
        "own_deceleration_lower": (float(pair.own.deceleration_from(speed)[0]), "m/s^2"),
        "lead_deceleration_upper": (float(pair.lead.deceleration_from(lead_speed)[0]), "m/s^2"),
        "delay": (float(pair.own.delay_from(speed)[0]), "s"),
    }


def _required(
    pair: acc.Beliefs, speed: float, lead_speed: float, present_gap: float, lead_deceleration: float, reaction: float
) -> dict[str, tuple[float, str]]:
    """What the present gap requires."""
    delay = pair.own.delay_from(speed)
    required = acc.required_deceleration(speed, present_gap, lead_speed, lead_deceleration, delay=delay)
    left = acc.warning_time(pair.own, speed, present_gap, reaction, lead_speed=lead_speed)
    return {"required_deceleration": (float(required[0]), "m/s^2"), "warning_time_s": (float(left[0]), "s")}


def _print(asked: Question, answers: dict[str, tuple[float, str]]) -> None:
    rows = [(name, cell(value), unit) for name, (value, unit) in answers.items()]
    print_table(asked.title, ("answer", "value", "unit"), rows)

"""`acc-decel acc rss`: the parameters of Responsibility-Sensitive Safety, to paste into ad-rss-lib and Autoware."""

from acc_decel import acc
from acc_decel.cli.acc.options import LeadModel, LeadSpeed, Reaction, question, said_of_both, say_statuses, statuses
from acc_decel.cli.options import Factors, Json, Model
from acc_decel.cli.terminal import print_json, print_table
from acc_decel.model_folder import DEFAULT_MODEL

STACKS = {"ad_rss_lib": "ad-rss-lib", "autoware_cruise": "Autoware cruise", "autoware_aeb": "Autoware AEB"}


def rss(
    factors: Factors,
    model: Model = DEFAULT_MODEL,
    lead_model: LeadModel = None,
    lead_speed: LeadSpeed = None,
    reaction: Reaction = acc.REACTION_TIME,
    as_json: Json = False,
) -> None:
    """Print the parameters of RSS for this car on this road, with the names and signs of ad-rss-lib and Autoware.

    alpha_brake_min is what the own car reaches at least (5 % quantile), alpha_brake_max what a lead on the same road
    reaches at most (95 %), response_time the reaction and the delay of the brakes. In the paper of RSS decelerations
    are positive; both stacks take them negative. alpha_brake_max is never below alpha_brake_min, because the formula of
    RSS, which looks at standstill only, is too short otherwise. Refused for a car that may not stop.

        acc-decel acc rss --speed 30 --surface asphalt --water-film-mm 1.0
        acc-decel acc rss --speed 15 --surface packed_snow --road-temperature-c -6 --json
    """
    asked = question(model, lead_model, factors)
    speed = float(factors["speed"])  # type: ignore[arg-type]
    other = speed if lead_speed is None else lead_speed
    acc.check_lead_speed(other)
    pair = acc.believe(asked.predictor, asked.leads, asked.columns)
    status = statuses(pair, speed, other)
    values = acc.rss_parameters(pair.own, pair.lead, speed, other, reaction)
    stacks = {name: {key: float(x[0]) for key, x in getattr(values, name)().items()} for name in STACKS}
    paper = {name: float(getattr(values, name)[0]) for name in ("alpha_brake_min", "alpha_brake_max", "response_time")}
    if as_json:
        print_json(paper | stacks | said_of_both(asked, *status))
        return
    rows = [("RSS, as in its paper", *pair_of) for pair_of in paper.items()]
    rows += [(STACKS[stack], *entry) for stack, entries in stacks.items() for entry in entries.items()]
    print_table(asked.title, ("stack", "parameter", "value"), [(s, name, f"{value:.3f}") for s, name, value in rows])
    say_statuses(*status)

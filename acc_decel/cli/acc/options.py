"""Options that the ACC commands share, the cars that they ask about, and the flags of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf
from typing import Annotated

import typer
from numpy import ndarray

from acc_decel import acc
from acc_decel.cli.flag_lines import flag_summary
from acc_decel.cli.options import Factors
from acc_decel.cli.terminal import say
from acc_decel.factors import OF_THE_VEHICLE
from acc_decel.model_folder import released_models
from acc_decel.predictor import Predictor, columns_of
from acc_decel.status import FLAGS, describe, flags, not_available

LeadModel = Annotated[
    list[str] | None,
    typer.Option(help="model of a car that the lead may be; may be repeated; every released one if not given"),
]
LeadSpeed = Annotated[float | None, typer.Option(help="speed of the lead [m/s]; the own speed if not given")]
Reaction = Annotated[float, typer.Option(help="time until the ACC demands braking, without the brakes' delay [s]")]


@dataclass(frozen=True)
class Question:
    """The models of both cars, and what is known of the own one."""

    predictor: Predictor
    leads: tuple[Predictor, ...]
    columns: ndarray

    @property
    def title(self) -> str:
        """Which car follows which."""
        leads = self.leads[0].vehicle if len(self.leads) == 1 else f"any of {len(self.leads)} cars"
        return f"{self.predictor.vehicle} behind {leads}"


def question(model: str, lead_model: Sequence[str] | None, factors: Factors) -> Question:
    """What is asked. Raises ValueError for a factor that the model refuses, and for a lead without full braking."""
    predictor = Predictor(model)
    predictor.predict(on_refusal="raise", explain=False, **factors)
    leads = tuple(Predictor(name) for name in lead_model or released_models())
    for lead in leads:
        if next(f for f in lead.factors if f.name == OF_THE_VEHICLE).standard is None:
            raise ValueError(
                f"--lead-model must know the full braking of its car. Got {lead.path.parent}, which has no standard of "
                f"{OF_THE_VEHICLE}: train it again, or give another model."
            )
    return Question(predictor, leads, columns_of(factors, predictor.factors))


def said_of_both(asked: Question, own: int, lead: int) -> dict[str, object]:
    """For a program, from the status of both cars: what is missing, the flags, and which lead was thought of."""
    return {
        "not_available": list(not_available(own)),
        "flags": list(flags(own)),
        "lead_flags": list(flags(lead)),
        "vehicle": asked.predictor.vehicle,
        "lead_vehicles": [car.vehicle for car in asked.leads],
    }


def say_statuses(own: int, lead: int) -> None:
    """For people: the status of the own car's answers, that of the lead's where one is flagged, and their count."""
    say(f"status: {describe(own)}")
    if raised := [meaning for name, (_, meaning) in FLAGS.items() if name in flags(lead)]:
        say(f"status of the lead: {'; '.join(raised)}")
    say(flag_summary([own, lead], "cars"))


def statuses(pair: acc.Beliefs, speed: float, lead_speed: float) -> tuple[int, int]:
    """The status of the own car and of the lead, over all answers that a stop of each uses."""
    return int(acc.status_to(pair.own_status, speed)[0]), int(acc.status_to(pair.lead_status, lead_speed)[0])


def cell(value: float) -> str:
    """A quantity for people."""
    return "no end" if isinf(value) else f"{value:.2f}"


def split(names: Sequence[str] | None) -> list[str] | None:
    """The names of an option, each of which may hold several with commas between."""
    return [name.strip() for text in names for name in text.split(",")] if names else None

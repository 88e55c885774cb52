"""`acc-decel drives bound`: a lower bound that adapts to one car's stops. Needs the extra [drives]."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.drives.options import Stops, Written, note_flags, note_ignored, read_stops
from acc_decel.cli.options import Json, Model, check_output, model_files
from acc_decel.cli.terminal import print_json, say
from acc_decel.correction import Correction, CorrectionFile, model_digest, read_correction
from acc_decel.model_folder import DEFAULT_MODEL
from acc_decel.predictor import Predictor, where

Continued = Annotated[Path | None, typer.Option(help="file of `drives correct` or `drives bound` to go on from")]


def bound(
    stops: Stops,
    output: Written,
    model: Model = DEFAULT_MODEL,
    correction: Continued = None,
    as_json: Json = False,
) -> None:
    """Keep the lower bound of a model honest on the stream of one car's stops: adaptive conformal inference.

    Each stop that stayed below the bound lowers it; stops that hold raise it, but above the model's own only on the
    evidence of at least 59 of them. STOPS is as for `drives correct`, in the order driven, each stop only once and none
    that the correction was fitted to. The correction file holds the state: give it as --correction to go on with
    later stops. `predict --correction` applies the bound. Needs the extra [drives].

        acc-decel drives bound new_stops.csv --correction correction.json --output correction.json
    """
    check_output(output, stops)
    from acc_decel import adaptation  # noqa: PLC0415

    check_output(output, *model_files(Predictor(model)))
    file = _continued(Predictor(model), correction)
    predictor = Predictor(model, correction=replace(file.correction, lower_offset=0.0))
    labelled = adaptation.labelled_stops(read_stops(stops, each_once=True), predictor)
    note_ignored(labelled.ignored)
    note_flags(labelled.status)
    adaptation.check_stream(labelled.predicted, labelled.measured)
    before = adaptation.read_bound(file.details.get("bound", {}))
    after, missed = before, 0
    counted = set(before.scores)
    for row, (lower, measured) in enumerate(zip(labelled.lower.tolist(), labelled.measured.tolist(), strict=True)):
        if lower - measured in counted:
            which = where(labelled.rows, row)
            raise ValueError(f"{stops} must hold new stops only. Got{which} one that was counted: leave it out.")
        missed += measured < after.bound(lower)
        after = after.after(lower, measured)
    total = {"bound_stops": file.details.get("bound_stops", 0) + len(labelled.rows)}
    details = file.details | total | {"bound": {"level": after.level, "scores": list(after.scores)}}
    file = replace(file, correction=replace(file.correction, lower_offset=after.offset), details=details)
    file.save(output)
    answer = {"stops": len(labelled.rows), "missed": missed, "offset_before": before.offset, "offset": after.offset}
    if as_json:
        print_json(answer | total | {"left_out": labelled.left_out})
        return
    left_out = f"{labelled.left_out} without deceleration left out"
    say(f"{missed} of {len(labelled.rows)} stops stayed below the bound ({left_out})")
    say(f"taken off the lower bound: {before.offset:+.2f} m/s^2 before, {after.offset:+.2f} now; state in {output}")


def _continued(predictor: Predictor, path: Path | None) -> CorrectionFile:
    """The correction to go on from; none at all without a file."""
    if path is not None:
        return read_correction(path, model=predictor.path)
    head = (predictor.metadata["schema"], model_digest(predictor.path), predictor.vehicle)
    return CorrectionFile(*head, Correction(), 0, {})

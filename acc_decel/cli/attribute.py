"""`acc-decel attribute`: a student network that explains a model. Needs the extra [train]."""

import json
import os
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy import ndarray

from acc_decel.cli.terminal import print_json, progress_bar, quiet, say
from acc_decel.factors import column_names
from acc_decel.model_folder import DEFAULT_MODEL
from acc_decel.outputs import MEDIAN
from acc_decel.predictor import Predictor

if TYPE_CHECKING:
    from acc_decel.attribution import Reference, Student
    from acc_decel.dataset import Dataset
    from acc_decel.network import DenseNet

EVENTS = 150  # compared with their exact attributions
PIECE = 8192  # rows that one thread predicts at a time


def attribute(
    model: Annotated[str, typer.Argument(help="released model or model folder")] = DEFAULT_MODEL,
    dataset_folder: Annotated[
        Path | None, typer.Option("--dataset", help="folder written by `generate`, of the model's vehicle")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="passes over the training part", min=1)] = None,
    events: Annotated[int, typer.Option(help="events to compare with their exact attributions", min=2)] = EVENTS,
    seed: Annotated[int, typer.Option(help="same seed, same bytes on one machine", min=0, max=2**32 - 1)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="print the metrics for a program")] = False,
) -> None:
    """Teach a model to say what each factor adds to its deceleration: attribution.onnx in the model's folder.

    A small network learns Shapley values of the model, estimated on the training part of the dataset; it explains with
    every prediction, in one pass, and its attributions add up to the prediction by construction. On events held out it
    is compared with the exact Shapley values, over all coalitions of factors; metrics.json gets the result. Repeat it
    for a model that was trained again. Needs the extra [train].

        acc-decel attribute models/my_car --dataset build/my_car
        acc-decel predict --model models/my_car --speed 33.3 --explain
    """
    if dataset_folder is None:
        raise ValueError(
            "--dataset must name a folder written by `acc-decel generate`. Got none: add --dataset FOLDER."
        )
    from acc_decel import attribution, dataset, model_folder  # noqa: PLC0415 - the extra [train] is asked for only here
    from acc_decel.attribution import reference  # noqa: PLC0415
    from acc_decel.network.split import in_split  # noqa: PLC0415

    predictor = Predictor(model)
    folder = model_folder.folder_of(predictor.path)
    if model_folder.is_released_folder(folder):
        raise ValueError(
            f"{folder} must not be the folder of a released model, which has its student. Got {folder.name}: copy the "
            "folder and give the copy."
        )
    net, metadata = model_folder.read_model(folder)
    data = dataset.load_dataset(dataset_folder)
    _check_same_vehicle(dataset_folder, data, metadata)
    training = data.columns[in_split(data.event, "training")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        asked = reference(net.factors, lambda columns: _median(predictor, pool, columns), training)
        student = _train_student(asked, training, epochs, seed)
        metrics = _metrics(asked, student, net, data.columns[in_split(data.event, "test")][:events])
    hashes = model_folder.made_for(folder)
    labels = {"made_for": json.dumps(hashes), "background": json.dumps(_known_background(asked))}
    content = attribution.attribution_bytes(predictor.path.read_bytes(), student, labels)
    model_folder.add_attribution(folder, content, metrics)
    if as_json:
        print_json(metrics)
        return
    say(
        f"{metrics['events']} events against their exact attributions: correlation {metrics['pearson']:.4f}, mean "
        f"absolute error {metrics['mean_absolute_error']:.3f} m/s^2; {metrics['multiply_adds']} multiply-adds, "
        f"{metrics['multiply_adds_ratio']:.0f} times fewer than KernelSHAP"
    )
    say(f"student in {folder / model_folder.ATTRIBUTION}; baseline {student.baseline:.2f} m/s^2")


def _check_same_vehicle(folder: Path, data: "Dataset", metadata: dict[str, Any]) -> None:
    """Raise ValueError if the events are of another vehicle than the model's."""
    digest = metadata["dataset"].get("vehicle_sha256", data.manifest["vehicle_sha256"])
    if (metadata["vehicle"], digest) != (data.manifest["vehicle"], data.manifest["vehicle_sha256"]):
        raise ValueError(
            f"{folder} must hold events of the model's vehicle {metadata['vehicle']} ({digest}). Got "
            f"{data.manifest['vehicle']} ({data.manifest['vehicle_sha256']}): generate them with that vehicle."
        )


def _median(predictor: Predictor, pool: Executor, columns: ndarray) -> ndarray:
    """The predicted median deceleration [m/s^2]; the pieces are the same on any number of cores."""
    pieces = np.split(columns, range(PIECE, len(columns), PIECE))
    return np.concatenate([outputs[:, MEDIAN] for outputs, _ in pool.map(predictor.predict_array, pieces)])


def _known_background(asked: "Reference") -> dict[str, list[float]]:
    """The columns of the background that are known."""
    columns = zip(column_names(asked.factors), asked.background.T, strict=True)
    return {name: column.tolist() for name, column in columns if np.isfinite(column).all()}


def _train_student(asked: "Reference", training: ndarray, epochs: int | None, seed: int) -> "Student":
    """The student, trained on the columns `training`, with progress."""
    with quiet():
        from acc_decel.attribution import training as learning  # noqa: PLC0415

    defaults = learning.AttributionTraining()
    settings = replace(defaults, epochs=epochs or defaults.epochs, seed=seed)
    with progress_bar() as progress:
        walking = progress.add_task("estimating Shapley values", total=settings.walks * len(asked.factors))
        task = progress.add_task("training", total=settings.epochs)

        def show(epoch: int, loss: float) -> None:
            progress.update(task, completed=epoch, description=f"training: loss {loss:.4f}")

        return learning.train_student(
            asked, training, settings, on_step=lambda: progress.advance(walking), on_epoch=show
        )


def _metrics(asked: "Reference", student: "Student", net: "DenseNet", columns: ndarray) -> dict[str, Any]:
    """How near the student comes to the exact attributions of events held out, and what it costs."""
    from acc_decel.attribution import KERNEL_SAMPLES, agreement, exact_attributions  # noqa: PLC0415

    with progress_bar() as progress:
        task = progress.add_task("exact Shapley values", total=len(columns))
        true = exact_attributions(asked, columns, on_event=lambda: progress.advance(task))
    agreed = agreement(asked, columns, true, student(columns, asked.answer(columns)))
    cost = net.weights + student.multiply_adds
    return {
        **agreed,
        "baseline": student.baseline,
        "background_events": len(asked.background),
        "multiply_adds": cost,
        "multiply_adds_ratio": KERNEL_SAMPLES * len(asked.background) * net.weights / cost,
    }

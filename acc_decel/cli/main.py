"""The application: which commands there are, and how an error reaches the user."""

import sys

import typer

from acc_decel.cli import (
    assurance,
    attribution,
    card,
    corrections,
    drive_models,
    drives,
    offline,
    online,
    simulation,
    virtual_ecu,
)
from acc_decel.cli.factor_options import with_factor_options

EXTRAS = {
    "tensorflow": "train",
    "keras": "train",
    "numba": "train",
    "scipy": "train",
    "SALib": "train",
    "matplotlib": "train",
    "ziglang": "ecu",
    "unicorn": "ecu",
    "elftools": "ecu",
    "capstone": "ecu",
    "asammdf": "drives",
    "cantools": "drives",
    "can": "drives",
    "distributed": "scale",
}
SHARED_EXTRA = {"drives"}  # commands that bring scipy, numba and matplotlib by their own extra

app = typer.Typer(
    name="acc-decel",
    help="Achievable deceleration and stopping distance of a car, from the factors that affect braking.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(offline.generate)
app.command()(offline.train)
app.command()(online.evaluate)
app.command()(offline.export)
app.command()(with_factor_options(online.predict))
app.command()(with_factor_options(virtual_ecu.ecu))
app.command()(online.info)
app.command()(online.compile)
app.command()(with_factor_options(simulation.simulate))
app.command()(simulation.influences)
app.command()(attribution.attribute)
app.command()(assurance.verify)
app.command()(card.card)
drives.app.command()(with_factor_options(drive_models.score))
drives.app.command()(drive_models.scenarios)
drives.app.command()(drive_models.adapt)
drives.app.command()(corrections.correct)
drives.app.command()(corrections.bound)
app.add_typer(drives.app)


def main() -> None:
    """Run the command line; bad input, and a tool that fails, end in one sentence on stderr and exit code 2."""
    try:
        app()
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").split(".")[0])
        if extra == "train" and sys.argv[1:2] and sys.argv[1] in SHARED_EXTRA:
            extra = sys.argv[1]
        if extra is None:
            raise
        _fail(f'this command needs the extra [{extra}]. Got no module {error.name}: pip install "acc-decel[{extra}]"')
    except (ValueError, OSError, RuntimeError) as error:
        _fail(" ".join(str(error).split()))


def _fail(sentence: str) -> None:
    print(f"Error: {sentence}", file=sys.stderr)
    sys.exit(2)

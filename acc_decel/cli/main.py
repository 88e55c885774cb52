"""The application: which commands there are, and how an error reaches the user."""

import os
import signal
import sys
import warnings
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.a2l import a2l
from acc_decel.cli.acc.ecu import ecu as acc_ecu
from acc_decel.cli.acc.gap import gap
from acc_decel.cli.acc.rss import rss
from acc_decel.cli.acc.speed import speed
from acc_decel.cli.acc.trial import trial
from acc_decel.cli.attribute import attribute
from acc_decel.cli.autosar import autosar
from acc_decel.cli.can.dbc import dbc
from acc_decel.cli.can.demo import demo
from acc_decel.cli.can.ecu import ecu as can_ecu
from acc_decel.cli.can.task import task
from acc_decel.cli.card import card
from acc_decel.cli.case import case
from acc_decel.cli.compile import compile as compile_models
from acc_decel.cli.drives.adapt import adapt
from acc_decel.cli.drives.bound import bound
from acc_decel.cli.drives.correct import correct
from acc_decel.cli.drives.events import events
from acc_decel.cli.drives.fleet import fleet
from acc_decel.cli.drives.inspect import inspect
from acc_decel.cli.drives.scenarios import scenarios
from acc_decel.cli.drives.score import score
from acc_decel.cli.ecu import ecu
from acc_decel.cli.evaluate import evaluate
from acc_decel.cli.evidence import evidence
from acc_decel.cli.export import export
from acc_decel.cli.factor_options import with_factor_options
from acc_decel.cli.fmu import fmu
from acc_decel.cli.generate import generate
from acc_decel.cli.help import PlainCommand, PlainGroup
from acc_decel.cli.influences import influences
from acc_decel.cli.info import info
from acc_decel.cli.page import page
from acc_decel.cli.predict import predict
from acc_decel.cli.replay import replay
from acc_decel.cli.sensors import sensors
from acc_decel.cli.simulate import simulate
from acc_decel.cli.simulink import simulink
from acc_decel.cli.terminal import printable
from acc_decel.cli.train import train
from acc_decel.cli.verify import verify
from acc_decel.files import reason

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
    "autosar_data": "autosar",
    "e2e": "can",
    "msgpack": "can",
}
SHARED_EXTRA = {
    "drives": "train",
    "can": "drives",
    "fmu": "ecu",
}  # commands whose own extra brings this other one's, too

app = typer.Typer(
    name="acc-decel",
    cls=PlainGroup,
    help="Achievable deceleration and stopping distance of a car, from the factors that affect braking.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
drives = typer.Typer(
    name="drives",
    cls=PlainGroup,
    help="Recorded drives: what a recording holds, its braking events, and those of a whole fleet of recordings. "
    "MF4, candump, ASC, BLF (with a DBC), CSV, Parquet and folders of NumPy arrays. Needs the extra [drives].",
    no_args_is_help=True,
)
acc = typer.Typer(
    name="acc",
    cls=PlainGroup,
    help="For an adaptive cruise control: the gap, the speed and the parameters of RSS that fit what the car knows. "
    "And a trial of ways to choose a gap, also with the ECU in the loop.",
    no_args_is_help=True,
)
can = typer.Typer(
    name="can",
    cls=PlainGroup,
    help="On a CAN bus: the DBC, a C task that answers every 10 ms, a virtual ECU for other programs, and what happens "
    "when a sensor falls silent.",
    no_args_is_help=True,
)


def _print_version(asked: bool) -> bool:
    if asked:
        print(f"acc-decel {installed_version('acc-decel')}")
        raise typer.Exit
    return asked


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="print the version", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Options of the program itself."""


for command in (
    generate,
    train,
    evaluate,
    export,
    with_factor_options(predict, required="Required for one event"),
    with_factor_options(ecu, required="Required for one event"),
):
    app.command(cls=PlainCommand)(command)
for command in (with_factor_options(replay, required="Required here or as a column"), evidence, info):
    app.command(cls=PlainCommand)(command)
app.command("compile", cls=PlainCommand)(compile_models)
app.command(cls=PlainCommand)(page)
for command in (a2l, autosar, simulink):
    app.command(cls=PlainCommand)(command)
for command in (with_factor_options(simulate), influences, sensors, attribute, verify, case, card):
    app.command(cls=PlainCommand)(command)
for command in (
    inspect,
    events,
    fleet,
    with_factor_options(score, without=("speed",)),
    scenarios,
    adapt,
    correct,
    bound,
):
    drives.command(cls=PlainCommand)(command)
app.add_typer(drives)
for command in (with_factor_options(gap), with_factor_options(speed, without=("speed",)), with_factor_options(rss)):
    acc.command(cls=PlainCommand)(command)
acc.command(cls=PlainCommand)(trial)
acc.command("ecu", cls=PlainCommand)(acc_ecu)
app.add_typer(acc)
app.command(cls=PlainCommand)(fmu)
for command in (dbc, task, with_factor_options(demo, required="Required beside other factors")):
    can.command(cls=PlainCommand)(command)
can.command("ecu", cls=PlainCommand)(can_ecu)
app.add_typer(can)


def main() -> None:
    """Run the command line; bad input, and a tool that fails, end in one sentence on stderr and exit code 2.

    A signal that ends the program lets it delete its temporary files and stop what it started.
    """
    signal.signal(signal.SIGTERM, _end)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # ignored under nohup
        signal.signal(signal.SIGHUP, _end)
    warnings.formatwarning = lambda message, *_, **__: f"note: {message}\n"  # for people: not where in the code
    _check_streams()
    try:
        try:
            app()
        finally:
            _flush()
    except MemoryError:
        _fail("this needs more memory than there is. Got none: give fewer rows or events at a time, or allow more.")
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").split(".")[0])
        if extra is not None and sys.argv[1:2] and SHARED_EXTRA.get(sys.argv[1]) == extra:
            extra = sys.argv[1]
        if extra is None:
            raise
        _fail(f'this command needs the extra [{extra}]. Got no module {error.name}: pip install "acc-decel[{extra}]"')
    except ImportError as error:
        if not (error.path or "").endswith((".so", ".pyd")) and "shared object" not in str(error):
            raise
        _fail(f"a library of the system must load. Got: {_one_line(error)}: allow more memory, or install it again.")
    except OSError as error:
        _fail(_path_sentence(error) if error.filename else _system_sentence(error))
    except (ValueError, RuntimeError) as error:
        _fail(_one_line(error))


def _end(signal_number: int, _: object) -> None:
    """End as a shell tells it; what is open is closed on the way."""
    raise SystemExit(128 + signal_number)


def _path_sentence(error: OSError) -> str:
    """What the system says of a file, as a sentence."""
    return f"{error.filename} must be a file or folder that can be used. Got: {reason(error)}: check the path."


def _system_sentence(error: OSError) -> str:
    """What the system says of no file, as a sentence; errors of ours are one already."""
    if not error.errno:
        return _one_line(error)
    if "temporary directory" in str(error):
        return (
            f"TMPDIR must be a folder that can be written. Got none of {_one_line(error).partition(' in ')[2]}: set it."
        )
    try:
        Path.cwd()
    except FileNotFoundError:
        return "the working folder must be there. Got one that was deleted: change to another folder."
    return f"the system must do what the command needs. Got: {reason(error)}: free what is short, and try again."


def _flush() -> None:
    """Write out what is printed, while an error can still be reported; a reader that has gone, like `head`, is none."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # the interpreter flushes once more at its end
        if not isinstance(error, BrokenPipeError):
            _fail(f"standard output must take what is printed. Got: {reason(error)}: send it elsewhere.")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _check_streams() -> None:
    """Standard output must be there for the answers; standard error is opened if it is closed.

    Otherwise the next file that is opened would take their place, and get what is printed.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for as long as the program runs
    if sys.stdout is None:
        _fail("standard output must be open. Got a closed one: send it to a file, or to /dev/null.")


def _fail(sentence: str) -> None:
    print(f"Error: {printable(sentence)}", file=sys.stderr)
    sys.exit(2)

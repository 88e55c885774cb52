"""`acc-decel can ecu`: a virtual ECU on a CAN bus that other programs talk to. Needs the extras [can] and [ecu]."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy import ndarray

from acc_decel.cli.can.options import BusName, CanCore, Channel, Model, event_columns, say_costs, task_folder
from acc_decel.cli.options import Build, Json, NumberFormat, check_output
from acc_decel.cli.terminal import console, counted, print_json, say
from acc_decel.model_folder import DEFAULT_MODEL

if TYPE_CHECKING:
    from acc_decel.integration.can import Bus
    from acc_decel.integration.can.bus_ecu import Service
    from acc_decel.integration.can.costs import CanCosts

VIRTUAL = "virtual"


def ecu(
    model: Model = DEFAULT_MODEL,
    bus: BusName = "udp_multicast",
    channel: Channel = None,
    core: CanCore = "cortex-m4f",
    duration: Annotated[
        float | None, typer.Option(help="seconds to run", show_default="until Ctrl-C or SIGTERM")
    ] = None,
    number_format: NumberFormat = "float",
    build: Build = None,
    as_json: Json = False,
) -> None:
    """Put a virtual ECU on a CAN bus: the C task of a model, every 10 ms in real time, on an emulated core or the host.

    Any program that speaks CAN can send the factors and read the answers; `acc-decel can dbc` describes the signals.
    udp_multicast connects programs of this machine without a driver, socketcan those of a Linux CAN device. The bus
    virtual exists only inside one process: there the command sends the factors of an ordinary stop itself. At the end
    it says how many frames came and went, whether the answers were in time, and what the task costs on the core.

        acc-decel can ecu compact --bus udp_multicast
        acc-decel can ecu compact --bus socketcan --channel vcan0 --core host
        acc-decel can ecu compact --bus virtual --core cortex-m4f --duration 2

    Ctrl-C or SIGTERM end it cleanly. Needs the extras [can] and [ecu].
    """
    from acc_decel.integration.can.bus_ecu import open_bus, serve  # noqa: PLC0415 - the extra [can]
    from acc_decel.integration.can.costs import can_costs  # noqa: PLC0415
    from acc_decel.integration.can.task import HOST, running_task  # noqa: PLC0415 - the extra [ecu]

    if duration is not None and not 0 < duration < np.inf:
        raise ValueError(f"--duration must be above 0 [s]. Got {duration:g}.")
    check_output(build, option="--build", folder=True)
    columns = event_columns(model, {})
    with open_bus(bus, channel) as opened, task_folder(model, number_format) as (folder, layout, text):
        task = running_task(folder, layout, core=core, build=build)
        costs = None if core == HOST else can_costs(folder, layout, text, columns, core=core, build=build)
        with _until_signal() as ended, _own_senders(bus, channel, layout, text, columns):
            if not as_json:
                say(f"{model} answers on {bus}; Ctrl-C ends it")
                console.file.flush()  # for a program that waits for it
            service = serve(opened, layout, task, seconds=duration, ended=ended)
    report = _report(service, costs)
    if as_json:
        print_json({"model": model, "bus": bus, "core": core} | report)
    else:
        _print(report)


@contextmanager
def _until_signal() -> Iterator[Callable[[], bool]]:
    """A function that says whether Ctrl-C or SIGTERM came."""
    stopped = threading.Event()
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda *_: stopped.set()) for kind in kinds}
    try:
        yield stopped.is_set
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


@contextmanager
def _own_senders(bus: str, channel: str | None, layout: "Bus", text: str, columns: ndarray) -> Iterator[None]:
    """On the bus of this process alone: senders of an ordinary stop, in a thread; else nothing."""
    if bus != VIRTUAL:
        yield
        return
    from acc_decel.integration.can.bus_ecu import open_bus  # noqa: PLC0415
    from acc_decel.integration.can.drop import on_bus  # noqa: PLC0415
    from acc_decel.integration.can.senders import Senders  # noqa: PLC0415

    ended = threading.Event()
    with open_bus(bus, channel) as opened:
        senders, (exchange, _) = Senders(layout, text), on_bus(opened)

        def drive() -> None:
            tick = 0
            while not ended.is_set():
                exchange(senders.frames(columns, tick=tick))
                tick += 1

        thread = threading.Thread(target=drive, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _report(service: "Service", costs: "CanCosts | None") -> dict[str, Any]:
    late = 1000 * np.array(service.late or [np.nan])
    return {
        "ticks": service.ticks,
        "frames_received": service.received,
        "frames_of_others": service.foreign,
        "frames_sent": service.sent,
        "answered_ms_median": float(np.median(late)),
        "answered_ms_max": float(late.max()),
        "ticks_missed": service.missed,
        "cpu_ms_per_tick": 1000 * service.cpu_s / max(service.ticks, 1),
        "costs": None if costs is None else asdict(costs),
    }


def _print(report: dict[str, Any]) -> None:
    say(
        f"{counted(report['ticks'], 'tick')}, {counted(report['frames_received'], 'frame')} received, "
        f"{report['frames_sent']} sent, {report['frames_of_others']} of others on the bus"
    )
    say(
        f"answers were out {report['answered_ms_median']:.2f} ms after the begin of their tick, "
        f"{report['answered_ms_max']:.1f} ms at most; {counted(report['ticks_missed'], 'tick')} missed the next one; "
        f"{report['cpu_ms_per_tick']:.2f} ms of CPU time a tick"
    )
    if (costs := report["costs"]) is not None:
        say_costs(costs)

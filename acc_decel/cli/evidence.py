"""`acc-decel evidence`: measures an exported firmware, and writes that into its folder. Needs the extra [ecu]."""

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.options import Json
from acc_decel.cli.terminal import print_json, progress_bar, say


def evidence(
    firmware: Annotated[Path, typer.Argument(help="folder written by `acc-decel export`")],
    model: Annotated[
        str | None, typer.Option(help="released model or model folder of the firmware; default: the one it names")
    ] = None,
    number_formats: Annotated[
        list[str] | None, typer.Option("--format", help="format to measure; may be repeated; default: all three")
    ] = None,
    events: Annotated[
        int | None, typer.Option(help="events on the emulated Cortex-M4F", show_default="100,000")
    ] = None,
    bits_events: Annotated[
        int | None, typer.Option(help="events compared bit by bit on host and cores", show_default="100,000")
    ] = None,
    fuzz_seconds: Annotated[
        int | None, typer.Option(help="time of the fuzzer for each format [s]", show_default="600")
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            help="renew this part and keep the rest: a part's name in evidence.json, differences, acc for the ACC "
            "unit, or changed for every part whose C, network or driver is another now"
        ),
    ] = None,
    answerers: Annotated[
        list[str] | None,
        typer.Option(
            "--answerer", help="with --only differences: host or core whose row to renew; may be repeated; default: all"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a firmware and write EVIDENCE.md and evidence.json into its folder.

    Instructions, cycles and stack on the emulated Cortex-M4F, compiler warnings, sanitizers, coverage, MISRA, mutants,
    fuzzing, and the events whose answers differ in any bit between NumPy, host, ONNX and the emulated cores; most of
    that for the ACC unit, too. Each part is kept with a hash of what it depends on. It takes
    about an hour on two cores, some 10 minutes as a quick try with fewer events and seconds. Both files are replaced:
    try on a copy. The firmware must be what its model exports. Needs the extra [ecu], and the Debian packages gcc,
    cppcheck, clang, libclang-rt-dev, gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm.

        acc-decel evidence firmware_export
        acc-decel evidence my_firmware --model my_model --format fixed --events 1000 --bits-events 1000 --fuzz-seconds 5
    """
    from acc_decel import evidence as room  # noqa: PLC0415 - the extra [ecu] is needed only here
    from acc_decel.export import find_firmware  # noqa: PLC0415

    options = {"events": events, "bits_events": bits_events, "fuzz_seconds": fuzz_seconds}
    given = {name: number for name, number in options.items() if number is not None}
    if answerers and only != room.BITS:
        raise ValueError(f"--answerer is for --only {room.BITS}. Got {answerers[0]}: leave it out.")
    if only is not None:
        _refuse_beside_only(only, [*given, *(["format"] if number_formats else [])], room.settings_of(only))
    settings = room.Settings(**given)
    formats = room.check_formats(number_formats)
    paths = find_firmware(firmware, model)
    with progress_bar() as progress:
        if only is None:
            bar = progress.add_task("measuring", total=room.steps_in_all(settings, formats))
            result = room.measure_all(paths, settings, formats=formats, on_step=lambda: progress.advance(bar))
        else:
            before = room.read_evidence(firmware)
            steps = room.steps_in_all(settings, room.formats_of(before), only, answerers)
            step = partial(progress.advance, progress.add_task(f"measuring {only}", total=steps))
            renewed = room.renew_part(before, paths, settings, only, answerers=answerers, on_step=step)
            result = room.with_changes(room.read_evidence(firmware), before, renewed)
    room.write_evidence(firmware, result)
    if as_json:
        print_json(result)
    else:
        say(room.page(result))


def _refuse_beside_only(only: str, given: list[str], used: Collection[str]) -> None:
    """Raise ValueError if an option was given that the part `only` does not use."""
    if ignored := [name for name in given if name not in used]:
        option = f"--{ignored[0].replace('_', '-')}"
        raise ValueError(
            f"--only {only} does not use {option}, and renews each format there is. Got both: leave it out."
        )

"""An FMU as bytes: firmware, faces, tables, descriptions, binaries, page and icon, put into one archive."""

import hashlib
import io
import re
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from acc_decel.correction import Correction
from acc_decel.export import firmware_files, golden_events, prediction_files
from acc_decel.integration.fmu import variables as v
from acc_decel.integration.fmu.binaries import HERE, PLATFORMS, Platform, binaries
from acc_decel.integration.fmu.c_tables import ONE_FILE, TABLES_FILE, one_file, tables_header
from acc_decel.integration.fmu.companions import build_description, terminals
from acc_decel.integration.fmu.description import Model, fmi2_description, fmi3_description
from acc_decel.integration.fmu.documentation import documentation
from acc_decel.integration.fmu.example import example_csv, example_end
from acc_decel.integration.fmu.icon import icon_png
from acc_decel.network import DenseNet

FMI_2, FMI_3 = VERSIONS = (2, 3)
FACES = {FMI_2: ("fmu_core.c", "fmu2.c", "fmu2_refused.c"), FMI_3: ("fmu_core.c", "fmu3.c", "fmu3_refused.c")}
NAME = re.compile(r"[^0-9A-Za-z_]+")
DATE = (1980, 1, 1, 0, 0, 0)  # of every file: the oldest that an archive can hold
EXAMPLE = "extra/acc_decel/example.csv"


def fmu_bytes(
    net: DenseNet,
    *,
    model: str,
    fmi: int,
    firmware: Mapping[str, str | bytes] | None = None,
    correction: Correction | None = None,
    page: bytes | None = None,
    platforms: Sequence[Platform] = PLATFORMS,
    done: Callable[[], None] = lambda: None,
) -> bytes:
    """The FMU of `net` for FMI 2.0 or 3.0 (`fmi` is 2 or 3); the same arguments give the same bytes.

    `model` is the name of the model in its files, `firmware` what `firmware_files` gives for it (float, if it is not
    given), `correction` where the parameters of the correction start, `page` an HTML page to open as the documentation,
    in place of the list of variables, which then lies beside it. `done` is called after each binary. Raises ValueError
    if the net cannot become firmware, or a package or zig is missing; RuntimeError with the message of zig.
    """
    correction = correction or Correction()
    firmware = firmware or firmware_files(net, model=model, golden=golden_events(net.factors))
    sources = _sources(firmware, fmi)
    identifier = f"acc_decel_{NAME.sub('_', model)[:40]}"
    token = _token(sources, net, identifier=identifier, correction=correction, fmi=fmi)
    tables = tables_header(net.factors, identifier=identifier, token=token, correction=correction)
    sources[TABLES_FILE] = tables.encode("ascii")
    description = Model(model, identifier, token, version("acc-decel"), example_end(net.factors))
    files = {f"sources/{name}": content for name, content in sources.items()}
    files |= _described(net, description, fmi=fmi, correction=correction)
    files |= documentation(net.factors, description, fmi=fmi, page=page)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
        for name, content in sources.items():
            (Path(work) / name).write_bytes(content)
        files |= binaries(Path(work), identifier=identifier, fmi=fmi, platforms=platforms, done=done)
    return _zipped(files)


def _sources(firmware: Mapping[str, str | bytes], fmi: int) -> dict[str, bytes]:
    """All sources but the tables of the FMU, by name."""
    code = prediction_files(firmware)
    own = {name: (HERE / name).read_bytes() for name in ("fmu_core.h", *FACES[fmi])}
    included = [name for name in sorted(code) if name.endswith(".c")]
    return (
        {name: _encoded(content) for name, content in code.items()}
        | own
        | fmi_headers(fmi)
        | {ONE_FILE: one_file(included, FACES[fmi]).encode("ascii")}
    )


def _encoded(content: str | bytes) -> bytes:
    return content.encode("ascii") if isinstance(content, str) else content


def fmi_headers(fmi: int) -> dict[str, bytes]:
    """The C headers of the FMI standard, from the package fmpy. Raises ValueError if it is not installed."""
    package = find_spec("fmpy")
    if package is None or package.origin is None:
        raise ValueError('an FMU needs the headers of the FMI standard. Got no fmpy: pip install "acc-decel[fmu]".')
    folder = Path(package.origin).parent / "c-code"
    headers = {path.name: path.read_bytes() for path in sorted(folder.glob(f"fmi{fmi}*.h"))}
    if f"fmi{fmi}Functions.h" not in headers:
        raise ValueError(f'{folder} must hold fmi{fmi}Functions.h. Got none: pip install --upgrade "acc-decel[fmu]".')
    return headers


def _token(sources: dict[str, bytes], net: DenseNet, *, identifier: str, correction: Correction, fmi: int) -> str:
    """A token that changes with every byte that decides the answers or the variables."""
    digest = hashlib.sha256(repr((fmi, version("acc-decel"))).encode())
    tables = tables_header(net.factors, identifier=identifier, token="", correction=correction)
    described = repr(v.variables(net.factors, correction))
    for content in (tables.encode(), described.encode(), *(sources[name] for name in sorted(sources))):
        digest.update(hashlib.sha256(content).digest())
    return str(uuid.uuid5(uuid.NAMESPACE_OID, digest.hexdigest()))


def _described(net: DenseNet, model: Model, *, fmi: int, correction: Correction) -> dict[str, bytes]:
    """Description, example and icon; for FMI 3.0 also how to build, and the terminals."""
    listed, icon = v.variables(net.factors, correction), icon_png()
    files = {"model.png": icon, EXAMPLE: example_csv(net.factors).encode("ascii")}
    if fmi == FMI_2:
        return files | {"modelDescription.xml": fmi2_description(model, listed, sources=(ONE_FILE,))}
    listed = (*listed, v.STATUS_VARIABLE)
    return files | {
        "modelDescription.xml": fmi3_description(model, listed),
        "sources/buildDescription.xml": build_description(model.identifier, sources=(ONE_FILE,)),
        "terminalsAndIcons/terminalsAndIcons.xml": terminals(listed),
        "terminalsAndIcons/icon.png": icon,
    }


def _zipped(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as opened:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, DATE)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            opened.writestr(entry, files[name])
    return archive.getvalue()

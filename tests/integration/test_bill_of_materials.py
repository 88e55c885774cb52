"""What an export is made of: a bill that CycloneDX's own validator takes, and sums that sha256sum checks."""

import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.integration.bill_of_materials import bill_of_materials, check_sums, with_bill
from acc_decel.model_folder import read_files, read_model, released_models
from acc_decel.outputs import OUTPUTS
from tests.helpers.random_net import random_net

EXPORT = Path(__file__).parents[2] / "firmware_export"
BILL, SUMS = "sbom.cdx.json", "SHA256SUMS"
LATER = {"evidence.json", "EVIDENCE.md"}  # `acc-decel evidence` writes them, and they are not of the export
NET = random_net(np.random.default_rng(1))
FILES = firmware_files(NET, model="compact", golden=golden_events(NET.factors)[:4])
HASHES = {name: sha256(name.encode()).hexdigest() for name in ("network.npz", "model.onnx", "metrics.json")}
METRICS = {"vehicle": "compact", "dataset": {}}  # the least that every model has


def refusal_of(bill: dict) -> str:
    """What CycloneDX's strict validator says against a bill; nothing if it is valid."""
    schema = pytest.importorskip("cyclonedx.schema", reason="cyclonedx-python-lib is missing: make install")
    validation = pytest.importorskip(
        "cyclonedx.validation.json", reason="cyclonedx-python-lib is missing: make install"
    )
    return str(validation.JsonStrictValidator(schema.SchemaVersion.V1_6).validate_str(json.dumps(bill)) or "")


@pytest.fixture
def export(run, tmp_path) -> Path:
    """A fresh export of the compact car."""
    code, _, err = run("export", "compact", "--output", tmp_path / "firmware")
    assert code == 0, err
    return tmp_path / "firmware"


def test_the_released_export_has_the_bill_and_the_sums_of_its_bytes(export):
    for name in (BILL, SUMS):
        assert (EXPORT / name).read_bytes() == (export / name).read_bytes(), f"acc-decel export compact: {name}"
    assert check_sums(EXPORT) == len({path.name for path in EXPORT.iterdir()} - LATER - {SUMS})


def test_every_file_of_the_export_is_in_the_bill_and_in_the_sums(export):
    bill = json.loads((export / BILL).read_text())
    billed = {c["name"]: c["hashes"][0]["content"] for c in bill["components"] if c["bom-ref"].startswith("file:")}
    present = {path.name: sha256(path.read_bytes()).hexdigest() for path in export.iterdir()}
    assert billed == {name: digest for name, digest in present.items() if name not in (BILL, SUMS)}
    lines = [line.split("  ") for line in (export / SUMS).read_text().splitlines() if not line.startswith("#")]
    assert {name: digest for digest, name in lines} == {n: digest for n, digest in present.items() if n != SUMS}


def test_the_bill_names_the_models_files_and_how_good_it_is(export):
    bill, folder = json.loads((export / BILL).read_text()), released_models()["compact"]
    components = {component["bom-ref"]: component for component in bill["components"]}
    for name, digest in read_files(folder).items():
        assert components[f"model:{name}"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    card, metrics = components["model"]["modelCard"], read_model(folder)[1]
    outputs = [entry["format"].split(":")[0] for entry in card["modelParameters"]["outputs"]]
    assert outputs == [*OUTPUTS, "status"]
    figures = {(m["type"], m["slice"]): m["value"] for m in card["quantitativeAnalysis"]["performanceMetrics"]}
    for kind, regime in metrics["regimes"].items():
        assert figures["coverage of the 90 % interval", kind] == f"{regime['coverage']:.5f}"
    told = {entry["name"]: entry["value"] for entry in components["dataset"]["data"][0]["contents"]["properties"]}
    assert told == {name: str(value) for name, value in metrics["dataset"].items()}
    refs = {*components, "firmware"}
    assert all({d["ref"], *d["dependsOn"]} <= refs for d in bill["dependencies"])


@pytest.mark.slow
def test_the_bill_is_strictly_valid_cyclonedx(export):
    bill = json.loads((export / BILL).read_text())
    assert refusal_of(bill) == ""
    bill["components"][0]["modelCard"]["modelParameters"]["approach"]["type"] = "magic"
    assert "magic" in refusal_of(bill), "the validator looks at it"


def test_a_model_without_figures_has_a_valid_bill_without_them():
    bill = bill_of_materials(FILES, NET, METRICS, HASHES)
    assert refusal_of(bill) == ""
    assert bill["components"][0]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"] == []


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="sha256sum is missing: apt-get install coreutils")
def test_sha256sum_checks_an_export_and_finds_an_altered_byte(tmp_path):
    write_firmware(tmp_path, with_bill(FILES, NET, METRICS, HASHES))
    check = ["sha256sum", "--check", "--strict", SUMS]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    assert check_sums(tmp_path) == len(FILES) + 1
    with (tmp_path / "acc_decel.c").open("ab") as source:
        source.write(b" ")
    done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "acc_decel.c: FAILED" in done.stdout
    with pytest.raises(ValueError, match=r"acc_decel\.c must be as SHA256SUMS says"):
        check_sums(tmp_path)
    (tmp_path / "acc_decel.c").unlink()
    with pytest.raises(ValueError, match=r"acc_decel\.c must be .* Got no such file"):
        check_sums(tmp_path)


def test_the_same_export_has_the_same_bytes_and_another_has_another_number():
    one, two = (with_bill(FILES, NET, METRICS, HASHES) for _ in range(2))
    assert one == two
    other = with_bill(FILES | {"README.md": "other"}, NET, METRICS, HASHES)
    assert json.loads(one[BILL])["serialNumber"] != json.loads(other[BILL])["serialNumber"]


def test_sums_of_other_files_do_not_stay_beside_a_firmware(tmp_path):
    write_firmware(tmp_path, with_bill(FILES, NET, METRICS, HASHES))
    write_firmware(tmp_path, FILES)
    assert not any((tmp_path / name).exists() for name in (BILL, SUMS))


@pytest.mark.parametrize("name", [BILL, SUMS])
def test_a_bill_or_sums_of_the_users_own_are_never_replaced(tmp_path, name):
    write_firmware(tmp_path, FILES)
    (tmp_path / name).write_text("mine\n")
    with pytest.raises(ValueError, match=f"{name} must be of an earlier export"):
        write_firmware(tmp_path, with_bill(FILES, NET, METRICS, HASHES))
    assert (tmp_path / name).read_text() == "mine\n"
    write_firmware(tmp_path, FILES)
    assert (tmp_path / name).read_text() == "mine\n"

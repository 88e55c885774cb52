"""The what-if page without a browser: one small file, its WebAssembly, what it holds, and what is refused."""

import json
import os
import re
import shutil
import sys
import webbrowser
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from acc_decel import cli
from acc_decel.cli.page_cars import firmware_of
from acc_decel.cli.page_setting import setting, vehicle_of
from acc_decel.ecu import HostEcu
from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.factors import FACTORS
from acc_decel.integration.page import Car, Vehicle, compiled_module, modules, page_html, record, source_digest
from acc_decel.integration.page.description import page_data
from acc_decel.integration.page.sections import sections, side_by_side
from acc_decel.model_folder import read_model, released_models
from acc_decel.network import DenseNet
from acc_decel.outputs import OUTPUTS
from acc_decel.status import FLAGS
from tests.helpers.random_net import random_net
from tests.helpers.wasm_firmware import Wasm, differing, many_events

page_command = import_module("acc_decel.cli.page")
ONE, ALL = 60_000, 200_000  # bytes that a page may have


def released(name: str) -> bytes:
    return (modules.RELEASED / f"{name}.wasm").read_bytes()


def net_of(name: str) -> DenseNet:
    return read_model(released_models()[name])[0]


def sources_of(name: str, net: DenseNet) -> dict[str, str | bytes]:
    return firmware_files(net, model=name, golden=golden_events(net.factors))


@pytest.mark.parametrize("name", released_models())
def test_the_webassembly_of_every_car_has_the_bits_of_the_ecu(name):
    wasm, net = Wasm(released(name)), net_of(name)
    assert wasm("self_test") == 0
    events = many_events(net.factors, 10_000 if name == "compact" else 1_500)
    assert differing(wasm.predict_array(events), net, events) == 0


@pytest.mark.slow
def test_the_webassembly_of_another_format_has_the_bits_of_its_c(tmp_path):
    """It is in the page of an FMU of that format; the page of the format fixed is tried in the browser."""
    net = random_net(np.random.default_rng(2))
    files = firmware_of(net, "random", "shift")
    write_firmware(tmp_path, files)
    wasm, events = Wasm(compiled_module(files)), many_events(net.factors, 2_000)
    assert wasm("self_test") == 0
    (outputs, status), (expected, expected_status) = wasm.predict_array(events), HostEcu(tmp_path).predict_array(events)
    answered = ~np.isnan(expected).any(axis=1)
    assert 1_600 < answered.sum() < 2_000
    assert (outputs[answered].view("u4") == expected[answered].view("u4")).all()
    assert (status == expected_status).all()


def test_a_damaged_module_does_not_pass_its_self_test():
    module = bytearray(released("compact"))
    weight = len(module) - 6_000
    module[weight] ^= 1
    assert Wasm(bytes(module))("self_test") != 0


def test_a_page_is_one_small_file_that_names_no_other(run, seven_cars, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ziglang", None)  # released models need no compiler
    code, out, err = run("page", "compact", "--output", tmp_path / "page.html")
    content = (tmp_path / "page.html").read_bytes()
    assert (code, err) == (0, "")
    assert f"compact: {len(content) / 1000:.1f} kB" in out
    for page, most in ((content, ONE), (seven_cars.read_bytes(), ALL)):
        assert len(page) <= most
        assert not re.search(rb"https?://|src=", page)
        assert b"default-src 'none'" in page
    assert f"model {', '.join(released_models())}," in seven_cars.read_text("utf-8")
    assert content == page_of(run, tmp_path, "compact")  # the same bytes


def page_of(run, folder: Path, *models: str) -> bytes:
    assert run("page", *models, "--output", folder / "page.html")[0] == 0
    return (folder / "page.html").read_bytes()


def test_released_modules_are_those_of_the_released_models():
    for name in released_models():
        assert record()["cars"][name]["sources_sha256"] == source_digest(sources_of(name, net_of(name))), (
            "run .ci/page_modules.py"
        )
    assert json.loads(json.dumps(asdict(setting()))) == record()["setting"]


@pytest.mark.slow
def test_a_module_and_the_table_of_a_car_can_be_made_again():
    assert compiled_module(sources_of("van", net_of("van"))) == released("van")
    assert json.loads(json.dumps(asdict(vehicle_of("van")))) == record()["cars"]["van"]["vehicle"]


def test_everything_of_factors_outputs_and_status_is_in_the_data():
    net = net_of("suv")
    cars = [Car(name, name, net_of(name).factors, Vehicle(), b"") for name in ("compact", "suv")]
    data = page_data(cars, setting())
    for factor, shown in zip(cars[0].factors, data["factors"], strict=True):
        assert (shown["low"], shown["high"], tuple(shown["columns"])) == (factor.low, factor.high, factor.columns)
        assert factor.low <= shown["start"] <= factor.high
    mass = next(f for f in net.factors if f.name == "mass")
    assert (
        data["cars"][1]["factors"]["mass"] | {"low": mass.low, "high": mass.high} == data["cars"][1]["factors"]["mass"]
    )
    assert data["cars"][0]["factors"] == {}
    assert [output["name"] for output in data["outputs"]] == [*OUTPUTS]
    assert {flag["name"]: 1 << flag["bit"] for flag in data["status"]["flags"]} == {
        n: bit for n, (bit, _) in FLAGS.items()
    }


def test_modules_are_split_and_joined_without_loss():
    both = [released("compact"), released("suv")]
    rows = side_by_side(both)
    assert [b"".join(row[i] for row in rows) for i in (0, 1)] == both
    for damaged in (both[0][:-1], both[0][:20], b"\0asm\2\0\0\0", b"no module"):
        with pytest.raises(ValueError, match="WebAssembly module must"):
            sections(damaged)
    with pytest.raises(ValueError, match="same sections"):
        side_by_side([both[0], both[1][: -len(sections(both[1])[-1])]])


def test_the_browser_is_opened_on_demand(run, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or len(opened) == 1)
    page = tmp_path / "page.html"
    assert run("page", "compact", "--output", page, "--open")[2] == ""
    assert opened == [page.as_uri()]
    code, _, err = run("page", "compact", "--output", page, "--open")
    assert (code, f"open {page}" in err) == (0, True)


def test_what_cannot_be_written_is_refused_and_leaves_nothing(refused, run, tmp_path):
    (tmp_path / "file").write_text("")
    assert "must be in a folder" in refused("page", "compact", "--output", tmp_path / "file" / "page.html")
    assert "must be a file" in refused("page", "compact", "--output", tmp_path)
    if os.geteuid():
        (tmp_path / "locked").mkdir(mode=0o500)
        assert "can be written" in refused("page", "compact", "--output", tmp_path / "locked" / "page.html")
    assert "must be a released model" in refused("page", "no_car", "--output", tmp_path / "page.html")
    assert "name all alone" in refused("page", "all", "suv", "--output", tmp_path / "page.html")
    assert "compact twice" in refused("page", "compact", "compact", "--output", tmp_path / "page.html")
    assert "once a model" in refused("page", "compact", "--vehicle", "a", "--vehicle", "b", "--output", tmp_path / "p")
    assert {path.name for path in tmp_path.iterdir()} <= {"file", "locked"}


def copied_model(folder: Path, *, schema: str) -> Path:
    """A copy of the compact's model whose files say another factor schema."""
    shutil.copytree(released_models()["compact"], folder)
    for path in (folder / "metrics.json", folder / "manifest.json", folder / "model.onnx"):
        path.write_bytes(path.read_bytes().replace(record_schema().encode(), schema.encode()))
    return folder


def record_schema() -> str:
    return json.loads((released_models()["compact"] / "metrics.json").read_text())["schema"]


def test_a_model_of_another_schema_is_refused(refused, tmp_path):
    model = copied_model(tmp_path / "old", schema="0badcafe")
    sentence = refused("page", model, "--output", tmp_path / "page.html")
    assert "schema" in sentence and "0badcafe" in sentence
    assert not (tmp_path / "page.html").exists()
    old = Car("old", "old", FACTORS[:-1], Vehicle(), released("suv"))
    with pytest.raises(ValueError, match="must have factor schema"):
        page_html([Car("compact", "compact", FACTORS, Vehicle(), released("compact")), old], setting())


def test_a_model_of_your_own_needs_a_compiler(refused, run, tmp_path, monkeypatch):
    net = net_of("compact")
    own = replace(net, low=net.low + np.float32(0.01))
    monkeypatch.setattr(page_command, "read_model", lambda _: (own, {"vehicle": "my_car"}))
    monkeypatch.setitem(sys.modules, "ziglang", None)
    assert 'pip install "acc-decel[ecu]"' in refused("page", "compact", "--output", tmp_path / "page.html")
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
def test_a_model_of_a_vehicle_that_is_not_shipped_has_no_table_unless_it_is_named(run, tmp_path, monkeypatch):
    shutil.copytree(released_models()["compact"], tmp_path / "my_car")
    net = net_of("compact")
    monkeypatch.setattr(page_command, "read_model", lambda _: (net, {"vehicle": "my_car"}))
    code, out, err = run("page", tmp_path / "my_car", "--output", tmp_path / "page.html")
    assert (code, "my_car: " in out, "--vehicle" in err) == (0, True, True)
    monkeypatch.setattr(import_module("acc_decel.cli.page_setting"), "PAIRS", 20)
    toml = Path(cli.__file__).parents[1] / "physics" / "vehicles" / "compact.toml"
    code, _, err = run("page", tmp_path / "my_car", "--vehicle", toml, "--output", tmp_path / "page.html")
    assert (code, err) == (0, "")

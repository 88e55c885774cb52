"""The what-if page in Chromium: the bits of the ECU, what it shows, its lanes, its keyboard and its labels."""

import base64
import io
import json
import shlex
import subprocess
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from acc_decel import Predictor, acc
from acc_decel.acc.trial import ARMS
from acc_decel.acc.trial.scenes import gap_to_keep
from acc_decel.cli.page_cars import firmware_of, fmu_page
from acc_decel.compiled import SAME_BITS, compiled, firmware_sources
from acc_decel.compiled.compiler import find_compiler
from acc_decel.correction import Correction
from acc_decel.ecu import HostEcu
from acc_decel.export import reference_outputs, status_of, write_firmware
from acc_decel.factors import FACTORS, Factor
from acc_decel.integration.fmu import LIST, fmu_bytes
from acc_decel.integration.page import modules, record
from acc_decel.model_folder import read_model, released_models
from acc_decel.outputs import OUTPUTS
from acc_decel.predictor import columns_of
from tests.helpers.browser import CHROMIUM, Browser, address, chromium
from tests.helpers.random_net import random_events, spoiled

pytestmark = pytest.mark.slow

page_command = import_module("acc_decel.cli.page")
TIMES = np.arange(0, 100, 1e-3)  # [s]
EXPORT = Path(__file__).parents[2] / "firmware_export"
ICE_IN_SUMMER = {"speed": 20.0, "brake_pressure_bar": 60.0, "surface": "ice", "road_temperature_c": 30.0, "abs": 1.0}
PREDICT_ALL = """(([text, width]) => {
  const bytes = (t) => Uint8Array.from(atob(t), (c) => c.charCodeAt(0));
  const all = new Float32Array(bytes(text).buffer), rows = [];
  for (let i = 0; i < all.length; i += width) rows.push(all.subarray(i, i + width));
  const answers = car().predict(rows);
  const outputs = new Float32Array(answers.flatMap((a) => [...a.values]));
  const status = new BigUint64Array(answers.map((a) => a.status));
  const text64 = (array) => btoa(new Uint8Array(array.buffer).reduce((t, b) => t + String.fromCharCode(b), ''));
  return [text64(outputs), text64(status)];
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium missing: apt-get install chromium")
    with chromium() as opened:
        opened.look(1400)
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("one"), ["compact"])


def written(folder: Path, models: list[str]) -> Path:
    page_command.page(models, folder / "what_if.html")
    return folder / "what_if.html"


def fragment(event: dict[str, float | str], **more: object) -> str:
    """The address of an event: what it does not name is unknown."""
    unknown = ".".join(f.name for f in FACTORS if f.name not in event)
    return "&".join(f"{name}={value}" for name, value in (event | {"unknown": unknown} | more).items())


def shown(browser: Browser) -> dict[str, float]:
    figures = browser.value(
        "[...document.querySelectorAll('#figures [data-output]')].map((f) => [f.dataset.output, f.dataset.value])"
    )
    return {name: float(value) for name, value in figures}


def told(browser: Browser) -> list[str]:
    return browser.value("[...document.querySelectorAll('#status li')].map((line) => line.textContent)")


predictor_of, model_of = cache(Predictor), cache(lambda name: read_model(released_models()[name])[0])


def answered_by(name: str, event: dict[str, object]) -> dict[str, float]:
    """The outputs of the reference, whose bits the ECU has; those of `Predictor` are near."""
    net = model_of(name)
    outputs = dict(zip(OUTPUTS, map(float, reference_outputs(net, columns_of(event, net.factors))[0]), strict=True))
    answer = predictor_of(name).predict(**event)
    assert outputs == pytest.approx({output: getattr(answer, output) for output in OUTPUTS}, abs=1e-4)
    return outputs


def test_ten_thousand_events_have_the_bits_of_the_ecu(browser, page):
    net = model_of("compact")
    rng = np.random.default_rng(5)
    events = random_events(rng, 10_000, net.factors)
    events[8_000:] = spoiled(rng, events[8_000:])
    assert browser.open(address(page)) == "true"
    outputs, status = answers_to(browser, events)
    expected = reference_outputs(net, events)
    refused = np.isnan(expected)
    assert 1_000 < refused.any(axis=1).sum() < 3_000
    differing = (outputs != expected.view("u4")) & ~refused
    assert (int(differing.sum()), int((status != status_of(net, events)).sum())) == (0, 0)
    assert np.isnan(outputs.view("f4")[refused]).all()


def answers_to(browser: Browser, events: ndarray) -> tuple[ndarray, ndarray]:
    """The bits of the outputs and the status that the open page gives."""
    text = base64.b64encode(events.tobytes()).decode()
    answers = browser.value(f"{PREDICT_ALL}({json.dumps([text, events.shape[1]])})")
    outputs, status = (np.frombuffer(base64.b64decode(a), kind) for a, kind in zip(answers, ("u4", "i8"), strict=True))
    return outputs.reshape(len(events), len(OUTPUTS)), status


def random_event(rng: np.random.Generator) -> dict[str, float | str]:
    """Factors as a visitor gives them, with the digits of their steps; a third of the optional ones unknown."""
    return {f.name: _drawn(rng, f) for f in FACTORS if not f.optional or rng.random() > 1 / 3}


def _drawn(rng: np.random.Generator, factor: Factor) -> float | str:
    if factor.levels:
        return str(rng.choice(factor.levels))
    compact = next(f for f in predictor_of("compact").factors if f.name == factor.name)
    return round(
        compact.low + compact.step * int(rng.integers(0, round((compact.high - compact.low) / compact.step))), 4
    )


def test_an_address_shows_the_figures_of_predict_and_comes_back(browser, page):
    rng, predictor = np.random.default_rng(8), predictor_of("compact")
    browser.open(address(page))
    for i in range(20):
        event = random_event(rng)
        browser.value(f"location.hash = '{fragment(event)}'; new Promise((done) => setTimeout(done, 50))")
        figures, status = shown(browser), predictor.predict(**event).status
        assert figures == answered_by("compact", event)
        assert browser.value("String(car().predict([knownColumns()])[0].status)") == str(status)
        if i % 7 == 0:
            assert browser.open(browser.value("location.href")) == "true"
            assert shown(browser) == figures
    assert browser.complaints == []


def test_nothing_is_requested_but_the_page_and_nothing_could_be(browser, page):
    before = len(browser.requests)
    browser.open(address(page))
    assert browser.requests[before:] == [address(page)]
    refusal = "fetch('https://example.org/').then(() => 'sent', () => 'blocked')"
    assert browser.value(refusal) == "blocked"
    assert any("Content Security Policy" in text for text in browser.complaints)
    browser.complaints.clear()
    assert "self-test passed" in browser.value("document.getElementById('test').textContent")


def test_a_damaged_page_fails_its_self_test_and_shows_no_figure(browser, monkeypatch, tmp_path):
    module = bytearray((modules.RELEASED / "compact.wasm").read_bytes())
    module[len(module) - 6_000] ^= 1
    (tmp_path / "compact.wasm").write_bytes(module)
    monkeypatch.setattr(modules, "RELEASED", tmp_path)
    browser.ask("Page.navigate", url="about:blank")
    browser.ask("Page.navigate", url=address(written(tmp_path, ["compact"])))
    while "SELF-TEST FAILED" not in (text := browser.value("document.getElementById('test')?.textContent ?? ''")):
        assert "starting" in text or not text
    assert browser.value("document.querySelector('main').hidden")


def test_the_page_in_an_fmu_runs_the_c_of_the_fmu_and_links_its_variables(browser, tmp_path):
    """Of a number format that Python has not, and with a correction, which the page must say."""
    net, correction = model_of("suv"), Correction(0.9, 0.1)
    firmware = firmware_of(net, "suv", "fixed")
    own = {"variables": Path(LIST).name, "number_format": "fixed", "correction": correction}
    content = fmu_bytes(
        net,
        model="suv",
        fmi=2,
        firmware=firmware,
        platforms=(),
        page=fmu_page(net, "suv", firmware, model="suv", **own),
    )
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        opened.extractall(tmp_path)
    written_firmware = tmp_path / "firmware"
    written_firmware.mkdir()
    write_firmware(written_firmware, firmware)
    assert browser.open(address(tmp_path / "documentation" / "index.html")) == "true"
    assert "self-test passed" in browser.value("document.getElementById('test').textContent")
    events = random_events(np.random.default_rng(5), 500, net.factors)
    outputs, _ = HostEcu(written_firmware).predict_array(events)
    assert answers_to(browser, events)[0].tolist() == outputs.view("u4").tolist()
    assert (outputs != reference_outputs(net, events)).any(), "float has other bits"
    notes = browser.value("[...document.querySelectorAll('.note')].map((note) => note.textContent).join(' ')")
    assert "number format fixed" in notes and "scale 0.9, bias 0.1, lower offset 0" in notes
    browser.value("document.querySelector('.note a').click()")
    browser.wait_for("document.title.startsWith('acc_decel suv') && document.readyState === 'complete'")
    assert "water_film_mm_available" in browser.value("document.body.textContent")
    assert browser.complaints == []


def test_warnings_cannot_be_overlooked(browser, page):
    browser.open(address(page, fragment(ICE_IN_SUMMER)))
    lines = told(browser)
    assert any("ice does not last on a road above 3 °C" in line for line in lines)
    assert any(line.endswith("friction estimate") for line in lines)  # those that are not known, by name
    assert browser.value("document.body.className") == "warn"
    assert "outside domain" in browser.value("document.getElementById('flag').textContent").lower()
    browser.open(address(page, fragment(ICE_IN_SUMMER | {"speed": 200.0})))
    assert "refused" in told(browser)[0].lower() and "speed must be 1 to 70 m/s" in told(browser)[0]
    assert all(np.isnan(value) for value in shown(browser).values())
    for picture in ("road", "lanes"):
        assert browser.value(f"document.getElementById('{picture}').textContent") == "no answer"
    assert "200" not in browser.value("document.getElementById('glance').textContent")
    assert browser.complaints == []


def use(browser: Browser, control: str, value: object) -> None:
    """Set a control as a visitor does."""
    change = f"c.type === 'checkbox' ? c.checked = {json.dumps(value)} : c.value = {json.dumps(value)}"
    browser.value(
        f"{{ const c = document.getElementById('{control}'); {change}; c.dispatchEvent(new Event('input')); }}"
    )


def test_every_factor_has_a_slider_and_a_switch_that_change_the_answer(browser, page):
    browser.open(address(page))
    for factor in predictor_of("compact").factors:
        assert browser.value(f"document.querySelectorAll('#factor_{factor.name} input').length") >= 1
        if factor.optional:
            known, before = browser.value(f"state.factors.{factor.name}.known"), shown(browser)
            use(browser, f"known_{factor.name}", not known)
            assert shown(browser) != before, factor.name
            use(browser, f"known_{factor.name}", known)
            assert shown(browser) == before
        if not factor.levels and not factor.is_switch:
            use(browser, f"value_{factor.name}", factor.low)
            assert f"{factor.name}={factor.low:g}" in browser.value("location.hash")


def test_a_kind_is_given_as_probabilities_that_sum_to_one(browser, page):
    browser.open(address(page))
    pick = "[...document.querySelectorAll('#factor_surface {}')]"
    browser.value(f"{pick.format('button')}.find((b) => b.textContent === 'ice').click()")
    browser.value(
        f"{{ const s = {pick.format('input[type=range]')}[0]; s.value = 0.3; s.dispatchEvent(new Event('input')); }}"
    )
    shares = browser.value("state.factors.surface.value")
    assert (shares[0], shares[-1], sum(shares)) == (0.3, 0.7, pytest.approx(1))
    assert shown(browser) == answered_by("compact", _known(browser) | {"surface": {"asphalt": 0.3, "ice": 0.7}})
    browser.open(browser.value("location.href"))
    assert browser.value("state.factors.surface.value") == shares


def _known(browser: Browser) -> dict[str, object]:
    """What the page knows, as `predict` takes it."""
    known = {}
    for factor in predictor_of("compact").factors:
        own = browser.value(f"state.factors.{factor.name}")
        if own["known"]:
            known[factor.name] = dict(zip(factor.levels, own["value"], strict=True)) if factor.levels else own["value"]
    return known


@pytest.mark.parametrize("surface", ["asphalt", "asphalt:0.25,ice:0.75"])
def test_the_same_call_gives_the_same_answer_in_every_language(browser, page, run, tmp_path, monkeypatch, surface):
    event = {"speed": 31.7, "brake_pressure_bar": 87.3, "mass": 1510.0, "abs": 1.0, "headwind": -2.5}
    browser.open(address(page, fragment(event | {"surface": surface}, language="Python")))
    figures, names = shown(browser), {}
    exec(browser.value("document.getElementById('call').textContent"), names)
    assert {name: getattr(names["answer"], name) for name in OUTPUTS} == pytest.approx(figures, abs=1e-4)
    use(browser, "language", "command line")
    *before, command = browser.value("document.getElementById('call').textContent").replace("\\\n", " ").splitlines()
    monkeypatch.chdir(tmp_path)
    if before:
        _, _, head, row, _, name = shlex.split(before[0])
        Path(name).write_text(f"{head}\n{row}\n")
    code, out, err = run(*shlex.split(command)[1:], "--json")
    assert code == 0, err
    answer = json.loads(out)
    answer = answer["predictions"][0] if before else answer
    assert {name: answer[name] for name in OUTPUTS} == pytest.approx(figures, abs=1e-4)
    if not before:
        return
    use(browser, "language", "C")
    assert answers_of_c(browser.value("document.getElementById('call').textContent"), tmp_path) == figures


def answers_of_c(call: str, work: Path) -> dict[str, float]:
    """The outputs that the call prints once it is in a program."""
    include, _, body = call.partition("\n")
    prints = "\n".join(f'printf("%.9g\\n", (double)prediction.{name});' for name in OUTPUTS)
    (work / "call.c").write_text(
        f"{include}\n#include <stdio.h>\nint main(void) {{ {body}\n{prints} return (int)(status >> 50U); }}"
    )
    sources = [*firmware_sources(EXPORT), work / "call.c"]
    program = compiled((*find_compiler(), *SAME_BITS, f"-I{EXPORT}"), sources, work / "call")
    printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return dict(zip(OUTPUTS, (float(np.float32(line)) for line in printed.split()), strict=True))


def believed_gaps(predictors: list[Predictor], columns: ndarray, speed: float, road: int) -> dict[str, float]:
    """The gaps that acc_decel.acc keeps for the lanes of the page."""
    table = record()["cars"]["compact"]["vehicle"]["table"]
    pair = acc.believe(predictors[0], predictors, columns)
    arms = {name.split("_")[0]: ARMS[name].believe(None) for name in ("fixed_7.5", "rss")}
    gaps = {name: gap_to_keep(a.own, a.lead, np.array([speed]), a.reaction) for name, a in arms.items()}
    own, lead = acc.Curve.constant(table["own"][road], 0.15), acc.Curve.constant(table["lead"][road])
    gaps["table"] = gap_to_keep(own, lead, np.array([speed]), acc.REACTION_TIME)
    gaps["ours"] = gap_to_keep(pair.own, pair.lead, np.array([speed]), acc.REACTION_TIME)
    return {name: float(np.ravel(gap)[0]) for name, gap in gaps.items()}


@pytest.mark.parametrize(
    ("event", "road"),
    [
        ({"speed": 33.0, "surface": "asphalt", "water_film_mm": 0.0, "mass": 1500.0}, 0),
        ({"speed": 27.8, "surface": "asphalt", "water_film_mm": 1.5, "tread_depth_mm": 2.0}, 1),
        ({"speed": 12.5, "surface": "ice", "road_temperature_c": -4.0, "tyre_kind": "winter"}, 3),
        ({"speed": 20.0, "surface": "asphalt", "road_temperature_c": -20.0, "water_film_mm": 0.5}, 1),  # frozen
    ],
)
def test_lanes_keep_the_gaps_of_the_formulas(browser, seven_cars, event, road):
    event = event | {"brake_pressure_bar": 120.0, "abs": 1.0}
    browser.open(address(seven_cars, fragment(event, water_film_mm=event.get("water_film_mm", 0.0))))
    predictors = [predictor_of(name) for name in released_models()]
    columns = columns_of(event, predictors[0].factors)
    expected = believed_gaps(predictors, columns, event["speed"], road)
    gaps = browser.value("laneResults().lanes.map((lane) => [lane.name, lane.gap])")
    assert dict(gaps) == pytest.approx(expected, rel=1e-5)
    constant = {name: gap for name, gap in expected.items() if name != "ours"}
    assert {name: gap for name, gap in gaps if name != "ours"} == pytest.approx(constant, rel=1e-12)


def braked(curve: acc.Curve, speed: float, hold: float, times: ndarray) -> ndarray:
    """Position [m] over time of a car that holds its speed, then brakes as its curve says."""
    corners = curve.motion(speed, hold)
    speeds = np.interp(times, np.ravel(corners[0]), np.ravel(corners[1]))
    return np.concatenate([[0.0], np.cumsum(0.5 * (speeds[1:] + speeds[:-1]) * np.diff(times))])


def test_gaps_and_ends_of_any_two_curves_are_those_of_the_formulas(browser, page):
    browser.open(address(page))
    rng, speeds, count = np.random.default_rng(4), acc.GRID, 100
    braking = np.maximum(rng.normal(5, 3, (count, 2, 1)) + rng.normal(0, 1, (count, 2, len(speeds))), -1)
    tried = [(*pair, *rng.uniform([2, 0, 1], [60, 2, 80])) for pair in braking]  # speed, reaction, gap to begin with
    asked = json.dumps([[list(own), list(lead), *numbers] for own, lead, *numbers in tried])
    answers = browser.value(f"""{asked}.map(([own, lead, v, reaction, gap]) => {{
        [own, lead] = [own, lead].map((b) => stoppingCurve(DATA.lanes.speeds, b, b.map(() => 0.1)));
        const end = outcome(motion(own, v, reaction + 0.1), motion(lead, v, 0), gap);
        return [gapToKeep({{ own, lead, reaction }}, v), end];
    }})""")
    kept, hits, stays = [], 0, 0
    for (own, lead, v, reaction, gap), (gap_kept, end) in zip(tried, answers, strict=True):
        curves = [acc.Curve.of_decelerations(speeds, b, np.full(len(speeds), 0.1)) for b in (own, lead)]
        kept.append((gap_kept, float(gap_to_keep(*curves, np.array([v]), reaction)[0])))
        if np.isinf(curves[0].braking_distance(v)) or np.isinf(curves[1].braking_distance(v)):
            stays += 1
            continue
        ahead = gap + braked(curves[1], v, 0.0, TIMES) - braked(curves[0], v, reaction + 0.1, TIMES)
        assert end["hit"] == (ahead.min() <= 0)
        if end["hit"]:
            hit, hits = int(np.argmax(ahead <= 0)), hits + 1
            assert end["time"] == pytest.approx(TIMES[hit], abs=0.002)
            assert end["impact"] == pytest.approx(-np.gradient(ahead, TIMES)[hit], abs=0.02)
        else:
            assert end["rest"] == pytest.approx(ahead[-1], abs=0.01)
    assert 20 < hits < 80 and stays > 5
    found, expected = np.array(kept).T
    assert expected.max() == 1000
    assert found == pytest.approx(expected, rel=1e-9)


def test_the_impact_is_that_of_a_simulation(browser, page):
    browser.open(address(page))
    speed = browser.value("state.factors.speed.value")
    columns = "car(), trueColumns()"
    asked = f"[curveOf({columns}, 'median').curve, curveOf(car(), leadColumns({columns}), 'median').curve]"
    own, lead = (
        acc.Curve(np.array(c["speeds"]), np.array(c["ways"]), np.array(c["delays"])) for c in browser.value(asked)
    )
    times = np.arange(0, 30, 1e-4)
    hold = acc.REACTION_TIME + float(own.delay_from(speed))
    ahead = braked(lead, speed, 0.0, times) - braked(own, speed, hold, times)
    results = {lane["name"]: lane for lane in browser.value("laneResults().lanes")}
    closing = -np.gradient(ahead, times)
    hit = int(np.argmax(ahead + results["fixed"]["gap"] <= 0))
    assert results["fixed"]["end"]["hit"] and hit > 0
    assert results["fixed"]["end"]["impact"] == pytest.approx(closing[hit], abs=0.01)
    assert results["fixed"]["end"]["time"] == pytest.approx(times[hit], abs=0.001)
    for name in ("rss", "table", "ours"):
        assert results[name]["end"]["rest"] == pytest.approx(ahead[-1] + results[name]["gap"], abs=0.01)


def test_the_button_plays_the_stop_and_writes_how_each_lane_ends(browser, page):
    still = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.ask("Emulation.setEmulatedMedia", features=still)
    browser.open(address(page))
    ends = "[...document.querySelectorAll('.result')].map((r) => r.textContent)"
    assert browser.value(ends) == [""] * 4
    browser.value("document.getElementById('brake').click()")
    browser.value("new Promise((done) => setTimeout(done, 200))")
    fixed, *others = browser.value(ends)
    impact = browser.value("laneResults().lanes[0].end.impact") * 3.6
    assert fixed == f"hits the lead at {impact:.0f} km/h" and all(end.startswith("stops ") for end in others)
    assert fixed in browser.value("document.getElementById('outcome').textContent")
    for factor, value in (("water_film_mm", 0), ("tread_depth_mm", 8)):
        use(browser, f"value_{factor}", value)  # the end of a stop that was played follows
    assert browser.value(ends)[0].startswith("stops ")
    browser.value("document.getElementById('rewind').click()")
    assert browser.value(ends) == [""] * 4
    browser.look(1400)


def test_the_fan_goes_over_any_factor(browser, page):
    browser.open(address(page))
    for factor in predictor_of("compact").factors:
        use(browser, "over", factor.name)
        label = browser.value("document.querySelector('#fan svg').getAttribute('aria-label')")
        assert browser.value("factorNamed(state.over).label") in label
        bands = browser.value("document.querySelectorAll('#fan .band').length")
        assert bands == (len(factor.levels) or (2 if factor.is_switch else 1))
    assert browser.complaints == []


CONTROLS = "[...document.querySelectorAll('input, select, button, summary, pre')].filter((e) => e.checkVisibility())"


def test_every_control_is_reached_by_the_tab_key(browser, page):
    browser.open(address(page))
    browser.value("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    count = browser.value(f"{{ window.asked = new Set({CONTROLS}); window.asked.size; }}")
    assert count > 50
    for _ in range(count + 2):
        browser.press("Tab", 9)
        browser.value("asked.delete(document.activeElement)")
    assert browser.value("[...asked].map((e) => e.outerHTML)") == []
    browser.value("document.getElementById('known_mass').focus()")
    browser.press(" ", 32)
    assert browser.value("state.factors.mass.known") is False
    browser.value("document.getElementById('value_speed').focus()")
    before = browser.value("state.factors.speed.value")
    browser.press("ArrowRight", 39)
    assert browser.value("state.factors.speed.value") > before


ROLES = {"button", "checkbox", "switch", "slider", "spinbutton", "combobox", "image", "group", "region"}


def test_a_screen_reader_gets_a_name_for_every_control_and_picture(browser, page):
    browser.open(address(page))
    browser.value("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    nodes = [n for n in browser.ask("Accessibility.getFullAXTree")["nodes"] if not n["ignored"]]
    named = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if n["role"]["value"] in ROLES]
    assert len(named) > 60
    assert [role for role, name in named if not name and role != "group"] == []
    names = [name for _, name in named]
    for factor in predictor_of("compact").factors:
        label = browser.value(f"factorNamed('{factor.name}').label")
        assert any(name.startswith(label) for name in names), label
        if factor.optional:
            assert ("switch", f"{label} is known") in named
    assert any(role == "image" and "95 of 100" in name for role, name in named)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [420, 1400])
def test_nothing_is_wider_than_the_window_and_text_stands_out(browser, page, width, dark):
    browser.look(width, dark=dark)
    browser.open(address(page, fragment(ICE_IN_SUMMER)))
    assert browser.value("document.documentElement.scrollWidth") <= width
    for role, least in (
        ("body", 7),
        ("#status .warn", 4.5),
        ("#verdict", 4.5),
        (".hint", 4.5),
        ("#brake", 4.5),
        (".figure span", 4.5),
    ):
        assert contrast(browser, role) >= least, role
    browser.look(1400)


def contrast(browser: Browser, selector: str) -> float:
    """The contrast of the text of an element and what is behind it: WCAG 2.1, relative luminance."""
    colours = browser.value(
        f"""(() => {{ let e = document.querySelector('{selector}'); const own = getComputedStyle(e).color; let back;
        do {{ back = getComputedStyle(e).backgroundColor; e = e.parentElement; }} while (/, 0\\)$/.test(back) && e);
        return [own, back]; }})()"""
    )
    lights = []
    for colour in colours:
        parts = np.array([float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]) / 255
        linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        lights.append(float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(lights) / min(lights)


def test_all_cars_answer_with_their_own_firmware(browser, seven_cars):
    event = {"speed": 30.0, "brake_pressure_bar": 100.0, "surface": "asphalt", "water_film_mm": 1.0, "abs": 1.0}
    for name in released_models():
        browser.open(address(seven_cars, fragment(event, car=name)))
        assert shown(browser) == answered_by(name, event), name
        assert browser.value("car().name") == name
        mass = next(f for f in predictor_of(name).factors if f.name == "mass")
        assert browser.value("[value_mass.min, value_mass.max].map(Number)") == [mass.low, mass.high]
    use(browser, "car", "sports")
    assert browser.value("location.hash").startswith("#car=sports&")
    assert browser.complaints == []

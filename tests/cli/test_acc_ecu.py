"""`acc-decel acc ecu`: what it reports of the ECU in the loop, and what it refuses."""

import re

import pandas as pd
import pytest

FEW = ("acc", "ecu", "--runs", 2, "--roads", "dry", "--scenarios", "cut_in")


@pytest.mark.slow
def test_a_program_gets_parts_times_costs_and_whether_the_bits_are_the_same(answered, tmp_path):
    runs = tmp_path / "runs.parquet"
    answer = answered(*FEW, "--output", runs)
    assert answer["same_bits"] is True and answer["first_difference"] is None
    (part,) = answer["parts"]
    assert (part["road"], part["scenario"], part["runs"]) == ("dry", "cut_in", 2)
    assert {"collisions", "impact_mps", "gap_s", "least_gap_m", "flagged_share"} <= set(part)
    sil, pil = answer["levels"]["sil"], answer["levels"]["pil"]
    assert sil["ticks"] == pil["ticks"] == pytest.approx(100 * part["seconds"], abs=2)
    for level in (sil, pil):
        assert level["real_time_factor"] == pytest.approx(1e4 / level["us_per_tick"])
        assert 0 < level["ecu_us_per_tick"] < level["us_per_tick"]
    costs = answer["core_costs"]
    assert costs["metered_ticks"] == (pil["ticks"] + 2 * 19 - 1) // 100 + 1  # with the ticks before the start
    assert costs["deadline_utilisation_max"] == pytest.approx(costs["cycles_max"] / (80e6 * 0.01))
    table = pd.read_parquet(runs)
    assert table["in_loop"].tolist() == ["sil"] * 2 + ["pil"] * 2 and (table["arm"] == "all").all()


@pytest.mark.slow
def test_people_read_a_table_and_how_fast_it_was(run):
    code, out, err = run(*FEW, "--in-loop", "sil")
    assert code == 0, err
    assert re.search(r"│ dry +│ cut_in +│ +2 │", out) and "times real time" in out
    assert "pil" not in out and "2/2" in err


REFUSED = {
    "another level": (("--in-loop", "hil"), r"--in-loop must be one of sil, pil, both\. Got 'hil'\."),
    "an arm without a model": (("--arm", "rss"), r"arm must be one whose model an ECU can carry \(few, .* Got 'rss'\."),
    "an unknown arm": (("--arm", "mine"), r"arm must be one whose model .* Got 'mine'\."),
    "an unknown core": (("--core", "z80"), r"The core must be one of cortex-m4f, .* Got 'z80'\."),
    "an unknown format": (("--format", "double"), r"Got 'double'"),
    "an unknown road": (("--roads", "moon"), r"roads must be one of dry, .* Got 'moon'\."),
    "no runs": (("--runs", 0), r"runs must be 1 to 500 .* Got 0\."),
    "no clock": (("--clock-mhz", 0), r"clock"),
    "a table of another kind": (("--output", "a.txt"), r"a\.txt must end in \.csv or \.parquet"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_sentence(case, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options, sentence = REFUSED[case]
    said = " ".join(refused("acc", "ecu", *options).split())
    assert re.search(sentence, said), said
    assert not list(tmp_path.iterdir())

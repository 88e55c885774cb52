"""Shipped vehicle files explain each key, and the explanation is that of the code."""

from dataclasses import fields
from importlib import resources

import pytest

from acc_decel.adaptation import vehicle_toml
from acc_decel.physics import Vehicle, entry_comment, vehicle, vehicle_names


@pytest.mark.parametrize("name", vehicle_names())
def test_a_shipped_file_has_unit_meaning_and_formula_beside_each_key(name):
    text = (resources.files("acc_decel.physics") / "vehicles" / f"{name}.toml").read_text()
    car = vehicle(name)
    assert text == vehicle_toml(car, car.description)
    for part in ("body", "brakes", "tyres"):
        for entry in fields(getattr(car, part)):
            line = next(line for line in text.splitlines() if line.startswith(f"{entry.name} = "))
            assert line.endswith(f"# {entry_comment(entry)}")


def test_comments_are_no_part_of_the_vehicle(tmp_path):
    car = vehicle("compact")
    text = vehicle_toml(car, car.description)
    (tmp_path / "compact.toml").write_text("\n".join(line.split("#")[0] for line in text.splitlines()))
    plain: Vehicle = vehicle(tmp_path / "compact.toml")
    assert plain.digest == car.digest

"""An emulated core in a closed loop: the bits of a batch tick by tick, and the cost of every 100th tick only."""

import numpy as np
import pytest
from numpy import ndarray

from acc_decel.ecu import METERED_EVERY, CortexM, RunningCore
from acc_decel.export.firmware_files import firmware_files, write_firmware
from acc_decel.factors import column_names
from acc_decel.status import REFUSED
from tests.helpers.random_net import random_events, random_net, spoiled


@pytest.fixture(scope="module")
def events() -> ndarray:
    rng = np.random.default_rng(11)
    return np.concatenate([random_events(rng, 200), spoiled(rng, random_events(rng, 60))])


@pytest.fixture(scope="module")
def core(events: ndarray, tmp_path_factory: pytest.TempPathFactory) -> CortexM:
    path = tmp_path_factory.mktemp("firmware_export")
    write_firmware(path, firmware_files(random_net(np.random.default_rng(7)), model="random", golden=events[:32]))
    return CortexM(path)


def ticked(running: RunningCore, events: ndarray, rows: int) -> tuple[ndarray, ndarray]:
    """The answers of all events, so many rows a tick."""
    outputs, status = zip(*(running.tick(events[i : i + rows]) for i in range(0, len(events), rows)), strict=True)
    return np.concatenate(outputs), np.concatenate(status)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 3])
def test_tick_after_tick_the_core_gives_the_bits_of_a_batch(core: CortexM, events: ndarray, rows: int) -> None:
    outputs, status = ticked(core.start(), events, rows)
    all_outputs, all_status = core.predict_array(events)
    np.testing.assert_array_equal(outputs.view("i4"), all_outputs.view("i4"))
    np.testing.assert_array_equal(status, all_status)
    assert 0 < (status & REFUSED != 0).sum() < len(events)


@pytest.mark.slow
def test_every_hundredth_tick_is_metered_over_all_its_rows(core: CortexM, events: ndarray) -> None:
    running = core.start()
    assert not len(running.costs.tick)
    for tick in range(2 * METERED_EVERY + 1):
        running.tick(events[tick % 5 : tick % 5 + 3])
    costs = running.costs
    assert METERED_EVERY == 100 and costs.tick.tolist() == [0, 100, 200] and running.ticks == 201
    task = core.task(events[:3])  # ticks 0, 100 and 200 had these rows
    assert costs.instructions.tolist() == [task.instructions.sum()] * 3
    assert costs.cycles is not None and task.cycles is not None
    assert costs.cycles.tolist() == [task.cycles.sum()] * 3


@pytest.mark.slow
def test_a_tick_with_a_wrong_number_of_columns_or_rows_is_refused(core: CortexM, events: ndarray) -> None:
    running = core.start()
    with pytest.raises(
        ValueError, match=rf"takes {len(column_names())} columns\. Got {len(column_names()) - 1}: export"
    ):
        running.tick(np.ascontiguousarray(events[:1, 1:]))
    for rows in (0, 129):
        with pytest.raises(ValueError, match=rf"A tick has 1 to 128 rows, one a mailbox\. Got {rows}\."):
            running.tick(events[:rows])
    assert running.ticks == 0

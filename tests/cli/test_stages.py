"""The bars of a training: every stage is seen, and its time is foretold from its first step on."""

import pytest
from rich.progress import Progress

from acc_decel.cli.stages import EXPECTED_ERRORS, TEACHING_EVENTS, Stages, few_events
from acc_decel.cli.terminal import TimeLeftColumn, duration


class Clock:
    """A time that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(get_time=clock, disable=True)


def stages_of(progress: Progress) -> Stages:
    return Stages(progress, teacher_epochs=2, epochs=10, tries=3, oracle_events=40)


def counts(progress: Progress) -> list[tuple[float, float | None]]:
    return [(task.completed, task.total) for task in progress.tasks]


def test_every_stage_is_seen_from_the_start_and_filled_in_the_end(progress):
    stages = stages_of(progress)
    assert counts(progress) == [(0, 2), (0, 10), (0, 3), (0, 40)]
    for epoch in range(1, 8):  # the network stops early
        stages.epoch(epoch, 1.0, 1.0)
    assert counts(progress)[:2] == [(2, 2), (5, 10)]
    for tries in range(4):
        stages.domain(tries)
    for events in (0, 30, 10):
        stages.oracle(events)
    assert counts(progress) == [(2, 2), (5, 5), (3, 3), (40, 40)]
    assert all(task.finished for task in progress.tasks)


def test_without_a_teacher_the_network_is_first(progress):
    stages = Stages(progress, teacher_epochs=0, epochs=5, tries=1, oracle_events=4)
    assert progress.tasks[0].started
    stages.epoch(1, 0.5, 0.5)
    assert counts(progress) == [(1, 5), (0, 1), (0, 4)]
    assert "network" in progress.tasks[0].description


def test_the_time_left_is_foretold_after_one_step_and_runs_down(progress, clock):
    column, stages = TimeLeftColumn(), stages_of(progress)
    teacher, network, *_ = progress.tasks
    assert column.render(network).plain == "waits for its turn"
    assert column.render(teacher).plain == ""
    clock.now = 20.0
    stages.epoch(1, 1.0, 1.0)
    assert column.render(teacher).plain == "20 s left"
    clock.now = 25.0
    assert column.render(teacher).plain == "15 s left"
    clock.now = 60.0
    assert column.render(teacher).plain == "0 s left"
    stages.epoch(2, 1.0, 1.0)
    assert column.render(teacher).plain == ""


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (99.0, "99 s"), (100.0, "2 min"), (6000.0, "1.7 h")])
def test_a_time_is_short(seconds, text):
    assert duration(seconds) == text


def test_few_events_are_warned_of_and_enough_are_not():
    assert few_events(TEACHING_EVENTS) is None
    advice = few_events(20_000)
    assert advice is not None
    assert advice.startswith("20,000 events are few")
    for events, error in EXPECTED_ERRORS.items():
        assert f"{error:.1f} % with {events:,}" in advice
    assert len(EXPECTED_ERRORS) >= 3
    assert list(EXPECTED_ERRORS.values()) == sorted(EXPECTED_ERRORS.values(), reverse=True)

"""The stages of a training as bars, all shown from the start, and what to expect of a dataset's size."""

from rich.progress import Progress, TaskID


class Stages:
    """Bars for teacher, network, trained domain and comparison with the best possible answer."""

    def __init__(self, progress: Progress, *, teacher_epochs: int, epochs: int, tries: int, oracle_events: int) -> None:
        """The totals of each stage; without epochs of a teacher there is none."""
        self.progress, self.teacher_epochs = progress, teacher_epochs
        self.teacher = self._added("teacher", teacher_epochs) if teacher_epochs else None
        self.network = self._added("network", epochs)
        self.tries = self._added("trained domain", tries)
        self.compared = self._added("comparing with best answers", oracle_events)
        progress.start_task(self.network if self.teacher is None else self.teacher)

    def epoch(self, epoch: int, loss: float, best: float) -> None:
        """An epoch of the teacher is finished, or one of the network, whose epochs are counted on."""
        numbers = f"loss {loss:.4f}, best {best:.4f}"  # on unseen events
        if self.teacher is not None and epoch <= self.teacher_epochs:
            text = f"teacher: {numbers}"
            self.progress.update(self.teacher, completed=epoch, description=text)
            if epoch == self.teacher_epochs:
                self.progress.start_task(self.network)
            return
        self._finish(self.teacher)
        self.progress.start_task(self.network)
        text = f"network: {numbers}"
        self.progress.update(self.network, completed=epoch - self.teacher_epochs, description=text)

    def domain(self, tries: int) -> None:
        """So many tries of the trained domain are finished."""
        if not tries:
            self._finish(self.network)
            self.progress.start_task(self.tries)
        self.progress.update(self.tries, completed=tries)

    def oracle(self, events: int) -> None:
        """So many more events are compared with the best possible answer; 0 when that begins."""
        self.progress.start_task(self.compared)
        self.progress.advance(self.compared, events)

    def _added(self, text: str, total: int) -> TaskID:
        return self.progress.add_task(text, start=False, total=total)

    def _finish(self, stage: TaskID | None) -> None:
        """End a stage that may have stopped early."""
        if stage is not None:
            task = next(task for task in self.progress.tasks if task.id == stage)
            self.progress.update(stage, total=task.completed)


ENOUGH_EVENTS = 200_000  # from here on a model is nearly as good as a released one
HELD_OUT_ERRORS = {  # events: RMSE [m/s^2] on events held out, mostly scatter that nothing explains; compact, seed 1
    20_000: 1.48,
    100_000: 1.46,
    300_000: 1.39,
    4_000_000: 1.38,
}


def few_events(events: int) -> str | None:
    """What to expect of a dataset of so many events, if they are few; None if they are enough."""
    if events >= ENOUGH_EVENTS:
        return None
    measured = ", ".join(f"{error:.2f} with {count:,}" for count, error in HELD_OUT_ERRORS.items())
    return (
        f"{events:,} events are few for a model. RMSE [m/s^2] of the compact car on events held out, as measured: "
        f"{measured}. With 20,000, 3 intervals of 28 published tests had no end. Generate at least {ENOUGH_EVENTS:,}."
    )

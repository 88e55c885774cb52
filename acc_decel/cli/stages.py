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


TEACHING_EVENTS = 100_000  # from here on a model is nearly as good as a released one
EXPECTED_ERRORS: dict[int, float] = {}  # events: mean absolute error [%] on published tests, the mean of two seeds


def few_events(events: int) -> str | None:
    """What to expect of a dataset of so many events, if they are few; None if they are enough."""
    if events >= TEACHING_EVENTS:
        return None
    measured = "; ".join(f"{error:.1f} % with {count:,}" for count, error in EXPECTED_ERRORS.items())
    return (
        f"{events:,} events are few for a model. Mean absolute error on the published tests of the compact car, as "
        f"measured: {measured}. Generate {TEACHING_EVENTS:,} or more for a model to be used."
    )

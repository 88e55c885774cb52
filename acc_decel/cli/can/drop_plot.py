"""The picture of `acc-decel can demo`: bounds of the deceleration over time, and the frames below them."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from acc_decel.outputs import COMFORT_DECELERATION, QUANTILES

if TYPE_CHECKING:
    from acc_decel.integration.can.drop import Drop

BLUE, RED, GREY = "#4878a8", "#d1603d", "#666666"


def drop_over_time(drop: "Drop") -> Figure:
    """Interval and median as the bus tells them, and a mark for each frame that was sent."""
    figure = Figure(figsize=(10, 6), layout="constrained")
    slowing, frames = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    _draw_answers(slowing, drop)
    _draw_frames(frames, drop)
    late = drop.last_frame_s + drop.max_age_s
    for axis in (slowing, frames):
        axis.axvline(drop.last_frame_s, color=GREY, lw=1)
        axis.axvline(late, color=RED, lw=1, ls="--")
        axis.grid(alpha=0.3)
    top = slowing.get_xaxis_transform()
    notes = ((drop.last_frame_s, f"last frame of {drop.silent} ", GREY, "right"), (late, " maximum age", RED, "left"))
    for time, text, color, side in notes:
        slowing.text(time, 0.97, text, transform=top, color=color, ha=side, va="top")
    return figure


def _draw_answers(axis: Axes, drop: "Drop") -> None:
    answers, names = drop.answers, [*QUANTILES]
    time = answers["time_s"]
    axis.fill_between(
        time, answers[names[0]], answers[names[-1]], step="post", alpha=0.15, color=BLUE, label="99 % lower bound"
    )
    axis.fill_between(
        time, answers[names[1]], answers[names[-1]], step="post", alpha=0.3, color=BLUE, label="90 % interval"
    )
    axis.step(time, answers[names[2]], where="post", color=BLUE, label="median")
    axis.step(time, answers[names[1]], where="post", color=RED, lw=2, label="lower bound (5 %)")
    axis.axhline(COMFORT_DECELERATION, color=GREY, lw=1, ls=":", label=f"ACC limit, {COMFORT_DECELERATION:g} m/s^2")
    low, high = min(0.0, float(answers[names[0]].min())), float(answers[names[-1]].max())
    axis.set_ylim(low, low + 1.12 * (high - low))  # room above for the notes
    axis.set_ylabel("deceleration [m/s^2]")
    lost = f"\nlost: {', '.join(drop.lost)}" if drop.lost else ""
    axis.set_title(f"{drop.silent} falls silent: what the ECU answers on the bus{lost}", loc="left", fontsize=11)
    axis.legend(loc="lower left", framealpha=1, edgecolor="none")


def _draw_frames(axis: Axes, drop: "Drop") -> None:
    names = [*dict.fromkeys(drop.sent["message"])]
    for i, name in enumerate(names):
        times = drop.sent["time_s"][drop.sent["message"] == name]
        axis.plot(times, [i] * len(times), "|", color=BLUE, markersize=9)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlabel("time [s]")
    axis.set_title("frames that were sent", loc="left", fontsize=10)

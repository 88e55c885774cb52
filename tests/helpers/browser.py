"""A page in headless Chromium, asked through the pipe of its DevTools protocol: what it shows, loads and logs."""

import base64
import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-extensions",
)
READY = "location.protocol === 'about:' ? null : document.documentElement?.dataset.ready"
PATIENCE_S = 30


class Browser:
    """One tab. `complaints` are errors and warnings of its console, `requests` the addresses that it asked for."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        self._write, self._read, self._buffer, self._last = commands, answers, b"", 0
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._session: dict[str, str] = {}
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a method of the protocol. Raises RuntimeError with the browser's message."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters} | self._session
        self._write.write(json.dumps(message).encode() + b"\0")
        self._write.flush()
        while (answer := self._next()).get("id") != self._last:
            self._note(answer.get("method", ""), answer.get("params", {}))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, address: str) -> str:
        """Open a page again; what its start ended with."""
        self.ask("Page.navigate", url="about:blank")
        self.ask("Page.navigate", url=address)
        end = time.monotonic() + PATIENCE_S
        while not (started := self.value(READY)):
            if time.monotonic() > end:
                raise TimeoutError(f"{address[:80]} did not start in {PATIENCE_S} s: {self.complaints}")
            time.sleep(0.02)
        return started

    def value(self, expression: str) -> Any:
        """The value of an expression in the page, as JSON. Raises RuntimeError if it throws."""
        result = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"]))
        return result["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until an expression is true, also across a navigation. Raises TimeoutError after PATIENCE_S."""
        end = time.monotonic() + PATIENCE_S
        while not self._holds(condition):
            if time.monotonic() > end:
                raise TimeoutError(f"{condition} did not hold within {PATIENCE_S} s: {self.complaints}")
            time.sleep(0.02)

    def _holds(self, condition: str) -> bool:
        try:
            return bool(self.value(condition))
        except RuntimeError as error:  # the page was left while it was asked
            if "navigated" in str(error) or "context" in str(error):
                return False
            raise

    def look(self, width: int, *, height: int = 1000, dark: bool = False) -> None:
        """Set the width of the window, and light or dark."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def press(self, key: str, code: int) -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def screenshot(self, *, whole: bool = True) -> bytes:
        """A PNG of the page."""
        return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=whole)["data"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = self._read.read(2**20)
            if not piece:
                raise RuntimeError("Chromium ended.")
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _note(self, event: str, about: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(about["exceptionDetails"]))
        elif event == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.complaints.append(about["entry"]["text"])
        elif event == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(about["args"]))


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a profile of its own, ended with the block. It reads commands at descriptor 3 and answers at 4."""
    (to_read, write), (read, to_write) = os.pipe(), os.pipe()
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (to_read, to_write)]
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}"]
        actions = [(os.POSIX_SPAWN_DUP2, ends[0], 3), (os.POSIX_SPAWN_DUP2, ends[1], 4)]
        quiet = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
        process = os.posix_spawn(command[0], command, os.environ, file_actions=[*actions, quiet])
        for end in (to_read, to_write, *ends):
            os.close(end)
        try:
            with os.fdopen(write, "wb") as commands, os.fdopen(read, "rb", 0) as answers:
                yield Browser(commands, answers)
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def address(page: Path, fragment: str = "") -> str:
    """The address of a page in a file, with a fragment."""
    return page.resolve().as_uri() + (f"#{fragment}" if fragment else "")

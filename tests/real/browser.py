"""A headless Chromium, spoken to through two pipes: what a page draws, complains of, and asks the world for."""

import base64
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 60.0
FLAGS = (
    "--headless", "--no-sandbox", "--disable-background-networking", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-component-update", "--no-first-run", "--remote-debugging-pipe", "--hide-scrollbars",
)  # fmt: skip
NOT_HERE = "Chromium is not installed: the report was not looked at in a browser"


class Browser:
    """One page of a running browser. complaints: errors and warnings it told. requests: addresses it asked for."""

    def __init__(self, process: subprocess.Popen[bytes], to_browser: int, from_browser: int) -> None:
        self._process, self._out, self._in = process, to_browser, from_browser
        self._last_id, self._session, self._buffer = 0, "", b""
        self._seen: set[str] = set()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its answer; what happens meanwhile is kept."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._last_id:
                assert "error" not in told, (method, told)
                answer: dict[str, Any] = told["result"]
                return answer

    def show(self, page: Path, *, width: int = 1400, height: int = 1000, is_dark: bool = False) -> None:
        """Open a file and wait until it is loaded and two pictures of it were drawn."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self._seen.discard("Page.loadEventFired")
        self.ask("Page.navigate", url=page.as_uri())
        while "Page.loadEventFired" not in self._seen:
            self._next()
        self.drawn()

    def drawn(self) -> None:
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def value(self, script: str) -> Any:
        """Return what a script in the page comes to."""
        told = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if len(key) == 1 and kind == "keyDown" else {}
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, **text)
        self.drawn()

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def picture(self, target: Path, *, is_whole: bool = True) -> None:
        """Write what the page looks like as PNG."""
        data = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=is_whole, **self._clip(is_whole))
        target.write_bytes(base64.b64decode(data["data"]))

    def _clip(self, is_whole: bool) -> dict[str, Any]:
        if not is_whole:
            return {}
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            readable, _, _ = select.select([self._in], [], [], PATIENCE_S)
            assert readable, f"the browser said nothing for {PATIENCE_S} s"
            piece = os.read(self._in, 1 << 16)
            assert piece, f"the browser ended with {self._process.wait(PATIENCE_S)}"
            self._buffer += piece
        line, self._buffer = self._buffer.split(b"\0", 1)
        told: dict[str, Any] = json.loads(line)
        self._keep(told.get("method", ""), told.get("params", {}))
        return told

    def _keep(self, method: str, told: dict[str, Any]) -> None:
        self._seen.add(method)
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"])[:2000])
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(told["args"])[:2000])
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """Start Chromium with a profile of its own; skip with a word where it is not installed."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip(NOT_HERE)
    commands, told = os.pipe(), os.pipe()
    # The browser reads commands at descriptor 3 and answers at 4.
    pipes = f'exec "$0" "$@" 3<&{commands[0]} 4>&{told[1]}'
    process = subprocess.Popen(
        ["/bin/bash", "-c", pipes, program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(commands[0], told[1]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(commands[0])
    os.close(told[1])
    try:
        yield Browser(process, commands[1], told[0])
    finally:
        os.close(commands[1])
        os.close(told[0])
        process.terminate()
        process.wait(PATIENCE_S)

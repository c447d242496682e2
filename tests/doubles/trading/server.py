"""One account alone on a port of its own; beside a market it is mounted in tests/doubles/exchange/server.py."""

from aiohttp import web

from tests.doubles.trading.door import Account, Door
from tests.doubles.trading.faults import Weather


class TradingServer:
    """Serves an account and what it needs of the market. Use it as an asynchronous context manager."""

    def __init__(self, account: Account, weather: Weather | None = None) -> None:
        self.door = Door(account, weather)
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "TradingServer":  # noqa: D105
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *failure: object) -> None:  # noqa: D105
        await self.door.hang_up()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self.door.listen(request)
        return await self.door.serve(request)

"""The extension as Jupyter loads it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join

from mlstack_nb.server.changes import SCHEMA, ChangeStream
from mlstack_nb.server.handler import Handler
from mlstack_nb.server.scheduler_offer import offer_stacks
from mlstack_nb.server.site import Site

PREFIX = "mlstack-nb/"
THREADS = 8


class MlstackExtension(ExtensionApp):
    """Adds the routes and the event stream to a server; both end with it."""

    name = "mlstack_nb"

    def _link_jupyter_server_extension(self, serverapp: Any) -> None:
        """Before any extension is loaded, so that jupyter-scheduler can be told."""
        super()._link_jupyter_server_extension(serverapp)
        offer_stacks(serverapp, lambda: self._site)

    def initialize_handlers(self) -> None:
        server = self.serverapp
        if server is None or server.event_logger is None:
            raise RuntimeError("mlstack_nb is no server of its own; it is an extension of one that is set up")
        self._site = Site(Path(server.root_dir))
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mlstack")
        depth = url_path_join(server.base_url, PREFIX).count("/")
        settings = {"site": self._site, "executor": self._threads, "depth": depth}
        self.handlers.append((f"{PREFIX}.*", Handler, settings))
        server.event_logger.register_event_schema(SCHEMA)
        self._changes = ChangeStream(self._site, server.event_logger, self.log)
        server.io_loop.add_callback(self._changes.start)

    async def stop_extension(self) -> None:
        await self._changes.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._site.close()

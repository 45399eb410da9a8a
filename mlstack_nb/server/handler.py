"""The one handler: asks who it is, finds the route, answers in a thread, and tells errors as what and hint."""

from __future__ import annotations

import asyncio
import json
import math
from concurrent.futures import Executor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from pydantic import ValidationError
from tornado import web

from mlstack_nb.errors import MlstackError, NotFoundError, UsageError, nearest
from mlstack_nb.server.route import Call, Route, Wanted
from mlstack_nb.server.routes import ROUTES

if TYPE_CHECKING:
    from mlstack_nb.server.site import Site

NOTEBOOK = "notebook"
"""The query that says whose workspace is meant."""
_JUPYTERS = {NOTEBOOK, "token", "_xsrf", "no_track_activity"}
_HINTS = {
    HTTPStatus.FORBIDDEN: "Send the server's token: Authorization: token TOKEN",
    HTTPStatus.METHOD_NOT_ALLOWED: "See docs/jupyterlab.md for the routes.",
}


class Handler(APIHandler):
    auth_resource = "mlstack_nb"

    def initialize(self, site: Site, executor: Executor, depth: int) -> None:
        """`depth` is how many slashes stand before the addresses of the table."""
        self._site, self._executor, self._depth = site, executor, depth

    # each verb has decorators of its own: `authorized` keeps the action of the first request that it sees

    @web.authenticated
    @authorized(action="read")
    async def get(self) -> None:
        await self._answer()

    @web.authenticated
    @authorized(action="write")
    async def post(self) -> None:
        await self._answer()

    @web.authenticated
    @authorized(action="write")
    async def put(self) -> None:
        await self._answer()

    @web.authenticated
    @authorized(action="write")
    async def patch(self) -> None:
        await self._answer()

    @web.authenticated
    @authorized(action="write")
    async def delete(self) -> None:
        await self._answer()

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        status, text = await loop.run_in_executor(self._executor, self._answered)
        self.set_status(status)
        await self.finish(text)

    def _answered(self) -> tuple[int, str]:
        """Status and body; runs in a thread, so touches nothing of the connection."""
        try:
            route, words = self._route()
            notebook = words.get("path") or self.get_query_argument(NOTEBOOK, "")
            folder = self._site.path_of(notebook).parent if notebook else None
            call = Call(self._site, self._site.workspace(folder), words, folder)
            wanted = (self._wanted(route.wanted),) if route.wanted is not None else ()
            return HTTPStatus.OK, as_json(route.answer(call, *wanted))
        except MlstackError as error:
            return error.http_status, refusal(error.what, error.hint)
        except OSError as error:
            what = f"{error.strerror}: {error.filename}" if error.filename else str(error)
            return HTTPStatus.INTERNAL_SERVER_ERROR, refusal(what, "Check the path and its permissions.")
        except web.HTTPError as error:
            return error.status_code, refusal(_said(error), "")
        except Exception as error:
            self.log.exception("mlstack_nb: %s %s", self.request.method, self.request.path)
            what = f"Something unforeseen happened: {type(error).__name__}."
            return HTTPStatus.INTERNAL_SERVER_ERROR, refusal(what, "The log of the Jupyter server has more.")

    def _route(self) -> tuple[Route, dict[str, str]]:
        # as it was sent: decoded, a slash in a name could not be told from one between two
        address = (self.request.path or "").split("/", self._depth)[-1]
        try:
            alike = [(route, words) for route in ROUTES if (words := route.words(address)) is not None]
        except UnicodeDecodeError as error:
            raise UsageError(f"The address {address!r} is not text in UTF-8.", "Encode its words as UTF-8.") from error
        if not alike:
            near = nearest(address, [route.address for route in ROUTES])
            raise NotFoundError(f"There is no route {address!r}.", f"Did you mean {near!r}?" if near else "")
        for route, words in alike:
            if route.method == self.request.method:
                return route, words
        known = ", ".join(route.method for route, _ in alike)
        raise web.HTTPError(HTTPStatus.METHOD_NOT_ALLOWED, f"{address!r} answers to {known} only.")

    def _wanted(self, model: type[Wanted]) -> Wanted:
        """Raises UsageError that names every wrong field."""
        try:
            if self.request.method == "GET":
                known = self.request.query_arguments.keys() - _JUPYTERS
                return model.model_validate_strings({name: self.get_query_argument(name) for name in known})
            return model.model_validate_json(self.request.body or b"{}")
        except ValidationError as error:
            raise _explained(error, model) from None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """What tornado and Jupyter refuse by themselves, in the same form."""
        error = (kwargs.get("exc_info") or (None, None))[1]
        what = _said(error) if isinstance(error, web.HTTPError) else HTTPStatus(status_code).phrase
        self.finish(refusal(what, _HINTS.get(HTTPStatus(status_code), "")))


def refusal(what: str, hint: str) -> str:
    return as_json({"what": what, "hint": hint})


def as_json(data: Any) -> str:
    """In pure ASCII. What JSON has no number for, as NaN, is told by its name."""
    try:
        return json.dumps(data, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_with_finite_numbers(data), default=str)


def _with_finite_numbers(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _with_finite_numbers(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_with_finite_numbers(value) for value in data]
    return str(data) if isinstance(data, float) and not math.isfinite(data) else data


def _said(error: web.HTTPError) -> str:
    return error.log_message or error.reason or HTTPStatus(error.status_code).phrase


def _explained(error: ValidationError, model: type[Wanted]) -> UsageError:
    known = list(model.model_fields)
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    unknown = [str(one["loc"][0]) for one in problems if one["type"] == "extra_forbidden"]
    near = nearest(unknown[0], known) if unknown else None
    told = "; ".join(
        f"there is no field {unknown[0]!r}" if one["type"] == "extra_forbidden" else _problem(one["loc"], one["msg"])
        for one in problems
    )
    return UsageError(f"{told}.", f"Did you mean {near!r}?" if near else f"The fields are: {', '.join(known)}.")


def _problem(place: tuple[int | str, ...], message: str) -> str:
    field = ".".join(map(str, place))
    return f"field {field!r}: {message[:1].lower()}{message[1:]}" if field else message

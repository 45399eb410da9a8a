"""One HTTP request to a replica on this machine, and its whole answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import h11

_OF_ONE_CONNECTION = {
    b"connection",
    b"content-length",
    b"expect",
    b"keep-alive",
    b"te",
    b"transfer-encoding",
}

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is the path with its query; of `headers` those that belong to one connection are left out."""

    method: str
    target: bytes
    headers: Headers
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Headers
    body: bytes


async def exchange(place: str, request: Request) -> Answer:
    """What the server at the Unix socket `place` says. Raises OSError where no whole answer comes."""
    reader, writer = await asyncio.open_unix_connection(place)
    try:
        connection = h11.Connection(h11.CLIENT)
        headers = [
            *passed_on(request.headers),
            (b"content-length", b"%d" % len(request.body)),
            (b"connection", b"close"),
        ]
        if not any(name == b"host" for name, _ in headers):
            headers.append((b"host", b"localhost"))
        asked = h11.Request(method=request.method, target=request.target, headers=headers)
        for event in (asked, h11.Data(data=request.body), h11.EndOfMessage()):
            writer.write(connection.send(event) or b"")
        await writer.drain()
        return await _answer(connection, reader)
    except h11.ProtocolError as error:
        raise ConnectionError(str(error)) from error
    finally:
        writer.close()


def passed_on(headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if name.lower() not in _OF_ONE_CONNECTION]


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> Answer:
    status, headers, body = 0, Headers(), bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            status, headers = event.status_code, passed_on(list(event.headers))
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, headers, bytes(body))
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectionError("the replica closed the connection")

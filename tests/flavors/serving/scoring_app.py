"""A scoring server of a few lines: says which model it is, slowly where it is told so."""

import asyncio
import os

NAME = os.environ["SCORING_NAME"]
if NAME == "broken":
    raise RuntimeError("no weights here")


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = (await receive())["body"]
    if scope["path"] == "/invocations":
        await asyncio.sleep(float(body or b"0"))
    status = 404 if scope["path"] == "/nowhere" else 200
    headers = [(b"content-type", b"text/plain"), (b"x-query", scope["query_string"])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{NAME} {os.getpid()}".encode()})

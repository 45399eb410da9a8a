"""Alerter flavor `webhook`: a POST to an address of Slack, Discord, or anything that takes JSON."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator

from mlstack_nb.errors import ConfigError
from mlstack_nb.ports.alerter import Alert, Alerter, Occasion
from mlstack_nb.ports.configuration import Configuration

MOST_CHARACTERS = {"discord": 2000, "slack": 12_000}
PAUSE_S = 0.5
"""Before the first retry; twice as long before each next one."""
_HOSTS = {"discord.com": "discord", "discordapp.com": "discord", "hooks.slack.com": "slack"}
_PORTS = {"http": 80, "https": 443}


class WebhookAlerter(Alerter):
    class Config(Configuration):
        """`url`: whoever has it can post, so it is a secret. `form`: what it takes; without it the host tells, and
        another host than Slack's and Discord's gets `json`. `on`: what is told. `timeout_s`: for all attempts together.
        """

        model_config = ConfigDict(hide_input_in_errors=True)

        url: SecretStr
        form: Literal["slack", "discord", "json"] | None = None
        on: tuple[Literal["failure", "success", "miss"], ...] = ("failure", "miss")
        timeout_s: float = Field(default=10.0, gt=0, le=60)
        retries: int = Field(default=2, ge=0, le=10)

        @field_validator("url")
        @classmethod
        def _is_address(cls, url: SecretStr) -> SecretStr:
            parts = urlsplit(url.get_secret_value())
            if parts.scheme not in _PORTS or not parts.hostname:
                raise ValueError("begin it with https:// or http://")
            return url

        @field_validator("on", mode="before")
        @classmethod
        def _words(cls, on: Any) -> Any:
            return [word.strip() for word in on.split(",") if word.strip()] if isinstance(on, str) else on

    @property
    def occasions(self) -> frozenset[Occasion]:
        return frozenset(map(Occasion, self.configuration.on))

    def send(self, alert: Alert) -> None:
        content = json.dumps(message_of(alert, self._form)).encode()
        deadline = time.monotonic() + self.configuration.timeout_s
        for attempt in range(self.configuration.retries + 1):
            problem, may_try_again = self._post(content, deadline)
            if not problem:
                return
            pause = PAUSE_S * 2**attempt
            if not may_try_again or time.monotonic() + pause >= deadline:
                break
            if attempt < self.configuration.retries:
                time.sleep(pause)
        raise ConfigError(
            f"Alerter {self.name!r} can not reach {self._place.hostname}: {problem}.",
            f"Correct its url: mlstack component update alerter {self.name} --url https://...",
        )

    def check(self) -> str:
        """Connect to its host; nothing is sent."""
        host, port = self._address()
        try:
            socket.create_connection((host, port), timeout=self.configuration.timeout_s).close()
        except OSError as error:
            raise ConfigError(
                f"Alerter {self.name!r} can not reach {host}:{port}: {error}.",
                f"Correct its url: mlstack component update alerter {self.name} --url https://...",
            ) from error
        return f"{self._place.hostname} ({self._form}), on {', '.join(self.configuration.on) or 'nothing'}"

    @property
    def _place(self) -> SplitResult:
        url: str = self.configuration.url.get_secret_value()
        return urlsplit(url)

    @property
    def _form(self) -> str:
        return self.configuration.form or _HOSTS.get(self._place.hostname or "", "json")

    def _address(self) -> tuple[str, int]:
        """Where a connection goes: to the host, or to the proxy that the environment names for it."""
        place = self._place
        proxy = urllib.request.getproxies().get(place.scheme)
        if proxy and not urllib.request.proxy_bypass(place.hostname or ""):
            place = urlsplit(proxy if "//" in proxy else f"//{proxy}", scheme="http")
        return place.hostname or "", place.port or _PORTS.get(place.scheme, 80)

    def _post(self, content: bytes, deadline: float) -> tuple[str, bool]:
        """What went wrong, "" for nothing; and whether it may go well later."""
        request = urllib.request.Request(  # noqa: S310 - its scheme was checked
            self.configuration.url.get_secret_value(), content, {"Content-Type": "application/json"}
        )
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            opener.open(request, timeout=max(deadline - time.monotonic(), 0.1)).close()
        except urllib.error.HTTPError as error:
            error.close()
            is_busy = error.code == HTTPStatus.TOO_MANY_REQUESTS or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR
            return f"it answers {error.code} {error.reason}", is_busy
        except urllib.error.URLError as error:
            return str(error.reason), True
        except (OSError, ValueError) as error:
            return str(error) or type(error).__name__, isinstance(error, OSError)
        return "", False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A message that is sent on would arrive as a GET, without its content."""

    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        return None


def message_of(alert: Alert, form: str) -> dict[str, Any]:
    """What is posted: `text` with Slack's marks, `content` with Discord's, or all parts by name."""
    if form == "json":
        facts = dict(alert.facts)
        return {"occasion": alert.occasion.value, "title": alert.title, "text": alert.text, "facts": facts}
    bold = "*" if form == "slack" else "**"
    lines = [f"{bold}{alert.title}{bold}", alert.text, *(f"{name}: {value}" for name, value in alert.facts.items())]
    text = "\n".join(filter(None, lines))
    if form == "slack":
        for mark, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(mark, written)
        return {"text": _cut(text, MOST_CHARACTERS[form])}
    # nobody is called because a message happens to hold @everyone
    return {"content": _cut(text, MOST_CHARACTERS[form]), "allowed_mentions": {"parse": []}}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"

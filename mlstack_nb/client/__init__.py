"""The client: stacks, runs, artifacts and tags of a workspace as objects, in scripts, in steps and in notebooks."""

from __future__ import annotations

from mlstack_nb.client.client import Client
from mlstack_nb.client.pages import Page
from mlstack_nb.client.status import ExecutionStatus

__all__ = ["Client", "ExecutionStatus", "Page"]

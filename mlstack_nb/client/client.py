"""`Client`: what people's scripts, steps and notebooks ask a workspace, and tell it."""

from __future__ import annotations

from pathlib import Path

from mlstack_nb.client.artifact_calls import ArtifactCalls
from mlstack_nb.client.models import ModelCalls
from mlstack_nb.client.run_calls import RunCalls
from mlstack_nb.client.secret_calls import SecretCalls
from mlstack_nb.client.stacks import StackCalls
from mlstack_nb.client.tag_calls import TagCalls


class Client(StackCalls, RunCalls, ArtifactCalls, TagCalls, ModelCalls, SecretCalls):
    """Of the workspace that the working directory is in, or of the folder `root`. Making one costs nothing.

    What is not there raises NotFoundError, which is a KeyError; what is there already raises ConflictError.
    """

    @property
    def root(self) -> Path:
        """The folder that the workspace is in."""
        return self._workspace.root.parent

    def __repr__(self) -> str:
        return f"<client of {self._workspace.root}>"

"""What a node needs to know of its run beside the plan, and what says where the run is: a record in the store.

It holds no secret: fields of components that are secret stay at home, and nodes have theirs from their environment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mlstack_nb.app.runtime import Runtime
from mlstack_nb.core.stack import Component, Kind, Stack
from mlstack_nb.engine.store import Store
from mlstack_nb.errors import NotFoundError, ObjectMissingError

STORE_VARIABLE = "MLSTACK_STORE"
"""A node's environment variable: the artifact store as JSON, with `flavor`, `name` and `configuration`."""
RUN_VARIABLE = "MLSTACK_RUN_ID"
"""Set by an engine that begins runs by itself: the run's id, in place of the one that was submitted."""


@dataclass(frozen=True, slots=True)
class Submission:
    """`target` is relative to the root of the code, as is `folder`, the working directory of the nodes.

    `reference` is what the engine calls the run, empty until it has it. `stack` is the run's, as a node can build it.
    `recalled` has what inputs stand for that are artifacts of earlier.
    """

    run_id: str
    code: str
    target: str
    folder: str
    stack: Mapping[str, Any]
    reference: str = ""
    recalled: Mapping[str, Any] = field(default_factory=dict)

    def write(self, store: Store) -> None:
        store.files.write(_path(self.run_id), json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, store: Store, run_id: str) -> Submission:
        """Raises NotFoundError for a run that was not submitted to this store."""
        try:
            return cls(**json.loads(store.files.read(_path(run_id))))
        except ObjectMissingError:
            raise NotFoundError(
                f"Run {run_id} was not submitted from the store {store.files.uri}.",
                f"Give the node the run's own store, by the variable {STORE_VARIABLE}.",
            ) from None


def portable(runtime: Runtime) -> dict[str, Any]:
    """The stack as another process, in another folder, builds it: without secrets, with places made absolute."""
    return {
        "name": runtime.stack.name,
        "components": {
            part.kind.value: {
                "flavor": part.flavor,
                "name": part.name,
                "configuration": {
                    **part.without_secrets(),
                    **runtime.component(part.kind).portable(),
                },
            }
            for part in runtime.stack.components
        },
    }


def stack_of(data: Mapping[str, Any]) -> Stack:
    """What `portable` gave, as a stack."""
    parts = data["components"].items()
    return Stack(
        data["name"],
        tuple(Component(Kind(kind), part["flavor"], part["name"], part["configuration"]) for kind, part in parts),
    )


def store_variable(stack: Mapping[str, Any]) -> str:
    return json.dumps(stack["components"][Kind.ARTIFACT_STORE.value])


def _path(run_id: str) -> str:
    return f"runs/{run_id}/submission.json"

"""Order in a graph given as `{node: the nodes it needs}`. Node order of the mapping breaks ties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlstack_nb.errors import CycleError

Graph = Mapping[str, Iterable[str]]


def topological_order(graph: Graph) -> list[str]:
    """Every node after all it needs, otherwise in the order given. Raises CycleError naming the cycle.

    Needs that are no nodes of the graph are ignored: they are done already.
    """
    order: list[str] = []
    done: set[str] = set()
    for root in graph:
        path: dict[str, None] = {}
        stack = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                del path[node]
                if node not in done:
                    done.add(node)
                    order.append(node)
                continue
            if node in path:
                raise _cycle([*path][[*path].index(node) :])
            if node in done or node not in graph:
                continue
            path[node] = None
            stack.append((node, True))
            stack.extend((need, False) for need in reversed(list(graph[node])))
    return order


def ancestors(graph: Graph, node: str) -> set[str]:
    """Every node that `node` needs, directly or through others, without itself."""
    found: set[str] = set()
    queue = list(graph.get(node, ()))
    while queue:
        need = queue.pop()
        if need not in found:
            found.add(need)
            queue.extend(graph.get(need, ()))
    return found


def descendants(graph: Graph, node: str) -> set[str]:
    """Every node that needs `node`, directly or through others, without itself."""
    users: dict[str, list[str]] = {}
    for user, needs in graph.items():
        for need in needs:
            users.setdefault(need, []).append(user)
    return ancestors(users, node)


def _cycle(nodes: list[str]) -> CycleError:
    loop = " -> ".join([*nodes, nodes[0]])
    return CycleError(
        f"These steps wait for each other: {loop}.",
        f"Remove one of the names that {nodes[0]!r} reads from {nodes[-1]!r}, or rename an output.",
    )

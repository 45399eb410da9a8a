from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack_nb.core.graph import ancestors, descendants, topological_order
from mlstack_nb.errors import CycleError


@st.composite
def acyclic(draw):
    size = draw(st.integers(0, 12))
    return {
        str(node): [str(need) for need in draw(st.sets(st.integers(0, max(node - 1, 0)))) if need < node]
        for node in range(size)
    }


@given(acyclic(), st.randoms())
def test_every_node_comes_after_all_it_needs(graph, random):
    nodes = list(graph)
    random.shuffle(nodes)
    order = topological_order({node: graph[node] for node in nodes})
    assert sorted(order) == sorted(graph)
    assert all(order.index(need) < order.index(node) for node in graph for need in graph[node])


def test_nodes_that_do_not_depend_on_each_other_keep_their_order():
    assert topological_order({"b": [], "a": [], "c": ["a"]}) == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("graph", "loop"),
    [
        ({"a": ["a"]}, "a -> a"),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, "a -> b -> c -> a"),
        ({"x": [], "a": ["x", "b"], "b": ["a"]}, "a -> b -> a"),
    ],
)
def test_a_cycle_is_named(graph, loop):
    with pytest.raises(CycleError, match=loop):
        topological_order(graph)


def test_a_diamond_is_no_cycle():
    graph = {"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": []}
    assert topological_order(graph) == ["a", "b", "c", "d"]


def test_needs_outside_the_graph_are_done_already():
    assert topological_order({"b": ["elsewhere"]}) == ["b"]


def test_ancestors_and_descendants_are_transitive_and_leave_the_node_out():
    graph = {"a": [], "b": ["a"], "c": ["b"], "d": []}
    assert ancestors(graph, "c") == {"a", "b"}
    assert descendants(graph, "a") == {"b", "c"}
    assert descendants(graph, "d") == set()


def test_a_chain_of_ten_thousand_is_ordered_without_recursion():
    graph = {str(k): [str(k - 1)] if k else [] for k in reversed(range(10_000))}
    assert topological_order(graph)[0] == "0"

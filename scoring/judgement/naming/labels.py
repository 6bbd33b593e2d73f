"""The labels of nodes that cost least together: each label has a cost at each node, and neighbours that differ one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# a gain below it is a rounding error
LEAST_GAIN: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Graph:
    """`costs` (nodes, labels); `pairs` (m, 2) of neighbours and the `price` (m,) of a difference, of either sign.

    `group` (nodes,) numbers sets of nodes that may change together.
    """

    costs: NDArray[np.float64]
    pairs: NDArray[np.intp]
    price: NDArray[np.float64]
    group: NDArray[np.intp]

    def cost(self, label: NDArray[np.intp]) -> float:
        """Cost of a labelling (nodes,)."""
        differs = label[self.pairs[:, 0]] != label[self.pairs[:, 1]]
        return float(self.costs[np.arange(len(label)), label].sum() + self.price[differs].sum())


def minimise(graph: Graph) -> NDArray[np.intp]:
    """The labelling (nodes,) found from two starts, the cheaper one.

    The starts are the cheapest label of each node and of each group. The change that saves most is made until none
    saves: of one node, of a connected region of one label, of a group. The order of the nodes does not matter.
    """
    together = np.zeros((int(graph.group.max()) + 1, graph.costs.shape[1]))
    np.add.at(together, graph.group, graph.costs)
    starts = graph.costs.argmin(axis=1), together.argmin(axis=1)[graph.group]
    found = [_descend(graph, start.astype(np.intp)) for start in starts]
    return min(found, key=graph.cost)


def _descend(graph: Graph, label: NDArray[np.intp]) -> NDArray[np.intp]:
    while True:
        label = _change_nodes(graph, label)
        cost = graph.cost(label)
        best, least = label, cost - LEAST_GAIN
        for nodes in _find_sets(graph, label):
            for value in range(graph.costs.shape[1]):
                changed = np.where(nodes, value, label)
                if (other := graph.cost(changed)) < least:
                    best, least = changed, other
        if best is label:
            return label
        label = best


def _change_nodes(graph: Graph, label: NDArray[np.intp]) -> NDArray[np.intp]:
    """The labelling after all changes of single nodes that save, the best first."""
    label = label.copy()
    nodes = np.arange(len(label))
    first, second = np.concatenate((graph.pairs, graph.pairs[:, ::-1])).T
    price = np.concatenate((graph.price, graph.price))
    while True:
        costs = graph.costs.copy()
        # a node pays for each neighbour unless it has the neighbour's label
        np.add.at(costs, (first, label[second]), -price)
        gain = costs[nodes, label][:, None] - costs
        node, value = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[node, value] <= LEAST_GAIN:
            return label
        label[node] = value


def _find_sets(graph: Graph, label: NDArray[np.intp]) -> Iterator[NDArray[np.bool_]]:
    """Sets of nodes (nodes,) that may change together: groups, and regions of one label within and across them."""
    first, second = graph.pairs.T
    alike, inner = label[first] == label[second], graph.group[first] == graph.group[second]
    for joined in (inner, inner & alike, alike & (graph.price > 0)):
        edges = coo_array((np.ones(int(joined.sum())), (first[joined], second[joined])), shape=(len(label), len(label)))
        number, region = connected_components(edges, directed=False)
        size = np.bincount(region, minlength=number)
        for index in np.flatnonzero(size > 1):
            yield region == index

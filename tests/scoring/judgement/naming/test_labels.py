"""The cheapest labelling, held against every labelling of small graphs."""

import itertools

import numpy as np
import pytest

from scoring.judgement.naming.labels import Graph, minimise


def chain(costs, price, group=None):
    count = len(costs)
    pairs = np.stack((np.arange(count - 1), np.arange(1, count)), axis=1)
    group = np.arange(count) if group is None else np.asarray(group)
    return Graph(np.asarray(costs, float), pairs, np.full(count - 1, float(price)), group)


def cheapest(graph):
    nodes, labels = graph.costs.shape
    return min((graph.cost(np.array(each)), each) for each in itertools.product(range(labels), repeat=nodes))


def random_graph(seed, nodes=6, labels=3):
    rng = np.random.default_rng(seed)
    pairs = np.array([pair for pair in itertools.combinations(range(nodes), 2) if rng.random() < 0.4] or [(0, 1)])
    price = np.where(rng.random(len(pairs)) < 0.8, rng.random(len(pairs)), -0.5 * rng.random(len(pairs)))
    return Graph(rng.random((nodes, labels)) * 2, pairs, price, np.sort(rng.integers(0, 3, nodes)) * 1)


def test_cost_is_the_sum_of_nodes_and_differing_neighbours():
    graph = chain([[1, 5], [2, 7], [4, 3]], 10)
    assert graph.cost(np.array([0, 0, 1])) == 1 + 2 + 3 + 10


def test_a_lone_doubter_follows_its_neighbours():
    graph = chain([[0, 2], [1, 0], [0, 2]], 1)
    assert minimise(graph).tolist() == [0, 0, 0]


def test_a_sure_one_does_not():
    graph = chain([[0, 2], [9, 0], [0, 2]], 1)
    assert minimise(graph).tolist() == [0, 1, 0]


def test_a_chain_is_cut_once_where_it_changes():
    """No single node gains by a change: the half has to change as a whole."""
    graph = chain([[0, 1]] * 5 + [[1, 0]] * 5, 2, group=[0] * 10)
    assert minimise(graph).tolist() == [0] * 5 + [1] * 5
    assert len(set(minimise(chain([[0, 1]] * 5 + [[0.3, 0]] * 5, 2, group=[0] * 10)).tolist())) == 1


def test_neighbours_with_a_negative_price_differ():
    graph = chain([[0, 0.1], [0, 0.2]], -1)
    assert minimise(graph).tolist() == [1, 0]


def test_finds_the_best_of_all_labellings():
    graphs = [random_graph(seed) for seed in range(60)]
    exact = [graph.cost(minimise(graph)) == pytest.approx(cheapest(graph)[0]) for graph in graphs]
    assert np.mean(exact) > 0.9


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_nodes_does_not_matter(seed):
    graph = random_graph(seed)
    order = np.random.default_rng(seed + 99).permutation(len(graph.costs))
    place = np.argsort(order)
    shuffled = Graph(graph.costs[order], place[graph.pairs][::-1], graph.price[::-1], graph.group[order])
    assert minimise(shuffled)[place].tolist() == minimise(graph).tolist()


def test_one_node():
    graph = Graph(np.array([[3.0, 1.0, 2.0]]), np.zeros((0, 2), int), np.zeros(0), np.zeros(1, int))
    assert minimise(graph).tolist() == [1]

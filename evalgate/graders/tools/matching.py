"""Who belongs to whom: calls that were made and calls that were expected, as a bipartite graph.

First fit is wrong: where one call fits two expectations and another only the first of them, a right answer would be
refused for the order in which it stands.
"""

from __future__ import annotations

from collections.abc import Sequence


def most_pairs(fits: Sequence[Sequence[int]]) -> dict[int, int]:
    """As many pairs as there can be: by each that was expected, the one that it gets of those that fit it.

    Augmenting paths (Kuhn 1955), breadth first, so that nothing is too long to recurse through. O(V·E).
    """
    owner: dict[int, int] = {}  # by what is given away, who has it
    for start in range(len(fits)):
        came_from: dict[int, int] = {}
        todo, free = [start], None
        for one in todo:  # grows while it is walked
            for other in fits[one]:
                if other in came_from:
                    continue
                came_from[other] = one
                if other not in owner:
                    free = other
                    break
                todo.append(owner[other])
            if free is not None:
                break
        has = {one: other for other, one in owner.items()}
        while free is not None:
            one = came_from[free]
            owner[free], free = one, has.get(one)
    return {one: other for other, one in owner.items()}


def most_pairs_in_order(fits: Sequence[Sequence[int]], others: int) -> dict[int, int]:
    """The same for pairs that do not cross: the longest common subsequence. O(V²)."""
    rows = len(fits)
    allowed = [set(each) for each in fits]
    best = [[0] * (others + 1) for _ in range(rows + 1)]
    for one in reversed(range(rows)):
        for other in reversed(range(others)):
            taken = best[one + 1][other + 1] + 1 if other in allowed[one] else 0
            best[one][other] = max(taken, best[one + 1][other], best[one][other + 1])
    pairs: dict[int, int] = {}
    one = other = 0
    while one < rows and other < others:
        if other in allowed[one] and best[one][other] == best[one + 1][other + 1] + 1:
            pairs[one] = other
            one, other = one + 1, other + 1
        elif best[one][other] == best[one + 1][other]:
            one += 1
        else:
            other += 1
    return pairs

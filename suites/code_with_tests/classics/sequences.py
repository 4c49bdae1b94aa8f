"""Lists; see the package."""

# ruff: noqa: ANN001, ANN201, B905, C4, PERF, RUF, SIM


def transpose(rows):
    """Swap rows and columns of a table that is given as a list of rows of equal length.

    >>> transpose([[1, 2, 3], [4, 5, 6]])
    >>> transpose([])
    >>> transpose([["a"], ["b"]])
    """
    return [list(column) for column in zip(*rows)]


def flatten(nested):
    """Return all values of a list that holds values and lists, nested to any depth, as one flat list.

    >>> flatten([1, [2, [3, [4]], 5]])
    >>> flatten([[], [[]]])
    >>> flatten(["ab", ["cd"]])
    """
    flat = []
    for each in nested:
        flat.extend(flatten(each) if isinstance(each, list) else [each])
    return flat


def merge_intervals(intervals):
    """Merge intervals (start, end) that overlap or touch; return them as tuples, sorted by their start.

    >>> merge_intervals([(1, 3), (2, 6), (8, 10)])
    >>> merge_intervals([(5, 6), (1, 2), (2, 4)])
    >>> merge_intervals([])
    >>> merge_intervals([(1, 10), (2, 3)])
    """
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def two_sum(numbers, target):
    """Return the positions (i, j), i < j, of the two numbers that add up to the target, or None if there are none.
    There is at most one such pair.

    >>> two_sum([2, 7, 11, 15], 9)
    >>> two_sum([3, 3], 6)
    >>> two_sum([1, 2, 3], 100)
    >>> two_sum([-4, 1, 9, 4], 0)
    """
    seen = {}
    for j, number in enumerate(numbers):
        if target - number in seen:
            return (seen[target - number], j)
        seen[number] = j
    return None


def binary_search(numbers, wanted):
    """Return the position of a number in a sorted list of distinct numbers, or -1 if it is not there.

    >>> binary_search([1, 4, 9, 16, 25], 16)
    >>> binary_search([], 3)
    >>> binary_search([2, 5, 8], 6)
    >>> binary_search([7], 7)
    """
    low, high = 0, len(numbers) - 1
    while low <= high:
        middle = (low + high) // 2
        if numbers[middle] == wanted:
            return middle
        if numbers[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1


def chunks(values, size):
    """Split a list into lists of the given size, the last of which may be shorter.

    >>> chunks([1, 2, 3, 4, 5], 2)
    >>> chunks([], 3)
    >>> chunks(["a", "b"], 5)
    """
    return [values[start : start + size] for start in range(0, len(values), size)]


def rotate(values, steps):
    """Move the values of a list to the right by so many steps; what falls out comes in on the left. Return a
    new list.

    >>> rotate([1, 2, 3, 4, 5], 2)
    >>> rotate([], 4)
    >>> rotate([1, 2, 3], 4)
    >>> rotate([1, 2, 3], -1)
    """
    if not values:
        return []
    steps %= len(values)
    return values[len(values) - steps :] + values[: len(values) - steps]


def without_repeats(values):
    """Return the values of a list in their order, each only where it occurs first.

    >>> without_repeats([3, 1, 3, 2, 1])
    >>> without_repeats([])
    >>> without_repeats(["b", "a", "b"])
    """
    return list(dict.fromkeys(values))


def missing_number(numbers):
    """Of the numbers from 0 to n all but one are in the list, in any order. Return the one that is missing.

    >>> missing_number([3, 0, 1])
    >>> missing_number([0])
    >>> missing_number([2, 1, 4, 0, 5])
    """
    return len(numbers) * (len(numbers) + 1) // 2 - sum(numbers)


def majority(values):
    """Return the value that makes up more than half of a list, or None if no value does.

    >>> majority([1, 2, 1, 1])
    >>> majority([1, 2])
    >>> majority([])
    >>> majority(["x", "y", "x"])
    """
    for value in values:
        if values.count(value) * 2 > len(values):
            return value
    return None


def largest_run_sum(numbers):
    """Return the largest sum of numbers that stand side by side in a list that is not empty.

    >>> largest_run_sum([-2, 1, -3, 4, -1, 2, 1, -5, 4])
    >>> largest_run_sum([-3, -1, -2])
    >>> largest_run_sum([5])
    """
    best = here = numbers[0]
    for number in numbers[1:]:
        here = max(number, here + number)
        best = max(best, here)
    return best


def best_trade(prices):
    """Prices of a share by day: return the highest profit of buying once and selling once later, or 0.

    >>> best_trade([7, 1, 5, 3, 6, 4])
    >>> best_trade([9, 7, 4])
    >>> best_trade([])
    """
    best, lowest = 0, float("inf")
    for price in prices:
        lowest = min(lowest, price)
        best = max(best, price - lowest)
    return best


def subsets(values):
    """Return all subsets of a list of distinct values as lists in the order of the list, the smaller ones
    first; of the
    same size, in the order of itertools.combinations.

    >>> subsets([1, 2, 3])
    >>> subsets([])
    >>> subsets(["a", "b"])
    """
    from itertools import combinations

    return [list(each) for size in range(len(values) + 1) for each in combinations(values, size)]


def median(numbers):
    """Return the median of a list that is not empty; of an even number of values, the mean of the two in the middle.

    >>> median([5, 1, 3])
    >>> median([4, 1, 2, 3])
    >>> median([7])
    """
    ordered, middle = sorted(numbers), len(numbers) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def modes(values):
    """Return the values that occur most often in a list, sorted; an empty list has none.

    >>> modes([1, 2, 2, 3, 3])
    >>> modes([])
    >>> modes(["b", "a"])
    """
    most = max((values.count(v) for v in values), default=0)
    return sorted({v for v in values if values.count(v) == most})


def moving_average(numbers, size):
    """Return the means of all runs of so many neighbouring numbers, in their order.

    >>> moving_average([1, 2, 3, 4], 2)
    >>> moving_average([5, 5], 3)
    >>> moving_average([3, 6, 9], 3)
    """
    return [sum(numbers[i : i + size]) / size for i in range(len(numbers) - size + 1)]


def running_total(numbers):
    """Return the list of the sums of the first one, two, three, … numbers.

    >>> running_total([1, 2, 3])
    >>> running_total([])
    >>> running_total([5, -5, 2])
    """
    totals, total = [], 0
    for number in numbers:
        total += number
        totals.append(total)
    return totals


def clamp_all(numbers, low, high):
    """Return the numbers, those below low replaced by low and those above high by high.

    >>> clamp_all([1, 5, 10], 2, 8)
    >>> clamp_all([], 0, 1)
    >>> clamp_all([-3, 0, 3], -1, 1)
    """
    return [min(max(number, low), high) for number in numbers]


def zigzag_sorted(numbers):
    """Return the numbers in the order smallest, largest, second smallest, second largest, and so on.

    >>> zigzag_sorted([3, 1, 2, 5, 4])
    >>> zigzag_sorted([])
    >>> zigzag_sorted([7, 7, 1])
    """
    ordered, found = sorted(numbers), []
    while ordered:
        found.append(ordered.pop(0))
        if ordered:
            found.append(ordered.pop())
    return found

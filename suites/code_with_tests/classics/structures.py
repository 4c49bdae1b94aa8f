"""Days, boards, graphs and dicts; see the package."""

# ruff: noqa: ANN001, ANN201, ANN202, B905, C4, PERF, RUF, SIM


def is_leap_year(year):
    """Say whether a year of the Gregorian calendar is a leap year.

    >>> is_leap_year(2024)
    >>> is_leap_year(1900)
    >>> is_leap_year(2000)
    >>> is_leap_year(2023)
    """
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def clock_time(seconds):
    """Write a number of seconds as H:MM:SS, hours without leading zero.

    >>> clock_time(3661)
    >>> clock_time(59)
    >>> clock_time(0)
    >>> clock_time(86400)
    """
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def minutes_between(start, end):
    """Return the minutes from one time of day to another, both as HH:MM; where the end is earlier, it is on
    the next day.

    >>> minutes_between("09:30", "11:15")
    >>> minutes_between("23:50", "00:10")
    >>> minutes_between("08:00", "08:00")
    """

    def minutes(text):
        hours, rest = text.split(":")
        return int(hours) * 60 + int(rest)

    return (minutes(end) - minutes(start)) % 1440


def weekday(year, month, day):
    """Return the English name of the day of the week of a date.

    >>> weekday(2024, 2, 29)
    >>> weekday(1969, 7, 20)
    >>> weekday(2000, 1, 1)
    """
    from datetime import date

    return date(year, month, day).strftime("%A")


def add_days(text, days):
    """Add a number of days, perhaps negative, to a date as YYYY-MM-DD, and return it in the same form.

    >>> add_days("2024-02-28", 2)
    >>> add_days("2025-01-01", -1)
    >>> add_days("2023-12-25", 0)
    """
    from datetime import date, timedelta

    return (date.fromisoformat(text) + timedelta(days=days)).isoformat()


def overlapping(one, other):
    """Two bookings are tuples (start, end) of texts HH:MM, the end not included. Say whether they overlap.

    >>> overlapping(("09:00", "10:00"), ("09:30", "11:00"))
    >>> overlapping(("09:00", "10:00"), ("10:00", "11:00"))
    >>> overlapping(("08:00", "12:00"), ("09:00", "09:30"))
    """
    return one[0] < other[1] and other[0] < one[1]


def rooms_needed(meetings):
    """Meetings are tuples (start, end) of whole hours, the end not included. How many take place at once at most?

    >>> rooms_needed([(9, 11), (10, 12), (11, 13)])
    >>> rooms_needed([])
    >>> rooms_needed([(1, 5), (2, 6), (3, 7)])
    """
    return max((sum(start <= hour < end for start, end in meetings) for hour in range(24)), default=0)


def final_position(moves):
    """Start at (0, 0) and follow a text of moves N, S, E, W, one step each; return the position (x, y).

    >>> final_position("NNE")
    >>> final_position("")
    >>> final_position("NESW")
    >>> final_position("WWS")
    """
    return moves.count("E") - moves.count("W"), moves.count("N") - moves.count("S")


def bowling_score(rolls):
    """Score a game of bowling without strikes or spares in the tenth frame, from the list of pins of every roll.

    >>> bowling_score([10] + [1] * 18)
    >>> bowling_score([5, 5, 3] + [0] * 17)
    >>> bowling_score([3, 4] * 10)
    """
    total = i = 0
    for _ in range(10):
        if rolls[i] == 10:
            total += 10 + rolls[i + 1] + rolls[i + 2]
            i += 1
        elif rolls[i] + rolls[i + 1] == 10:
            total += 10 + rolls[i + 2]
            i += 2
        else:
            total += rolls[i] + rolls[i + 1]
            i += 2
    return total


def tic_tac_toe_winner(board):
    """A board is a list of three texts of X, O and dots. Return "X" or "O" for who has three in a row, else None.

    >>> tic_tac_toe_winner(["XXX", "OO.", "..."])
    >>> tic_tac_toe_winner(["XO.", "XO.", ".OX"])
    >>> tic_tac_toe_winner(["X.O", ".X.", "O.X"])
    >>> tic_tac_toe_winner(["XOX", "OXO", "OXO"])
    """
    lines = [*board, *("".join(column) for column in zip(*board))]
    lines += ["".join(board[i][i] for i in range(3)), "".join(board[i][2 - i] for i in range(3))]
    for mark in "XO":
        if mark * 3 in lines:
            return mark
    return None


def neighbours_alive(grid, row, column):
    """A grid is a list of rows of 0 and 1. Count the ones among the up to eight neighbours of a cell.

    >>> neighbours_alive([[1, 1, 0], [0, 1, 0], [0, 0, 1]], 1, 1)
    >>> neighbours_alive([[1]], 0, 0)
    >>> neighbours_alive([[0, 1], [1, 1]], 0, 0)
    """
    count = 0
    for i in range(max(0, row - 1), min(len(grid), row + 2)):
        for j in range(max(0, column - 1), min(len(grid[0]), column + 2)):
            if (i, j) != (row, column):
                count += grid[i][j]
    return count


def islands(grid):
    """A grid is a list of texts of # (land) and . (water). Count the pieces of land, joined upwards and sideways.

    >>> islands(["##.", "..#", "#.#"])
    >>> islands([])
    >>> islands(["..", ".."])
    >>> islands(["#.#", ".#.", "#.#"])
    """
    land = {(r, c) for r, row in enumerate(grid) for c, mark in enumerate(row) if mark == "#"}
    count = 0
    while land:
        count += 1
        stack = [land.pop()]
        while stack:
            r, c = stack.pop()
            for near in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
                if near in land:
                    land.remove(near)
                    stack.append(near)
    return count


def shortest_path(graph, start, end):
    """A graph is a dict from each node to the list of its neighbours. Return the least number of steps, or -1.

    >>> shortest_path({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, "a", "d")
    >>> shortest_path({"a": [], "b": []}, "a", "b")
    >>> shortest_path({"a": ["b"], "b": ["a"]}, "a", "a")
    """
    seen, edge, steps = {start}, [start], 0
    while edge:
        if end in edge:
            return steps
        edge = [n for n in {n for node in edge for n in graph[node]} if n not in seen]
        seen.update(edge)
        steps += 1
    return -1


def dependencies_first(needs):
    """A dict says for each task which others have to be done before. Return all tasks in an order that keeps
    to it, taking
    the first by the alphabet of those that can be done; None where there is no such order.

    >>> dependencies_first({"cook": ["shop"], "shop": [], "eat": ["cook"]})
    >>> dependencies_first({"a": ["b"], "b": ["a"]})
    >>> dependencies_first({"b": [], "a": []})
    """
    done = []
    while len(done) < len(needs):
        ready = sorted(t for t in needs if t not in done and all(n in done for n in needs[t]))
        if not ready:
            return None
        done.append(ready[0])
    return done


def tree_depth(tree):
    """A tree is None or a tuple (value, left, right) of a value and two trees. Return how many levels it has.

    >>> tree_depth((1, (2, None, None), None))
    >>> tree_depth(None)
    >>> tree_depth((1, None, (2, None, (3, None, None))))
    """
    return 0 if tree is None else 1 + max(tree_depth(tree[1]), tree_depth(tree[2]))


def deep_get(data, path, default=None):
    """Follow a path such as "a.b.c" through nested dicts; return the default where a key is missing.

    >>> deep_get({"a": {"b": {"c": 7}}}, "a.b.c")
    >>> deep_get({"a": {}}, "a.x", "none")
    >>> deep_get({}, "a")
    >>> deep_get({"a": 1}, "a.b")
    """
    for key in path.split("."):
        if not isinstance(data, dict) or key not in data:
            return default
        data = data[key]
    return data


def invert(mapping):
    """Turn a dict around: for each value, the sorted list of keys that have it.

    >>> invert({"a": 1, "b": 2, "c": 1})
    >>> invert({})
    >>> invert({"x": "y"})
    """
    found = {}
    for key in sorted(mapping):
        found.setdefault(mapping[key], []).append(key)
    return found


def merge_counts(one, other):
    """Add up two dicts of counts; leave out keys whose sum is 0.

    >>> merge_counts({"a": 1, "b": 2}, {"b": 3})
    >>> merge_counts({"a": 1}, {"a": -1})
    >>> merge_counts({}, {})
    """
    totals = {key: one.get(key, 0) + other.get(key, 0) for key in sorted({*one, *other})}
    return {key: total for key, total in totals.items() if total}


def difference(old, new):
    """Compare two dicts: return three sorted lists, the keys that were added, removed, and changed.

    >>> difference({"a": 1, "b": 2}, {"b": 3, "c": 4})
    >>> difference({}, {})
    >>> difference({"x": 1}, {"x": 1})
    """
    added = sorted(new.keys() - old.keys())
    removed = sorted(old.keys() - new.keys())
    changed = sorted(key for key in old.keys() & new.keys() if old[key] != new[key])
    return added, removed, changed


def is_magic_square(square):
    """Say whether all rows, all columns and both diagonals of a square of numbers have the same sum.

    >>> is_magic_square([[2, 7, 6], [9, 5, 1], [4, 3, 8]])
    >>> is_magic_square([[1, 2], [3, 4]])
    >>> is_magic_square([[5]])
    """
    n = len(square)
    sums = {sum(row) for row in square} | {sum(column) for column in zip(*square)}
    sums |= {sum(square[i][i] for i in range(n)), sum(square[i][n - 1 - i] for i in range(n))}
    return len(sums) == 1


def multiply_matrices(a, b):
    """Multiply two matrices that are given as lists of rows.

    >>> multiply_matrices([[1, 2], [3, 4]], [[5, 6], [7, 8]])
    >>> multiply_matrices([[2]], [[3]])
    >>> multiply_matrices([[1, 0, 2]], [[1], [5], [3]])
    """
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def spiral(rows):
    """Return the values of a table (a list of rows of equal length) in a spiral: along the top, down, back,
    up, inwards.

    >>> spiral([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    >>> spiral([])
    >>> spiral([[1, 2], [3, 4], [5, 6]])
    """
    rows, found = [list(row) for row in rows], []
    while rows:
        found += rows.pop(0)
        rows = [list(each) for each in zip(*rows)][::-1]
    return found


def is_valid_sudoku_row(row):
    """Say whether a list holds each of the numbers from 1 to 9 exactly once.

    >>> is_valid_sudoku_row([5, 3, 4, 6, 7, 8, 9, 1, 2])
    >>> is_valid_sudoku_row([1, 1, 2, 3, 4, 5, 6, 7, 8])
    >>> is_valid_sudoku_row([1, 2, 3])
    """
    return sorted(row) == list(range(1, 10))

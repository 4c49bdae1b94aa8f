"""Numbers; see the package."""

# ruff: noqa: ANN001, ANN201, B905, C4, PERF, RUF, SIM


def greatest_common_divisor(a, b):
    """Return the greatest common divisor of two positive integers, without the module math.

    >>> greatest_common_divisor(48, 18)
    >>> greatest_common_divisor(7, 13)
    >>> greatest_common_divisor(100, 100)
    >>> greatest_common_divisor(1071, 462)
    """
    while b:
        a, b = b, a % b
    return a


def is_prime(n):
    """Say whether an integer is a prime number. Numbers below 2 are not.

    >>> is_prime(17)
    >>> is_prime(1)
    >>> is_prime(91)
    >>> is_prime(2)
    >>> is_prime(-7)
    """
    return n > 1 and all(n % k for k in range(2, int(n**0.5) + 1))


def prime_factors(n):
    """Return the prime factors of an integer greater than 1, in ascending order and as often as they occur.

    >>> prime_factors(60)
    >>> prime_factors(97)
    >>> prime_factors(1024)
    >>> prime_factors(999)
    """
    factors, k = [], 2
    while n > 1:
        while n % k == 0:
            factors.append(k)
            n //= k
        k += 1
    return factors


def to_roman(n):
    """Write an integer from 1 to 3999 as a Roman numeral.

    >>> to_roman(1994)
    >>> to_roman(4)
    >>> to_roman(3999)
    >>> to_roman(58)
    """
    marks = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC")]
    marks += [(50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]
    text = ""
    for value, mark in marks:
        text += mark * (n // value)
        n %= value
    return text


def from_roman(text):
    """Read a Roman numeral in capital letters and return its value.

    >>> from_roman("XIV")
    >>> from_roman("MCMLXXXIV")
    >>> from_roman("CDXLIV")
    >>> from_roman("I")
    """
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
    numbers = [values[mark] for mark in text]
    return sum(-n if n < m else n for n, m in zip(numbers, [*numbers[1:], 0]))


def fibonacci(n):
    """Return the n-th Fibonacci number, where the numbers 0 and 1 are 0 and 1.

    >>> fibonacci(10)
    >>> fibonacci(0)
    >>> fibonacci(1)
    >>> fibonacci(50)
    """
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def collatz_steps(n):
    """Count the steps until 1 is reached from n, halving even numbers and replacing odd ones by three times
    them plus one.

    >>> collatz_steps(6)
    >>> collatz_steps(1)
    >>> collatz_steps(27)
    """
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def to_base(n, base):
    """Write an integer from 0 on in a base from 2 to 16, with lower case letters for digits above 9.

    >>> to_base(255, 16)
    >>> to_base(0, 2)
    >>> to_base(10, 3)
    >>> to_base(31, 2)
    """
    digits, text = "0123456789abcdef", ""
    while True:
        text = digits[n % base] + text
        n //= base
        if n == 0:
            return text


def digital_root(n):
    """Add up the digits of a number, then those of the sum, and so on until one digit is left; return it.

    >>> digital_root(9875)
    >>> digital_root(0)
    >>> digital_root(38)
    """
    while n > 9:
        n = sum(int(d) for d in str(n))
    return n


def is_armstrong(n):
    """Say whether a number equals the sum of its digits, each raised to the power of how many digits there are.

    >>> is_armstrong(153)
    >>> is_armstrong(154)
    >>> is_armstrong(9474)
    >>> is_armstrong(10)
    """
    digits = str(n)
    return n == sum(int(d) ** len(digits) for d in digits)


def perfect_numbers(limit):
    """List the numbers from 2 up to a limit that equal the sum of their proper divisors.

    >>> perfect_numbers(30)
    >>> perfect_numbers(5)
    >>> perfect_numbers(500)
    """
    return [n for n in range(2, limit + 1) if sum(k for k in range(1, n) if n % k == 0) == n]


def pascal_row(n):
    """Return the row n of Pascal's triangle as a list; row 0 is [1].

    >>> pascal_row(4)
    >>> pascal_row(0)
    >>> pascal_row(7)
    """
    row = [1]
    for _ in range(n):
        row = [a + b for a, b in zip([0, *row], [*row, 0])]
    return row


def luhn_valid(number):
    """Say whether a text of digits passes the Luhn test: from the right every second digit is doubled, 9 is
    taken off what
    is above 9, and the sum is divisible by ten.

    >>> luhn_valid("79927398713")
    >>> luhn_valid("79927398710")
    >>> luhn_valid("0")
    """
    total = 0
    for i, d in enumerate(reversed(number)):
        n = int(d) * (2 if i % 2 else 1)
        total += n - 9 if n > 9 else n
    return total % 10 == 0


def isbn_check_digit(digits):
    """Return the thirteenth digit of an ISBN for a text of its first twelve: weights 1 and 3 in turn, up to a
    multiple of
    ten.

    >>> isbn_check_digit("978030640615")
    >>> isbn_check_digit("978316148410")
    >>> isbn_check_digit("000000000000")
    """
    total = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits))
    return -total % 10


def say_number(n):
    """Write an integer from 0 to 99 in English words, such as forty-two.

    >>> say_number(42)
    >>> say_number(0)
    >>> say_number(13)
    >>> say_number(90)
    """
    small = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    small = [*small.split(), "seventeen", "eighteen", "nineteen"]
    tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    if n < 20:
        return small[n]
    return tens[n // 10] + ("-" + small[n % 10] if n % 10 else "")


def ordinal(n):
    """Write a positive integer with its English ending: 1st, 2nd, 3rd, 4th, 11th, 21st.

    >>> ordinal(21)
    >>> ordinal(12)
    >>> ordinal(3)
    >>> ordinal(112)
    """
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def grouped(n):
    """Write an integer with a space between groups of three digits, such as 1 234 567.

    >>> grouped(1234567)
    >>> grouped(999)
    >>> grouped(-10000)
    """
    return f"{n:,}".replace(",", " ")


def human_size(size):
    """Write a number of bytes as B, KB, MB or GB, with steps of 1024 and one decimal from KB on: 1536 is 1.5 KB.

    >>> human_size(1536)
    >>> human_size(512)
    >>> human_size(5 * 1024 * 1024)
    >>> human_size(3 * 1024**4)
    """
    if size < 1024:
        return f"{size} B"
    for unit in ("KB", "MB", "GB"):
        size /= 1024
        if size < 1024 or unit == "GB":
            return f"{size:.1f} {unit}"
    return None


def coin_count(amount, coins):
    """Return the least number of coins that make up an amount, each kind as often as needed, or -1 if they cannot.

    >>> coin_count(11, [1, 2, 5])
    >>> coin_count(3, [2])
    >>> coin_count(0, [1])
    >>> coin_count(6, [1, 3, 4])
    """
    best = [0] + [float("inf")] * amount
    for each in range(1, amount + 1):
        for coin in coins:
            if coin <= each:
                best[each] = min(best[each], best[each - coin] + 1)
    return best[amount] if best[amount] != float("inf") else -1


def change(amount):
    """Give back an amount in cents as a dict of coins (50, 20, 10, 5, 2, 1) with as few coins as possible,
    only those used.

    >>> change(88)
    >>> change(0)
    >>> change(99)
    """
    coins = {}
    for coin in (50, 20, 10, 5, 2, 1):
        if amount >= coin:
            coins[coin], amount = divmod(amount, coin)
    return coins


def grade(points):
    """Return the grade for points from 0 to 100: A from 90, B from 80, C from 70, D from 60, else F.

    >>> grade(90)
    >>> grade(89)
    >>> grade(0)
    >>> grade(65)
    """
    for letter, least in (("A", 90), ("B", 80), ("C", 70), ("D", 60)):
        if points >= least:
            return letter
    return "F"


def fizz_list(n):
    """Return the list from 1 to n in which multiples of 3 are "fizz", of 5 "buzz", and of both "fizzbuzz".

    >>> fizz_list(5)
    >>> fizz_list(0)
    >>> fizz_list(15)
    """
    return ["fizz" * (k % 3 == 0) + "buzz" * (k % 5 == 0) or k for k in range(1, n + 1)]


def look_and_say(n):
    """Return the n-th term of the sequence "1", "11", "21", "1211", … in which each term says the one before.

    >>> look_and_say(4)
    >>> look_and_say(1)
    >>> look_and_say(6)
    """
    from itertools import groupby

    term = "1"
    for _ in range(n - 1):
        term = "".join(f"{len(list(same))}{digit}" for digit, same in groupby(term))
    return term


def stairs(n):
    """In how many ways can one climb n steps if one takes one or two at a time? No steps can be climbed in one way.

    >>> stairs(4)
    >>> stairs(0)
    >>> stairs(10)
    """
    a, b = 1, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def triangle_kind(a, b, c):
    """Return "equilateral", "isosceles" or "scalene" for three lengths, or "none" where they make no triangle.

    >>> triangle_kind(3, 3, 3)
    >>> triangle_kind(2, 2, 3)
    >>> triangle_kind(1, 2, 3)
    >>> triangle_kind(3, 4, 5)
    """
    a, b, c = sorted((a, b, c))
    if a <= 0 or a + b <= c:
        return "none"
    return {1: "equilateral", 2: "isosceles", 3: "scalene"}[len({a, b, c})]


def polygon_area(points):
    """Return the area of a polygon without crossings, given the list of its corners (x, y) in order.

    >>> polygon_area([(0, 0), (4, 0), (4, 3)])
    >>> polygon_area([(0, 0), (2, 0), (2, 2), (0, 2)])
    >>> polygon_area([(0, 0), (1, 0), (0, 1)])
    """
    twice = sum(x * v - u * y for (x, y), (u, v) in zip(points, [*points[1:], points[0]]))
    return abs(twice) / 2


def split_bill(paid):
    """A dict says what each of some friends has paid. Return a dict of what each gets back (negative: has to
    pay), so that
    all have paid the same, rounded to two decimals.

    >>> split_bill({"ann": 30, "bob": 0, "cid": 15})
    >>> split_bill({"ann": 10})
    >>> split_bill({"a": 1, "b": 2})
    """
    share = sum(paid.values()) / len(paid)
    return {name: round(amount - share, 2) for name, amount in paid.items()}

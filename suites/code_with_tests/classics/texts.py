"""Texts; see the package."""

# ruff: noqa: ANN001, ANN201, ANN202, B905, C4, PERF, RUF, SIM


def caesar(text, shift):
    """Shift every letter of a text by so many places in the alphabet, from z on to a; keep case and everything else.

    >>> caesar("Hello, World!", 3)
    >>> caesar("xyz", 5)
    >>> caesar("Khoor", -3)
    >>> caesar("A1 b2", 26)
    """
    out = ""
    for c in text:
        if "a" <= c <= "z":
            out += chr((ord(c) - 97 + shift) % 26 + 97)
        elif "A" <= c <= "Z":
            out += chr((ord(c) - 65 + shift) % 26 + 65)
        else:
            out += c
    return out


def run_lengths(text):
    """Compress a text into pairs of a character and how often it stands there in a row, as a list of tuples.

    >>> run_lengths("aaabccd")
    >>> run_lengths("")
    >>> run_lengths("zz z")
    >>> run_lengths("abc")
    """
    pairs = []
    for c in text:
        if pairs and pairs[-1][0] == c:
            pairs[-1] = (c, pairs[-1][1] + 1)
        else:
            pairs.append((c, 1))
    return pairs


def are_anagrams(one, other):
    """Say whether two texts consist of the same letters as often; case, spaces and punctuation do not matter.

    >>> are_anagrams("Dormitory", "dirty room")
    >>> are_anagrams("apple", "pale")
    >>> are_anagrams("Listen!", "silent")
    >>> are_anagrams("aab", "abb")
    """

    def letters(text):
        return sorted(c for c in text.lower() if c.isalpha())

    return letters(one) == letters(other)


def is_balanced(text):
    """Say whether all brackets in a text, round, square and curly, are closed in the right order.

    >>> is_balanced("(a[b]{c})")
    >>> is_balanced("([)]")
    >>> is_balanced("")
    >>> is_balanced("((x)")
    >>> is_balanced("]")
    """
    pairs, stack = {")": "(", "]": "[", "}": "{"}, []
    for c in text:
        if c in "([{":
            stack.append(c)
        elif c in pairs and (not stack or stack.pop() != pairs[c]):
            return False
    return not stack


def longest_word(text):
    """Return the longest word of a text, words being parted by white space; of several, the first. Empty text: "".

    >>> longest_word("the quick brown fox")
    >>> longest_word("")
    >>> longest_word("one three seven")
    """
    return max(text.split(), key=len, default="")


def word_counts(text):
    """Count how often each word occurs in a text, in lower case and without the marks . , ! ? at its ends; as a dict.

    >>> word_counts("To be, or not to be!")
    >>> word_counts("")
    >>> word_counts("Wait... wait? WAIT")
    """
    counts = {}
    for word in text.lower().split():
        bare = word.strip(".,!?")
        if bare:
            counts[bare] = counts.get(bare, 0) + 1
    return counts


def camel_to_snake(name):
    """Turn a name such as parseHttpHeader into parse_http_header.

    >>> camel_to_snake("parseHttpHeader")
    >>> camel_to_snake("Word")
    >>> camel_to_snake("aB")
    >>> camel_to_snake("plain")
    """
    text = ""
    for i, c in enumerate(name):
        text += ("_" if i and c.isupper() else "") + c.lower()
    return text


def snake_to_camel(name):
    """Turn a name such as max_retry_count into maxRetryCount.

    >>> snake_to_camel("max_retry_count")
    >>> snake_to_camel("x")
    >>> snake_to_camel("go_to_url")
    """
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def is_palindrome(text):
    """Say whether the letters and digits of a text read the same backwards, whatever their case.

    >>> is_palindrome("A man, a plan, a canal: Panama")
    >>> is_palindrome("No lemon, no melons")
    >>> is_palindrome("")
    >>> is_palindrome("12 21")
    """
    kept = [c for c in text.lower() if c.isalnum()]
    return kept == kept[::-1]


def common_prefix(words):
    """Return the longest text with which all words begin; an empty list has "".

    >>> common_prefix(["flower", "flow", "flight"])
    >>> common_prefix([])
    >>> common_prefix(["dog", "cat"])
    >>> common_prefix(["same", "same"])
    """
    if not words:
        return ""
    prefix = words[0]
    for word in words:
        while not word.startswith(prefix):
            prefix = prefix[:-1]
    return prefix


def edit_distance(one, other):
    """Return the least number of letters that have to be put in, left out or replaced to turn one word into
    the other.

    >>> edit_distance("kitten", "sitting")
    >>> edit_distance("", "abc")
    >>> edit_distance("same", "same")
    >>> edit_distance("flaw", "lawn")
    """
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def permutations_of(text):
    """Return all different orders of the letters of a text, sorted.

    >>> permutations_of("abc")
    >>> permutations_of("aab")
    >>> permutations_of("")
    """
    if not text:
        return [""]
    found = set()
    for i, c in enumerate(text):
        found.update(c + rest for rest in permutations_of(text[:i] + text[i + 1 :]))
    return sorted(found)


def morse(text):
    """Write a text of the letters s, o, e, t and a in Morse code (s ..., o ---, e ., t -, a .-), parted by spaces.

    >>> morse("sos")
    >>> morse("teas")
    >>> morse("")
    """
    codes = {"s": "...", "o": "---", "e": ".", "t": "-", "a": ".-"}
    return " ".join(codes[c] for c in text)


def pig_latin(word):
    """Move the consonants at the beginning of a lower case word to its end and add "ay"; where it begins with
    a vowel, only
    add "way".

    >>> pig_latin("string")
    >>> pig_latin("apple")
    >>> pig_latin("cat")
    """
    if word[0] in "aeiou":
        return word + "way"
    for i, c in enumerate(word):
        if c in "aeiou":
            return word[i:] + word[:i] + "ay"
    return word + "ay"


def acronym(phrase):
    """Make an acronym in capital letters of the first letters of the words, parted by spaces or hyphens.

    >>> acronym("portable network graphics")
    >>> acronym("First-in first-out")
    >>> acronym("a")
    """
    return "".join(word[0].upper() for word in phrase.replace("-", " ").split())


def title_case(text):
    """Begin each word with a capital letter and write the rest small, but leave "of", "and", "the" small
    unless first.

    >>> title_case("the lord of the rings")
    >>> title_case("WAR AND PEACE")
    >>> title_case("of mice and men")
    """
    words = text.lower().split()
    small = {"of", "and", "the"}
    return " ".join(w if i and w in small else w.capitalize() for i, w in enumerate(words))


def vowel_count(text):
    """Count the vowels a, e, i, o, u in a text, whatever their case.

    >>> vowel_count("Education")
    >>> vowel_count("rhythm")
    >>> vowel_count("AEIOU and you")
    """
    return sum(c in "aeiou" for c in text.lower())


def wrap(text, width):
    """Break a text into lines of at most so many characters at its spaces; no word is longer than that. A list
    of lines.

    >>> wrap("the quick brown fox jumps", 10)
    >>> wrap("", 5)
    >>> wrap("a bb ccc", 3)
    """
    lines = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


def mask(number, shown=4):
    """Replace all but the last so many characters of a text by asterisks; a shorter text stays as it is.

    >>> mask("1234567890")
    >>> mask("abc")
    >>> mask("secret", 2)
    >>> mask("1234", 0)
    """
    hidden = max(0, len(number) - shown)
    return "*" * hidden + number[hidden:]


def parse_query(text):
    """Read a text such as a=1&b=two&a=3 into a dict of lists, {"a": ["1", "3"], "b": ["two"]}; "" is empty.

    >>> parse_query("a=1&b=two&a=3")
    >>> parse_query("")
    >>> parse_query("x=&y=2")
    """
    found = {}
    for part in filter(None, text.split("&")):
        key, _, value = part.partition("=")
        found.setdefault(key, []).append(value)
    return found


def version_is_newer(one, other):
    """Say whether the version one is newer than other; both are texts such as 1.10.2, and missing parts are 0.

    >>> version_is_newer("1.10", "1.9.9")
    >>> version_is_newer("2.0", "2")
    >>> version_is_newer("0.9", "1.0")
    """
    a, b = ([int(part) for part in text.split(".")] for text in (one, other))
    length = max(len(a), len(b))
    return a + [0] * (length - len(a)) > b + [0] * (length - len(b))


def hamming(one, other):
    """Count the places at which two texts of the same length differ; return -1 where the lengths are not the same.

    >>> hamming("karolin", "kathrin")
    >>> hamming("a", "ab")
    >>> hamming("", "")
    """
    return sum(a != b for a, b in zip(one, other)) if len(one) == len(other) else -1


def dna_complement(strand):
    """Return the opposite strand of DNA, read backwards: A and T, C and G are swapped, and the order is turned round.

    >>> dna_complement("AACG")
    >>> dna_complement("")
    >>> dna_complement("GATTACA")
    """
    return strand[::-1].translate(str.maketrans("ACGT", "TGCA"))


def is_subsequence(short, long):
    """Say whether the letters of the first text stand in the second one in the same order, perhaps with others
    between.

    >>> is_subsequence("ace", "abcde")
    >>> is_subsequence("aec", "abcde")
    >>> is_subsequence("", "x")
    """
    rest = iter(long)
    return all(letter in rest for letter in short)


def evaluate_postfix(text):
    """Work out an expression in postfix form, numbers and + - * parted by spaces, such as "3 4 + 2 *".

    >>> evaluate_postfix("3 4 + 2 *")
    >>> evaluate_postfix("7")
    >>> evaluate_postfix("5 1 2 + 4 * + 3 -")
    """
    stack = []
    for part in text.split():
        if part in "+-*":
            b, a = stack.pop(), stack.pop()
            stack.append(a + b if part == "+" else a - b if part == "-" else a * b)
        else:
            stack.append(int(part))
    return stack[0]

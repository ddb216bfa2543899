"""As much of Flink's SQL as the answers of lab 11 need: expressions, spans of time, one statement.

An answer is judged by what it means: two texts that give the same rows are equally right. What
is not read here is said to be unreadable and is never guessed. The tests run every form that
appears in an exercise on the real Flink as well.
"""  # no claim: ours

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

Row: TypeAlias = Mapping[str, Any]
Expression: TypeAlias = Callable[[Row], Any]

LONGEST: Final = 4_000
"""Characters of the longest text that is read."""

DEEPEST: Final = 40
"""How deep expressions may be nested."""


MOST_WINDOWS: Final = 1_000
"""The most windows that may hold one payment: each is made, so a hostile slide would never end."""


class UnreadableError(Exception):
    """A text is not of the SQL that is read here; the error says from where on."""


class RefusedError(Exception):
    """A statement that is read, and that Flink refuses; the error says why."""


_REDUCTIONS: Final[dict[str, Callable[[list[Any]], Any]]] = {"SUM": sum, "MIN": min, "MAX": max}


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """A function of a group's rows: COUNT, SUM, MIN or MAX; `of` is None for COUNT(*)."""

    function: str
    of: Expression | None

    def over(self, rows: list[Row]) -> Any:  # noqa: ANN401
        """Return the function's value; NULL, which is None, where no row has a value."""
        if self.of is None:
            return len(rows)
        values = [value for value in map(self.of, rows) if value is not None]
        if self.function == "COUNT":
            return len(values)
        return _REDUCTIONS[self.function](values) if values else None


@dataclass(frozen=True, slots=True)
class WindowQuery:
    """A grouped query over windows of the table `payments`.

    Attributes:
        items: What is selected: a column by its name, or an aggregate.
        slide_ms: From one start to the next, in milliseconds.
        size_ms: The length of a window, in milliseconds.
        where: The condition behind the window function; None without one.
        groups: The columns of GROUP BY.
    """

    items: tuple[str | AggregateCall, ...]
    slide_ms: int
    size_ms: int
    where: Expression | None
    groups: tuple[str, ...]


def delay_ms(text: object) -> int:
    """Return by how many milliseconds a watermark's expression is behind `rt`.

    >>> delay_ms("rt - INTERVAL '4.001' SECOND")
    4001

    Raises:
        UnreadableError: It is not `rt` minus spans of time.
    """
    reader = _Reader(text)
    reader.take("RT")
    total = 0
    while not reader.is_done():
        sign = 1 if reader.take("-", "+") == "-" else -1
        total += sign * reader.interval()
    return total


def expression(text: object) -> Expression:
    """Return the expression as a function of a row, with NULL as None.

    >>> expression("CASE WHEN MOD(a, 10) > 3 THEN 'x' ELSE 'y' END")({"A": 24})
    'x'

    Raises:
        UnreadableError: It is no expression that is read here.
    """
    reader = _Reader(text)
    found = reader.expression()
    reader.end()
    return found


def window_query(text: object) -> WindowQuery:
    """Return a statement of the form SELECT … FROM TABLE(TUMBLE(…)) [WHERE …] GROUP BY ….

    Raises:
        UnreadableError: It has another form.
        RefusedError: Flink refuses it.
    """
    reader = _Reader(text)
    reader.take("SELECT")
    items = reader.separated(reader.item)
    for word in ("FROM", "TABLE", "("):
        reader.take(word)
    kind = reader.take("TUMBLE", "HOP")
    reader.take("(")
    reader.names("DATA")
    for word in ("TABLE", "PAYMENTS", ","):
        reader.take(word)
    reader.names("TIMECOL")
    for word in ("DESCRIPTOR", "(", "RT", ")", ","):
        reader.take(word)
    spans = reader.separated(lambda: reader.span("SLIDE", "SIZE"))
    for word in (")", ")"):
        reader.take(word)
    reader.alias("WHERE", "GROUP")
    where = reader.expression() if reader.skips("WHERE") else None
    reader.take("GROUP")
    reader.take("BY")
    groups = tuple(reader.separated(reader.name))
    reader.skips(";")
    reader.end()
    slide_ms, size_ms = _slide_and_size(kind, spans)
    return _sound(WindowQuery(tuple(items), slide_ms, size_ms, where, groups))


COLUMNS: Final = ("CARD", "AMOUNT", "EVENT_MS", "RT", "WINDOW_START", "WINDOW_END", "WINDOW_TIME")


def _slide_and_size(kind: str, spans: list[tuple[str | None, int]]) -> tuple[int, int]:
    if len(spans) != (1 if kind == "TUMBLE" else 2):
        raise RefusedError(f"{kind} does not take {len(spans)} spans of time")
    named = {name: length for name, length in spans if name}
    lengths = [length for _, length in spans]
    size_ms = named.get("SIZE", lengths[-1])
    slide_ms = size_ms if kind == "TUMBLE" else named.get("SLIDE", lengths[0])
    if slide_ms <= 0 or size_ms <= 0:
        raise RefusedError("a span of time has to be longer than nothing")
    if size_ms % slide_ms:
        raise RefusedError("HOP takes slide, then size, and a size that is a multiple of its slide")
    if size_ms // slide_ms > MOST_WINDOWS:
        raise UnreadableError(f"more than {MOST_WINDOWS} windows for each payment")
    return slide_ms, size_ms


def _sound(query: WindowQuery) -> WindowQuery:
    unknown = [name for name in query.groups if name not in COLUMNS]
    if unknown:
        raise RefusedError(f"there is no column {unknown[0].lower()}")
    for item in query.items:
        if isinstance(item, str) and item not in query.groups:
            raise RefusedError(f"{item.lower()} is selected, and is not grouped")
    return query


_TOKEN: Final = re.compile(
    r"\s+|--[^\n]*|(?P<number>\d+)|(?P<name>[A-Za-z_]\w*|`\w+`)|(?P<text>'[^']*')"
    r"|(?P<sign>=>|<=|>=|<>|[-+*/%=<>(),;])"
)

_UNITS: Final = {"SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}

_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}


def _quotient(left: int, right: int) -> int:
    # SQL's division cuts towards zero, Python's // rounds down.
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def _remainder(left: int, right: int) -> int:
    return left - right * _quotient(left, right)  # SQL's has the sign of the dividend


_ARITHMETIC: Final[dict[str, Callable[[int, int], int]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _quotient,
    "%": _remainder,
}

_OF_ONE: Final = ("ABS", "CAST", "FLOOR")
"""Functions of one value; numbers here are whole, so that two of them change nothing."""

_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "MOD": _remainder,
    "ABS": abs,
    "CAST": lambda value: value,
    "FLOOR": lambda value: value,
    "GREATEST": max,
    "LEAST": min,
}


def _strict(function: Callable[..., Any], *parts: Expression) -> Expression:
    """Return an expression that is NULL as soon as a part of it is."""

    def value(row: Row) -> Any:  # noqa: ANN401
        values = [part(row) for part in parts]
        return None if None in values else function(*values)

    return value


class _Reader:
    """A text, token by token."""

    def __init__(self, text: object) -> None:
        if not isinstance(text, str) or len(text) > LONGEST:
            raise UnreadableError("an answer is a text")
        self._tokens: list[str] = []
        self._place = 0
        self._depth = 0
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise UnreadableError(f"{text[at : at + 20]!r} is not read here")
            at = found.end()
            if found.lastgroup:
                self._tokens.append(found.group())

    def _word(self) -> str:
        token = self._tokens[self._place] if self._place < len(self._tokens) else ""
        return token if token.startswith("'") else token.strip("`").upper()

    def _next(self) -> str:
        word = self._word()
        self._place += 1
        return word

    def is_done(self) -> bool:
        return self._place >= len(self._tokens)

    def end(self) -> None:
        if not self.is_done():
            raise UnreadableError(f"{self._tokens[self._place]!r} was not expected")

    def skips(self, word: str) -> bool:
        if self._word() != word:
            return False
        self._place += 1
        return True

    def take(self, *words: str) -> str:
        if self._word() not in words:
            rest = " ".join(self._tokens[self._place : self._place + 4]) or "the end"
            raise UnreadableError(f"{' or '.join(words)} was expected before {rest!r}")
        return self._next()

    def name(self) -> str:
        if not re.fullmatch(r"[A-Z_]\w*", self._word()):
            raise UnreadableError(f"a column was expected before {self._word()!r}")
        return self._next()

    def names(self, argument: str) -> bool:
        """Pass over `ARGUMENT =>`; return whether it stood there."""
        if self._word() != argument or self._tokens[self._place + 1 :][:1] != ["=>"]:
            return False
        self._place += 2
        return True

    def separated(self, part: Callable[[], Any]) -> list[Any]:
        found = [part()]
        while self.skips(","):
            found.append(part())
        return found

    def span(self, *arguments: str) -> tuple[str | None, int]:
        name = next((argument for argument in arguments if self.names(argument)), None)
        return name, self.interval()

    def interval(self) -> int:
        """Return a span of time in milliseconds: INTERVAL '4.001' SECOND."""
        self.take("INTERVAL")
        number = self._next()
        if not re.fullmatch(r"'\d{1,9}(\.\d{1,3})?'", number):
            raise UnreadableError(f"{number} is no number of seconds, minutes, hours or days")
        unit = self._next().removesuffix("S")
        if unit not in _UNITS or ("." in number and unit != "SECOND"):
            raise UnreadableError(f"{number} {unit} is no span of time that is read here")
        digits = 2
        if self.skips("("):
            digits = int(self.take(*map(str, range(1, 10))))
            if self.skips(","):
                self.take("3", "6")
            self.take(")")
        if len(number.strip("'").partition(".")[0].lstrip("0")) > digits:
            raise RefusedError(f"{number} {unit} has more than {digits} digits")
        return int(Decimal(number.strip("'")) * _UNITS[unit])

    def item(self) -> str | AggregateCall:
        word = self._word()
        found: str | AggregateCall
        if word in ("COUNT", "SUM", "MIN", "MAX"):
            self._next()
            self.take("(")
            of = None if word == "COUNT" and self.skips("*") else self.expression()
            self.take(")")
            found = AggregateCall(word, of)
        else:
            found = self.name()
        self.alias(",", "FROM")
        return found

    def alias(self, *words: str) -> None:
        """Pass over a name of one's own, with AS or without, unless one of `words` comes."""
        if self.skips("AS") or self._word() not in words:
            self.name()

    def expression(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnreadableError("it is nested too deeply to be read here")
        found = self._conjunction()
        while self.skips("OR"):
            found = self._either(found, self._conjunction())
        self._depth -= 1
        return found

    @staticmethod
    def _either(left: Expression, right: Expression) -> Expression:
        def value(row: Row) -> bool | None:
            values = (left(row), right(row))
            # TRUE OR NULL is TRUE, FALSE OR NULL is not known.
            return True if True in values else None if None in values else False

        return value

    def _conjunction(self) -> Expression:
        found = self._negation()
        while self.skips("AND"):
            found = self._both(found, self._negation())
        return found

    @staticmethod
    def _both(left: Expression, right: Expression) -> Expression:
        def value(row: Row) -> bool | None:
            values = (left(row), right(row))
            # FALSE AND NULL is FALSE, TRUE AND NULL is not known.
            return False if False in values else None if None in values else True

        return value

    def _negation(self) -> Expression:
        if self.skips("NOT"):
            return _strict(lambda value: not value, self._comparison())
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._sum()
        if self._word() in _COMPARISONS:
            return _strict(_COMPARISONS[self._next()], left, self._sum())
        if self.skips("IS"):
            negated = self.skips("NOT")
            self.take("NULL")
            return lambda row: (left(row) is None) != negated
        return left

    def _sum(self) -> Expression:
        found = self._product()
        while self._word() in ("+", "-"):
            found = _strict(_ARITHMETIC[self._next()], found, self._product())
        return found

    def _product(self) -> Expression:
        found = self._factor()
        while self._word() in ("*", "/", "%"):
            found = _strict(_ARITHMETIC[self._next()], found, self._factor())
        return found

    def _factor(self) -> Expression:
        word = self._word()
        if self.skips("-"):
            self._depth += 1
            if self._depth > DEEPEST:
                raise UnreadableError("it is nested too deeply to be read here")
            found = self._factor()
            self._depth -= 1
            return _strict(lambda value: -value, found)
        if self.skips("("):
            found = self.expression()
            self.take(")")
            return found
        if self.skips("CASE"):
            return self._case()
        if word.isdigit() or word.startswith("'"):
            self._next()
            constant: Any = word[1:-1] if word.startswith("'") else int(word)
            return lambda row: constant
        if self.skips("NULL"):
            return lambda row: None
        return self._named()

    def _named(self) -> Expression:
        name = self.name()
        if not self.skips("("):
            return lambda row: _column(row, name)
        parts = self.separated(self.expression)
        if name == "CAST":
            self.take("AS")
            self.take("BIGINT", "INT", "INTEGER")
        self.take(")")
        if name == "IF" and len(parts) == 3:
            condition, then, otherwise = parts
            return lambda row: then(row) if condition(row) is True else otherwise(row)
        if name == "COALESCE":
            return lambda row: _first_known(part(row) for part in parts)
        if name not in _FUNCTIONS or len(parts) != (1 if name in _OF_ONE else 2):
            raise UnreadableError(f"{name} with {len(parts)} arguments is not read here")
        return _strict(_FUNCTIONS[name], *parts)

    def _case(self) -> Expression:
        branches: list[tuple[Expression, Expression]] = []
        while self.skips("WHEN"):
            condition = self.expression()
            self.take("THEN")
            branches.append((condition, self.expression()))
        otherwise = self.expression() if self.skips("ELSE") else lambda row: None
        self.take("END")

        def value(row: Row) -> Any:  # noqa: ANN401
            for condition, then in branches:
                if condition(row) is True:
                    return then(row)
            return otherwise(row)

        return value


def _first_known(values: Iterable[Any]) -> Any:  # noqa: ANN401
    return next((value for value in values if value is not None), None)


def _column(row: Row, name: str) -> Any:  # noqa: ANN401
    if name not in row:
        raise UnreadableError(f"there is no column {name.lower()}")
    return row[name]

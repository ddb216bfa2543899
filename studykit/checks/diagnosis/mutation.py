"""Mutation: a solution that is changed by machine in one place.

The course proves with mutants that its cases tell every slip from the solution. A check asks which
mutant a wrong answer behaves like: the mutant's change says what kind of slip the answer has.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypeGuard

from studykit.exercises.definition import Exercise, Json

Kind: TypeAlias = Literal[
    "edge", "number", "operator", "both", "sign", "choice", "extreme", "order", "name", "zero",
    "towards-zero", "truth", "word", "step", "branch", "fixed", "item", "turned", "place",
    "rounded", "kept", "part", "condition", "early",
]  # fmt: skip
"""What was changed."""

HABITS: Final[frozenset[Kind]] = frozenset({"rounded", "kept", "part", "condition", "early"})
"""Changes of more than one sign, which people make and typing errors do not.

A check recognizes an answer by them; the proof of an exercise does not ask for them.
"""


_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_OPERATORS: Final[dict[type[ast.operator], tuple[type[ast.operator], ...]]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.FloorDiv,),
    ast.FloorDiv: (ast.Mult, ast.Div),
    ast.Div: (ast.FloorDiv,),
    ast.Mod: (ast.FloorDiv,),
}
_CALLS: Final = {"max": "min", "min": "max", "sorted": "list", "any": "all", "all": "any"}


Apply: TypeAlias = Callable[[], Callable[[], None]]
"""Changes a tree in place, and returns the way back."""

Change: TypeAlias = tuple[Kind, Apply]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A solution with one change; `change` is the line that differs, after the change."""

    kind: Kind
    change: str
    source: str


def mutants(source: str, exercise: Exercise, kinds: Container[Kind] | None = None) -> list[Mutant]:
    """Return every mutant of a solution, each once, in the order of its lines.

    Args:
        source: The cell that defines the function.
        exercise: The exercise that the function answers.
        kinds: The kinds of mutants to make; None makes all.

    An exercise that asks for tests accepts any list of tests that catches everything, so its
    mutants are only those in which a test is missing.
    """
    tree = ast.parse(source)
    function = next(
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == exercise.name
    )
    wanted = _AllSlips() if kinds is None else kinds
    if exercise.kind == "write tests":
        found = list(_without_items(tree, function))
    else:
        found = [*_changed(tree, function, wanted), *_dropped(tree, function, wanted)]
        found += _fixed(tree, function, exercise) if "fixed" in wanted else []
        found += _early(tree, function) if "early" in wanted else []
    original = ast.unparse(tree)
    unique = {mutant.source: mutant for mutant in found if mutant.source != original}
    return list(unique.values())


def compiled(
    mutant: Mutant, exercise: Exercise, namespace: Mapping[str, Any]
) -> Callable[..., Json]:
    """Return the function of a mutant, defined in a copy of the namespace."""
    own = dict(namespace)
    exec(compile(mutant.source, "<mutant>", "exec"), own)
    function: Callable[..., Json] = own[exercise.name]
    return function


class _AllSlips:
    """Holds every kind but the habits."""

    def __contains__(self, kind: object) -> bool:
        return kind not in HABITS


def _changed(
    tree: ast.Module, function: ast.FunctionDef, wanted: Container[Kind]
) -> Iterator[Mutant]:
    """Yield a mutant for each change of an expression."""
    names = _names(function)
    for statement in _statements(function):
        for node in _own_nodes(statement):
            for kind, apply in _changes(node, names):
                if kind in wanted:
                    undo = apply()
                    yield _mutant(kind, tree, statement)
                    undo()


def _changes(node: ast.AST, names: Sequence[str]) -> Iterator[Change]:
    """Yield functions that each change `node` in place and return the way back."""
    if isinstance(node, ast.Compare):
        yield from _other_comparisons(node)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from _other_names(node, names)
    elif isinstance(node, ast.Constant):
        for value in _other_constants(node.value):
            yield "word" if isinstance(value, str) else "number", _setting(node, "value", value)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        for value in _other_constants(node.slice.value):
            yield "place", _setting(node, "slice", ast.Constant(value=value))
    elif isinstance(node, ast.IfExp):
        yield "choice", _setting(node, "test", ast.Constant(value=True))
        yield "choice", _setting(node, "test", ast.Constant(value=False))
    else:
        yield from _other_operators(node)


def _other_names(node: ast.Name, names: Sequence[str]) -> Iterator[Change]:
    if node.id in _CALLS:
        kind: Kind = "order" if node.id == "sorted" else "extreme"
        yield kind, _setting(node, "id", _CALLS[node.id])
    for name in names:
        if name != node.id and node.id in names:
            yield "name", _setting(node, "id", name)


def _other_comparisons(node: ast.Compare) -> Iterator[Change]:
    for place, operator in enumerate(node.ops):
        for other in _COMPARISONS.get(type(operator), ()):
            edge = {type(operator), other} in ({ast.Lt, ast.LtE}, {ast.Gt, ast.GtE})
            yield "edge" if edge else "turned", _setting_item(node.ops, place, other())
        if isinstance(operator, ast.Is | ast.IsNot):  # as `if not highest` takes 0 for None
            yield "truth", _asking_for_truth(node, operator)


def _other_operators(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BinOp | ast.AugAssign):
        for kind in _OPERATORS.get(type(node.op), ()):
            yield "operator", _setting(node, "op", kind())
    elif isinstance(node, ast.BoolOp):
        yield "both", _setting(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp):
        yield (
            "sign",
            _setting(node, "op", ast.UAdd() if isinstance(node.op, ast.USub) else ast.USub()),
        )
    elif isinstance(node, ast.Assign):
        yield "zero", _setting(node, "value", ast.Constant(value=0))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
        yield "towards-zero", _dividing(node, "int({} / ({}))")
        yield "rounded", _dividing(node, "round({} / ({}))")
        yield "rounded", _dividing(node, "-(-({}) // ({}))")
    yield from _parts(node)


def _parts(node: ast.AST) -> Iterator[Change]:
    """Yield changes that leave only one part of a larger expression."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield "part", _setting(node, "right", ast.Constant(value=0))
        if isinstance(node.op, ast.Add):
            yield "part", _setting(node, "left", ast.Constant(value=0))
    elif isinstance(node, ast.Call) and _is_choice_of_two(node):
        for argument in list(node.args):
            yield "kept", _setting(node, "args", [argument, argument])
    elif isinstance(node, ast.BoolOp):
        for place in range(len(node.values)):
            rest = node.values[:place] + node.values[place + 1 :]
            yield "condition", _setting(node, "values", rest * 2)
    elif isinstance(node, ast.Compare) and len(node.ops) > 1:
        values = [node.left, *node.comparators]
        yield "condition", _comparing(node, values[:-1], node.ops[:-1])
        yield "condition", _comparing(node, values[1:], node.ops[1:])


def _is_choice_of_two(node: ast.Call) -> bool:
    named = isinstance(node.func, ast.Name) and node.func.id in ("max", "min")
    return named and len(node.args) == 2 and not node.keywords


def _comparing(node: ast.Compare, values: list[ast.expr], ops: list[ast.cmpop]) -> Apply:
    def apply() -> Callable[[], None]:
        before = node.left, node.ops, node.comparators
        node.left, node.ops, node.comparators = values[0], ops, values[1:]

        def undo() -> None:
            node.left, node.ops, node.comparators = before

        return undo

    return apply


def _early(tree: ast.Module, function: ast.FunctionDef) -> Iterator[Mutant]:
    """Yield a mutant that returns at the end of the first round of each loop, or leaves it then."""
    last = function.body[-1]
    ends: list[ast.stmt] = [ast.Break(), *([last] if isinstance(last, ast.Return) else [])]
    for loop in ast.walk(function):
        if isinstance(loop, ast.For):
            for end in ends:
                # Taken back after the yield: all mutants are written from one tree.
                loop.body.append(end)
                yield Mutant("early", f"{_line(loop)} ... {_line(end)}", ast.unparse(tree))
                loop.body.pop()


def _other_constants(value: object) -> tuple[bool | int | str, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return value + 1, value - 1
    if isinstance(value, str):
        return (f"{value}!",)
    return ()


def _dropped(
    tree: ast.Module, function: ast.FunctionDef, wanted: Container[Kind]
) -> Iterator[Mutant]:
    """Yield a mutant without each statement, and with each branch always or never taken."""
    for body in _bodies(function):
        for place, statement in enumerate(body):
            if _is_docstring(statement):
                continue
            if "step" in wanted:
                body[place] = ast.Pass()
                yield Mutant("step", f"without: {_line(statement)}", ast.unparse(tree))
                body[place] = statement
            if isinstance(statement, ast.If) and "branch" in wanted:
                test = statement.test
                for value in (True, False):
                    statement.test = ast.Constant(value)
                    yield _mutant("branch", tree, statement, before=ast.unparse(test))
                statement.test = test


def _fixed(tree: ast.Module, function: ast.FunctionDef, exercise: Exercise) -> Iterator[Mutant]:
    """Yield a mutant for each value of a public case that a parameter could be fixed to."""
    for place, parameter in enumerate(function.args.args):
        values = {repr(args[place]): args[place] for args in exercise.public_cases()}
        for text in values:
            line = f"{parameter.arg} = {text}"
            fixed = copy.deepcopy(tree)
            own = next(node for node in fixed.body if getattr(node, "name", "") == function.name)
            assert isinstance(own, ast.FunctionDef)
            first = 1 if _is_docstring(own.body[0]) else 0
            own.body[first:first] = ast.parse(line).body
            yield Mutant("fixed", line, ast.unparse(fixed))


def _without_items(tree: ast.Module, function: ast.FunctionDef) -> Iterator[Mutant]:
    """Yield a mutant without each item of the list that is returned."""
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.List):
            items = node.value.elts
            for place, item in enumerate(list(items)):
                del items[place]
                yield Mutant("item", f"without: {ast.unparse(item)}", ast.unparse(tree))
                items.insert(place, item)


def _mutant(kind: Kind, tree: ast.Module, statement: ast.stmt, before: str = "") -> Mutant:
    line = _line(statement)
    change = f"{line}  # was: {before}" if before else line
    return Mutant(kind, change, ast.unparse(tree))


def _line(statement: ast.stmt) -> str:
    """Return the first line of a statement, without what is nested below it."""
    return ast.unparse(statement).partition("\n")[0]


def _names(function: ast.FunctionDef) -> list[str]:
    """Return the parameters and local names of a function."""
    bound = {node.id for node in ast.walk(function) if _binds(node)}
    return sorted(bound | {parameter.arg for parameter in function.args.args})


def _binds(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _bodies(function: ast.FunctionDef) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(function):
        for field in ("body", "orelse"):
            body = getattr(node, field, None)
            if isinstance(body, list) and body:
                yield body


def _statements(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    for body in _bodies(function):
        yield from (statement for statement in body if not _is_docstring(statement))


def _own_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the nodes of a statement that are not inside of a statement below it."""
    left: list[ast.AST] = [statement]
    while left:
        node = left.pop()
        yield node
        left += [
            child
            for child in ast.iter_child_nodes(node)
            if not isinstance(child, ast.stmt | ast.arguments)
        ]


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _dividing(node: ast.BinOp, pattern: str) -> Apply:
    """Turn `a // b` into a division that ends otherwise, with `// 1` behind it."""

    def apply() -> Callable[[], None]:
        before = node.left, node.right
        divided = pattern.format(ast.unparse(node.left), ast.unparse(node.right))
        node.left, node.right = ast.parse(divided, mode="eval").body, ast.Constant(value=1)

        def undo() -> None:
            node.left, node.right = before

        return undo

    return apply


def _asking_for_truth(node: ast.Compare, operator: ast.cmpop) -> Apply:
    """Turn `x is None` into `bool(x) == False`, and `x is not None` into `bool(x) != False`."""

    def apply() -> Callable[[], None]:
        before = node.left, node.ops, node.comparators
        node.left = ast.parse(f"bool({ast.unparse(node.left)})", mode="eval").body
        node.ops = [ast.Eq() if isinstance(operator, ast.Is) else ast.NotEq()]
        node.comparators = [ast.Constant(value=False)]

        def undo() -> None:
            node.left, node.ops, node.comparators = before

        return undo

    return apply


def _setting(node: ast.AST, field: str, value: object) -> Apply:
    def apply() -> Callable[[], None]:
        before = getattr(node, field)
        setattr(node, field, value)
        return lambda: setattr(node, field, before)

    return apply


def _setting_item(items: list[Any], place: int, value: object) -> Apply:
    def apply() -> Callable[[], None]:
        before = items[place]
        items[place] = value
        return lambda: items.__setitem__(place, before)

    return apply

"""Mutants: a solution changed by machine in one place, which a check has to tell from the solution.

A mutant that passes shows that the cases of an exercise do not vary something that the answer
depends on. What changes nothing at all is listed beside the exercise, with the reason.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeGuard

from studykit.checks.deadline import TooLong, deadline
from studykit.checks.running import run_case
from studykit.course.cells import read_cells
from studykit.course.holes import fill
from studykit.course.layout import Course
from studykit.exercises.definition import Args, Exercise, Json, Lab

DEADLINE_S: Final = 0.5
"""Seconds for all cases of a mutant: one whose loop has lost its end counts as caught."""

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


Change: TypeAlias = Callable[[], Callable[[], None]]
"""Changes a tree in place, and returns what undoes that."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A solution with one change: `change` is the line that differs, as it reads afterwards."""

    change: str
    source: str


@dataclass(frozen=True, slots=True)
class MutantProof:
    """What the check of an exercise made of the mutants of its solution.

    Attributes:
        total: How many mutants there are, without those that are listed as equivalent.
        survivors: The changes that no case tells from the solution.
        stale: Changes that are listed as equivalent, and are none or are caught.
    """

    total: int
    survivors: tuple[str, ...]
    stale: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Return whether every mutant is caught or listed, and every listed one survives."""
        return not self.survivors and not self.stale


def prove_mutants(lab: Lab, course: Course) -> dict[str, MutantProof]:
    """Return, by exercise id, what became of the mutants of each solution of a lab."""
    sources = solution_sources(lab, course)
    namespace = solved_namespace(lab, course)
    return {
        exercise.id: prove_exercise(exercise, sources[exercise.id], namespace)
        for exercise in lab.exercises
    }


def prove_exercise(exercise: Exercise, source: str, namespace: Mapping[str, Any]) -> MutantProof:
    """Run the check's cases against every mutant of `source`.

    Args:
        exercise: What is checked.
        source: The solution: the cell that defines its function.
        namespace: What the solution may use: setup, imports and the other answers of its lab.
    """
    from studykit.checks.judging import cases_of  # noqa: PLC0415 - judging reads mutants, too

    cases = cases_of(exercise)
    expected = [exercise.expected(args) for args in cases]
    mine = mutants(source, exercise)
    survivors = [
        mutant.change
        for mutant in mine
        if survives(exercise, compiled(mutant, exercise, namespace), cases, expected)
    ]
    listed = exercise.equivalent
    stale = [change for change in listed if change not in survivors]
    unlisted = tuple(change for change in survivors if change not in listed)
    return MutantProof(len(mine) - len(listed) + len(stale), unlisted, tuple(stale))


def compiled(
    mutant: Mutant, exercise: Exercise, namespace: Mapping[str, Any]
) -> Callable[..., Json]:
    """Return the function of a mutant, in a namespace of its own."""
    own = dict(namespace)
    exec(compile(mutant.source, "<mutant>", "exec"), own)
    function: Callable[..., Json] = own[exercise.name]
    return function


def survives(
    exercise: Exercise,
    function: Callable[..., Json],
    cases: Sequence[Args],
    expected: Sequence[Json],
) -> bool:
    """Return whether a function passes every case in time."""
    try:
        with deadline(DEADLINE_S):
            for args, wanted in zip(cases, expected, strict=True):
                outcome = run_case(function, args)
                if "value" not in outcome or not exercise.accepts(outcome["value"], wanted):
                    return False
    except TooLong:
        return False
    return True


def solution_sources(lab: Lab, course: Course) -> dict[str, str]:
    """Return the cell of each answer of a lab, by exercise id."""
    from studykit.course.assemble import exercise_in  # noqa: PLC0415 - assembling needs the catalog

    found = {}
    for cell in read_cells(course.solutions / "src" / f"{lab.name}.py"):
        if "exercise" in cell.tags and (exercise := exercise_in(cell, lab)):
            found[exercise.id] = fill(cell.source)
    return found


def solved_namespace(lab: Lab, course: Course) -> dict[str, Any]:
    """Return what stands in a notebook when setup and all answers of a lab have run."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec("from studykit.checks import lab", namespace)
    for cell in read_cells(course.solutions / "src" / f"{lab.name}.py"):
        if cell.kind == "code" and {"setup", "exercise"} & set(cell.tags):
            exec(compile(fill(cell.source), f"<{lab.name}>", "exec"), namespace)
    return namespace


def mutants(source: str, exercise: Exercise) -> list[Mutant]:
    """Return every mutant of a solution, each once, in the order of its lines.

    Of an exercise that asks for tests any list of tests that catches everything is right, so its
    mutants are only those in which a test is missing.
    """
    tree = ast.parse(source)
    function = next(
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == exercise.name
    )
    if exercise.kind == "write tests":
        found = list(_without_items(tree, function))
    else:
        found = [
            *_changed(tree, function),
            *_dropped(tree, function),
            *_fixed(tree, function, exercise),
        ]
    original = ast.unparse(tree)
    unique = {mutant.source: mutant for mutant in found if mutant.source != original}
    return list(unique.values())


def _changed(tree: ast.Module, function: ast.FunctionDef) -> Iterator[Mutant]:
    """Yield a mutant for each change of an expression."""
    names = _names(function)
    for statement in _statements(function):
        for node in _own_nodes(statement):
            for apply in _changes(node, names):
                undo = apply()
                yield _mutant(tree, statement)
                undo()


def _changes(node: ast.AST, names: Sequence[str]) -> Iterator[Change]:
    """Yield functions that each change `node` in place and return the way back."""
    if isinstance(node, ast.Compare):
        yield from _other_comparisons(node)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        others = [_CALLS[node.id]] if node.id in _CALLS else []
        others += [name for name in names if name != node.id and node.id in names]
        for name in others:
            yield _setting(node, "id", name)
    elif isinstance(node, ast.Constant):
        for value in _other_constants(node.value):
            yield _setting(node, "value", value)
    elif isinstance(node, ast.IfExp):
        yield _setting(node, "test", ast.Constant(value=True))
        yield _setting(node, "test", ast.Constant(value=False))
    else:
        yield from _other_operators(node)


def _other_comparisons(node: ast.Compare) -> Iterator[Change]:
    for place, operator in enumerate(node.ops):
        for other in _COMPARISONS.get(type(operator), ()):
            yield _setting_item(node.ops, place, other())
        if isinstance(operator, ast.Is | ast.IsNot):  # as `if not highest` takes 0 for None
            yield _asking_for_truth(node, operator)


def _other_operators(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BinOp | ast.AugAssign):
        for kind in _OPERATORS.get(type(node.op), ()):
            yield _setting(node, "op", kind())
    elif isinstance(node, ast.BoolOp):
        yield _setting(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp):
        yield _setting(node, "op", ast.UAdd() if isinstance(node.op, ast.USub) else ast.USub())
    elif isinstance(node, ast.Assign):
        yield _setting(node, "value", ast.Constant(value=0))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
        yield _cutting_towards_zero(node)


def _other_constants(value: object) -> tuple[object, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return value + 1, value - 1
    if isinstance(value, str):
        return (f"{value}!",)
    return ()


def _dropped(tree: ast.Module, function: ast.FunctionDef) -> Iterator[Mutant]:
    """Yield a mutant without each statement, and with each branch always or never taken."""
    for body in _bodies(function):
        for place, statement in enumerate(body):
            if _is_docstring(statement):
                continue
            body[place] = ast.Pass()
            yield Mutant(f"without: {_line(statement)}", ast.unparse(tree))
            body[place] = statement
            if isinstance(statement, ast.If):
                test = statement.test
                for value in (True, False):
                    statement.test = ast.Constant(value)
                    yield _mutant(tree, statement, before=ast.unparse(test))
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
            yield Mutant(line, ast.unparse(fixed))


def _without_items(tree: ast.Module, function: ast.FunctionDef) -> Iterator[Mutant]:
    """Yield a mutant without each item of the list that is returned."""
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.List):
            items = node.value.elts
            for place, item in enumerate(list(items)):
                del items[place]
                yield Mutant(f"without: {ast.unparse(item)}", ast.unparse(tree))
                items.insert(place, item)


def _mutant(tree: ast.Module, statement: ast.stmt, before: str = "") -> Mutant:
    line = _line(statement)
    return Mutant(f"{line}  # was: {before}" if before else line, ast.unparse(tree))


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


def _cutting_towards_zero(node: ast.BinOp) -> Change:
    """Turn `a // b` into `int(a / b) // 1`, which differs for negative numbers."""

    def apply() -> Callable[[], None]:
        before = node.left, node.right
        cut = f"int({ast.unparse(node.left)} / ({ast.unparse(node.right)}))"
        node.left, node.right = ast.parse(cut, mode="eval").body, ast.Constant(value=1)

        def undo() -> None:
            node.left, node.right = before

        return undo

    return apply


def _asking_for_truth(node: ast.Compare, operator: ast.cmpop) -> Change:
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


def _setting(node: ast.AST, field: str, value: object) -> Change:
    def apply() -> Callable[[], None]:
        before = getattr(node, field)
        setattr(node, field, value)
        return lambda: setattr(node, field, before)

    return apply


def _setting_item(items: list[Any], place: int, value: object) -> Change:
    def apply() -> Callable[[], None]:
        before = items[place]
        items[place] = value
        return lambda: items.__setitem__(place, before)

    return apply

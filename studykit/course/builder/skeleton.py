"""The skeleton of a new exercise: a definition that can be built, and its hole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from studykit.errors import StudyError
from studykit.exercises.definition import Lab

DEFINITION: Final = Template('''\
"""$id: what it is about, in one line."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def reference(number: int) -> int:
    """Return the right answer, computed with the engine where that is possible."""
    return number + 1


def unchanged(number: int) -> int:
    """Answer wrongly, as somebody would who believes this."""
    return number


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show what happened, up to the event that decides."""
    return f"from {short(args[0])} it is {short(expected - got)} more"


def random_case(rng: Random) -> Args:
    """Draw a case."""
    return (rng.randrange(1_000),)


EXERCISE = Exercise(
    id="$id",
    name="$name",
    kind="independent",
    minutes=10,
    task="Say in one sentence what to return.",
    reference=reference,
    cases=((1,), (2,)),
    random_case=random_case,
    trace=trace,
    rule="The rule, in one sentence.",
    next_step="Which smallest step comes next?",
    hints=("What is the idea?", "Where is it decided?", "Which comparison is it?"),
    discussion="A second answer, and why it is worse. Go further: a question.",
    misconceptions=(
        Misconception(
            name="unchanged",
            answer=unchanged,
            rule="What this belief gets wrong.",
            next_step="Which question leads out of it?",
        ),
    ),
)
''')

HOLE: Final = Template('''

# %% [markdown]
# ## $number. A title
#
# The task, an input and what it gives.


# %% tags=["exercise"]
def $name(number: int) -> int:
    """Say what comes out, with its unit."""
    # BEGIN SOLUTION
    return number + 1
    # END SOLUTION
''')

END: Final = "\n\n# %% [markdown]\n# ## Done?"
"""Where the last cell of a lab begins."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The two texts of a new exercise, each with the file that it goes to."""

    definition: Path
    definition_text: str
    source: Path
    hole: str

    def write(self) -> None:
        """Write the definition, and append the hole to the lab's source.

        Raises:
            StudyError: The file of the definition exists already.
        """
        if self.definition.exists():
            raise StudyError(f"{self.definition} is there already: choose another name")
        self.definition.write_text(self.definition_text, "utf-8")
        before, end, after = self.source.read_text("utf-8").partition(END)
        self.source.write_text(f"{before.rstrip()}\n{self.hole}{end}{after}", "utf-8")


def skeleton(lab: Lab, name: str, root: Path) -> Skeleton:
    """Return the skeleton of a new exercise at the end of `lab`.

    Raises:
        StudyError: `name` cannot be a function's name, or the lab has such an exercise.
    """
    if not name.isidentifier() or name != name.lower():
        raise StudyError(f"{name!r} cannot name a function: use small letters, digits and _")
    if any(exercise.name == name for exercise in lab.exercises):
        raise StudyError(f"{lab.name} has an exercise {name} already: choose another name")
    number = len(lab.exercises) + 1
    words = {"id": f"L{lab.number}.{number}", "name": name, "number": str(number)}
    return Skeleton(
        root / "studykit" / "exercises" / lab.name / f"e{number}_{name}.py",
        DEFINITION.substitute(words),
        root / "solutions" / "src" / f"{lab.name}.py",
        HOLE.substitute(words),
    )

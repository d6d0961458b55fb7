"""What is wrong with a configuration: each fault with its key path, all of them at once."""

from __future__ import annotations

from dataclasses import dataclass

from edge.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Problem:
    """path: where in the file, e.g. "camera[1].zone[0].polygon" (tables of an array count from 0). text: what is wrong, what is allowed."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


class ConfigProblems(ConfigError):
    """A configuration file that cannot be used. The message has a line for each problem."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        if len(problems) == 1:
            message = f"{file}: {problems[0]}"
        else:
            message = f"{file}: {len(problems)} errors\n" + "\n".join(f"  {problem}" for problem in problems)
        super().__init__(message)

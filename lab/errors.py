"""The one error that the lab raises on purpose."""

from __future__ import annotations


class LabError(Exception):
    """What is wrong (message) and what to do next (hint), for a person to read."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  next: {self.hint}" if self.hint else self.message

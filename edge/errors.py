"""Errors, sorted by what the operator must do.

EdgeError                something the product can name; everything else is a bug
├── UsageError           the caller's words are off: correct the command            exit 2
├── ConfigError          the configuration is off: correct it; never restarted      exit 78
├── TryAgain             passing trouble (network, busy camera): back off, retry    exit 75
├── StorageError         the disk said no: degrade, tell, keep recording            exit 74
│   └── NotFound         the named file is not there (any more)
├── Refused              the asker may not have this: answer them with the code     exit 77
└── IntegrityError       evidence does not add up: never repaired automatically     exit 65

Exit codes other than 2 follow sysexits.h.
"""

from __future__ import annotations


class EdgeError(Exception):
    """`message` says what and where; `remedy` says what to do about it (may be empty)."""

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} - {self.remedy}" if self.remedy else self.message


class UsageError(EdgeError):
    exit_code = 2


class ConfigError(EdgeError):
    exit_code = 78


class TryAgain(EdgeError):
    exit_code = 75


class StorageError(EdgeError):
    """`number` is the errno behind it, 0 where there was none."""

    exit_code = 74

    def __init__(self, message: str, *, number: int = 0, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.number = number


class NotFound(StorageError):
    pass


class Refused(EdgeError):
    """`code` is the stable word that goes over the wire, e.g. "bad_range"."""

    exit_code = 77

    def __init__(self, code: str, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


class IntegrityError(EdgeError):
    exit_code = 65

"""A number burnt into a picture so that a machine reads it back after encoding and scaling, and digits for people.

The strip at the top left: a white and a black cell, 32 bits, 8 bits of check sum (most significant first), a black and a white cell; a
cell is 1/64 of the picture's width, so that it is found at any scale. Imports no library: planes are anything that can be sliced.
"""

from __future__ import annotations

import zlib
from typing import Any

CELLS_PER_WIDTH = 64
NUMBER_BITS = 32
CHECK_BITS = 8
CELLS = 2 + NUMBER_BITS + CHECK_BITS + 2
BLACK, WHITE = 16, 235
_MIDDLE = 118

_FONT = {
    "0": "0E11131519110E",
    "1": "040C040404040E",
    "2": "0E11010204081F",
    "3": "1F02040201110E",
    "4": "02060A121F0202",
    "5": "1F101E0101110E",
    "6": "0608101E11110E",
    "7": "1F010204080808",
    "8": "0E11110E11110E",
    "9": "0E11110F01020C",
    ":": "000C0C000C0C00",
    ".": "00000000000C0C",
}
"""5 x 7 dots, a byte per row."""


def strip_height(height: int) -> int:
    """Rows of the strip in a picture of `height` rows, even."""
    return max(8, height // 40 & ~1)


def cells(number: int) -> list[bool]:
    """The strip's cells from the left, True: white."""
    number &= (1 << NUMBER_BITS) - 1
    word = number << CHECK_BITS | _check(number)
    bits = [bool(word >> position & 1) for position in reversed(range(NUMBER_BITS + CHECK_BITS))]
    return [True, False, *bits, False, True]


def burn(luma: Any, number: int, width: int, height: int) -> None:
    """Write the strip into a luma plane (a numpy array of rows)."""
    rows = strip_height(height)
    for position, white in enumerate(cells(number)):
        left, right = position * width // CELLS_PER_WIDTH, (position + 1) * width // CELLS_PER_WIDTH
        luma[:rows, left:right] = WHITE if white else BLACK


def burn_text(luma: Any, text: str, x: int, y: int, dot: int) -> None:
    """Digits, colons and dots, white on black, `dot` pixels a dot."""
    luma[y : y + 9 * dot, x : x + (6 * len(text) + 1) * dot] = BLACK
    for position, letter in enumerate(text):
        rows = bytes.fromhex(_FONT[letter])
        for row, dots in enumerate(rows):
            top = y + (row + 1) * dot
            for column in range(5):
                if dots >> (4 - column) & 1:
                    left = x + (6 * position + 1 + column) * dot
                    luma[top : top + dot, left : left + dot] = WHITE


def read(luma: bytes | bytearray | memoryview, width: int, height: int) -> int | None:
    """The number in a luma plane of width x height bytes at any scale; None where there is none or it does not check."""
    row = strip_height(height) // 2 * width
    seen = [luma[row + (2 * position + 1) * width // (2 * CELLS_PER_WIDTH)] > _MIDDLE for position in range(CELLS)]
    word = 0
    for white in seen[2:-2]:
        word = word << 1 | white
    number, check = word >> CHECK_BITS, word & (1 << CHECK_BITS) - 1
    return number if seen == cells(number) and check == _check(number) else None


def _check(number: int) -> int:
    return zlib.crc32(number.to_bytes(4, "big")) & 0xFF

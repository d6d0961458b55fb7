"""Reading bit fields and Exp-Golomb codes (ITU-T H.264, 7.2 and 9.1) from bytes nobody vouches for."""

from __future__ import annotations

LONGEST_CODE_BITS = 32


class BitsError(ValueError):
    """The bytes end too early or hold a code longer than the standard allows."""


class Bits:
    """A cursor over at most `limit_bytes` of the data: work and memory stay bounded whatever the bytes say."""

    def __init__(self, data: bytes, limit_bytes: int = 1024) -> None:
        kept = data[:limit_bytes]
        self._value = int.from_bytes(kept, "big")
        self._left = len(kept) * 8

    def u(self, count: int) -> int:
        """Unsigned integer of `count` bits. Raises BitsError past the end."""
        if count > self._left:
            raise BitsError("the bits end too early")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.u(1) == 1

    def ue(self) -> int:
        """ue(v). Raises BitsError past the end or for a code of more than 32 leading zeros."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > LONGEST_CODE_BITS:
                raise BitsError("an Exp-Golomb code is too long")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """se(v)."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)

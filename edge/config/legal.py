"""Legal bounds of retention, by profile: the town's lawyer chooses the profile, the node keeps within it.

pl-guard: municipal guards, art. 11 of the Polish act on municipal guards with the regulation of 16 December 2009 (20 to 60 days).
pl-municipal: municipal monitoring (at most 90 days; 20 kept as the floor of the same towns). custom: any bounds, with a stated basis.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Un-held footage is kept at least `minimum_days` and destroyed after at most `maximum_days`."""

    profile: str
    minimum_days: float
    maximum_days: float

    def __str__(self) -> str:
        return f"{self.minimum_days:g} to {self.maximum_days:g} days (profile {self.profile})"


PROFILES = {
    bounds.profile: bounds
    for bounds in (
        Bounds("pl-guard", 20, 60),
        Bounds("pl-municipal", 20, 90),
        Bounds("custom", 0, 3650),
    )
}


def legal_faults(profile: str, basis: str, days: float, minimum_days: float) -> list[tuple[str, str]]:
    """What the law forbids about these values: (key, words that name the bounds); empty when they are lawful."""
    bounds = PROFILES[profile]
    faults = []
    if not bounds.minimum_days <= days <= bounds.maximum_days:
        faults.append(("days", f"{days:g} days is outside the legal bounds: allowed {bounds}"))
    if minimum_days < bounds.minimum_days:
        faults.append(("minimum_days", f"{minimum_days:g} days is below the legal minimum: allowed {bounds}"))
    if minimum_days > days:
        faults.append(("minimum_days", f"{minimum_days:g} days is more than days = {days:g}: footage would go before its minimum"))
    if profile == "custom" and not basis.strip():
        faults.append(("basis", "is required by profile custom: name the legal basis of these bounds"))
    return faults

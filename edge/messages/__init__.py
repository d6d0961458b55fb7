"""Shapes that cross a wire, a process or a reboot. Frozen msgspec structs; unknown fields are ignored by readers."""

"""Edge video recorder: evidence-grade ring recording on street-pole nodes."""

__version__ = "0.1.0"

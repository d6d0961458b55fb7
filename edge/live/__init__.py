"""Live on demand: what the recorder writes, pushed to the configured address for a few minutes."""

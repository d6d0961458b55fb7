"""node.toml: the model (model.py), strict reading with all errors at once, the last good copy, explanation and JSON Schema."""

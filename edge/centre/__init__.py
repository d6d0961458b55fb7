"""The reference centre: client library and upload receiver."""

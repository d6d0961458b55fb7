"""The demonstration: a real broker, a small receiving centre and a real node on one desk, with an uplink that can be cut."""

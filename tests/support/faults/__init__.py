"""The link's faults, played on real processes, and an oracle that counts what became of each record."""

"""Taking a node out of service: what is destroyed, in which order, and what is left."""

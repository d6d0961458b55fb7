"""What the centre may ask of a node: who may ask, what for, and that it happens at most once."""

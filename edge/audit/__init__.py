"""Accounts of a node that are built from its journals alone: the month of each camera, the custody of footage."""

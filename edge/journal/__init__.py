"""Append-only journals: the node's memory, its outbox and its log. One JSON object a line, chained by SHA-256, one writer each."""

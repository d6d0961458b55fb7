"""The link to the centre: topics, the broker connection, journals as the outbox, what arrives."""

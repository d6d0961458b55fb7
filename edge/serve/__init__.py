"""Pull: timelines, clips and snapshots over HTTPS, for people whose certificate admits them."""

"""Clips: virtual flat MP4 files made from (camera, from, to), without re-encoding and without a temporary copy."""

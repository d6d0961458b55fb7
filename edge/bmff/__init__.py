"""Bytes of video: ISO base media files, access units and parameter sets. Pure: no files, no threads, no clock."""

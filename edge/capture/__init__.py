"""Cameras: one worker process per camera opens a source, encodes where needed and hands access units to the recorder."""

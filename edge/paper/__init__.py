"""Printable pages: one self-contained HTML file each, black on white, A4."""

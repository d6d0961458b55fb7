"""Delivering clips: resumable upload that is done only when the centre confirms the same SHA-256."""

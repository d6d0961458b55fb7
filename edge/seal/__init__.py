"""Signatures: in the picture stream (ONVIF Media Signing), over journals and clip packages, and their verification."""

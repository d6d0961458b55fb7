"""The passage for pictures: the newest low-resolution luma picture of a camera, in volatile memory."""

"""Linux itself: the only code that opens /sys and /proc, asks the kernel for the time and syncs files."""

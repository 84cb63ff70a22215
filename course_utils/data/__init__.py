"""What lessons read, each with its source and licence."""

"""Many clients over real servers that are killed, stopped and cut off, and a check of everything that they were told."""

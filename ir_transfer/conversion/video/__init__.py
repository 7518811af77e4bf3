"""Videos: frames in their order, statistics smoothed over time, a file of the same times and sound."""

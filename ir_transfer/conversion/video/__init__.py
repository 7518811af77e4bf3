"""Video conversion: frames in order, temporally smoothed statistics, and a file with the same timestamps and sound."""

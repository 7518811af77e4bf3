"""Label maps from files: which pixels are sky, road, people; the same label means the same in every file."""

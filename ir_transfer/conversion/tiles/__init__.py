"""Translation of images of any size in tiles, with the result for the whole image: first statistics, then pixels."""

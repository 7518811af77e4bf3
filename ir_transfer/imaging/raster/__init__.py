"""Rasters of any size through GDAL, read in windows and written with their georeferencing."""

"""Rasters of any size through GDAL: read by boxes, written with all that says where on Earth they lie."""

"""Label maps (a class number for each pixel) from images, YOLO polygons and COCO instances."""

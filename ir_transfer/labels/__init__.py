"""Labelled image sets (COCO, YOLO, VOC, KITTI, masks, folders): reading, and writing for translated images."""

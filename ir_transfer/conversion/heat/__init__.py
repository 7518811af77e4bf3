"""Shifts of apparent intensity by class: rules, object detection, and soft masks of objects."""

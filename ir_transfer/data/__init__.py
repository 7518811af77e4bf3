"""Data sets of registered RGB and infrared images: cards, pairs, splits, checks and augmentation."""

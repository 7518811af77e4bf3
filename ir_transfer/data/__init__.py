"""Image files, pairs and augmentation."""

"""Picture files, pairs and augmentation."""

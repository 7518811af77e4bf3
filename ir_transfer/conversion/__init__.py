"""The main job: plan, read, translate, write; with manifest and resume."""

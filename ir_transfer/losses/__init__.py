"""One loss per file, made by name from a recipe."""

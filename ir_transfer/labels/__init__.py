"""Labelled sets of images: read in their own format, written in the same one for the images made from them."""

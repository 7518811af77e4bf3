"""Labelled sets of pictures: read in their own format, written in the same one for the pictures made from them."""

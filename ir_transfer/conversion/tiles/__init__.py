"""Images of any size by tiles that equal the whole: statistics in a first pass, the output in a second."""

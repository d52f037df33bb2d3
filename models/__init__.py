"""Models about text and songs: a library that a notebook can import as well as a bot."""

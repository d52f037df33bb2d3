"""Finding and fetching the files of models."""

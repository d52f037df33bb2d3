"""Finding and downloading the files of models."""

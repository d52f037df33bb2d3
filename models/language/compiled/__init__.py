"""A runtime for CPUs that computes a whole step, all layers of a few tokens, in one compiled function."""

"""Tokenizers, and how they come to their tokens."""

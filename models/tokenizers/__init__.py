"""Tokenizers, and explanations of their tokens."""

"""The causal language model: engine, sampling, weights."""

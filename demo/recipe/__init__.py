"""The recipe for the embedded models: `python -m demo.recipe`, from WordNet and templates."""

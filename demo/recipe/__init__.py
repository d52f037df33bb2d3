"""How the embedded models are made: `python -m demo.recipe`, from WordNet and from templates."""

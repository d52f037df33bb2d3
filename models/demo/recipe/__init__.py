"""How the embedded models are made: `python -m models.demo.recipe`, from WordNet and from templates."""

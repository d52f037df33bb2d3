"""Views into a causal language model: what it expects, what its layers say, where it looks, and what it rests on.

Each module has one function that takes a loaded `models.language.model.LanguageModel` and a text:

    model = LanguageModel.load(LanguageSpec("HuggingFaceTB/SmolLM2-135M"))
    surprise(model, "Colourless green ideas sleep furiously.").bits

`check` is called between layers and chunks; what it raises ends the view.
"""

"""Views into a causal language model: predictions, layers, attention, and attribution.

Each module has one function that takes a loaded `models.language.model.LanguageModel` and a text:

    model = LanguageModel.load(LanguageSpec("HuggingFaceTB/SmolLM2-135M"))
    surprise(model, "Colourless green ideas sleep furiously.").bits

`check` is called between layers and chunks; an exception from it cancels the view.
"""

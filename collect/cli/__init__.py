"""Commands that touch a model, one module each."""

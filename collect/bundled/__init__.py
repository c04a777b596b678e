"""The model that ships with the project: its weights, and the code that trained them."""

"""Directions: activations read off a model, vectors fitted to them, controls made, rows added."""

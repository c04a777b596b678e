"""Checkpoints as the engine wants them: found, checked and loaded, whatever their layout."""

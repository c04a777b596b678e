"""Sweeps: what was asked for, gated, computed where it is missing, and stopped as planned."""

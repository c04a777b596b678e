"""The figures of a store: which there are, what they show, say and are computed from."""

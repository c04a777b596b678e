"""A store for programs that ask it: tools that read, check and compute, and write nothing."""

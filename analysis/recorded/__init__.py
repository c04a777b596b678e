"""What is kept of an analysis: every contrast of a store tested, and written as rows."""

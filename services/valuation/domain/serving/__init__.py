"""Value models in service: which version scores, whether a new one may, and what a score says."""

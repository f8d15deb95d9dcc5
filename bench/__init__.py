"""One module a claim; each prints a ratio against a reference measured in the same run."""

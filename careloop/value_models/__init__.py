"""`careloop value fit` and `score`: the value models on files, without a server."""

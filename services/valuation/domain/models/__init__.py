"""Models of customers' buying: parameters from purchase histories, expectations from parameters. See `catalogue`."""

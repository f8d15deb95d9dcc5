"""Segments: how concentrated the value is, RFM groups, and the matrix of current and potential value."""

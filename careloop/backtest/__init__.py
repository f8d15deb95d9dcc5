"""History through the fold of clocks, offline: what a policy would have meant for a log (sla.md §4)."""

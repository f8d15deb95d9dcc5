"""Availability of offerings: objectives, outages, probes, and what they make of a month (sla.md §5). Pure.

Time is counted in whole microseconds and shares are exact fractions, so that no objective is missed or kept by
rounding. 99.9 % of a month of 30 days leaves 43 min 12 s.
"""

"""Reports: what the ledgers say, counted (sla.md §6). Pure: a subject's fold in, facts and tables out.

Nothing is read but the ledger, so a correction changes every report, and the lines that were there at an instant
give the report as it stood.
"""

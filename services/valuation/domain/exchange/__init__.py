"""Amounts in other currencies, and the rates by which the ledger takes them in."""

"""Tiers beyond the decision of one: what new rules move, decisions of people, and why a tier is what it is."""

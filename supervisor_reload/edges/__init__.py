"""The edges: one outside thing per module. They turn it into facts, and orders into calls; they never decide."""

"""Observers: whoever is told the story of the rollouts. They never decide and never raise into the engine."""

"""The soak's parts: what is soaked, what is read of it, and the verdict; ``benchmarks.soak`` runs them."""

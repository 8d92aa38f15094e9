"""The edges: one outside thing each, told as facts; orders carried out as calls. They never decide."""

"""The servers of docs/servers.md: which there are, how each is configured, and what it needs on the machine.

The small applications lie beside it, in the form that people write and in the form that loses nothing. This
package describes; it starts nothing.
"""

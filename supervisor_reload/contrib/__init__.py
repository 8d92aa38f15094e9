"""What runs inside the processes that are replaced: servers that leave without dropping anybody.

Each module needs the server that it is named after, and nothing else of ours imports it.
"""

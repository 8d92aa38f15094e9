"""What lives inside supervisord: sockets that outlive processes, and a main loop that wakes.

Everything here runs in somebody's process 1. So it imports the standard library and Supervisor, nothing else
of ours, and whatever fails in it costs one line in supervisord's log: never an exception, a wait or a start.
"""

"""gunicorn reads this file by itself from the directory it starts in."""

# Newer gunicorns open a control socket in the home directory; several side by side would share it.
# Older ones skip a setting that they do not know.
control_socket_disable = True

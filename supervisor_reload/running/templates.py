"""The texts that ``place`` fills in: supervisord.conf, and the scripts that it names. It decides nothing."""

CONF = """\
[supervisord]
nodaemon=true
silent=true
logfile=%(here)s/supervisord.log
logfile_maxbytes=1MB
logfile_backups=0
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s
; so that the terminal's descriptors reach the command: supervisord closes all from 3 up to this number.
; Its own are closed at exec in any case.
minfds=3

[unix_http_server]
file=%(here)s/s.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

; TCP_NODELAY on the socket of --port, and a loop that wakes
[rpcinterface:reload]
supervisor.rpcinterface_factory=supervisor_reload.rpcinterface:make_rpcinterface

[eventlistener:reload]
command=%(here)s/supervisor-reload listen -c %(here)s/supervisord.conf
directory=%(here)s
events=PROCESS_STATE,PROCESS_GROUP,REMOTE_COMMUNICATION,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE,TICK_5
buffer_size=1000
priority=-10
stopwaitsecs=2
stdout_logfile=NONE
stderr_logfile=/dev/fd/{story}
stderr_logfile_maxbytes=0

[{kind}]
command=%(here)s/supervisor-reload launch{python}
directory=%(here)s/cwd
startsecs=0
autorestart=false
stopsignal={stop_signal}
stopwaitsecs={stop_timeout}
stopasgroup=true
killasgroup=true
stdout_logfile=NONE
stderr_logfile=NONE
{more}
[reload]
log_format=json

[reload:{target}]
failure_limit=1
quiet_period={quiet_period}
max_wait={max_wait}
{own}"""

SWAP = """\
socket={socket}
process_name=%(program_name)s_%(process_num)02d
numprocs=2
autostart=false
"""

SCRIPT = """\
import sys
sys.path.append({code})
if sys.argv[1] == "listen":
    import os
    os.execv({python}, [{python}, {here} + "/listener.py", *sys.argv[1:]])
import launch
launch.main({here}, {stop_signal}, {stop_timeout})
"""

DIRECT = "#!{python} -IS\n"
"""A script's first line. No shell is between supervisord and the command where that can be: dash drops
variables like ``BASH_FUNC_x%%`` from the environment."""

BY_SHELL = """\
#!/bin/sh
'''exec' {python} -IS "$0" "$@"
' '''
"""
"""The same where Python's path is too long for that, or holds a space; pip writes such lines, too."""

LISTENER = """\
import sys
sys.path[:] = [path for path in sys.path if path != {here}]
sys.path.append({package})
from supervisor_reload.cli import main
sys.exit(main())
"""

"""The table of what is not reloaded: databases, proxies, daemons, and other reloaders. It looks at no
program."""

from __future__ import annotations

from .kind import Care, Kind

DATA = "keeps data, and runs no code of yours"
DAEMON = "is a daemon of the system, and runs no code of yours"
ELSEWHERE = (
    "runs the program in a container or on another machine, where no signal reaches it: run supervisord and "
    "supervisor_reload there, beside the program"
)

NGINX = Kind(
    name="nginx",
    what="nginx",
    care=Care.NOT_CODE,
    why="runs no code of yours. To have it take over changes of its configuration: [reload:NAME] with "
    "watch=/etc/nginx, strategy=signal, signal=HUP, check=nginx -t",
)
HAPROXY = Kind(
    name="haproxy",
    what="haproxy",
    care=Care.NOT_CODE,
    why="runs no code of yours. With -W it takes over changes of its configuration on USR2",
)
RELOADER = Kind(
    name="a reloader",
    what="another reloader",
    care=Care.NOT_CODE,
    why="watches files and restarts programs itself. Once supervisor_reload does, take it out of the "
    "configuration: two of them restart everything twice",
)
SELF_RELOADING = Kind(
    name="a reloader",
    what="a program in another reloader",
    care=Care.ITSELF,
    why="is watched and restarted by the reloader in its command. For checked and drained reloads name the "
    "program itself in command=, and run init again",
)

DATABASES = (
    *(
        "redis-server",
        "redis-sentinel",
        "valkey-server",
        "keydb-server",
        "postgres",
        "postgresql",
        "pg_ctl",
        "mysqld",
    ),
    *(
        "mysqld_safe",
        "mariadbd",
        "mariadbd-safe",
        "mongod",
        "mongos",
        "memcached",
        "rabbitmq-server",
        "beanstalkd",
    ),
    *(
        "nats-server",
        "etcd",
        "influxd",
        "prometheus",
        "grafana-server",
        "elasticsearch",
        "opensearch",
        "minio",
    ),
    *(
        "clickhouse-server",
        "cassandra",
        "zookeeper-server-start.sh",
        "kafka-server-start.sh",
        "mosquitto",
        "consul",
    ),
)
DAEMONS = (
    *(
        "apache2",
        "apache2ctl",
        "apachectl",
        "httpd",
        "caddy",
        "traefik",
        "envoy",
        "varnishd",
        "squid",
        "pgbouncer",
    ),
    *(
        "sshd",
        "cron",
        "crond",
        "rsyslogd",
        "syslog-ng",
        "dockerd",
        "containerd",
        "dbus-daemon",
        "dnsmasq",
        "named",
    ),
    *(
        "postfix",
        "master",
        "dovecot",
        "opendkim",
        "Xvfb",
        "x11vnc",
        "fluxbox",
        "chronyd",
        "ntpd",
        "tail",
        "sleep",
    ),
    *(
        "cat",
        "filebeat",
        "fluentd",
        "fluent-bit",
        "vector",
        "telegraf",
        "node_exporter",
        "tailscaled",
        "supervisord",
    ),
    *("tor", "frpc", "cloudflared", "ngrok", "logrotate", "inotifyd", "incrond", "supercronic", "ofelia"),
)
FAR = ("docker", "docker-compose", "podman", "podman-compose", "nerdctl", "kubectl", "ssh", "autossh")
"""they run others elsewhere"""
RELOADERS = ("superfsmon", "inotifywait", "fswatch")
"""they restart others"""

RELOADING = (
    *(
        "watchmedo",
        "watchfiles",
        "nodemon",
        "pm2",
        "pm2-runtime",
        "pm2-dev",
        "entr",
        "air",
        "reflex",
        "watchexec",
    ),
    *(
        "hupper",
        "guard",
        "rerun",
        "ts-node-dev",
        "node-dev",
        "cargo-watch",
        "CompileDaemon",
        "fresh",
        "jurigged",
    ),
)
"""they restart what is in their own command"""


def _kinds() -> dict[str, Kind]:
    found = {"nginx": NGINX, "haproxy": HAPROXY}
    for names, why in ((DATABASES, DATA), (DAEMONS, DAEMON), (FAR, ELSEWHERE)):
        found |= {name: Kind(name=name, what=name, care=Care.NOT_CODE, why=why) for name in names}
    found |= dict.fromkeys(RELOADERS, RELOADER)
    return found | dict.fromkeys(RELOADING, SELF_RELOADING)


NAMED = _kinds()
"""By the program's name."""

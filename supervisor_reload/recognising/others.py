"""The table of servers and workers of other languages: Node, PHP, Ruby, Java, and compiled programs.

The signals are those of each project's own documentation, named beside them. Nothing here looks at a program.
"""

from __future__ import annotations

from .kind import NODE, OF_PHP, OF_RUBY, PHP, RUBY, Care, Kind
from .python import IN_PLACE, RELOADS_ITSELF, WARM, away

NODE_SERVER = Kind(
    name="node",
    what="a Node program",
    why=IN_PLACE,
    include=NODE,
    check="node --check {script}",
    drain=30,
    min_ready=1,
    loses=(
        "without a handler for TERM Node ends at once, with what it has in hand: docs/servers.md has one "
        "of 15 lines"
    ),
    swap="node {script}, listening on descriptor 0",
)
NPM = Kind(
    name="npm",
    what="a Node program, started by npm or yarn",
    why=(
        "npm and yarn start a shell, which starts node; the stop signal has a long way to go. Better name "
        "node itself."
    ),
    include=NODE,
    drain=30,
    min_ready=1,
)
PHP_FPM = Kind(
    name="php-fpm",
    what="php-fpm",
    care=Care.SIGNALLED,
    signal="USR2",  # php-fpm(8): graceful reload of all workers + reload of fpm conf/binary
    why="php-fpm reloads itself on USR2: the master keeps its socket, the workers end and new ones start, "
    "with an empty opcache. Where opcache.validate_timestamps is 1, the default, PHP sees a save "
    "without it.",
    include=PHP,
    exclude=OF_PHP,
    loses="on reload it ends its workers at once, with their requests, unless process_control_timeout in "
    "php-fpm.conf gives them time: set process_control_timeout=30s",
)
QUEUE_WORK = Kind(
    name="queue:work",
    what="a Laravel queue worker",
    why=WARM,
    include=PHP,
    exclude=OF_PHP,
    drain=60,
    min_ready=2,
)
HORIZON = Kind(
    name="horizon",
    what="Laravel Horizon",
    why=WARM,
    include=PHP,
    exclude=OF_PHP,
    drain=60,
    min_ready=2,
)
OCTANE = Kind(
    name="octane",
    what="Laravel Octane",
    why="Octane keeps the application in memory. " + IN_PLACE,
    include=PHP,
    exclude=OF_PHP,
    port=8000,
    is_server=True,
    drain=30,
    loses="it binds its port itself, so clients are refused while it restarts: put a proxy before two of "
    "them, or reload its workers by hand with php artisan octane:reload",
)
MESSENGER = Kind(
    name="messenger:consume",
    what="a Symfony Messenger worker",
    why=WARM,
    include=PHP,
    exclude=OF_PHP,
    drain=60,
    min_ready=2,
)
PHP_PROGRAM = Kind(
    name="php",
    what="a PHP program",
    why="The old process gets the stop signal, and when it has ended the new one starts.",
    include=PHP,
    exclude=OF_PHP,
    check="php -l {script}",
    min_ready=1,
)
PUMA = Kind(
    name="puma",
    what="puma, a Ruby server",
    care=Care.SIGNALLED,
    signal="USR2",  # puma, docs/restart.md: hot restart, keeps the listening sockets open
    why="puma restarts itself on USR2 and keeps its socket: requests in hand are finished, new connections "
    "wait in the socket's queue until the new code has booted. The pid stays.",
    include=RUBY,
    exclude=OF_RUBY,
    check="",
    is_server=True,
)
RAILS = Kind(
    name="rails server",
    what="Rails' own server command",
    why=IN_PLACE + " In the development environment Rails loads changed code by itself.",
    include=RUBY,
    exclude=OF_RUBY,
    port=3000,
    is_server=True,
    drain=30,
    loses=(
        "it binds its port itself, so clients are refused while it restarts: bundle exec puma reloads on a "
        "signal"
    ),
)
UNICORN = Kind(
    name="unicorn",
    what="unicorn, a Ruby server",
    care=Care.SIGNALLED,
    signal="HUP",
    why="unicorn starts its workers anew on HUP, on the new code unless preload_app is true.",
    include=RUBY,
    exclude=OF_RUBY,
    is_server=True,
)
SIDEKIQ = Kind(
    name="sidekiq",
    what="sidekiq, a Ruby queue worker",
    why=WARM + " sidekiq gives its jobs 25 s (-t) and puts back what is not done by then.",
    include=RUBY,
    exclude=OF_RUBY,
    drain=30,
    min_ready=3,
)
RUBY_PROGRAM = Kind(
    name="ruby",
    what="a Ruby program",
    why="The old process gets the stop signal, and when it has ended the new one starts.",
    include=RUBY,
    exclude=OF_RUBY,
    check="ruby -c {script}",
    min_ready=1,
)
JAR = Kind(
    name="java",
    what="a Java program",
    why="The jar itself is watched. " + IN_PLACE,
    drain=30,
    min_ready=5,
    is_watched_alone=True,
)
COMPILED = Kind(
    name="compiled",
    what="a compiled program (Go, Rust, C ...)",
    why="The file itself is watched: a build that replaces it is a new revision. The old process gets the "
    "stop signal, and when it has ended the new one starts.",
    drain=30,
    min_ready=1,
    is_watched_alone=True,
    swap="the same program, listening on descriptor 0",
)
SHELL = Kind(
    name="shell",
    what="a shell script",
    why="Only the script itself is watched; name in watch= what it starts, too. A signal reaches the shell "
    "alone, so the script must end with exec.",
    min_ready=1,
    is_watched_alone=True,
)


def _itself(name: str, what: str, why: str) -> Kind:
    return Kind(name=name, what=what, care=Care.ITSELF, why=why)


EACH_REQUEST = "reads the code anew for each request"
AGAIN = "For checked reloads take it out, and run init again"

OCTANE_WATCH = _itself("octane --watch", "Laravel Octane", f"watches its files, with --watch. {AGAIN}")
QUEUE_LISTEN = _itself("queue:listen", "Laravel's queue:listen", "reads the code anew for each job")
SCHEDULE = _itself("schedule:work", "Laravel's scheduler", "starts a new process for each minute's tasks")
ARTISAN_SERVE = _itself("artisan serve", "PHP's own server", EACH_REQUEST)
PHP_SERVE = _itself("php -S", "PHP's own server", EACH_REQUEST)
GO_RUN = _itself(
    "go run",
    "go run",
    "does not hand the stop signal on to the program that it built: build it first (go build), name the "
    "result in command=, and run init again",
)


def _both(program: str, words: str, kind: Kind) -> tuple[tuple[str, str, str, Kind], ...]:
    """By its own name, and as a script of Node's."""
    return tuple((language, program, words, kind) for language in ("", "node"))


NODE_WATCH = _itself("node --watch", "a Node program that is watched", f"{RELOADS_ITSELF}. {AGAIN}")
NODE_DEV = _itself(
    "npm run dev",
    "a development server",
    f"{RELOADS_ITSELF}. For checked and drained reloads name what is run in production, and run init again",
)

ROWS: tuple[tuple[str, str, str, Kind], ...] = (
    *_both(r"npm|yarn|pnpm|run", r"(^| )(run )?dev( |$)", NODE_DEV),
    *_both(r"next|nuxt|nuxi|astro|remix", r"^dev( |$)", NODE_DEV),
    *_both(r"vite", r"^(?!preview|build)", NODE_DEV),
    ("node", r"watch", "", NODE_WATCH),  # tsx watch FILE
    ("node", r".*", "", NODE_SERVER),
    ("", r"npm|yarn|pnpm", r"(^| )(start|run|serve)( |$)", NPM),
    ("", r"next|nuxt|vite|remix-serve", "", NODE_SERVER),
    ("", r"php-?fpm[0-9.]*", "", PHP_FPM),
    ("php", r"artisan", r"^queue:work( |$)", QUEUE_WORK),
    ("php", r"artisan", r"^horizon( |$)", HORIZON),
    ("php", r"artisan", r"^octane:.*--watch", OCTANE_WATCH),
    ("php", r"artisan", r"^octane:", OCTANE),
    ("php", r"artisan", r"^queue:listen( |$)", QUEUE_LISTEN),
    ("php", r"artisan", r"^schedule:work( |$)", SCHEDULE),
    ("php", r"artisan", r"^serve( |$)", ARTISAN_SERVE),
    ("php", r"console", r"^messenger:consume( |$)", MESSENGER),
    ("php", r"php[0-9.]*", r"(^| )-S ", PHP_SERVE),
    ("php", r".*", "", PHP_PROGRAM),
    ("", r"puma", "", PUMA),
    ("", r"unicorn(_rails)?", r"(^| )(-D|--daemonize)( |$)", away("unicorn", "--daemonize")),
    ("", r"unicorn(_rails)?", "", UNICORN),
    ("", r"sidekiq", "", SIDEKIQ),
    ("", r"rails", r"^(s|server)( |$)", RAILS),
    ("ruby", r"rails", r"^(s|server)( |$)", RAILS),
    ("ruby", r"puma", "", PUMA),
    ("ruby", r"sidekiq", "", SIDEKIQ),
    ("ruby", r".*", "", RUBY_PROGRAM),
    ("", r"rails|rake", "", RUBY_PROGRAM),
    ("java", r".*", "", JAR),
    ("", r"go", r"^run( |$)", GO_RUN),
)
"""The language, the program's name, what its words hold, and what it is; the first row that fits."""

"""A program that an operator and the listener treat at the same time; it leaves only when it may.

It writes down every signal that it gets and which code it runs. Arguments: the test's directory, the slot's
name. A file ``hold/leave`` keeps it from ending after TERM; code that says ``broken`` ends it at boot, unless
there is a file ``mended``.
"""

import os
import signal
import sys

SIGNALS = {signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
directory, slot = sys.argv[1:]
log = os.open(f"{directory}/did", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def say(what):
    os.write(log, f"{os.getpid()} {slot} {what}\n".encode())


def code():
    with open(f"{directory}/src/code.txt") as file:
        return file.read().strip()


def main():
    text = code()
    if text.startswith("broken") and not os.path.exists(f"{directory}/mended"):
        print(f"{slot} can't run {text}", file=sys.stderr)
        return 1
    say(f"runs:{text}")
    open(f"{directory}/up/{os.getpid()}", "w").close()
    is_leaving = False
    while not is_leaving or os.path.exists(f"{directory}/hold/leave"):
        got = signal.sigtimedwait(SIGNALS, 0.02)
        if got is None:
            continue
        say(signal.Signals(got.si_signo).name)
        if got.si_signo == signal.SIGHUP:
            say(f"runs:{code()}")
        is_leaving = is_leaving or got.si_signo == signal.SIGTERM
    return 0


sys.exit(main())

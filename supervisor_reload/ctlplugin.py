"""The door that supervisorctl opens: ``rollout VERB ...``, the verbs of ``supervisor-reload``.

It runs inside supervisorctl, where an exception in an import or a factory breaks every command. So it imports
the standard library and Supervisor only, and ours when a verb is typed; whatever fails then is a sentence.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any

from supervisor.supervisorctl import ControllerPluginBase

VERB = "rollout"

VERBS = ("status", "start", "plan", "pause", "resume", "abort", "history", "why", "wait", "doctor")
"""of those of supervisor-reload, the ones that are about a listener that works"""

NAMED = ("status", "start", "plan", "pause", "resume", "abort", "history", "why", "wait")
"""behind which targets are named"""

GENERIC = 1
"""Exit status where it could not even be tried, as supervisorctl's"""

HELP = f"""\
{VERB} <verb> [<target> ...]\tWhat becomes of your changed code
{VERB} status [--watch]\tHow each target stands, and its processes
{VERB} history\t\t\tThe rollouts that ended
{VERB} why <target>\t\tWhat failed, and what each process runs
{VERB} plan <target>\t\tWhat a change would do, step by step
{VERB} start <target>\t\tReplace the processes now
{VERB} pause|resume [<target>]\tBegin nothing until resume
{VERB} abort <target>\t\tEnd the rollout in hand
{VERB} wait <target>\t\tUntil the code on disk serves
{VERB} doctor\t\t\tWhat is wrong on the machine
{VERB} <verb> --help\t\tMore about a verb"""


def make_rollout_ctlplugin(controller: Any, **options: str) -> RolloutControllerPlugin:
    """The factory for ``[ctlplugin:rollout]``. It has no options, and ignores those that are written."""
    return RolloutControllerPlugin(controller)


class RolloutControllerPlugin(ControllerPluginBase):  # type: ignore[misc]
    """The verb ``rollout`` in supervisorctl's shell and on its command line."""

    name = "supervisor_reload"

    def __init__(self, controller: Any) -> None:
        super().__init__(controller)
        complete = getattr(controller, "complete", None)
        if callable(complete):  # supervisorctl completes its own verbs only
            controller.complete = _completing(complete, self._targets)

    def do_rollout(self, arg: str) -> None:
        """Type "help rollout"."""
        try:
            words = shlex.split(arg)
        except ValueError as error:
            self._refuse(f"Error: {error}")
            return
        if not words or words[0] not in VERBS:
            self.ctl.output(f"*** {f'Unknown verb: {words[0]}' if words else 'Which verb?'}")
            self.help_rollout()
            self.ctl.exitstatus = GENERIC
            return
        code = self._run(self._with_configuration(words))
        if code:
            self.ctl.exitstatus = code

    def do_help(self, arg: str) -> None:  # noqa: D102 - with a docstring, "help" would list it as ours
        # supervisorctl asks every plugin, and the base class answers "No help on ..." to what is another's
        if not arg or arg == VERB:
            super().do_help(arg)

    def help_rollout(self) -> None:
        """What supervisorctl shows for "help rollout"."""
        self.ctl.output(HELP)

    def _with_configuration(self, words: Sequence[str]) -> list[str]:
        file = getattr(self.ctl.options, "configfile", None)
        is_named = any(word in ("-c", "--configuration") or word.startswith("-c") for word in words)
        return [*words, "-c", str(file)] if file and not is_named else [*words]

    def _run(self, words: list[str]) -> int:
        try:
            from .cli import main

            return int(main(words) or 0)
        except SystemExit as end:  # argparse: --help, or a wrong word
            return end.code if isinstance(end.code, int) else GENERIC
        except KeyboardInterrupt:
            self.ctl.output("")
            return GENERIC
        except ModuleNotFoundError as error:
            remedy = f"install supervisor-reload with its dependencies for {sys.executable}"
            self._refuse(f"Error: {VERB} {words[0]} failed: {error}: {remedy}")
            return GENERIC
        except Exception as error:  # noqa: BLE001 -- supervisorctl would show where in its own code it was caught
            self._refuse(f"Error: {VERB} {words[0]} failed: {type(error).__name__}: {error}")
            return GENERIC
        finally:
            sys.stdout.flush()

    def _refuse(self, sentence: str) -> None:
        self.ctl.output(sentence)
        self.ctl.exitstatus = GENERIC

    def _targets(self) -> list[str]:
        """The names of the targets that the listener knows; none where that can't be had."""
        try:
            from .showing import target_names

            return target_names(getattr(self.ctl.options, "configfile", None))
        except Exception:  # noqa: BLE001 -- a key was pressed; nobody wants to read why nothing was found
            return []


Complete = Callable[..., "str | None"]


def _completing(complete: Complete, targets: Callable[[], list[str]]) -> Complete:
    """supervisorctl's completer, which knows our words too."""

    def completed(text: str, state: int, line: str | None = None) -> str | None:
        if line is None:
            import readline

            line = readline.get_line_buffer()
        words = line.split()
        if words[:1] != [VERB] or (len(words) == 1 and not line.endswith(" ")):
            return complete(text, state, line)
        is_verb = len(words) == 1 or (len(words) == 2 and not line.endswith(" "))
        known = VERBS if is_verb else tuple(targets()) if words[1] in NAMED else ()
        matches = [f"{word} " for word in known if word.startswith(text)]
        return matches[state] if state < len(matches) else None

    return completed

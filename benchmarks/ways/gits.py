"""Ways of git, with the git that is installed: pull, checkout, rebase, stash, reset, merge, worktree."""

from __future__ import annotations

from typing import Any

from .site import Site
from .way import Act, Lay, Way

GROUP = "git"
SETTINGS = "-c user.name=x -c user.email=x@example.com -c gc.auto=0 -c commit.gpgsign=false"


def git(site: Site, command: str, where: str = "app") -> str:
    """Run git in a directory of the site."""
    return site.run(f"git {SETTINGS} -C {where} {command}")


def _commit(site: Site, version: int, name: str = "main.py", where: str = "app") -> None:
    site.write(f"{where}/{name}", version)
    git(site, "add -A", where)
    git(site, f"commit -qm 'version {version}'", where)


def _cloned(site: Site) -> None:
    site.grow("origin", 0)
    git(site, "init -qb main", "origin")
    git(site, "add -A", "origin")
    git(site, "commit -qm first", "origin")
    git(site, "clone -q origin app", ".")


def _upstream(site: Site, number: int) -> None:
    _commit(site, number, where="origin")
    _commit(site, number, name="pkg/a.py", where="origin")


def _repository(files: int) -> Lay:
    def lay(site: Site) -> None:
        site.grow("app", 0, files)
        git(site, "init -qb even")
        git(site, "add -A")
        git(site, "commit -qm even")
        git(site, "checkout -qb odd")
        site.grow("app", 1, files)
        git(site, "commit -qam odd")
        git(site, "checkout -q even")

    return lay


def _checkout(site: Site, number: int) -> None:
    git(site, f"checkout -q {'odd' if number % 2 else 'even'}")


def _worktree(site: Site) -> None:
    site.grow("repository", 0)
    git(site, "init -qb main", "repository")
    git(site, "add -A", "repository")
    git(site, "commit -qm even", "repository")
    git(site, "branch even", "repository")
    git(site, "worktree add -q ../app -b odd", "repository")
    site.grow("app", 1)
    git(site, "commit -qam odd")
    git(site, "checkout -q even")


def _diverged(site: Site, number: int) -> None:
    """Three commits of our own, and one upstream that we have not."""
    git(site, "reset -q --hard origin/main")
    for each in range(3):
        _commit(site, 10 * number + each, name=f"mine{each}.py")
    _commit(site, number, where="origin")
    git(site, "fetch -q")


def _stashed(site: Site, number: int) -> None:
    site.save(number)
    site.save(number, "pkg/a.py")
    git(site, "stash -q")


def _to_stash(site: Site, number: int) -> None:
    git(site, "checkout -q .")
    site.save(number)
    site.save(number, "pkg/a.py")


def _to_pop(site: Site, number: int) -> None:
    git(site, "checkout -q .")
    _stashed(site, number)


def _committed(site: Site, number: int) -> None:
    _commit(site, number)


def _branched(site: Site, number: int) -> None:
    """A branch with a change, and one without it that moved on: the merge is a real one."""
    git(site, f"checkout -qb topic{number}")
    _commit(site, number, name="pkg/a.py")
    git(site, "checkout -q main")
    _commit(site, number, name="pkg/b.py")


def _way(name: str, act: Act, lay: Lay = _cloned, **more: Any) -> Way:
    return Way(group=GROUP, name=name, act=act, lay=lay, needs=["git"], **more)


WAYS = (
    _way("git pull, fast-forward", lambda s, n: git(s, "pull -q --ff-only"), prepare=_upstream),
    _way("git checkout, 20 files", _checkout, _repository(14)),
    _way("git checkout, 2,000 files", _checkout, _repository(1994)),
    _way("git checkout in a linked worktree", _checkout, _worktree),
    _way("git rebase of 3 commits", lambda s, n: git(s, "rebase -q origin/main"), prepare=_diverged),
    _way(
        "git rebase, 0.3 s after each commit (-x)",
        lambda s, n: git(s, "rebase -q -x 'sleep 0.3' origin/main"),
        prepare=_diverged,
    ),
    _way("git merge", lambda s, n: git(s, f"merge -q --no-edit topic{n}"), prepare=_branched),
    _way("git stash", lambda s, n: git(s, "stash -q"), prepare=_to_stash),
    _way("git stash pop", lambda s, n: git(s, "stash pop -q"), prepare=_to_pop),
    _way("git reset --hard", lambda s, n: git(s, "reset -q --hard HEAD~1"), prepare=_committed),
    _way("git commit of what runs", lambda s, n: git(s, "commit -qam x"), prepare=_to_stash, expected=0),
    _way("git gc, fetch, status", lambda s, n: _background(s), prepare=_upstream, expected=0),
)


def _background(site: Site) -> None:
    """What editors let git do all the time."""
    git(site, "fetch -q")
    git(site, "gc -q")
    git(site, "status")

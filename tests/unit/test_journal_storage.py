"""That ``benchmarks.storage`` measures what it says, small."""

from __future__ import annotations

from benchmarks import storage_harm
from benchmarks.storage import main


def test_it_compares(capsys, tmp_path):
    """Every contender keeps its turns; and of ours, a harm that changes what is read is always told."""
    args = ["--turns", "4", "--places", "20", "--long", "4", "--pace", "0", "--times", "1", "--directory"]
    assert 0 == main([*args, str(tmp_path)])
    out = capsys.readouterr().out
    for name in ("lines, fdatasync each", "sqlite WAL FULL", "flip: journal"):
        assert f"\n{name} " in out
    assert [] == list(tmp_path.iterdir())


def test_what_it_counts(tmp_path):
    """A flipped bit is told, and nothing is wrong without a word."""
    head, *lines = storage_harm.harm(tmp_path, 20)
    counted = {line[0]: dict(zip(head, line, strict=True)) for line in lines}
    assert "20" == counted["flip: journal"][storage_harm.TOLD]
    for kind in ("flip: journal", "cut: journal"):
        assert ("0", "0") == (counted[kind][storage_harm.WRONG], counted[kind]["crashes"])
    for line in counted.values():
        kinds = (storage_harm.NEWEST, storage_harm.EARLIER, storage_harm.TOLD, storage_harm.WRONG, "crashes")
        assert int(line["n"]) == sum(int(line[kind]) for kind in kinds) == 20

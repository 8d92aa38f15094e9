"""What the benchmark of long work counts: lost, doubled and cut jobs, and a second TERM, are all seen."""

from __future__ import annotations

from pathlib import Path

from benchmarks.worklog import WorkLog

WHOLE = """\
1.0 7 1 put a
1.1 7 1 put b
1.2 8 1 up -
1.3 8 1 began a
1.5 8 1 TERM -
2.0 8 1 done a
2.1 8 1 left -
2.5 9 2 up -
2.6 9 2 began b
2.7 9 2 done b
"""


def read(directory: Path, text: str) -> WorkLog:
    file = directory / "log"
    file.write_text(text)
    return WorkLog.read(file)


def test_every_job_once(tmp_path):
    """Nothing is wrong where every job was done once and the one TERM met a job in hand."""
    log = read(tmp_path, WHOLE)
    assert log.failures == []
    assert (log.enqueued, log.done_once, log.asked_in_work, log.versions) == (2, 2, 1, ["1", "2"])
    assert [round(seconds, 1) for seconds in log.drains] == [0.6]
    assert (log.version_of(9), log.version_of(7)) == ("2", None)


def test_what_goes_wrong_is_told(tmp_path):
    """Each kind of failure has its words."""
    bad = WHOLE + "3.0 9 2 put c\n3.1 9 2 began a\n3.2 9 2 done a\n3.3 8 1 TERM -\n"
    assert read(tmp_path, bad).failures == [
        "1 jobs lost",
        "1 jobs done more than once",
        "1 jobs begun more than once",
        "1 workers got TERM more than once",
    ]
    assert read(tmp_path, WHOLE + "3.0 9 2 began c\n").in_hand(9) == "c"


def test_half_a_line_is_not_read(tmp_path):
    """The log is read while it is written, and may not be there yet."""
    assert read(tmp_path, WHOLE + "3.0 9 2 pu").failures == []
    assert WorkLog.read(tmp_path / "none").lines == []

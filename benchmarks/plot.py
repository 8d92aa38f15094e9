"""The picture: latency over time under every way to reload, saves marked, lost requests in red.

``python -m benchmarks.plot FILE.json docs/images/reloads.png`` draws what ``benchmarks.compare --out`` wrote,
one row for each contender on one scale, so that rows can be compared by eye. It never smooths or thins.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

INK, DOT, WAIT, WINDOW, LOST = "#24292f", "#3b6ea8", "#e07b00", "#e8eef5", "#c8102e"
LONG = 250.0
"""milliseconds from which a request has noticeably waited"""
FLOOR, CEILING = 5.0, 20_000.0
"""milliseconds that the rows show: lost requests are drawn at the ceiling, whatever they took"""
MISSED_AT = 9_000.0
WIDTH, ROW = 10.0, 0.78
"""inches of the whole picture, and of one row"""


def chosen(document: dict[str, Any], load: str, number: int) -> list[dict[str, Any]]:
    """One block of each contender, in the table's order."""
    return [
        block
        for block in document["blocks"]
        if block.get("load") == load and block["round"] == number and block.get("points", {}).get("requests")
    ]


def draw(document: dict[str, Any], load: str, number: int, out: Path) -> None:
    """Draw the blocks of one round; ImportError without matplotlib, ValueError where there are none."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    blocks = chosen(document, load, number)
    if not blocks:
        raise ValueError(f"there are no blocks of load {load!r} in round {number + 1}")
    longest = max(block["points"]["requests"][-1][0] for block in blocks)
    height = ROW * len(blocks) + 1.15
    figure, rows = plt.subplots(len(blocks), 1, sharex=True, squeeze=False, figsize=(WIDTH, height))
    for axes, block in zip(rows[:, 0], blocks, strict=True):
        _row(axes, block)
        axes.set_xlim(0.0, longest)
    rows[-1, 0].set_xlabel("seconds", color=INK, fontsize=8)
    saves = blocks[0]["reloads"]
    figure.suptitle(
        f"{saves} saves under each way to reload, 8 clients, {load} connections",
        x=0.012, ha="left", fontsize=11, fontweight="bold", color=INK,
    )  # fmt: skip
    figure.text(
        0.012, 1 - 0.46 / height,
        "A dot is a request: ms until its last byte (log). Orange: more than 250. Red: it was lost. "
        "Line: a save. Shaded: until the reload was over.",
        ha="left", fontsize=7.5, color=INK,
    )  # fmt: skip
    figure.subplots_adjust(left=0.055, right=0.99, top=1 - 0.72 / height, bottom=0.42 / height, hspace=0.55)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=180, facecolor="white")
    plt.close(figure)


def _row(axes: Any, block: dict[str, Any]) -> None:
    requests, windows = block["points"]["requests"], block["points"]["windows"]
    answered = [(at, seconds * 1000) for at, seconds, error in requests if not error]
    waited = [(at, took) for at, took in answered if took > LONG]
    lost = [at for at, _, error in requests if error]
    for begin, end in windows:
        axes.axvspan(begin, end, color=WINDOW, linewidth=0)
        axes.axvline(begin, color=INK, linewidth=0.8)
    if answered:
        axes.plot(
            *zip(*answered, strict=True), linestyle="", marker=".", markersize=1.6, color=DOT, alpha=0.6
        )
    if waited:
        axes.plot(*zip(*waited, strict=True), linestyle="", marker=".", markersize=4.5, color=WAIT)
    axes.plot(lost, [MISSED_AT] * len(lost), linestyle="", marker="|", markersize=5, color=LOST)
    axes.set_yscale("log")
    axes.set_ylim(FLOOR, CEILING)
    axes.set_yticks([10, 100, 1000], ["10", "100", "1000"])
    axes.minorticks_off()
    axes.tick_params(labelsize=6.5, colors=INK, length=2)
    axes.grid(axis="y", color="#d0d7de", linewidth=0.4)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    count = len(lost)
    text = f"{count:,} lost" if count else "none lost"
    name, server = block["contender"], block["server"]
    name = name if name.startswith(server) else f"{name} ({server})"
    axes.set_title(name, loc="left", fontsize=8, color=INK, pad=2)
    axes.set_title(
        f"{text} of {len(requests):,} requests", loc="right", fontsize=8, pad=2,
        color=LOST if count else INK, fontweight="bold" if count else "normal",
    )  # fmt: skip


def main() -> int:
    """Read the arguments and draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plot", description=__doc__)
    parser.add_argument("file", type=Path, help="what benchmarks.compare --out wrote")
    parser.add_argument("out", type=Path, help="PNG or SVG")
    parser.add_argument("--load", choices=("fresh", "keep-alive"), default="fresh")
    parser.add_argument("--round", type=int, default=1)
    args = parser.parse_args()
    try:
        document = json.loads(args.file.read_text(encoding="utf-8"))
        draw(document, args.load, args.round - 1, args.out)
    except ImportError:
        print("the plot needs matplotlib: python -m pip install '.[bench]'", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"can't draw: {error}", file=sys.stderr)
        return 1
    print(f"drawn: {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

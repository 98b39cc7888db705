"""What `compare.py --page FOLDER` leaves for the documentation: a table and a chart, with their date and machine."""

import os
import platform
import time
from pathlib import Path

__all__ = ["where", "write"]

_BAR_HEIGHT = 18
_LABEL_WIDTH = 190
_BAR_WIDTH = 420
_VALUE_WIDTH = 60


def _processor():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def where():
    """Return the day, Python and the machine, as text."""
    return (
        f"{time.strftime('%Y-%m-%d')}, CPython {platform.python_version()}, {platform.system()} {platform.release()}, "
        f"{os.cpu_count()} processors ({_processor()})"
    )


def _table(rows):
    widths = (24, 12, 12, 12, 8, 8)
    rule = " ".join("=" * width for width in widths)
    head = ("case", "per", "gevent us", "ours us", "wall x", "CPU x")
    lines = [rule, " ".join(text.ljust(width) for text, width in zip(head, widths, strict=True)), rule]
    for row in rows:
        values = (row["name"], row["unit"], *(f"{row[key]:.3f}" for key in ("theirs_us", "ours_us")))
        values += tuple(f"{row[key]:.2f}" for key in ("wall", "cpu"))
        lines.append(" ".join(text.ljust(width) for text, width in zip(values, widths, strict=True)).rstrip())
    return "\n".join([*lines, rule])


def _chart(rows):
    longest = max(row["cpu"] for row in rows)
    height = (len(rows) + 1) * _BAR_HEIGHT + 8
    width = _LABEL_WIDTH + _BAR_WIDTH + _VALUE_WIDTH
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"',
        ' font-family="sans-serif" font-size="12">',
        "<title>How many times less CPU time than gevent</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, row in enumerate(sorted(rows, key=lambda row: -row["cpu"])):
        top = number * _BAR_HEIGHT + 4
        length = _BAR_WIDTH * row["cpu"] / longest
        colour = "#3b6ea5" if row["cpu"] >= 1 else "#b5533c"
        text = top + _BAR_HEIGHT - 6
        parts.append(f'<text x="{_LABEL_WIDTH - 8}" y="{text}" text-anchor="end">{row["name"]}</text>')
        parts.append(
            f'<rect x="{_LABEL_WIDTH}" y="{top}" width="{length:.1f}" height="{_BAR_HEIGHT - 4}" fill="{colour}"/>'
        )
        parts.append(f'<text x="{_LABEL_WIDTH + length + 6:.1f}" y="{text}">{row["cpu"]:.1f}</text>')
    one = _LABEL_WIDTH + _BAR_WIDTH / longest
    bottom = len(rows) * _BAR_HEIGHT + 4
    parts.append(f'<line x1="{one:.1f}" y1="0" x2="{one:.1f}" y2="{bottom}" stroke="#444444" stroke-dasharray="3 3"/>')
    parts.append(f'<text x="{one:.1f}" y="{bottom + 14}" text-anchor="middle">1: as gevent</text>')
    return "\n".join([*parts, "</svg>", ""])


def write(rows, folder):
    """Write ``compared.rst`` and ``compared.svg`` into `folder`.

    `rows`: dicts with "name", "unit", "theirs_us", "ours_us" (CPU time of one operation), "wall" and "cpu": how many
    times less ours takes.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    slower = [row["name"] for row in rows if row["cpu"] < 1]
    verdict = f"Slower than gevent: {', '.join(slower)}." if slower else "None of them is slower than in gevent."
    text = f"{_table(rows)}\n\n{verdict}\n\n.. where:\n\nMeasured by ``make bench``: {where()}.\n"
    (folder / "compared.rst").write_text(text, encoding="utf-8")
    (folder / "compared.svg").write_text(_chart(rows), encoding="utf-8")

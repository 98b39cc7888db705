"""What ``python -m gevent top`` shows."""

import time

__all__ = ["live", "text_of"]

#: How often a live table is drawn anew, in seconds.
INTERVAL_S = 1.0

_COLUMNS = ("pid", "greenlets", "requests/s", "stall", "memory", "fds")


def _cells(worker):
    return (
        str(worker["pid"]),
        str(worker["greenlets"]),
        f"{worker['requests_per_s']:.0f}",
        f"{worker['stall_ms']:.0f} ms",
        f"{worker['rss_bytes'] / 1e6:.0f} MB",
        str(worker["fds"]),
    )


def _waits(workers):
    found = [
        (wait["for_s"], worker["pid"], wait["greenlets"], wait["in"])
        for worker in workers
        for wait in worker["waiting"]
    ]
    return sorted(found, reverse=True)[:10]


def _longest_stall(workers):
    """Return the longest one whose place is known, as text; None for none."""
    known = [each for each in workers if each["stall_in"]]
    if not known:
        return None
    worst = max(known, key=lambda each: each["stall_ms"])
    return f"{worst['stall_ms']:.0f} ms, {worst['pid']}  {worst['stall_in']}"


def text_of(state):
    """Return the table as lines of text."""
    rows = [_COLUMNS, *map(_cells, state["workers"])]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]
    lines += [f"{worker['pid']} hangs in {worker['stalled_in']}" for worker in state["workers"] if worker["stalled_in"]]
    stall = _longest_stall(state["workers"])
    if stall:
        lines += ["", f"longest stall of the last minute: {stall}"]
    waits = _waits(state["workers"])
    if waits:
        lines += ["", "waiting longest:"]
        lines += [f"{for_s:8.1f} s  {pid}  {number:5} in {place}" for for_s, pid, number, place in waits]
    return "\n".join(lines)


def live(look, pid):
    """Show the table, and draw it anew each second, until somebody interrupts it. Needs rich."""
    from rich.console import Group
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    def drawing():
        state = look()
        table = Table(title=f"gevent top {pid}", title_justify="left")
        for name in _COLUMNS:
            table.add_column(name, justify="right")
        for worker in state["workers"]:
            table.add_row(*_cells(worker), style="red" if worker["stalled_in"] else None)
        waits = Table(title="waiting longest", title_justify="left")
        for name in ("seconds", "pid", "greenlets"):
            waits.add_column(name, justify="right")
        waits.add_column("in")
        for for_s, each, number, place in _waits(state["workers"]):
            waits.add_row(f"{for_s:.1f}", str(each), str(number), place)
        stall = _longest_stall(state["workers"])
        return Group(table, Text(f"longest stall of the last minute: {stall or '-'}\n"), waits)

    with Live(drawing(), screen=True, auto_refresh=False) as screen:
        while True:
            time.sleep(INTERVAL_S)
            screen.update(drawing(), refresh=True)

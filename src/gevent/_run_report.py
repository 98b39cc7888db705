"""What every thread and greenlet of the process is doing, in lines for people to read. Public in gevent.util."""

import linecache
import sys
import traceback
from pprint import pformat

from greenlet import getcurrent

from gevent._compat import thread_mod_name
from gevent._util import _NONE

__all__ = ["GreenletTree", "dump_stacks", "format_run_info"]

_RULER = "*" * 80


def format_run_info(thread_stacks=True, greenlet_stacks=True, limit=_NONE, current_thread_ident=None):
    """Return a list of lines about all threads and all greenlets of the process.

    `thread_stacks` and `greenlet_stacks` say whether the stacks are shown; `limit` bounds the frames of each (as for
    `traceback.format_stack`). The thread `current_thread_ident`, by default this one, is marked as the current one.
    Finding all greenlets means looking at every object there is, so this takes its time; it never switches.
    """
    # `dump_stacks`, the name of old, is the same function.
    limit = None if limit is _NONE else limit
    lines = []
    _report_threads(lines, thread_stacks, limit, current_thread_ident)
    _report_greenlets(lines, greenlet_stacks, limit)
    return lines


dump_stacks = format_run_info


def _headline(lines, text):
    lines += (_RULER, f"* {text}", _RULER)


def _report_threads(lines, stacks, limit, current):
    if current is None:
        from gevent.monkey.api import get_original

        # The thread, even where a patched `get_ident` would tell the greenlet.
        current = get_original(thread_mod_name, "get_ident")()
    # Asking `threading` to load only for this report would make it believe that this is the main thread.
    threading = sys.modules.get("threading")
    names = {thread.ident: thread.name for thread in threading.enumerate()} if threading else {}
    _headline(lines, "Threads")
    separator = None
    for ident, frame in sys._current_frames().items():
        if separator:
            lines.append(separator)
        separator = _RULER
        mark = " (CURRENT)" if ident == current else ""
        lines.append(f"Thread {ident:#x} ({names.get(ident)}){mark}\n")
        lines.append("".join(traceback.format_stack(frame, limit)) if stacks else "\t...stack elided...")


def _report_greenlets(lines, stacks, limit):
    _headline(lines, "Greenlets")
    details = {"running_stacks": stacks, "running_stack_limit": limit}
    for tree in GreenletTree.forest():
        lines.append("---- Thread boundary")
        lines += tree.format_lines(details)


# --- the tree ---------------------------------------------------------------------------------------------------------


class GreenletTree:
    """A greenlet and those it spawned.

    At the root of a tree is the main greenlet of a thread. Other attributes than those here are the greenlet's.

    Two attributes that any greenlet may be given are heeded: one with a true ``greenlet_tree_is_ignored`` is left
    out, and one with a true ``greenlet_tree_is_root`` is taken for the root of a tree of its own.
    """

    __module__ = "gevent.util"

    greenlet = None
    """The greenlet at this place."""

    is_current_tree = False
    """Whether this is the root of the tree that the greenlet which asked for it belongs to."""

    DEFAULT_DETAILS = {
        "running_stacks": True,
        "running_stack_limit": None,
        "spawning_stacks": True,
        "locals": True,
    }
    """What `format` shows besides the greenlets: where they are now (each at most so many frames), where they were
    spawned, and what is in greenlet-local variables."""

    def __init__(self, greenlet):
        self.greenlet = greenlet
        self.child_trees = []

    def add_child(self, tree):
        """Put another `GreenletTree` under this one; one that is there already is not put there twice."""
        if all(child is not tree for child in self.child_trees):
            self.child_trees.append(tree)

    @property
    def root(self):
        """Whether this greenlet is at the bottom of its thread's stack, having no parent."""
        return self.greenlet.parent is None

    def __getattr__(self, name):
        return getattr(self.greenlet, name)

    def format(self, details=True):
        """Return the tree as text, one greenlet per line, with `details` below each.

        `details` is a dict that overrides entries of `DEFAULT_DETAILS`; true for those as they are, false for none.
        """
        return "\n".join(self.format_lines(details))

    def __str__(self):
        return self.format(False)

    def format_lines(self, details=True):
        """Return a list of the lines of `format`."""
        wanted = None
        if details:
            wanted = dict(self.DEFAULT_DETAILS)
            wanted.update(details if isinstance(details, dict) else ())
        return [line.rstrip() for line in self._lines(wanted, "", True, 0)]

    def _lines(self, details, indent, is_last, depth, bar=":"):
        # What a child's label stands behind: a column for each generation above it, with a line in it while another
        # child of that generation is to come. The details below are farther right, with the first column alone.
        branch = f"{indent} +--- " if depth else ""
        yield f"{branch}{self._label()}"
        if details is not None:
            margin = f" {bar}".ljust(6 * (depth + 1))
            for line in self._details(details):
                yield margin + line
        if depth:
            indent += "     " if is_last else " |   "
        children = sorted(self.child_trees, key=_seniority)
        for child in children:
            last = child is children[-1]
            child_bar = (" " if last else ":") if depth == 0 else bar
            yield from child._lines(details, indent, last, depth + 1, child_bar)

    def _label(self):
        greenlet = self.greenlet
        getattr(greenlet, "name", None)  # a greenlet gets its name when somebody asks for it, and shows it from then on
        label = repr(greenlet)
        if getattr(greenlet, "ready", bool)():
            label += "; finished"
            if greenlet.value is not None:
                label += f" with value {repr(greenlet.value)[:30]}"
            elif greenlet.exception is not None:
                label += f" with exception {greenlet.exception!r}"
        elif not greenlet and self._frame() is None:
            label += "; not running"
        return label

    def _frame(self):
        return sys._getframe() if self.greenlet is getcurrent() else self.greenlet.gr_frame

    def _details(self, wanted):
        greenlet = self.greenlet
        yield f"Parent: {greenlet.parent!r}"
        frame = self._frame() if wanted["running_stacks"] else None
        if frame is not None:
            yield "Running:"
            yield from _stack_lines(traceback.extract_stack(frame, wanted["running_stack_limit"]))
        if wanted["spawning_stacks"] and getattr(greenlet, "spawning_stack", None) is not None:
            yield "Spawned at:"
            yield from _stack_lines(_summary(greenlet.spawning_stack))
        if wanted["locals"]:
            yield from self._locals_lines()

    def _locals_lines(self):
        greenlet = self.greenlet
        shared = getattr(greenlet, "spawn_tree_locals", None)
        # Inherited from the spawning greenlet: it is shown there.
        if shared and shared is not getattr(_spawner(greenlet), "spawn_tree_locals", None):
            yield "Spawn Tree Locals"
            yield from pformat(shared).splitlines()
        yield from _greenlet_local_lines(greenlet)

    @classmethod
    def forest(cls):
        """Return a list of trees, one for each thread that has greenlets, the current one's first."""
        return cls._grow()[0]

    @classmethod
    def current_tree(cls):
        """Return the tree of the thread that this is called in."""
        return cls._grow()[1]

    @classmethod
    def _grow(cls):
        from gevent._greenlet_primitives import get_reachable_greenlets

        trees = {}

        def tree_of(greenlet):
            if greenlet not in trees:
                trees[greenlet] = cls(greenlet)
            return trees[greenlet]

        current = tree_of(_root_of(getcurrent()))
        current.is_current_tree = True
        roots = [current]
        for greenlet in get_reachable_greenlets():
            if getattr(greenlet, "greenlet_tree_is_ignored", False):
                continue
            root = _root_of(greenlet)
            tree = tree_of(greenlet)
            if greenlet is not root:
                above = _spawner(greenlet)
                if above is None or getattr(above, "greenlet_tree_is_ignored", False):
                    above = root
                tree_of(above).add_child(tree)
            root = tree_of(root)
            if all(root is not known for known in roots):
                roots.append(root)
        return roots, current


def _root_of(greenlet):
    while greenlet.parent is not None and not getattr(greenlet, "greenlet_tree_is_root", False):
        greenlet = greenlet.parent
    return greenlet


def _spawner(greenlet):
    remembered = getattr(greenlet, "spawning_greenlet", None)
    return remembered() if callable(remembered) else None


def _seniority(tree):
    # Plain greenlets have no number and come first.
    return getattr(tree.greenlet, "minimal_ident", -1)


def _summary(frame):
    # A spawning stack looks like a frame and its callers but is none, hence not traceback.extract_stack.
    summary = traceback.StackSummary()
    while frame is not None:
        code = frame.f_code
        linecache.lazycache(code.co_filename, getattr(frame, "f_globals", None) or {})
        summary.insert(0, traceback.FrameSummary(code.co_filename, frame.f_lineno, code.co_name, lookup_line=False))
        frame = frame.f_back
    return summary


def _stack_lines(summary):
    return "".join(summary.format()).splitlines()


def _greenlet_local_lines(greenlet):
    from gevent.local import all_local_dicts_for_greenlet

    title = "Greenlet Locals:"
    for (kind, address), attributes in all_local_dicts_for_greenlet(greenlet):
        if not attributes:
            continue
        if title:
            yield title
            title = None
        yield f"  Local {kind} at {address:#x}"
        for line in pformat(attributes).splitlines():
            yield f"    {line}"

"""Small numbers for objects, handed back when the object dies.

A greenlet's address says little to a reader. A hub therefore numbers its greenlets from zero, and gives a number out
again when its holder is gone: so the numbers in names and run reports stay short however long the program runs.
"""

from weakref import ref

__all__ = ["IdentRegistry"]


class ValuedWeakRef(ref):
    """A weak reference that has a `value` of its own."""

    __slots__ = ("value",)


class _Holder(ValuedWeakRef):
    """A weak reference that remembers which number its object has: its `value`."""

    __slots__ = ("address",)


class IdentRegistry:
    """Gives each object a number of its own for as long as the object lives.

    Objects are told apart by identity, so neither ``__hash__`` nor ``__eq__`` is ever called; they must be weakly
    referenceable. A registry belongs to one hub and hence to one thread. No method waits.
    """

    __slots__ = ("_holders", "_returned", "_on_death", "__weakref__")

    def __init__(self):
        self._holders = {}  # address of a live object: its _Holder
        self._returned = []  # the numbers to give out again, the last one first
        registry = ref(self)

        def on_death(holder):
            # Called while the object is being destroyed, hence before anything else can have its address. Through a
            # weak reference, since a bound method would make a cycle of the registry and each of its holders.
            alive = registry()
            if alive is not None:
                del alive._holders[holder.address]
                alive._returned.append(holder.value)

        self._on_death = on_death

    def __len__(self):
        """How many objects hold a number now."""
        return len(self._holders)

    def get_ident(self, obj):
        """Return the number of `obj`, an int from 0 on, giving it one if it has none yet.

        Numbers stay below the largest number of objects that ever held one at the same time. Raises TypeError when
        `obj` cannot be weakly referenced.
        """
        address = id(obj)
        holder = self._holders.get(address)
        if holder is not None:
            return holder.value
        holder = _Holder(obj, self._on_death)
        holder.address = address
        holder.value = self._returned.pop() if self._returned else len(self._holders)
        self._holders[address] = holder
        return holder.value

"""What has been patched in this process, and what was there before."""

__all__ = ["is_anything_patched", "is_module_patched", "is_object_patched", "saved"]

#: ``saved[module name][attribute]`` is what patching replaced or removed. Also under the key `PATCH_ALL_ARGUMENTS`
#: what `gevent.monkey.patch_all` was given.
saved = {}

PATCH_ALL_ARGUMENTS = "_gevent_saved_patch_all_module_settings"


def is_anything_patched():
    """Return whether gevent patched anything in this process."""
    return bool(saved)


def is_module_patched(mod_name):
    """Return whether gevent patched anything in the module called `mod_name`."""
    return mod_name in saved


def is_object_patched(mod_name, item_name):
    """Return whether gevent patched the attribute `item_name` of the module called `mod_name`."""
    return item_name in saved.get(mod_name, ())

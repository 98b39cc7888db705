"""Finding a WSGI application by its name, ``MODULE:APP``."""

import os
import sys
from importlib import import_module

__all__ = ["ConfigurationError", "load"]


class ConfigurationError(Exception):
    """What the user has to change, in one line."""

    gevent_says_it_all = True  # no traceback is wanted


def load(name, factory=False, app_dir=None):
    """Return the application called `name`: ``module:attribute``, or ``module`` whose ``application`` or ``app`` it is.

    `app_dir` (the current directory by default) is where modules are looked for first. With `factory` the attribute is
    called, without arguments, and what it returns is the application. Raises `ConfigurationError` for a name that leads
    nowhere, and for what the module or the factory raises.
    """
    folder = os.path.abspath(app_dir or os.curdir)
    if not os.path.isdir(folder):
        raise ConfigurationError(f"--app-dir {folder}: no such folder")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module_name, _, path = name.partition(":")
    found = _import(module_name, folder)
    for attribute in path.split(".") if path else [_usual_name(found)]:
        try:
            found = getattr(found, attribute)
        except AttributeError:
            raise ConfigurationError(f"module {module_name!r} has no {path or 'application'!r}") from None
    if factory:
        try:
            found = found()
        except (Exception, SystemExit) as error:
            raise ConfigurationError(f"{name}() raises {_in_one_line(error)}") from error
    if not callable(found):
        raise ConfigurationError(f"{name} is no WSGI application: {type(found).__name__} objects cannot be called")
    return found


def _import(name, folder):
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise ConfigurationError(
                f"no module named {error.name!r} in {folder} or on the path; --app-dir DIR says where else to look"
            ) from None
        raise ConfigurationError(_cannot_import(name, error)) from error
    except (Exception, SystemExit) as error:
        raise ConfigurationError(_cannot_import(name, error)) from error


def _cannot_import(name, error):
    return f"cannot import {name}: {_in_one_line(error)}; python -c 'import {name}' shows all of it"


def _in_one_line(error):
    text = " ".join(str(error).split())
    place = error.__traceback__
    while place.tb_next is not None:
        place = place.tb_next
    return f"{type(error).__name__}: {text} ({place.tb_frame.f_code.co_filename}:{place.tb_lineno})"


def _usual_name(module):
    return "application" if hasattr(module, "application") else "app"

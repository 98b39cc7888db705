# As gevent.socket: to a type checker, this is the standard library's module.
from subprocess import *

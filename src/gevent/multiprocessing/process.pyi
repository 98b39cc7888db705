# As gevent.multiprocessing: to a type checker, this is the standard library's module.
from multiprocessing.process import *

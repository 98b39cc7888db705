# As gevent.multiprocessing: to a type checker, this is the standard library's module.
from multiprocessing.pool import *
from multiprocessing.pool import ApplyResult as ApplyResult, AsyncResult as AsyncResult, MapResult as MapResult

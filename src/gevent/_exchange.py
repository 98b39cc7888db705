"""What goes on between `gevent.subprocess.Popen.communicate` and a process: a greenlet for each pipe."""

from gevent.greenlet import Greenlet, joinall

__all__ = ["Exchange"]

_CHUNK_BYTES = 32768


class Exchange:
    """What is under way from the first call of `communicate` to its last, which may come after a timeout.

    popen
        whose pipes are written, read and closed.
    input
        what to write.

    `greenlets` are those that do it.
    """

    def __init__(self, popen, input):
        self.error = None
        self.greenlets = []
        self.outputs = []
        if popen.stdin and popen.stdin.closed is not True:
            self._start(self._write, popen, input)
        for stream in (popen.stdout, popen.stderr):
            output = None
            if stream:
                output = _Output(stream, popen.text_mode)
                if not stream.closed:
                    self._start(output.read)
            self.outputs.append(output)

    @staticmethod
    def _write(popen, input):
        try:
            # What the user has written before.
            popen.stdin.flush()
        except BrokenPipeError:
            pass  # communicating goes on without the process's listening
        popen._stdin_write(input)

    def _start(self, function, *args):
        self.greenlets.append(Greenlet.spawn(self._run, function, args))

    def _run(self, function, args):
        try:
            function(*args)
        except Exception as error:  # noqa: BLE001 - raised by finish()
            self.error = error

    def finish(self, timeout):
        """Wait for the greenlets; return whether they have all ended."""
        joinall(self.greenlets, timeout if timeout is None else max(0, timeout))
        error, self.error = self.error, None
        if error is not None:
            raise error
        return all(greenlet.ready() for greenlet in self.greenlets)

    def so_far(self):
        """The bytes of standard output and standard error, None where there are none."""
        return [None if output is None else b"".join(output.chunks) or None for output in self.outputs]

    def stdout_result(self):
        return self.outputs[0] and self.outputs[0].result()

    def stderr_result(self):
        return self.outputs[1] and self.outputs[1].result()


class _Output:
    """What one pipe has brought."""

    def __init__(self, stream, text_mode):
        self.stream = stream
        self.chunks = []
        self.decoding = None
        if text_mode and not stream.closed:
            self.decoding = (stream.encoding, stream.errors)

    def __bool__(self):
        return True

    def read(self):
        below = getattr(self.stream, "buffer", self.stream)
        read = getattr(below, "read1", below.read)
        while chunk := read(_CHUNK_BYTES):
            self.chunks.append(chunk)
        self.stream.close()

    def result(self):
        data = b"".join(self.chunks)
        if self.decoding is None:
            return data
        return data.decode(*self.decoding).replace("\r\n", "\n").replace("\r", "\n")

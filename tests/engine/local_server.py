"""A server of files that listens on this machine alone."""
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; files with 'cut' in their path end early."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def copyfile(self, source: object, outputfile: object) -> None:
        """Send a file."""
        if 'cut' in self.path:
            outputfile.write(source.read()[:-7])
        else:
            super().copyfile(source, outputfile)


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Give the address at which a folder is served."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}'
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

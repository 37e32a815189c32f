"""A server that sends a made video as a live stream: MPEG-TS over http, in real time."""
import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np

FPS, RATE_HZ = 12, 16000


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends `seconds` of gray frames that grow brighter, and a tone, as they are made."""
    seconds: float

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header('Content-Type', 'video/mp2t')
        self.send_header('Connection', 'close')
        self.end_headers()
        container = av.open(self.wfile, 'w', format='mpegts', options={'flush_packets': '1'})
        video = container.add_stream('libx264', rate=FPS, options={'tune': 'zerolatency', 'g': '6', 'threads': '1',
                                                                   'x264-params': 'log-level=none'})
        video.width, video.height, video.pix_fmt = 64, 48, 'yuv420p'
        audio = container.add_stream('mp2', rate=RATE_HZ, layout='mono')
        begin, samples = time.monotonic(), 0
        for number in range(round(self.seconds * FPS)):
            time.sleep(max(begin + number / FPS - time.monotonic(), 0))  # a camera gives no frame before its time
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number % 200, np.uint8), format='rgb24')
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
            while samples < number / FPS * RATE_HZ:
                tone = np.sin(np.arange(samples, samples + 1152) / 9)[None] * 9000
                sound = av.AudioFrame.from_ndarray(tone.astype(np.int16), format='s16', layout='mono')
                sound.sample_rate, sound.pts, sound.time_base = RATE_HZ, samples, Fraction(1, RATE_HZ)
                container.mux(audio.encode(sound))
                samples += 1152
        container.close()


@contextmanager
def serve_live(seconds: float) -> Iterator[str]:
    """Give the address of a stream that lasts so long from each request on."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), type('LiveHandler', (Handler,), dict(seconds=seconds)))
    thread = threading.Thread(target=server.serve_forever, args=(.01,), daemon=True)
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}/live.ts'
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

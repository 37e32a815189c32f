"""Web page that recognizes the emotions in a video: python tools/demo.py --checkpoint CKPT (or --zero-shot)."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import os
import re
import signal
import socket
import tempfile
import threading
from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_cli.arguments import add_model_arguments
from claip_emo_cli.choices import DEMO_MEGABYTES, DEMO_SECONDS, DEMO_WAITING


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Serve a web page that recognizes emotions in videos, on this computer only '
                                        'unless --host says otherwise.')
    parser.add_argument('--host', default='127.0.0.1', help='address to listen at (default: %(default)s)')
    parser.add_argument('--port', type=int, default=7860, help='port to listen at (default: %(default)s)')
    parser.add_argument('--max-mb', type=float, default=DEMO_MEGABYTES,
                        help='largest file, in MB of 2^20 bytes (default: %(default)g)')
    parser.add_argument('--max-duration', type=float, default=DEMO_SECONDS,
                        help='longest video, in s (default: %(default)g)')
    parser.add_argument('--queue-size', type=int, default=DEMO_WAITING,
                        help='jobs that may wait; one runs at a time (default: %(default)s)')
    add_model_arguments(parser)
    args = parser.parse_args()
    if not (args.max_mb > 0 and args.max_duration > 0 and args.queue_size > 0):
        parser.error('--max-mb, --max-duration and --queue-size must be more than 0')
    if not 0 < args.port < 65536:
        parser.error(f'--port {args.port}: expected 1 to 65535')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

import numpy as np

from claip_emo_mm.apis.gradio_app import build_page, import_gradio
from claip_emo_mm.apis.model_arguments import build_inferencer
from claip_emo_mm.apis.page_jobs import MEGABYTE, DemoLimits
from claip_emo_mm.apis.page_style import STYLE, page_theme
from claip_emo_mm.engine.cli import run
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy.clips import write_clip
from claip_emo_mm.toy.identities import FaceIdentity
from claip_emo_mm.toy.voice import VoiceIdentity
from claip_emo_mm.version import INTENDED_USE

_CARD = Path(__file__).resolve().parents[1] / 'docs' / 'model_card.md'
_EXAMPLE_SIZE = 320  # pixels


def check_address(host: str, port: int) -> None:
    """See whether the page can listen at an address, before the model is loaded, which may take minutes."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except (OSError, OverflowError) as error:
        raise InputError(f'{host}:{port}: cannot listen there ({getattr(error, "strerror", None) or error}). Choose '
                         'another --port, or --host.') from error


def draw_example(folder: str) -> Path:
    """Draw a clip that visitors can try, with a face and a voice of nobody."""
    path, rng = Path(folder, 'example_happy.mp4'), np.random.default_rng(0)
    write_clip(path, FaceIdentity.sample(rng), VoiceIdentity.sample(rng), 'happy', seed=0, size=_EXAMPLE_SIZE)
    return path


def read_card() -> str:
    """The model card of a checkout, without its links to other files; of an installed package the intended use."""
    if not _CARD.is_file():
        return f'# Model card\n\n{INTENDED_USE}'
    return re.sub(r'\[([^\]]*)\]\((?!https?:)[^)]*\)', r'\1', _CARD.read_text(encoding='utf-8'))


def main() -> int:
    args = parse_args()
    check_address(args.host, args.port)
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix='claip_emo_page_') as folder:  # uploads and results; gone at the end
        os.environ['GRADIO_TEMP_DIR'] = folder
        import_gradio()
        infer = build_inferencer(args)
        page = build_page(infer, DemoLimits(args.max_mb, args.max_duration, args.queue_size), draw_example(folder),
                          read_card())
        try:
            _, address, _ = page.launch(
                server_name=args.host, server_port=args.port, max_file_size=int(args.max_mb * MEGABYTE),
                theme=page_theme(), css=STYLE,
                prevent_thread_lock=True, quiet=True, show_error=False, ssr_mode=False, share=False, footer_links=[])
        except OSError as error:  # taken meanwhile
            raise InputError(f'{args.host}:{args.port}: cannot listen there. Choose another --port.') from error
        print(f'The page is at {address} (Ctrl-C ends it)', flush=True)
        stop.wait()
        page.close(verbose=False)
    return 0


if __name__ == '__main__':
    run(main)

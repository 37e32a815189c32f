"""Arguments that several tools share. They are parsed before PyTorch and MMAction2 are imported, so nothing here is."""
import os
from argparse import Action, ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from claip_emo_cli.choices import CLIP_ARCH, DEFAULT_MICROPHONE

_LIVE_SOURCES = ('camera', 'microphone', 'stream')


class KeyValueAction(Action):
    """Collects KEY=VALUE pairs in a dict, as MMEngine's DictAction; anything else is a usage error (exit code 2)."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: str | Sequence[Any] | None,
                 option_string: str | None = None) -> None:
        from mmengine.config import DictAction  # a quarter of a second, without PyTorch
        try:
            DictAction(self.option_strings, self.dest)(parser, namespace, values, option_string)
        except (AssertionError, ValueError) as error:
            raise ArgumentError(self, f'expected KEY=VALUE pairs such as a.b=1, got {values}') from error


def output_folder(text: str) -> Path:
    """Argparse type of a folder for results; an empty name, which would be the current folder, is refused."""
    if not text:
        raise ArgumentTypeError("expected a folder, got ''")
    return Path(text)


def png_file(text: str) -> Path:
    """Argparse type of a plot to write."""
    if Path(text).suffix.lower() != '.png':
        raise ArgumentTypeError(f'{text}: expected the name of a file that ends in .png')
    return Path(text)


def add_cfg_options(parser: ArgumentParser,
                    purpose: str = 'change keys of the config: a.b=1 c="[1,2]" (no blanks inside a value)',
                    name: str = '--cfg-options') -> None:
    """Add --cfg-options, or such options under another name; `purpose` is its help."""
    parser.add_argument(name, nargs='+', action=KeyValueAction, metavar='KEY=VALUE', help=purpose)


def add_device(parser: ArgumentParser) -> None:
    """Add --device, None unless given: `claip_emo_mm.utils.devices.default_device` is then for the tool to call."""
    parser.add_argument('--device', help='where to compute, such as cuda:1 (default: a GPU where there is one)')


def add_run_arguments(parser: ArgumentParser) -> None:
    """Add --work-dir, --cfg-options, --launcher and --local_rank."""
    parser.add_argument('--work-dir', metavar='DIR',
                        help="folder for logs and results (default: the config's, else ./work_dirs/<config name>)")
    add_cfg_options(parser)
    parser.add_argument('--launcher', choices=('none', 'pytorch', 'slurm', 'mpi'), default='none',
                        help='what started the processes of a distributed run (default: none)')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help='number of this process on its machine, given by some launchers')


def parse_run_arguments(parser: ArgumentParser) -> Namespace:
    """Parse the arguments, and export LOCAL_RANK for launchers that pass it only as an argument."""
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def add_model_arguments(parser: ArgumentParser) -> None:
    """Add --checkpoint or --zero-shot, what belongs to them, --device and --cfg-options."""
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument('--checkpoint', help='checkpoint of a training, or a published one')
    model.add_argument('--zero-shot', action='store_true',
                       help="no checkpoint: CLIP's image and text encoders as they were published")
    parser.add_argument('--labels', metavar='"A, B"',
                        help='words to score, or a label schema such as mafw (default: the classes of the checkpoint; '
                             'of --zero-shot, dfew); a checkpoint needs a language head for it')
    parser.add_argument('--prompts', metavar='FILE',
                        help='text file of lines "label: sentence that describes the face"')
    parser.add_argument('--arch', help=f"with --zero-shot: open_clip's name of the CLIP, or toy (default: {CLIP_ARCH})")
    parser.add_argument('--pretrained', metavar='FILE',
                        help="with --zero-shot: its weights (default: OpenAI's, which are downloaded)")
    parser.add_argument('--audio', action='store_true',
                        help='with --zero-shot: score the audio, too, by CLAP, which knows next to nothing of emotions')
    parser.add_argument('--adapter-scale', type=float, metavar='S',
                        help='with --checkpoint: scale what the adapters add, from 0, the frozen model, to 1, the '
                             'trained one (default: 1)')
    parser.add_argument('--fast', action='store_true',
                        help='faster, with other scores: on a CPU frame_tolerance, merged_tokens, and bf16 where it '
                             'has that, else int8; on a GPU bf16, or fp16; see docs/speed.md')
    add_device(parser)
    add_cfg_options(parser, "change keys of the model's config, such as model.visual_backbone.pretrained=FILE")


def add_live_arguments(parser: ArgumentParser) -> None:
    """Add --camera, --microphone, --stream and --duration."""
    live = parser.add_argument_group('live, in place of INPUT', 'A line for each window while it runs; Ctrl-C ends it. '
                                     'With --out, a table grows there.')
    live.add_argument('--camera', metavar='N', help='number or device of a camera, such as 0 for /dev/video0')
    live.add_argument('--microphone', nargs='?', const=DEFAULT_MICROPHONE, metavar='DEVICE',
                      help='record sound, too, or alone (default: the default microphone)')
    live.add_argument('--stream', metavar='ADDRESS', help='rtsp://, rtmp://, srt://, udp://, http:// or https://')
    live.add_argument('--duration', type=float, metavar='S', help='end after so many seconds')


def is_live(args: Namespace) -> bool:
    """Whether the arguments name a live source."""
    return any(getattr(args, name) is not None for name in _LIVE_SOURCES)


def check_live_arguments(parser: ArgumentParser, args: Namespace) -> None:
    """End with a usage error where live arguments and others contradict each other."""
    if not is_live(args):
        if args.duration is not None:
            parser.error('--duration needs --camera, --microphone or --stream')
        if not args.inputs:
            parser.error('give an INPUT, or --camera, --microphone or --stream')
        return
    unused = [name for name in ('overlay', 'format', 'overwrite') if getattr(args, name, None)]
    if args.inputs or unused:
        parser.error(f'{"INPUT" if args.inputs else "--" + unused[0]}: not with --camera, --microphone or --stream')
    if args.camera is not None and args.stream is not None:
        parser.error('--camera and --stream: give one of them')
    if args.duration is not None and not args.duration > 0:
        parser.error('--duration: expected more than 0')

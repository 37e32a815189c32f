"""Command-line arguments that choose the model of an inference: a checkpoint, or none."""
import sys
from argparse import ArgumentParser, Namespace
from contextlib import redirect_stdout
from typing import Any

from claip_emo_mm.apis.inferencer import EmotionInferencer
from claip_emo_mm.apis.zero_shot import ARCH
from claip_emo_mm.datasets.prompts import read_prompts
from claip_emo_mm.engine.cli import add_cfg_options
from claip_emo_mm.errors import InputError

_ZERO_SHOT_ONLY = ('arch', 'pretrained', 'audio')


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
    parser.add_argument('--arch', help=f"with --zero-shot: open_clip's name of the CLIP, or toy (default: {ARCH})")
    parser.add_argument('--pretrained', metavar='FILE',
                        help="with --zero-shot: its weights (default: OpenAI's, which are downloaded)")
    parser.add_argument('--audio', action='store_true',
                        help='with --zero-shot: score the audio, too, by CLAP, which knows next to nothing of emotions')
    parser.add_argument('--adapter-scale', type=float, metavar='S',
                        help='with --checkpoint: scale what the adapters add, from 0, the frozen model, to 1, the '
                             'trained one (default: 1)')
    parser.add_argument('--device', help='where to compute, such as cuda:1 (default: a GPU where there is one)')
    add_cfg_options(parser, "change keys of the model's config, such as model.visual_backbone.pretrained=FILE")


def build_inferencer(args: Namespace) -> EmotionInferencer:
    """Build the inferencer that the arguments describe; what libraries print meanwhile goes to the standard error."""
    with redirect_stdout(sys.stderr):
        return _build(args)


def _build(args: Namespace) -> EmotionInferencer:
    if args.zero_shot and args.adapter_scale is not None:
        raise InputError('--adapter-scale: a zero-shot model has no adapters. Leave it out.')
    if args.zero_shot:
        return EmotionInferencer.zero_shot(args.labels, args.arch, args.pretrained, args.prompts, args.audio,
                                           args.device, args.cfg_options)
    unused = [f'--{name}' for name in _ZERO_SHOT_ONLY if getattr(args, name)]
    if unused:
        raise InputError(f'{", ".join(unused)}: without effect for a checkpoint, which says what its model is. Leave '
                         'it out, or say --zero-shot in place of --checkpoint.')
    options = dict(args.cfg_options or {})
    if args.adapter_scale is not None:
        options['model.adapter_scale'] = args.adapter_scale
    infer = EmotionInferencer(args.checkpoint, args.device, options)
    if args.labels or args.prompts:
        infer.set_labels(args.labels, args.prompts)
    return infer


def model_options(args: Namespace) -> dict[str, Any]:
    """What of the arguments, besides the checkpoint, decides the scores."""
    names = ('zero_shot', 'labels', 'prompts', *_ZERO_SHOT_ONLY)
    given = {name: getattr(args, name) for name in names if getattr(args, name)}
    if args.adapter_scale is not None:
        given['adapter_scale'] = args.adapter_scale
    if args.prompts:
        given['prompts'] = read_prompts(args.prompts)
    return dict(given, cfg_options={key: str(value) for key, value in (args.cfg_options or {}).items()})

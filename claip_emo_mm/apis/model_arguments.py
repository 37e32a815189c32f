"""The model that the command-line arguments of an inference choose: of a checkpoint, or of none."""
import sys
from argparse import Namespace
from contextlib import redirect_stdout
from typing import Any

from claip_emo_mm.apis.inferencer import EmotionInferencer
from claip_emo_mm.datasets.prompts import read_prompts
from claip_emo_mm.errors import InputError

_ZERO_SHOT_ONLY = ('arch', 'pretrained', 'audio')


def build_inferencer(args: Namespace) -> EmotionInferencer:
    """Build the inferencer that the arguments describe; what libraries print meanwhile goes to the standard error."""
    with redirect_stdout(sys.stderr):
        return _build(args)


def _build(args: Namespace) -> EmotionInferencer:
    if args.zero_shot and args.adapter_scale is not None:
        raise InputError('--adapter-scale: a zero-shot model has no adapters. Leave it out.')
    if args.zero_shot:
        return EmotionInferencer.zero_shot(args.labels, args.arch, args.pretrained, args.prompts, args.audio,
                                           args.device, args.cfg_options, fast=args.fast)
    unused = [f'--{name}' for name in _ZERO_SHOT_ONLY if getattr(args, name)]
    if unused:
        raise InputError(f'{", ".join(unused)}: without effect for a checkpoint, which says what its model is. Leave '
                         'it out, or say --zero-shot in place of --checkpoint.')
    options = dict(args.cfg_options or {})
    if args.adapter_scale is not None:
        options['model.adapter_scale'] = args.adapter_scale
    infer = EmotionInferencer(args.checkpoint, args.device, options, fast=args.fast)
    if args.labels or args.prompts:
        infer.set_labels(args.labels, args.prompts)
    return infer


def model_options(args: Namespace) -> dict[str, Any]:
    """What of the arguments, besides the checkpoint, decides the scores."""
    names = ('zero_shot', 'labels', 'prompts', 'fast', *_ZERO_SHOT_ONLY)
    given = {name: getattr(args, name) for name in names if getattr(args, name)}
    if args.adapter_scale is not None:
        given['adapter_scale'] = args.adapter_scale
    if args.prompts:
        given['prompts'] = read_prompts(args.prompts)
    return dict(given, cfg_options={key: str(value) for key, value in (args.cfg_options or {}).items()})

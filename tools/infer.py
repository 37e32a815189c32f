"""Recognise the emotion in video files: python tools/infer.py VIDEO --checkpoint CKPT."""
import sys
from argparse import ArgumentParser, Namespace

from mmengine.logging import MMLogger

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.command_line import run
from claip_emo_mm.engine.arguments import KeyValueAction
from claip_emo_mm.errors import InputError


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Print the scores of every class for each video.')
    parser.add_argument('inputs', nargs='+', metavar='VIDEO', help='video file with sound')
    parser.add_argument('--checkpoint', required=True, help='checkpoint of a training, or a published one')
    parser.add_argument('--device', help='where to compute, such as cuda:1 (default: a GPU where there is one)')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValueAction, metavar='KEY=VALUE',
                        help="change keys of the checkpoint's config, such as model.visual_backbone.pretrained=FILE")
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    MMLogger.get_instance('infer', log_level='WARNING')  # the standard output is for the scores
    infer = EmotionInferencer(args.checkpoint, args.device, args.cfg_options)
    failed = 0
    for video in args.inputs:
        try:
            scores = infer(video)
        except InputError as error:  # the other videos are still worth an answer
            sys.stderr.write(f'error: {error}\n')
            failed += 1
            continue
        print(video)
        for name, score in sorted(scores.items(), key=lambda item: -item[1]):
            print(f'  {name:<{max(map(len, scores))}}  {100 * score:5.1f} %')
    return 1 if failed else 0


if __name__ == '__main__':
    run(main)

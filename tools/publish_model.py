"""Export a checkpoint as one safetensors file with a card: python tools/publish_model.py CHECKPOINT OUT.safetensors."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import TemporaryDirectory


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Write the trainable weights, with classes, config, front end and the names '
                                        'and hashes of the backbones in the header, to a file that test.py, infer.py '
                                        'and load_checkpoint take; and a model card beside it. With --push, upload '
                                        'both to the Hugging Face hub.')
    parser.add_argument('checkpoint', type=Path, help='checkpoint of a training, such as work_dirs/NAME/epoch_3.pth')
    parser.add_argument('out', type=Path, nargs='?', metavar='OUT.safetensors',
                        help='file to write; its card is OUT.md')
    parser.add_argument('--push', metavar='USER/MODEL',
                        help='repository on the Hugging Face hub, which is made where it is missing')
    parser.add_argument('--private', action='store_true', help='with --push: make a new repository private')
    parser.add_argument('--data-license', metavar='TEXT',
                        help='license of the training data, or your permission, in place of what is known: the card '
                             'says it, and --push no longer refuses')
    args = parser.parse_args()
    if args.out is None and args.push is None:
        parser.error('give OUT.safetensors, --push USER/MODEL, or both')
    if args.private and args.push is None:
        parser.error('--private needs --push')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from claip_emo_mm.compat.hub import MODEL_FILE
from claip_emo_mm.engine.checkpoints import publish
from claip_emo_mm.engine.checkpoints.model_card import model_card, read_test_metrics
from claip_emo_mm.engine.checkpoints.push import check_license, check_repository, push
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.resume import require_checkpoint
from claip_emo_mm.utils.io import write_text


def main() -> None:
    args = parse_args()
    require_checkpoint(str(args.checkpoint))
    if args.push is not None:
        check_repository(args.push)
    with TemporaryDirectory() as folder:
        out = args.out or Path(folder, MODEL_FILE)
        size, metadata, training, weights_sha256 = publish(args.checkpoint, out)
        metrics = read_test_metrics(args.checkpoint, weights_sha256)
        card = model_card(args.push or out.stem, metadata, training, size, metrics.found, args.data_license)
        if metrics.reason:
            print(f'The card has no metrics: {metrics.reason}')
        if args.out is not None:
            write_text(out.with_suffix('.md'), card)
            print(f'{out}: {size / 1e6:.2f} MB; card: {out.with_suffix(".md")}')
        if args.push is not None:
            check_license(metadata, str(args.checkpoint), args.data_license)
            print(f'{push(out, card, args.push, args.private)}: {size / 1e6:.2f} MB')


if __name__ == '__main__':
    run(main)

"""Print the total and trainable parameters of a model: python tools/analysis_tools/params.py CONFIG."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

from argparse import ArgumentParser, Namespace

from claip_emo_cli.arguments import add_cfg_options


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Print total and trainable parameters of each component of a model. No '
                                        'weights are needed.')
    parser.add_argument('config', help='config file, also one of configs/_base_/models')
    add_cfg_options(parser)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.hooks.checks import count_parameters
from claip_emo_mm.models.weights.resolve import with_random_weights


def build_without_weights(cfg: Config) -> nn.Module:
    """Build the model of a config without loading weights."""
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    return MODELS.build(with_random_weights(cfg.model.to_dict()))


def table(model: nn.Module) -> list[str]:
    """Lines of the table: each component that has parameters, and the model."""
    rows = [(name, *count_parameters(part)) for name, part in model.named_children()]
    rows = [row for row in rows if row[2]] + [('model', *count_parameters(model))]
    width = max(len(row[0]) for row in rows)
    return [f'{"":<{width}}  {"total":>13}  {"trainable":>11}  {"ratio":>8}',
            *(f'{name:<{width}}  {whole:>13,}  {trained:>11,}  {100 * trained / max(whole, 1):>6.2f} %'
              for name, trained, whole in rows)]


def main() -> None:
    args = parse_args()
    print('\n'.join(table(build_without_weights(load_config(args.config, args.cfg_options)))))


if __name__ == '__main__':
    run(main)

"""Run a tool of MMAction2 on our configs, checkpoints, dumps and logs: python tools/mmaction_tool.py NAME ARGUMENT
...
"""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import sys


def parse_args() -> tuple[str, list[str]]:
    """Name of the tool, and its arguments."""
    if len(sys.argv) < 2 or sys.argv[1].startswith('-'):
        sys.stderr.write('usage: mmaction_tool.py NAME ARGUMENT ...\n'
                         'NAME: get_flops, browse_dataset, analyze_logs, vis_scheduler, report_accuracy, '
                         'confusion_matrix, eval_metric, publish_model, print_config or another tool of MMAction2. '
                         'mmaction_tool.py NAME --help prints its arguments.\n')
        sys.exit(0 if {'-h', '--help'} & {*sys.argv[1:2]} else 2)
    return sys.argv[1], sys.argv[2:]


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from claip_emo_mm.compat.mmaction_tools import run_tool
from claip_emo_mm.engine.cli import run


def main() -> None:
    run_tool(*parse_args())


if __name__ == '__main__':
    run(main)

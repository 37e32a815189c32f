"""The table of what combines with MMAction2 is what the tool finds."""
import runpy
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
from tool_runs import ROOT

from claip_emo_mm.models.backbones.network_kinds import NETWORK_KINDS

PAGE = ROOT / 'docs' / 'mix' / 'combinations.md'


@pytest.fixture(scope='module')
def tool() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / 'tools' / 'analysis_tools' / 'combinations.py')))


def test_every_network_is_known(tool: SimpleNamespace) -> None:
    assert set(tool.registered('backbones')) | {'MobileOneTSM'} == set(NETWORK_KINDS) == set(tool.NETWORKS)


@pytest.mark.skipif(find_spec('mmpretrain') is None or find_spec('mmcv._ext') is not None,
                    reason='the page is of mmcv-lite, with MMPretrain')
def test_the_page_is_what_the_tool_writes(tool: SimpleNamespace) -> None:
    found = tool.table()
    assert 'traceback' not in found and found.count(', 0 fail') == 4
    assert found == PAGE.read_text(encoding='utf-8'), 'write it again: tools/analysis_tools/combinations.py --out'


def test_an_error_without_a_hint_is_a_traceback(tool: SimpleNamespace) -> None:
    assert tool.outcome(lambda: [][0]) == 'traceback: IndexError: list index out of range'
    assert tool.outcome(lambda: None) == 'works'

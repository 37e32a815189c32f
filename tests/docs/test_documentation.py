"""The documentation names what there is, and its examples run."""
import re
import runpy
from pathlib import Path

import pytest
from mmaction.registry import DATASETS, MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import init_default_scope

import claip_emo_mm  # noqa: F401 - registers every component

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *(ROOT / 'docs').rglob('*.md')])


def test_the_reference_has_every_registered_component() -> None:
    text = runpy.run_path(str(ROOT / 'docs' / 'registered_components.py'))['reference_page']()
    sections = re.split(r'^## (\w+)$', text, flags=re.MULTILINE)[1:]
    documented = {(registry, name) for registry, body in zip(sections[::2], sections[1::2], strict=True)
                  for name in re.findall(r'^\.\. auto\w+:: claip_emo_mm\.[\w.]+\.(\w+)$', body, re.MULTILINE)}
    decorated = set()
    for path in (ROOT / 'claip_emo_mm').rglob('*.py'):
        decorated.update(re.findall(r'^@(\w+)\.register_module\(\)\n(?:@.*\n)*(?:class|def) (\w+)',
                                    path.read_text(encoding='utf-8'), re.MULTILINE))
    assert len(decorated) > 50
    assert documented == decorated


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding='utf-8')
    targets = re.findall(r'\]\(([^)#\s]+)(?:#[^)\s]*)?\)', text) + re.findall(r'(?:src|href)="([^"#]+)"', text)
    missing = [target for target in targets if '://' not in target and not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_name_files_that_are_there(page: Path) -> None:
    commands = ' '.join(re.findall(r'```bash\n(.*?)```', page.read_text(encoding='utf-8'), re.DOTALL))
    named = set(re.findall(r'(?<![\w/.-])(?:tools|tests|configs|docs)/[\w./-]+\.(?:py|sh)', commands))
    assert not [path for path in named if not (ROOT / path).exists()]


def test_logits_of_the_example(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(ROOT)
    found = runpy.run_path('docs/examples/logits.py')
    assert found['logits'].shape == (2, 7) and found['logits'].isfinite().all()
    assert capsys.readouterr().out == 'torch.Size([2, 7])\n'
    source = (ROOT / 'docs' / 'examples' / 'logits.py').read_text(encoding='utf-8').splitlines()
    assert len([line for line in source if line.strip()]) <= 15


def test_the_project_of_one_file() -> None:
    cfg = Config.fromfile(ROOT / 'docs' / 'examples' / 'own_project.py')
    init_default_scope('mmaction')
    assert MODELS.build(cfg.model).cls_head.num_classes == 7
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        assert DATASETS.build(dict(loader.dataset, pipeline=[], lazy_init=True)).metainfo['classes'][0] == 'happy'
        assert all(TRANSFORMS.get(step.type) for step in loader.dataset.pipeline)

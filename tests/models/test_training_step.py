"""What one step of the optimizer changes in the paper's model."""
import json
import math
from pathlib import Path

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

CONFIG = Path(__file__).parents[2] / 'configs' / '_base_' / 'models' / 'claip_emo_vitb32.py'
FOLLOWS_THE_DATA = {f'audio_backbone.tower.bn0.{name}' for name in ('running_mean', 'running_var',
                                                                    'num_batches_tracked')}


def test_one_step_changes_what_the_reference_trains_and_nothing_else(shared: Path) -> None:
    cfg = Config.fromfile(CONFIG).model
    cfg.visual_backbone.pretrained = cfg.audio_backbone.pretrained = None
    cfg.audio_backbone.drop_path_rate = 0.  # a block that is dropped would get no gradient
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(cfg).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    logits = model(dict(frames=torch.randn(1, 16, 3, 224, 224), mel=torch.randn(1, 1, 1024, 64)))
    logits.square().sum().backward()
    optimizer.step()
    changed = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}

    trained = {name for name, parameter in model.named_parameters()
               if '.lora_' in name or name.startswith(('visual_neck.', 'cls_head.'))}
    assert changed == trained | FOLLOWS_THE_DATA
    shapes = json.loads((shared / 'reference' / 'fixtures' / 'state_dict_vitb32.json').read_text())
    theirs = [shape for key, shape in shapes.items()
              if '.lora_' in key or key.startswith(('temporal_v.', 'fusion_module.'))]
    assert sorted(map(math.prod, theirs)) == sorted(before[name].numel() for name in trained)

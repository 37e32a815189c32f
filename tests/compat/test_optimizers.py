"""What `import claip_emo_mm` imports, and transformers' Adafactor, which MMEngine would import transformers for."""
import subprocess
import sys

import torch
from mmengine.registry import OPTIMIZERS

from claip_emo_mm.compat.optimizers import patch_adafactor

_SCRIPT = """
import sys
import torch
import claip_emo_mm
print(*(name for name in ('open_clip', 'peft', 'sklearn', 'timm', 'transformers', 'wandb') if name in sys.modules))
import transformers
from mmengine.registry import OPTIMIZERS
weights = [torch.nn.Parameter(torch.ones(2))]
adafactor = OPTIMIZERS.build(dict(type='Adafactor', params=weights, lr=.5, relative_step=False))
print(type(adafactor) is transformers.Adafactor, adafactor.defaults['lr'])
"""


def test_the_package_imports_what_it_uses() -> None:
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', _SCRIPT], capture_output=True, text=True, check=True)
    imported, *_, built = done.stdout.splitlines()
    assert (imported, built) == ('', 'True 0.5')


def test_a_registered_one_stays() -> None:
    known = OPTIMIZERS.get('Adafactor')
    patch_adafactor()
    assert OPTIMIZERS.get('Adafactor') is known and known is not torch.optim.Adafactor

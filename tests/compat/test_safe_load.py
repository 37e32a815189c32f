"""Files that load, with what is in them, and files that are refused."""
import os
import pickle
import re
from zipfile import ZipFile

import mmengine
import numpy as np
import pytest
import torch
from clean_forks import run_forks
from crafted_pickles import PickledCall
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, Runner, load_checkpoint
from mmengine.runner.checkpoint import load_from_local as load_as_mmaction_does
from safetensors.torch import save_file
from torch import nn
from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals

import claip_emo_mm  # noqa: F401 - patches MMAction2
from claip_emo_mm.errors import InputError


def load(path, **options):
    return CheckpointLoader.load_checkpoint(str(path), logger='silent', **options)


class Regression(mmengine.model.BaseModel):
    """One layer and its squared error."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, samples, targets, mode='tensor'):
        """(B, 3) -> (B, 2), or the loss."""
        return dict(loss=(self.layer(samples) - targets).square().mean()) if mode == 'loss' else self.layer(samples)


def build_runner(work_dir, epochs, name, **options):
    samples = [(torch.arange(3.) + number, torch.ones(2) * number) for number in range(4)]
    runner = Runner(
        model=Regression(), work_dir=str(work_dir), experiment_name=name, train_cfg=dict(by_epoch=True,
                                                                                         max_epochs=epochs),
        train_dataloader=dict(batch_size=2, dataset=samples, collate_fn=dict(type='default_collate'),
                              sampler=dict(type='DefaultSampler', shuffle=False)),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.01)),
        param_scheduler=dict(type='OneCycleLR', eta_max=0.1, total_steps=4, by_epoch=False),
        log_level='ERROR', default_scope='mmaction', **options)  # the scope stays for the tests that follow
    runner.message_hub.update_info('best_score', np.float64(0.25))
    return runner


def test_runner_resumes_and_loads_what_it_saved(tmp_path):
    runner = build_runner(tmp_path, 1, f'{tmp_path.name}_first')
    runner.train()
    path = tmp_path / 'epoch_1.pth'
    with pytest.raises(Exception, match='Weights only load failed'):
        load_as_mmaction_does(str(path), 'cpu')

    again = build_runner(tmp_path, 2, f'{tmp_path.name}_again', resume=True)
    again.load_or_resume()
    assert (again.epoch, again.iter) == (1, 2)
    torch.testing.assert_close(again.model.state_dict(), runner.model.state_dict())
    assert again.message_hub.get_info('best_score') == 0.25
    old, new = runner.message_hub.log_scalars['train/loss'], again.message_hub.log_scalars['train/loss']
    assert type(new) is HistoryBuffer
    assert [type(series) for series in new.data] == [np.ndarray, np.ndarray]
    np.testing.assert_array_equal(new.data, old.data)
    assert new.statistics('mean') == pytest.approx(np.mean(old.data[0]))
    again.train()
    assert again.iter == 4

    other = build_runner(tmp_path, 1, f'{tmp_path.name}_other')
    other.load_checkpoint(str(path))
    torch.testing.assert_close(other.model.state_dict(), runner.model.state_dict())
    model = Regression()
    load_checkpoint(model, str(path), strict=True)
    torch.testing.assert_close(model.state_dict(), runner.model.state_dict())


@pytest.mark.parametrize('zipped', [True, False])
def test_code_in_a_file_does_not_run(zipped, tmp_path):
    marker = tmp_path / 'marker'
    path = tmp_path / 'evil.pth'
    call = PickledCall(os.system, f'echo run > "{marker}"')
    torch.save(dict(state_dict={}, meta=call), path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=rf'{re.escape(str(path))}: holds (posix|nt)\.system, .*nothing of the file'):
        load(path)
    assert not marker.exists()
    torch.load(path, weights_only=False)  # only to show that this file really runs code
    assert marker.exists()


def test_torch_s_own_switch_does_not_open_the_door(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    torch.save(dict(meta=PickledCall(os.mkdir, str(tmp_path / 'marker'))), tmp_path / 'evil.pth')
    with pytest.raises(InputError, match='can run code'):
        load(tmp_path / 'evil.pth')
    assert not (tmp_path / 'marker').exists()


def test_text_that_resuming_would_run_is_left_out(tmp_path):
    marker = tmp_path / 'marker'
    text = f'open({str(marker)!r}, "w").close()'
    torch.save(dict(state_dict={}, meta=dict(config=text, epoch=3)), tmp_path / 'evil.pth')
    assert load(tmp_path / 'evil.pth')['meta'] == dict(epoch=3)
    mmengine.Config.fromstring(text, file_format='.py')  # what Runner.resume does with it
    assert marker.exists()


@pytest.mark.parametrize(('thing', 'name'), [
    (PickledCall(eval, '1'), r'(builtins\.)?eval'),
    (PickledCall(getattr, HistoryBuffer(), 'mean'), r"getattr of 'mean'"),
    (np.array([{}], dtype=object), r"numpy dtype 'O8'"),
    (np.zeros(1, dtype=[('field', 'f8')]), r"numpy dtype 'V8'"),
    (nn.Linear(2, 3), r'torch\.nn\.modules\.linear\.Linear'),
])
def test_other_things_are_refused_by_name(thing, name, tmp_path):
    torch.save(dict(state_dict={}, thing=thing), tmp_path / 'other.pth')
    with pytest.raises(InputError, match=f'holds {name}, expected tensors, numbers, texts'):
        load(tmp_path / 'other.pth')


def test_file_cannot_replace_the_methods_of_the_log_history(tmp_path, monkeypatch):
    path = tmp_path / 'log.pth'
    with monkeypatch.context() as patch:
        patch.setattr(HistoryBuffer, '_statistics_methods', dict(mean='from a file'))
        torch.save(dict(log=HistoryBuffer([3.0, 5.0], [1, 1])), path)
    assert load(path)['log'].statistics('mean') == 4.0
    monkeypatch.setattr(HistoryBuffer, '_statistics_methods', dict(HistoryBuffer._statistics_methods))
    torch.load(path, weights_only=False)  # only to show that this file really replaces the method
    assert HistoryBuffer._statistics_methods['mean'] == 'from a file'


def test_numbers_texts_and_containers_arrive_as_they_were(tmp_path):
    saved = dict(
        arrays=[np.arange(6, dtype='>i4').reshape(2, 3), np.asfortranarray(np.eye(2, 3)), np.array(['a', 'bcd']),
                np.zeros((0, 4), dtype=bool), np.array(2.5)],
        numbers=(np.float64(0.5), np.int16(-3), np.bool_(True)), size=torch.Size([2, 3]),
        nested=ConfigDict(classes=('happy', 'sad'), palette=dict(rgb=np.uint8([7, 8]))))
    torch.save(saved, tmp_path / 'numbers.pth')
    loaded = load(tmp_path / 'numbers.pth')
    for array, original in zip(loaded['arrays'], saved['arrays'], strict=True):
        assert type(array) is np.ndarray
        assert array.dtype.newbyteorder('=') == original.dtype.newbyteorder('=')
        assert array.flags.writeable
        np.testing.assert_array_equal(array, original)
    assert loaded['numbers'] == saved['numbers']
    assert [type(number) for number in loaded['numbers']] == [np.float64, np.int16, np.bool_]
    assert type(loaded['size']) is torch.Size
    assert type(loaded['nested']) is ConfigDict
    assert loaded['nested'].classes == ('happy', 'sad')
    assert loaded['nested'].palette.rgb.tolist() == [7, 8]


def test_file_of_the_other_numpy_generation_loads(tmp_path):
    torch.save(dict(log=np.array([1.5, 2.5])), tmp_path / 'this.pth', _use_new_zipfile_serialization=False)
    content = (tmp_path / 'this.pth').read_bytes()
    here, there = b'numpy.core.multiarray', b'numpy._core.multiarray'
    if there in content:
        here, there = there, here
    assert here in content
    (tmp_path / 'other.pth').write_bytes(content.replace(here, there))
    assert load(tmp_path / 'other.pth')['log'].tolist() == [1.5, 2.5]


def test_what_others_allow_is_neither_lost_nor_in_the_way(tmp_path):
    before = get_safe_globals()
    torch.save(dict(log=np.array([1.5]), layer=nn.Identity), tmp_path / 'mixed.pth')
    try:
        add_safe_globals([np.dtype, np.ndarray, np.array([0]).__reduce__()[0], nn.Identity])
        during = set(get_safe_globals())
        loaded = load(tmp_path / 'mixed.pth')
        assert loaded['log'].tolist() == [1.5]
        assert loaded['layer'] is nn.Identity
        assert set(get_safe_globals()) == during
    finally:
        clear_safe_globals()
        add_safe_globals(before)


def test_safetensors_load_with_their_header(tmp_path):
    save_file({'layer.weight': torch.arange(6.).reshape(2, 3), 'layer.bias': torch.ones(2)}, tmp_path / 'a.safetensors',
              metadata=dict(classes='happy, sad'))
    checkpoint = load(tmp_path / 'a.safetensors', map_location=torch.device('cpu'))
    assert checkpoint['meta'] == dict(classes='happy, sad')
    model = Regression()
    load_checkpoint(model, str(tmp_path / 'a.safetensors'), strict=True)
    assert model.layer.weight.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(('name', 'content', 'message'), [
    ('pointer.pth', b'version https://git-lfs.github.com/spec/v1\n', 'a git-lfs pointer, .*git lfs pull'),
    ('text.pth', b'version 1 of nothing that can be loaded', r"found 39 bytes that begin with b'version 1"),
    ('empty.pth', b'', 'EOFError.*found 0 bytes'),
    ('text.safetensors', b'<html><body>404</body></html>', r"found 29 bytes that begin with b'<html>"),
    ('list.pth', [1, 2], 'holds a list, expected a dict with the weights'),
])
def test_file_that_is_no_checkpoint_is_described(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(InputError, match=f'{re.escape(str(path))}: .*{message}'):
        load(path)


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_file_that_is_cut_short_is_described(suffix, tmp_path):
    path = tmp_path / f'cut{suffix}'
    weights = {'layer.weight': torch.arange(600.).reshape(20, 30)}
    save_file(weights, path) if suffix == '.safetensors' else torch.save(weights, path)
    size = path.stat().st_size
    os.truncate(path, size // 2)
    with pytest.raises(InputError, match=rf'{re.escape(str(path))}: cannot be read .*; found {size // 2} bytes.*again'):
        load(path)


@pytest.mark.parametrize(('name', 'found'), [('epoch_9.pth', 'no such file'), ('folder', 'a folder')])
def test_missing_file_is_named(name, found, tmp_path):
    (tmp_path / 'folder').mkdir()
    with pytest.raises(InputError, match=f'{re.escape(str(tmp_path / name))}: {found}, expected a checkpoint file'):
        load(tmp_path / name)


def write_crafted(path, crafted, in_a_zip):
    """Write a file of torch.save with another pickle in it."""
    plain = path.with_suffix('.plain')
    torch.save({'a': torch.zeros(1)}, plain, _use_new_zipfile_serialization=in_a_zip)
    if in_a_zip:
        with ZipFile(plain) as source, ZipFile(path, 'w') as made:
            for name in source.namelist():
                made.writestr(name, crafted if name.endswith('data.pkl') else source.read(name))
        return
    with plain.open('rb') as source:
        for _ in range(3):  # a number, a version, the system
            pickle.load(source)
        path.write_bytes(plain.read_bytes()[:source.tell()] + crafted)


def test_tuples_without_end_do_not_crash_the_reader(tmp_path):
    """Python's hash of a tuple that lies in a million others overflows the stack of the process."""
    nested = b')' + b'\x85' * 1_000_000
    as_key = b'\x80\x02}' + nested + b'K\x01s.'
    as_member = b'\x80\x02}K\x01cbuiltins\nset\n]' + nested + b'a\x85Rs.'
    for name, crafted, in_a_zip in (('a', as_key, True), ('b', as_key, False), ('c', as_member, True)):
        write_crafted(tmp_path / f'{name}.pth', crafted, in_a_zip)
    script = ('import sys\nimport claip_emo_mm\nfrom claip_emo_mm.errors import InputError\n'
              'from mmengine.runner import CheckpointLoader\n'
              'for path in sys.argv[1:]:\n    try:\n        CheckpointLoader.load_checkpoint(path)\n'
              '    except InputError as error:\n        sys.stderr.write(f"{error}\\n")')
    (tmp_path / 'reader.py').write_text(script)
    [ended] = run_forks([tmp_path / 'reader.py', *(tmp_path / f'{name}.pth' for name in 'abc')], cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr  # a crash would be -11
    assert ended.stderr.count('tuples, more than 64 in each other') == 3

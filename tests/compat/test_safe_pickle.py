"""Dumps that somebody made to run code or to crash the reader: nothing runs, nothing crashes, one line each."""
import copyreg
import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from clean_forks import run_forks
from crafted_pickles import PickledCall

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.predictions import read_scores

DEEP = 150_000  # more than what the C stack takes
MARK, STOP = b'(', b'.'


def text(value: str) -> bytes:
    data = value.encode()
    return b'X' + struct.pack('<I', len(data)) + data


def named(module: str, name: str) -> bytes:
    return f'c{module}\n{name}\n'.encode()


def called(module: str, name: str, *arguments: bytes) -> bytes:
    return named(module, name) + MARK + b''.join(arguments) + b't' + b'R'


def made(module: str, name: str, build: bytes, *arguments: bytes) -> bytes:
    """A call and a state for what it gives."""
    return called(module, name, *arguments) + build + b'b'


def held(content: bytes) -> bytes:
    """A pickle of [{'pred_score': content}]."""
    return b'\x80\x02]}' + text('pred_score') + content + b'sa' + STOP


def number(value: int) -> bytes:
    return b'I%d\n' % value


def shaped(*sizes: int) -> bytes:
    return MARK + b''.join(map(number, sizes)) + b't'


def raw(data: bytes) -> bytes:
    return b'B' + struct.pack('<I', len(data)) + data


def stored(data: bytes) -> bytes:
    return called('torch.storage', '_load_from_bytes', raw(data))


def storage(count: int = 3) -> bytes:
    buffer = io.BytesIO()
    torch.save(torch.ones(count).storage(), buffer, _use_new_zipfile_serialization=False)
    return stored(buffer.getvalue())


def tensor(offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    return called('torch._utils', '_rebuild_tensor_v2', storage(), number(offset), shaped(*size), shaped(*stride),
                  b'I00\n', called('collections', 'OrderedDict'))


def crafted(marker: Path) -> dict[str, bytes]:
    """Name -> content of the file."""
    command = f'echo run > {marker}'
    script = f'open({str(marker)!r}, "w").close()'
    array = named('numpy', 'ndarray') + shaped(0) + raw(b'b') + b't'
    reconstructed = named('numpy.core.multiarray', '_reconstruct') + MARK + array + b'R'
    object_dtype = called('numpy', 'dtype', text('O8'), number(0), number(1))
    void_dtype = called('numpy', 'dtype', text('V8'), number(0), number(1))
    fields = b'}' + text('f') + object_dtype + number(0) + b'\x86s'
    falsely = void_dtype + MARK + number(3) + text('|') + b'N' + text('f') + b'\x85' + fields + number(8) + number(1) \
        + number(1) + b'tb'  # to be counted, but not a list of objects
    resized = void_dtype + MARK + number(3) + text('|') + b'NNN' + number(-8) + number(1) + number(0) + b'tb'
    deep = b')' + DEEP * b'\x85'  # ((((...,),),),)
    labeled = [dict(pred_score=torch.ones(3), gt_label=torch.zeros(1, dtype=torch.int64))]
    shared: list = []
    for _ in range(60):
        shared = [shared, shared]
    executed = pickle.dumps(PickledCall(os.system, command))
    return {
        'system': pickle.dumps([PickledCall(os.system, command)], 0),
        'system of protocol 4': pickle.dumps([dict(pred_score=PickledCall(os.system, command))], 4),
        'eval': pickle.dumps([PickledCall(eval, script)], 2),
        'inst': b'(' + text(script) + b'ibuiltins\nexec\n' + STOP,
        'obj': MARK + named('subprocess', 'Popen') + MARK + text('touch') + text(str(marker)) + b'l' + b'o' + STOP,
        'newobj': named('subprocess', 'Popen') + text(command) + b'\x85\x81' + STOP,
        'newobj with options': named('subprocess', 'Popen') + text(command) + b'\x85}' + text('shell') + b'\x88s\x92'
                               + STOP,
        'getattr': called('builtins', 'getattr', named('os', 'system'), text('__call__')) + STOP,
        'dotted name': b'\x80\x04' + text('torch') + text('os.system') + b'\x93' + text(command) + b'\x85R' + STOP,
        'registered number': b'\x80\x02\x82\x07' + text(command) + b'\x85R' + STOP,
        'persistent': b'\x80\x02' + text('storage') + b'Q' + STOP,
        'inside of a storage': held(stored(executed)),
        'inside of a file of torch': held(stored(saved(PickledCall(os.system, command)))),
        'copyreg': called('copyreg', '_reconstructor', named('subprocess', 'Popen'), named('builtins', 'object'), b'N')
                   + STOP,
        'state of a function': made('torch._utils', '_rebuild_tensor_v2', b'N}' + text('__defaults__') + b'Ns\x86')
                               + STOP,
        'state of a named function': named('torch._utils', '_rebuild_tensor_v2') + b'N}' + text('__defaults__')
                                     + b'Ns\x86b' + STOP,
        'pointers in an array': held(reconstructed + MARK + number(1) + shaped(1) + object_dtype + b'I00\n'
                                     + raw(struct.pack('<Q', 0xdead)) + b'tb'),
        'pointers in a list of an array': held(reconstructed + MARK + number(1) + shaped(1) + object_dtype + b'I00\n'
                                               + number(7) + b'a' + b'tb'),
        'pointers in a number': held(called('numpy.core.multiarray', 'scalar', object_dtype,
                                            raw(struct.pack('<Q', 0xdead)))),
        'pointers under a false flag': held(reconstructed + MARK + number(1) + shaped(1) + falsely + b'I00\n'
                                            + raw(struct.pack('<Q', 0xdead)) + b'tb'),
        'numbers under a false size': held(reconstructed + MARK + number(1) + shaped(1) + resized + b'I00\n'
                                           + raw(b'12345678') + b'tb'),
        'array of a claimed size': held(reconstructed + MARK + number(1) + shaped(1 << 40)
                                        + called('numpy', 'dtype', text('f8'), number(0), number(1)) + b'I00\n'
                                        + raw(b'12345678') + b'tb'),
        'ndarray called': held(called('numpy', 'ndarray', shaped(1 << 20), text('O'), raw(b''))),
        'tensor outside of its storage': held(tensor(0, (3,), (1 << 40,))),
        'tensor before its storage': held(tensor(-1000, (3,), (1,))),
        'tensor larger than its storage': held(tensor(0, (1 << 40,), (0,))),
        'deep key of a dict': b'\x80\x02}' + deep + b'Ns' + STOP,
        'deep keys of a dict': b'\x80\x02}(' + deep + b'Nu' + STOP,
        'deep set': b'\x80\x04(' + deep + b'\x91' + STOP,
        'deep key of an ordered dict': b'\x80\x02' + called('collections', 'OrderedDict', b'](' + deep + b'N\x86e')
                                       + STOP,
        'room for two thousand million': b'\x80\x02Nr\xff\xff\xff\x7f' + STOP,
        'claimed length': b'\x80\x04\x8e' + struct.pack('<Q', 1 << 62) + STOP,
        'deep list': b'\x80\x02' + DEEP * b']' + (DEEP - 1) * b'a' + STOP,
        'many names': pickle.dumps([dict(labeled[0], gt_label=shared)]),
        'texts for scores': pickle.dumps([dict(labeled[0], pred_score=np.array(['a']))]),
        'complex scores': pickle.dumps([dict(labeled[0], pred_score=torch.ones(3, dtype=torch.complex64))]),
        'labels without a value': pickle.dumps([dict(labeled[0], gt_label=torch.ones(0))]),
        'scores of two lengths': pickle.dumps([*labeled, dict(labeled[0], pred_score=torch.ones(2))]),
        'nothing': b'',
        'end alone': STOP,
        'cut': pickle.dumps(labeled)[:-30],
    }


def saved(thing: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


READER = '''
import copyreg, os, sys
from pathlib import Path
copyreg.add_extension('os', 'system', 7)
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.predictions import read_scores
for path in sorted(Path(sys.argv[1]).glob('*.pkl'), key=lambda path: int(path.stem)):
    print(f'<{path.stem}> ', end='', flush=True)
    try:
        print(f'read {len(read_scores(path).names)}', flush=True)
    except InputError as error:
        print(f'refused: {error}', flush=True)
'''


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('crafted')
    for place, content in enumerate(crafted(folder / 'marker').values()):
        (folder / f'{place}.pkl').write_bytes(content)
    return folder


def test_nothing_runs_and_nothing_crashes(folder: Path) -> None:
    names = list(crafted(folder / 'marker'))
    assert len(names) >= 30
    limited = f'import resource; resource.setrlimit(resource.RLIMIT_AS, ({12 << 30}, {12 << 30}))\n'
    (folder / 'reader.py').write_text(limited + READER)
    [done] = run_forks([folder / 'reader.py', folder], cwd=folder)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (names[len(lines) - 1], done.returncode, done.stderr[-2000:])
    assert len(lines) == len(names), done.stdout
    for place, (name, line) in enumerate(zip(names, lines, strict=True)):
        assert line.startswith(f'<{place}> refused: {folder / str(place)}.pkl: '), (name, line)
        assert len(line) < 600, (name, line)
    assert not (folder / 'marker').exists()


def test_these_pickles_really_run_code(folder: Path) -> None:
    marker = folder / 'really'
    for name in ('system', 'eval', 'dotted name'):
        pickle.loads(crafted(marker)[name])
        assert marker.exists(), name
        marker.unlink()
    copyreg.add_extension('os', 'system', 7)
    try:
        pickle.loads(crafted(marker)['registered number'])
    finally:
        copyreg.remove_extension('os', 'system', 7)
    assert marker.exists()


def test_a_refused_name_is_said(tmp_path: Path) -> None:
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps([PickledCall(os.system, 'true')]))
    with pytest.raises(InputError, match=r'a\.pkl: .*holds (posix|nt)\.system, which .* Nothing of it was run'):
        read_scores(tmp_path / 'a.pkl')

"""One call of tools/infer.py on sixty odd files: each is judged or named, and nothing is left behind."""
import json
import os
from pathlib import Path

from sixty_files import EITHER, JUDGED, NAMED, odd_files
from tool_runs import fork_tool


def test_each_of_sixty_files_is_judged_or_named(checkpoint: Path, tmp_path: Path) -> None:
    files, folder, out = odd_files(), tmp_path / 'in', tmp_path / 'out'
    assert len({file.name for file in files}) == 60
    folder.mkdir()
    for file in files:
        file.make(folder / file.name)
    before = sorted(os.listdir(os.fsencode(folder)))
    done = fork_tool('infer.py', *(folder / file.name for file in files), '--checkpoint', checkpoint, '--out', out,
                     cwd=tmp_path)
    said = done.stderr
    assert done.returncode == 1 and 'Traceback' not in said, said
    judged = {os.path.normpath(out / json.loads(path.read_text(encoding='utf-8'))['input'])
              for path in out.glob('*.json')}
    found = {}
    for file in files:
        name = os.fsencode(folder / file.name).decode('utf-8', 'backslashreplace')
        is_named = any(line.startswith(f'error: {name}: ') for line in said.splitlines())
        found[file.name] = 'both' if name in judged and is_named else (
            JUDGED if name in judged else NAMED if is_named else 'lost')
    wrong = {file.name: found[file.name] for file in files
             if found[file.name] not in ((JUDGED, NAMED) if file.outcome == EITHER else (file.outcome,))}
    assert not wrong, said
    assert sorted(os.listdir(os.fsencode(folder))) == before
    assert all(path.suffix in ('.json', '.csv', '.png') for path in out.iterdir())

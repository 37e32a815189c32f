import sys

import pytest

from claip_emo_mm.compat import imports

NAMES = ('mmaction.models.localizers.drn', 'mmaction.models.localizers.drn.drn')


@pytest.mark.parametrize('complete', [True, False])
def test_stands_in_only_where_the_folder_is_absent(complete, tmp_path, monkeypatch):
    folder = tmp_path / 'models' / 'localizers'
    (folder / 'drn' if complete else folder).mkdir(parents=True)
    monkeypatch.setattr(imports, '_mmaction_folder', lambda: tmp_path)
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    imports.patch_localizers()
    assert [name in sys.modules for name in NAMES] == [not complete, not complete]


def test_building_the_stand_in_says_what_to_install():
    with pytest.raises(ImportError, match='from a clone of its repository'):
        imports.DRN(vocab_size=1301, hidden_dim=512)

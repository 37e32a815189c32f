"""Scope of the registries, and annotation lists."""
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mmengine.registry import DefaultScope


@pytest.fixture(autouse=True)
def scope() -> Iterator[None]:
    """What `default_scope = 'mmaction'` of a config does."""
    with DefaultScope.overwrite_default_scope('mmaction'):
        yield


@pytest.fixture
def write_list(tmp_path: Path) -> Callable[..., str]:
    """Write an annotation list from its lines and return its path."""
    def write(*lines: str, encoding: str = 'utf-8') -> str:
        path = tmp_path / 'list.csv'
        path.write_bytes(('\n'.join(lines) + '\n').encode(encoding))
        return str(path)
    return write

"""Quicker processes for the measurements of memory."""
import pytest
from clean_forks import PROCESSES


@pytest.fixture
def clean_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is measured in clean forks, which need not import everything again."""
    monkeypatch.setattr('benchmarks.timing.get_context', lambda _: PROCESSES)

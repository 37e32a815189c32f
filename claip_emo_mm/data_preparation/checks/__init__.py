"""Finds what would go wrong with a config's data, before any training."""
from .check_data import DataCheck, check_data
from .finding import ERROR, NOTE, WARNING, Finding
from .report import format_table, write_findings

__all__ = ['ERROR', 'NOTE', 'WARNING', 'DataCheck', 'Finding', 'check_data', 'format_table',
           'write_findings']

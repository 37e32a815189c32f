"""Checks of a config's data sets before a training."""
from .check_data import DataCheck, check_data, format_table, write_issues
from .checked_split import ERROR, NOTE, WARNING, Issue

__all__ = ['DataCheck', 'ERROR', 'Issue', 'NOTE', 'WARNING', 'check_data', 'format_table', 'write_issues']

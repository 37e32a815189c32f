"""Hooks, registered in MMAction2's HOOKS."""

"""Training and testing over folds."""

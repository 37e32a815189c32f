"""Cross-validation: training and testing over folds."""

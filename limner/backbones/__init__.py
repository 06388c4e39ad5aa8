"""Published feature networks in plain PyTorch, filled from files of their authors; see docs/evaluation.md."""

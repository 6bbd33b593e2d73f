"""Review: a reader sees what was counted, corrects it and signs."""

"""Review: a reader's corrections of a result, measured by the rules that the result was measured by."""

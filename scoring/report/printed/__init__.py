"""Report and letter as PDF, set by Typst."""

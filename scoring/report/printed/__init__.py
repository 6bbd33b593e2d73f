"""Report and letter as PDF: the person they are about, and what paper needs beyond the pages that `typeset` sets."""

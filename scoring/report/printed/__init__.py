"""Report and letter as PDF: whom they are about, and what stands on paper besides the pages that `typeset` sets."""

"""The conformance statement (PS3.2 annex N): prose from `text`, tables from what the code negotiates by."""

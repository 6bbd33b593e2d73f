"""Readers' values against ours: agreement with its intervals, strata, worst cases, sample size and drift.

It takes pairs of values and knows no file, no database and no page. Every figure has the number of pairs that it rests
on; where it has no value or no interval, it has a reason instead, as a code.
"""

# SPDX-License-Identifier: Apache-2.0
"""The groups of `make bench`, one a file.

A group has NAME, FIGURES (each row of the table, with its unit), NEEDS (files below build/ that make must have made), LIVE (whether it
needs netns.sh's network), and jobs(bench): what each run of it does, a Job a subject. A subject is a column of the table. It may have
prepare(bench), called before the first run, and derive(values): figures that follow from those of all runs."""

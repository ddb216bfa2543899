"""Runs the job with the split; the flags are the production job's."""

from __future__ import annotations

import sys

from flink_jobs import feature_job
from flink_jobs.job import graph
from studykit.flink.textbook import textbook_statement

if __name__ == "__main__":
    graph.statement = textbook_statement
    sys.exit(feature_job.main())

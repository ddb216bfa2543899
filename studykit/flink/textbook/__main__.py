"""Runs the job with the split; the flags are the production job's."""

from __future__ import annotations

import sys

from flink_jobs import feature_job
from studykit.flink.textbook import textbook_statement

if __name__ == "__main__":
    sys.exit(feature_job.main(statements=textbook_statement))
